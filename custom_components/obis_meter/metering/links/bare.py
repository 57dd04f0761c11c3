"""Bodies without a frame, as some bridges send them: [E6 E7 00] 0F, DB or E0 .., or as hex text.

There is no check sequence: a body counts when it reads whole, and `detect`
believes it only when nothing but bodies came since the last silence.
"""

from collections.abc import Callable
import re
from typing import Final

from .. import dlms
from ..cosem import Cursor
from ..errors import DecodeError, FrameError, Incomplete
from . import hdlc, sealed

_FIRST_BLOCK: Final = sealed.growing((rb"\xe0", rb".", rb"\0", rb"\x01"))
_BODY: Final = b"|".join((rb"\x0f", sealed.HEADER, _FIRST_BLOCK))
_APDU: Final = re.compile(_BODY, re.DOTALL)
_LLC_APDU: Final = re.compile(sealed.growing((rb"\xe6", rb"\xe7", rb"\0"), _BODY), re.DOTALL)
_HEX: Final = re.compile(
    rb"(?:[0-9A-Fa-f]{2}){16,}"
)  # list 1 of Kaifa, the shortest body, has 29 bytes
_LINE_END: Final = re.compile(rb"[\r\n]+")
_LINE_ENDS: Final = b"\r\n"


def take_llc(buffer: bytearray) -> bytes | None:
    """Remove the first body that stands behind an LLC header, and return it with its header.

    Incomplete says how many bytes its end is away at the least.
    """
    return _take(buffer, _LLC_APDU)


def take_apdu(buffer: bytearray) -> bytes | None:
    """Remove the first data-notification, in the clear, ciphered or in blocks, and return it.

    Incomplete says how many bytes its end is away at the least.
    """
    return _take(buffer, _APDU)


def _take(buffer: bytearray, start: re.Pattern[bytes]) -> bytes | None:
    found = start.search(buffer)
    if at := found.start() if found else len(buffer):
        del buffer[:at]
        raise FrameError("bytes between bodies", at)
    cursor = Cursor(bytes(buffer))
    try:
        dlms.apdu(cursor)
    except Incomplete:
        raise
    except DecodeError as err:
        del buffer[0]
        raise FrameError(f"no body: {err}", 1) from err
    body = bytes(buffer[: cursor.at])
    del buffer[: cursor.at]
    return body


def take_hex(buffer: bytearray) -> bytes | None:
    """Remove the first line and return the payload of the frame or body its hex digits spell."""
    text = buffer.lstrip(_LINE_ENDS)
    end = _LINE_END.search(text)
    del buffer[: len(buffer) - len(text) + (end.end() if end else 0)]
    if not end:
        return None
    digits = _HEX.search(text, 0, end.start())
    if not digits:
        raise FrameError("a line without hex", end.end())
    return _inner(bytearray.fromhex(digits[0].decode("ascii")))


def _inner(binary: bytearray) -> bytes:
    cut: Callable[[bytearray], bytes | None] = (
        hdlc.take if binary.startswith(b"\x7e") else take_apdu
    )
    if binary.startswith(dlms.LLC):
        cut = take_llc
    try:
        payload = cut(binary)
    except Incomplete:
        payload = None
    if payload is None:
        raise FrameError("a line of hex that holds no telegram", len(binary))
    return payload
