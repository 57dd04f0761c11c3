"""Where the numbers and times of P1 lines stand, and how each reads: what `layouts` remembers."""

from datetime import datetime
from decimal import Decimal
from functools import lru_cache, partial
import re
from typing import Final

from . import p1text
from .catalogue import MBUS
from .datasets import NUMBER, meaning, moment, reading_of
from .layouts import Clock, Trace, Value, in_the_clear
from .model import Reading

_LINE: Final = re.compile(rb"^([0-9A-Za-z.:*&-]{1,20}\()([^\r\n]*)(\)\r?)$", re.MULTILINE)
_NUMBER: Final = re.compile(NUMBER.pattern.encode())
_MEASURED: Final = re.compile(_NUMBER.pattern + rb"(?=(?:\*?[A-Za-z][^()]*)?\Z)")
_MINUTES: Final = 64  # that are remembered
_NO_LINE_END: Final = re.compile(rb"[^\r\n]*")


def of_text(text: bytes) -> Trace | None:
    """Trace a telegram each of whose readings stands on a line of its own; None for others."""
    telegram = p1text.telegram(text)
    said = ((line, reading_of(line[0].strip())) for line in _LINE.finditer(text))
    lines = [(line, reading) for line, reading in said if reading]
    if tuple(reading for _, reading in lines) != telegram.readings:
        return None
    holes = (_hole(line, reading, place) for place, (line, reading) in enumerate(lines))
    return Trace(telegram, [hole for hole in holes if hole], in_the_clear)


def _hole(line: re.Match[bytes], reading: Reading, place: int) -> Value | None:
    """Return what may change in a line: a number that has no time, or all of what has one."""
    start, end = line.span(2)
    read = partial(_content, line[1])
    match reading.value:
        case datetime() if reading.id == p1text.CLOCK:
            return Clock(start, end, place, _clock)
        case Decimal() if number := _plain_number(line):
            return Value(start, start + len(number), place, partial(_number, reading))
        case Decimal() | datetime():
            return Value(start, end, place, read)
    return None


def _plain_number(line: re.Match[bytes]) -> bytes | None:
    """Return the number of a line that says nothing else, and whose zero is one."""
    _, register = meaning(line[1][:-1].decode("ascii"))
    number = _MEASURED.match(line[2])
    return number[0] if number and register not in MBUS else None


def _number(first: Reading, octets: bytes) -> Reading | None:
    """Read a number as the one that stood in its place."""
    if not _NUMBER.fullmatch(octets):
        return None
    return Reading(first.id, Decimal(octets.decode("ascii")), first.unit)


def _clock(octets: bytes) -> Reading | None:
    """Read the time of the telegram where nothing stands beside it."""
    minute, seconds = _minute(octets[:10], octets[12:]), octets[10:12]
    if minute and len(seconds) == 2 and seconds.isdigit() and (second := int(seconds)) < 60:
        return Reading(p1text.CLOCK, minute.replace(second=second))
    when = moment(octets.decode("latin-1"))
    return Reading(p1text.CLOCK, when) if when else None


@lru_cache(_MINUTES)
def _minute(before: bytes, behind: bytes) -> datetime | None:
    """Read YYMMDDhhmm and X, between which seconds stand; None for any other time."""
    return moment((before + b"00" + behind).decode("latin-1")) if before.isdigit() else None


def _content(head: bytes, octets: bytes) -> Reading | None:
    """Read a line by what stands behind its head; None for text, which may name the meter."""
    if not _NO_LINE_END.fullmatch(octets):
        return None
    reading = reading_of(head + octets + b")")
    return reading if reading and not isinstance(reading.value, str) else None
