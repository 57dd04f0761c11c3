"""How DL/T 645 writes values: BCD, low byte first (DL/T 645-2007, annex A)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

from ...model import Value

_SIGN = 0x80  # of the highest byte


@dataclass(frozen=True, slots=True)
class Field:
    """One value: how many bytes it has, how they read, and its unit.

    read returns None for what is absent or no value. timed: five bytes behind
    it say when.
    """

    size: int
    read: Callable[[bytes], Value | None]
    unit: str | None = None
    timed: bool = False

    @property
    def octets(self) -> int:
        """Return the bytes of the value and of its time."""
        return self.size + (MINUTES.size if self.timed else 0)


def _number(octets: bytes, decimals: int, signed: bool) -> Decimal | None:
    """Read BCD whose highest bit may be a sign; None where a digit is none, as in FF for absent."""
    high = octets[::-1]
    negative = signed and bool(high[0] & _SIGN)
    if negative and not is_absent(octets):
        high = bytes([high[0] & ~_SIGN]) + high[1:]
    if not (digits := high.hex()).isdecimal():
        return None
    value = Decimal(int(digits)).scaleb(-decimals)
    return -value if negative and value else value


def is_absent(octets: bytes) -> bool:
    """Tell whether a meter does not have this value: all FF."""
    return set(octets) == {0xFF}


def _digits(octets: bytes) -> str | None:
    return None if is_absent(octets) else octets[::-1].hex().upper()


def _text(octets: bytes) -> str | None:
    """Read ASCII, sent low byte first and padded with 00."""
    plain = octets[::-1].strip(b"\0\xff ")
    text = plain.decode("latin-1")
    return text if text and text.isascii() and text.isprintable() else None


def _word(octets: bytes) -> Decimal | None:
    return None if is_absent(octets) else Decimal(int.from_bytes(octets, "little"))


def _moment(octets: bytes) -> datetime | None:
    """Read mm hh DD MM YY, with ss before it where there are six bytes."""
    if not (digits := octets[::-1].hex()).isdecimal():
        return None
    try:
        return datetime.strptime(f"20{digits:0<12}", "%Y%m%d%H%M%S")
    except ValueError:
        return None


def _date(octets: bytes) -> str | None:
    """Read WW DD MM YY without the weekday."""
    moment = _moment(bytes(2) + octets[1:])
    return moment.date().isoformat() if moment else None


def _time(octets: bytes) -> str | None:
    moment = _moment(octets + b"\x01\x01\x00")
    return moment.time().isoformat() if moment else None


def _clock(octets: bytes) -> datetime | None:
    """Read ss mm hh WW DD MM YY without the weekday."""
    return _moment(octets[:3] + octets[4:])


def _span(octets: bytes) -> str | None:
    """Read begin and end, each ss mm hh DD MM YY; an end that has not come is left out."""
    if (begin := _moment(octets[:6])) is None:
        return None
    end = _moment(octets[6:])
    return f"{begin.isoformat()}/{end.isoformat() if end else ''}"


def number(size: int, decimals: int = 0, unit: str | None = None) -> Field:
    """Return a field of BCD with some decimals."""
    return Field(size, partial(_number, decimals=decimals, signed=False), unit)


def signed(size: int, decimals: int, unit: str | None = None) -> Field:
    """Return a field of BCD whose highest bit is its sign."""
    return Field(size, partial(_number, decimals=decimals, signed=True), unit)


def demand(unit: str) -> Field:
    """Return a field of a maximum demand and when it was."""
    return Field(3, partial(_number, decimals=4, signed=True), unit, timed=True)


def digits(size: int) -> Field:
    """Return a field of a number that names something."""
    return Field(size, _digits)


def text(size: int) -> Field:
    """Return a field of ASCII."""
    return Field(size, _text)


def word(size: int) -> Field:
    """Return a field of bits."""
    return Field(size, _word)


MINUTES = Field(5, _moment)
SECONDS = Field(6, _moment)
DATE = Field(4, _date)
TIME = Field(3, _time)
CLOCK = Field(7, _clock)
SPAN = Field(12, _span)


def _start(octets: bytes, separator: str) -> str | None:
    """Read the number of a table or rate, and the two pairs of digits from which it holds."""
    digits = octets[::-1].hex()
    if not digits.isdecimal():
        return None
    return f"{digits[:2]}{separator}{digits[2:4]} {int(digits[4:])}"


DAY_START = Field(3, partial(_start, separator="-"))
TIME_START = Field(3, partial(_start, separator=":"))


def moment_octets(moment: datetime, *, seconds: bool = True) -> bytes:
    """Return ss mm hh DD MM YY, or mm hh DD MM YY."""
    digits = moment.strftime("%y%m%d%H%M%S")
    return bytes.fromhex(digits)[::-1][0 if seconds else 1 :]
