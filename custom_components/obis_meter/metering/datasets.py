"""Data sets of the text protocols: address(value*unit) (IEC 62056-21, 6.5; DSMR P1, 6.4)."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from operator import methodcaller
import re
from typing import Final

from .catalogue import MBUS, TEXT_UNITS, Quantity, Register, is_buffer, lookup
from .model import ObisCode, Reading, Value

_STRIPPED: Final = methodcaller("strip", b" \t\0")
_SET: Final = re.compile(rb"([0-9A-Za-z.:*&-]{1,20})((?:\([^()]*\))+)")
_GROUP: Final = re.compile(r"\(([^()]*)\)")
NUMBER: Final = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,10})?")
_MEASURED: Final = re.compile(r"([+-]?\d{1,20}(?:\.\d{1,10})?)(\*?)([A-Za-z°][A-Za-z0-9°³]{0,5})")
_TIME: Final = re.compile(r"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?([SWsw])?")
_WRITTEN_TIME: Final = re.compile(r"(?:20)?(\d\d)-?(\d\d)-?(\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?()")
_NEVER: Final = re.compile(r"\d{12}[SWsw]?")
_UNSET: Final = 2000  # the year where a clock begins that was never set
_LONE_TIME: Final = re.compile(r"\d{12}[SWsw]")
_REMEMBERED_ADDRESSES: Final = 512
_ABSTRACT: Final = 96  # C group from which objects are not measured quantities
_GAS_OF_2003: Final = (
    24,
    3,
    0,
)  # C, D, E of (time)(status)(period)(n)(id)(unit), value on the next line

_SYMBOLS: Final = (
    *("W", "kW", "Wh", "kWh", "VA", "kVA", "VAh", "kVAh", "var", "kvar", "varh", "kvarh"),
    *("V", "kV", "A", "kA", "Hz", "kHz", "J", "kJ", "GJ", "l", "dm3", "s", "°", "°C", "%"),
)
_UNITS: Final = {
    **{symbol.lower(): symbol for symbol in _SYMBOLS},
    **{symbol: symbol for symbol in ("mA", "mV", "MW", "MWh", "MJ", "m3", "min")},
    "M3": "m3",
    "m³": "m3",
    "dm³": "dm3",
}
"""Units as sent, in lower case unless they open with an m, where the case tells milli from mega."""


def lines(text: bytes) -> Iterator[bytes]:
    """Yield the data lines of a telegram, each with the lines that continue it."""
    pending = b""
    for line in map(_STRIPPED, text.splitlines()):
        if line.startswith(b"("):
            pending += line
            continue
        if pending:
            yield pending
        pending = line
    if pending:
        yield pending


def readings(text: bytes) -> Iterator[Reading]:
    """Return what each line says; an odd line is passed over."""
    return filter(None, map(reading_of, lines(text)))


def reading_of(line: bytes) -> Reading | None:
    """Read one line; None for an odd one."""
    if not (match := _SET.fullmatch(line)):
        return None
    groups = _GROUP.findall(match[2].decode("latin-1"))
    return _reading(match[1].decode("ascii"), groups)


def _reading(address: str, groups: list[str]) -> Reading | None:
    code, register = meaning(address)
    if code and is_buffer(code):
        return None
    if code and (code.c, code.d, code.e) == _GAS_OF_2003:
        groups = _unfold(groups)
    time, plain = _split(groups)
    if not plain:
        return None
    value, unit = _value(plain, code, register.quantity if register else None)
    if value is None or _not_ready(value, unit, time, register):
        return None
    return Reading(code or address, value, unit, time)


@lru_cache(_REMEMBERED_ADDRESSES)
def meaning(address: str) -> tuple[ObisCode | None, Register | None]:
    """Return the code and row of an address; history is of the present value's kind."""
    code = ObisCode.parse(address)
    return code, lookup(code._replace(f=255)) if code else None


def _unfold(groups: list[str]) -> list[str]:
    """Turn (time)(status)(period)(n)(id)(unit)(value) into (time)(value*unit) (DSMR 2.2, 5.2)."""
    match groups:
        case [time, _, _, _, _, unit, value] if value:
            return [time, f"{value}*{unit}"]
    return []


def _split(groups: list[str]) -> tuple[datetime | None, str | None]:
    """Tell the time from the value, whichever comes first; a lone group is the value."""
    if len(groups) == 1:
        return None, groups[0]
    times = filter(None, map(moment, groups))
    values = (group for group in groups if not moment(group) and not _NEVER.fullmatch(group))
    return next(times, None), next(values, None)


def moment(text: str) -> datetime | None:
    """Read YYMMDDhhmm[ss][S|W], YY-MM-DD hh:mm:ss or YYYYMMDD hh:mm:ss as local wall time.

    W in the hour that happens twice means its second pass (fold 1). None for a
    time that cannot be, such as 632525252525S, and for 1970, where clocks stand
    that were never set.
    """
    if not (match := _TIME.fullmatch(text) or _WRITTEN_TIME.fullmatch(text)):
        return None
    year, month, day, hour, minute, second, season = match.groups()
    if int(year) >= 70:
        return None
    numbers = (2000 + int(year), int(month), int(day), int(hour), int(minute), int(second or 0))
    try:
        return datetime(*numbers, fold=int(season in ("W", "w")))
    except ValueError:
        return None


def _value(
    plain: str, code: ObisCode | None, quantity: Quantity | None
) -> tuple[Value | None, str | None]:
    match quantity:
        case Quantity.CLOCK:
            return moment(plain), None
        case Quantity.TEXT | Quantity.TARIFF:
            return _text(plain), None
    measured = quantity is not None or (code is not None and 0 < code.c < _ABSTRACT)
    if measured and _LONE_TIME.fullmatch(plain):
        return None, None
    if (match := _MEASURED.fullmatch(plain)) and (match[2] or measured):
        return Decimal(match[1]), unit_of(match[3])
    if measured and NUMBER.fullmatch(plain):
        return Decimal(plain), TEXT_UNITS.get(quantity) if quantity else None
    return (None if quantity else _text(plain)), None


def unit_of(symbol: str) -> str:
    """Return the usual spelling of a unit as sent; an unknown one stays as it is."""
    key = symbol if symbol[0] in "mM" else symbol.lower()
    return _UNITS.get(key, symbol)


def _text(plain: str) -> str | None:
    """Return text; None for nothing, and for erased memory (FF)."""
    return plain if plain.strip("\xff\0") else None


def _not_ready(
    value: Value, unit: str | None, time: datetime | None, register: Register | None
) -> bool:
    """Tell whether an M-Bus total is what a meter sends before the sub-meter has answered."""
    never = time is None or time.year == _UNSET
    return value == 0 and (unit is None or never) and register in MBUS
