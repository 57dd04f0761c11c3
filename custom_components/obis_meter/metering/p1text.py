"""P1 text: / identification CRLF CRLF, lines of OBIS(value*unit) CRLF, ! CRC(4 hex digits) CRLF.

DSMR 5.0.2 P1 companion standard, EN 62056-21 mode D; CRC-16/ARC over / to ! inclusive.
"""

from collections.abc import Iterable
from datetime import datetime
import re
from typing import Final

from .checksum import arc_starts, crc16_arc
from .datasets import readings
from .dialogue import Unchecked
from .errors import DecodeError, FrameError
from .identity import meter_id
from .model import ObisCode, Reading, Telegram

_NAME: Final = (
    rb"(?:[A-Za-z]{3}|[A-Za-z]{0,2}\Z)"  # a maker's three letters, perhaps not all here yet
)
_PARITY_NAME: Final = rb"(?:[A-Za-z\xc1-\xda\xe1-\xfa]{3}|[A-Za-z\xc1-\xda\xe1-\xfa]{0,2}\Z)"
_START: Final = re.compile(rb"/(?=" + _NAME + rb")|\xaf(?=" + _PARITY_NAME + rb")")
_START_OF_LINE: Final = re.compile(rb"(?<![^\r\n\0\x03])/(?=[A-Za-z]{3})")
SILENCE: Final = b"\x03"
"""What a pause on the line is read as: end of text."""
_LAST: Final = re.compile(
    rb"!(?<=[\r\n)]!)(?:"  # first what re looks for in C
    rb"(?=([0-9A-Fa-f]{4}|[0-9A-Fa-f]{1,3}(?=[\r\n\0\x03])|[^\r\n\0\x03]{4}))"
    rb"|(?=[\r\n\0\x03])(?=(?:[^!/\r\n\x03]|!(?<![\r\n)]!)|[\r\n](?!\d{1,3}-\d))*[/\x03]))"
)
"""The closing mark once all that may belong to it is there: its check, or what is none.

Without a check it counts only when no more data, and no other mark, follows before the
next telegram or a silence.
"""
_NEEDS_CHECK: Final = re.compile(rb"[\r\n]\d-\d:0\.2\.8(?:\*255)?\([4-9]\d|[\r\n]0-0:96\.1\.4")
_NOISE: Final = re.compile(rb"[^\t\n\r -~\0\x03\xff]")
"""What is neither text nor 00 or FF, with which lines and gateways are padded."""
_STX: Final = 0x02  # opens the data of modes A to C (IEC 62056-21, 6.3.1)
_LINE_ENDS: Final = b"\r\n\0\x03"

CLOCK: Final = ObisCode(0, 0, 1, 0, 0)
_SEVEN_BITS: Final = bytes(n & 0x7F for n in range(256))
_EVEN: Final = re.compile(
    b"[%b]*" % b"".join(b"\\x%02x" % n for n in range(256) if n.bit_count() % 2 == 0)
)
"""7E1 delivered as 8N1: bit 7 makes the number of ones even."""


def take(buffer: bytearray) -> bytes | None:
    """Remove the first telegram and return its text, from / to before the !.

    A check that is there decides, what has none is Unchecked; all starts before one end
    are tried in one pass. Text between telegrams is dropped silently, noise with a fault.
    """
    start = _START.search(buffer)
    begin = start.start() if start else len(buffer)
    before = (
        1 if begin and buffer[begin - 1] not in _LINE_ENDS else 0
    )  # tells / inside a line from one that opens it
    skip(buffer, begin - before)
    if start is None:
        return None
    text = bytes(buffer)
    if text[before] == 0xAF:
        text = _without_parity(buffer, before)
    if not (end := _LAST.search(text)):
        if text.endswith(SILENCE):
            del buffer[:]
            raise FrameError("a telegram without its end", len(text))
        return None
    check = end[1] or b""
    behind = end.end() + len(check)
    del buffer[: behind + 2 if text.startswith(b"\r\n", behind) else behind]
    return _telegram(text[: end.end()], check)


def _without_parity(buffer: bytearray, at: int) -> bytes:
    """Return the buffer with the parity bits taken off, as far as they are right."""
    even = _EVEN.match(buffer, at)
    text = bytes(buffer[: even.end() if even else at]).translate(_SEVEN_BITS)
    if len(text) < len(buffer) and not _LAST.search(text):
        del buffer[: at + 1]
        raise FrameError("no telegram with even parity", at + 1)
    return text


def skip(buffer: bytearray, count: int) -> None:
    """Remove bytes between telegrams: text silently, noise with a fault."""
    if count <= 0:
        return
    skipped = bytes(buffer[:count])
    del buffer[:count]
    if _NOISE.search(skipped):
        raise FrameError("noise between telegrams", count)


def _telegram(text: bytes, check: bytes) -> bytes:
    if check.strip(b"0123456789ABCDEFabcdef"):
        raise FrameError("! is followed by no check", len(text))
    found = _checked(text, int(check, 16)) if check else _unchecked(text)
    if found is None:
        raise FrameError(
            "CRC of the telegram is wrong" if check else "no telegram before !", len(text)
        )
    return found


def _checked(text: bytes, crc: int) -> bytes | None:
    """Return what the check covers; line ends count as CRLF where a bridge dropped the CR."""
    return _covered(text, crc) or _covered(re.sub(rb"\r?\n", b"\r\n", text), crc)


def _covered(text: bytes, crc: int) -> bytes | None:
    if not (start := _START.search(text)):
        return None
    whole = text[start.start() :]
    if whole.find(b"/", 1) < 0 and whole.find(b"\xaf", 1) < 0:  # it is the only start
        return whole[:-1] if crc16_arc(whole) == crc else None
    starts = (at for at in arc_starts(text, crc) if _START.match(text, at))
    return next((text[at:-1] for at in starts), None)


def _unchecked(text: bytes) -> bytes | None:
    starts = [match.start() for match in _START_OF_LINE.finditer(text)]
    if not starts:
        return None
    telegram = text[starts[-1] : -1]
    if _STX in telegram:
        raise FrameError("a data message of a meter that was asked, not P1", len(text))
    if _NEEDS_CHECK.search(telegram):
        raise FrameError("this version of P1 must carry a CRC", len(text))
    return Unchecked(telegram)


def whole(text: bytes) -> bytes:
    """Return what `take` returns of a telegram that came whole; DecodeError where it is damaged."""
    try:
        found = take(bytearray(text + SILENCE))
    except FrameError as err:
        raise DecodeError(str(err)) from err
    if found is None:
        raise DecodeError("a P1 telegram without its end")
    return found


def telegram(text: bytes) -> Telegram:
    """Read the lines of a telegram; DecodeError where none of them says anything."""
    ident, _, body = text.partition(b"\n")
    found = _newest(readings(body))
    if not found:
        raise DecodeError("no readings in the telegram")
    clock = next((r.value for r in found if r.id == CLOCK and isinstance(r.value, datetime)), None)
    return Telegram(found, meter_id(found), clock, ident[1:].decode("latin-1").strip())


def _newest(found: Iterable[Reading]) -> tuple[Reading, ...]:
    """Keep the latest reading of each register: some meters send a day of hours."""
    by_id: dict[ObisCode | str, Reading] = {}
    for reading in found:
        other = by_id.get(reading.id)
        if not (other and other.time and reading.time and other.time > reading.time):
            by_id[reading.id] = reading
    return tuple(by_id.values())
