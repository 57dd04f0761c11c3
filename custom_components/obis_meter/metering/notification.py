"""The payload of a DLMS frame to a telegram."""

from . import dlms, identity, shapes
from .cosem import Cursor
from .families import LIST_VERSION
from .model import Message, Reading, Telegram
from .security import Security


def decode(payload: bytes, _security: Security) -> list[Telegram | Message]:
    """Return a telegram for each data-notification; Incomplete where the end is missing.

    An intact notification of a layout that we do not know is a telegram without readings.
    """
    return [_telegram(notification) for notification in dlms.notifications(Cursor(payload))]


def _telegram(notification: dlms.Notification) -> Telegram:
    found = shapes.readings(notification.body)
    return Telegram(found, identity.meter_id(found), notification.time, _version(found))


def _version(found: tuple[Reading, ...]) -> str | None:
    """Return the list version, which names the maker; it stands under 1-0 or 1-1."""
    names = (LIST_VERSION.c, LIST_VERSION.d, LIST_VERSION.e)
    for reading in found:
        match reading.id, reading.value:
            case code, str(text) if not isinstance(code, str) and (code.c, code.d, code.e) == names:
                return text
    return None
