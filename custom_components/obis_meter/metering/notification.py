"""The payload of a DLMS frame to telegrams, opened with the keys of its meter."""

from collections.abc import Callable

from . import dlms, identity, p1text, shapes
from .cosem import Cursor
from .errors import DecodeError
from .families import LIST_VERSION
from .model import Message, Reading, Telegram
from .security import Security

type Read = Callable[[bytes], Telegram]


def content(octets: bytes) -> Telegram:
    """Read the one APDU that another hid."""
    return telegram(dlms.whole(Cursor(octets)))


def decode(payload: bytes, security: Security, read: Read = content) -> list[Telegram | Message]:
    """Return a telegram for each APDU; Incomplete where the end is missing.

    An intact notification of a layout that we do not know is a telegram without readings.
    read stands for `content`.
    """
    with security.attempt():
        return [_read(apdu, security, read) for apdu in dlms.apdus(Cursor(payload))]


def _read(apdu: dlms.Apdu, security: Security, read: Read) -> Telegram:
    match apdu:
        case dlms.Sealed(title, body, dedicated=True):
            security.dedicated(title, body)
        case dlms.Sealed(title, body):
            return security.open(title, body, read)
    security.plain()
    return telegram(apdu)


def telegram(apdu: dlms.Apdu) -> Telegram:
    """Return what an APDU in the clear says."""
    match apdu:
        case dlms.Notification(body=body):
            return with_readings(apdu, shapes.readings(body))
        case dlms.Text(text):
            return p1text.telegram(p1text.whole(text))
    raise DecodeError("a ciphered telegram inside another")


def with_readings(apdu: dlms.Notification, found: tuple[Reading, ...]) -> Telegram:
    """Return the telegram of a notification in which these readings were found."""
    plain = () if found else shapes.plain(apdu.body)
    return Telegram(found, identity.meter_id(found), apdu.time, _version(found), plain)


def _version(found: tuple[Reading, ...]) -> str | None:
    """Return the list version, which names the maker; it stands under 1-0 or 1-1."""
    names = (LIST_VERSION.c, LIST_VERSION.d, LIST_VERSION.e)
    for reading in found:
        match reading.id, reading.value:
            case code, str(text) if not isinstance(code, str) and (code.c, code.d, code.e) == names:
                return text
    return None
