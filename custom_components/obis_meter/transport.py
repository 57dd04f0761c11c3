"""Opens a port by its URL and says in one word why one cannot be opened."""

import asyncio
from contextlib import suppress
import errno
import socket
from typing import Final

from homeassistant.exceptions import ConfigEntryNotReady
import serialx
from serialx.common import UnknownUriScheme

from .metering.model import LineSettings

CONNECT_TIMEOUT: Final = 10  # seconds
_CLOSE_TIMEOUT: Final = 5  # seconds
_READ_SIZE: Final = 4096  # bytes
_PARITIES: Final = {
    "N": serialx.Parity.NONE,
    "E": serialx.Parity.EVEN,
    "O": serialx.Parity.ODD,
}
_STOP_BITS: Final = {1: serialx.StopBits.ONE, 2: serialx.StopBits.TWO}


class PortError(Exception):
    """A port cannot be used; key is the word for why, as translations name it."""

    def __init__(self, key: str, url: str, cause: Exception) -> None:
        """Keep the word and the port beside what the system said."""
        super().__init__(f"{url}: {cause}" if str(cause) else f"{url}: no answer")
        self.key = key
        self.url = url


class Port:
    """An open port: bytes in, bytes out."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: serialx.SerialStreamWriter[serialx.BaseSerialTransport],
    ) -> None:
        """Wrap what serialx opened; a writer that nobody keeps closes the port."""
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        """Return what has arrived; OSError when the port is gone."""
        data = await self._reader.read(_READ_SIZE)
        if not data:
            raise ConnectionResetError(errno.ECONNRESET, "the other side has hung up")
        return data

    async def close(self) -> None:
        """Let the port go at once, without draining it."""
        self._writer.transport.abort()
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await self._writer.transport.wait_closed()


async def open_port(url: str, line: LineSettings) -> Port:
    """Open a device path or a URL: socket://, rfc2217://, esphome-hass://; or PortError."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            reader, writer = await serialx.open_serial_connection(
                url=url,
                baudrate=line.baudrate,
                byte_size=line.byte_size,
                parity=_PARITIES[line.parity],
                stopbits=_STOP_BITS[line.stop_bits],
                rtscts=line.flow_control == "rtscts",
                xonxoff=line.flow_control == "xonxoff",
            )
    except (OSError, ValueError, serialx.SerialException, ConfigEntryNotReady) as err:
        raise PortError(_why(err, url), url, err) from err
    return Port(reader, writer)


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


def _why(err: Exception, url: str) -> str:
    for kind, key in _KINDS:
        if isinstance(err, kind):
            return key
    if isinstance(err, OSError):
        return _NUMBERS.get(err.errno or 0, "port_failed")
    return "port_not_rfc2217" if url.startswith("rfc2217:") else "port_failed"
