"""Says in one word why a port cannot be used."""

import errno
import socket
from typing import Final

from homeassistant.exceptions import ConfigEntryNotReady
from serialx.common import UnknownUriScheme

_KINDS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (FileNotFoundError, "port_not_found"),
    (IsADirectoryError, "port_not_serial"),
    (PermissionError, "port_denied"),
    (ConnectionRefusedError, "port_refused"),
    (TimeoutError, "port_timeout"),
    (socket.gaierror, "host_not_found"),
    (ConfigEntryNotReady, "port_not_ready"),
    (UnknownUriScheme, "port_invalid"),
    (ValueError, "port_invalid"),
)
_NUMBERS: Final = {
    errno.EBUSY: "port_busy",
    errno.ENOTTY: "port_not_serial",
    errno.ENODEV: "port_not_found",
    errno.ENXIO: "port_not_found",
    errno.EHOSTUNREACH: "port_unreachable",
    errno.ENETUNREACH: "port_unreachable",
}


class PortError(Exception):
    """A port cannot be used; key is the word for why, as translations name it."""

    def __init__(self, key: str, url: str, cause: Exception) -> None:
        """Keep the word and the port beside what the system said."""
        super().__init__(f"{url}: {cause}" if str(cause) else f"{url}: no answer")
        self.key = key
        self.url = url


def why(err: Exception, url: str) -> str:
    """Return the key of the text that tells an owner why opening an URL failed."""
    for kind, key in _KINDS:
        if isinstance(err, kind):
            return key
    if isinstance(err, OSError):
        return _NUMBERS.get(err.errno or 0, "port_failed")
    return "port_not_rfc2217" if url.startswith("rfc2217:") else "port_failed"
