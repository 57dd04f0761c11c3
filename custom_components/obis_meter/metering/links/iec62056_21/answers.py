"""Data messages to telegrams."""

from ...errors import DecodeError
from ...model import Telegram
from ...security import Security
from .data import telegram


def decode(payload: bytes, _: Security) -> list[Telegram]:
    """Read a data message; Refused for a meter's error reply, DecodeError for no readings."""
    return [telegram(text_of(payload))]


def text_of(payload: bytes) -> str:
    """Return what stands in a data message; DecodeError for what is no text."""
    try:
        return payload[1:-1].decode("ascii")
    except UnicodeDecodeError as err:
        raise DecodeError("a data message that is no text") from err
