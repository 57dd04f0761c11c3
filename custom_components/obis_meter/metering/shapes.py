"""The handful of ways in which meters arrange code, value, scaler and unit in a list."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from typing import Final, NamedTuple

from . import families
from .cosem import CosemData, Enum, Integer, date_time
from .families import KAMSTRUP_TYPE, LIST_VERSION, Scalers
from .model import ObisCode, Reading, Value
from .units import scaled, sent, shift

_LARGEST: Final = 10**20
_WIDEST: Final = 9  # powers of ten that a scaler may add or take: giga to nano

_VALUE, _SCALER_UNIT = 2, 3  # attributes
_PUSH, _DISCONNECT, _LIMITER, _PROFILE = 40, 70, 71, 7  # interface classes
_VALUE_OF: Final = {_PUSH: None, _PROFILE: None, _DISCONNECT: 3, _LIMITER: 3}
"""Interface class -> the attribute that holds its state; all others have it in 2."""

type Object = tuple[int, bytes, int]
"""Interface class, logical name and attribute."""
type Item = tuple[ObisCode, CosemData, int | None, str | None]
"""A register, its plain value, scaler and unit as sent; scaler None where none was sent."""


class Meaning(NamedTuple):
    """What a value of a list stands for: scaler None where none is known."""

    code: ObisCode
    scaler: int | None
    symbol: str | None
    version: str

    def read(self, value: CosemData) -> Reading | None:
        """Return the reading; None for a value that says nothing."""
        if isinstance(value, int) and not isinstance(value, bool):
            return self.number(value)
        said = _value(value, self.scaler or 0)
        if isinstance(said, Decimal):
            return self._measured(said)
        return None if said is None else _mended(Reading(self.code, said), self.version)

    def number(self, value: int) -> Reading | None:
        """Return the reading of a whole number; None for one that cannot be."""
        scaler = self.scaler or 0
        sane = abs(value) < _LARGEST and abs(scaler) <= _WIDEST
        return self._measured(scaled(value, scaler)) if sane else None

    def _measured(self, said: Decimal) -> Reading:
        return Reading(self.code, said, None if said and self.scaler is None else self.symbol)


def readings(body: CosemData) -> tuple[Reading, ...]:
    """Return every reading in a notification body; none for a layout we do not know."""
    said = (meaning.read(value) for value, meaning in meanings(body))
    return tuple(reading for reading in said if reading)


def meanings(body: CosemData) -> Iterator[tuple[CosemData, Meaning]]:
    """Yield each value that stands for a register, and how it reads.

    Types, codes, texts and the interface classes of objects say which values these are
    and how they read, never a number or a time among them.
    """
    items = tuple(_list(body))
    version = _first_text(items, LIST_VERSION) or ""
    codes = tuple(code for code, *_ in items)
    scalers = _family(version, items) or families.pushed(_setup(body), codes)
    for code, value, scaler, symbol in items:
        if scaler is None and scalers:
            yield value, Meaning(code, *scalers.of(code), version)
        else:
            yield value, Meaning(code, scaler, symbol, version)


def _list(body: CosemData) -> Iterator[Item]:
    match body:
        case [bytes(first), *rest] if first.startswith(b"KFM_") and _plain(rest):
            yield from _positional([first, *rest])
        case [int(power)]:
            yield from _positional([power])
        case [bytes(first), *_] if row := families.positions(first, _kinds(body)):
            yield from _placed(row, body)
        case [list(), *_] if objects := tuple(_objects(body)):
            yield from _pushed(objects)
        case [str(version), *rest]:  # Kamstrup names its list version first
            yield LIST_VERSION, version, None, None
            yield from _sequence(rest)
        case list(items):
            yield from _sequence(items)


def _plain(rest: list[CosemData]) -> bool:
    """Tell whether a list holds values only, neither OBIS codes nor lists."""
    return not any(isinstance(item, list) or _is_obis(item) for item in rest)


def _positional(values: list[CosemData]) -> Iterator[Item]:
    codes = families.KAIFA_POSITIONS.get(len(values), ())
    for code, value in zip(codes, values, strict=False):
        yield code, value, *families.KAIFA.of(code)


def _placed(row: families.Positions, values: list[CosemData]) -> Iterator[Item]:
    for code, value in zip(row.codes, values, strict=True):
        if code:
            yield code, value, *row.scalers.of(code)


def _kinds(values: list[CosemData]) -> str:
    """Return a letter for each element, as rows of positions name them."""
    letters = ((Enum, "e"), (bool, "?"), (int, "i"), (bytes | str, "b"))
    return "".join(
        next((letter for kind, letter in letters if isinstance(value, kind)), "?")
        for value in values
    )


def _objects(body: CosemData) -> Iterator[tuple[Object, CosemData]]:
    """Yield each object that a list names first, and the value that stands for it behind.

    The list itself counts as the first value where it is among its own objects.
    """
    match body:
        case [list(named), *values] if objects := [_object(item) for item in named]:
            values = [named, *values] if len(objects) == len(values) + 1 else values
            if len(objects) == len(values):
                yield from (
                    (found, value) for found, value in zip(objects, values, strict=True) if found
                )


def _object(item: CosemData) -> Object | None:
    match item:
        case [int(interface), bytes(name), Integer() as attribute, *_] if len(name) == 6:
            return interface, name, int(attribute)
    return None


def _pushed(objects: Sequence[tuple[Object, CosemData]]) -> Iterator[Item]:
    """Yield the values among the attributes that a list of objects names."""
    scalers = {name: value for (_, name, attribute), value in objects if attribute == _SCALER_UNIT}
    for (interface, name, attribute), value in objects:
        if attribute != _VALUE_OF.get(interface, _VALUE) or isinstance(value, list):
            continue
        match scalers.get(name):
            case [Integer() as scaler, Enum() as number]:
                yield ObisCode(*name), value, int(scaler), sent(number)
            case _:
                yield ObisCode(*name), value, None, None


def _setup(body: CosemData) -> int | None:
    """Return the B group of the push setup that a list of objects names; None without one."""
    names = (name for (_, name, _), _ in _objects(body) if families.is_push_setup(name))
    return next((name[1] for name in names), None)


def plain(body: CosemData) -> tuple[str, ...]:
    """Return a list as text, element by element, for those who know what it should say."""
    return tuple(map(_spelled, body if isinstance(body, list) else [body]))


def _spelled(value: CosemData) -> str:
    match value:
        case list():
            return f"[{', '.join(map(_spelled, value))}]"
        case bytes():
            return f"0x{value.hex().upper()}"
    return str(value)


def _sequence(items: list[CosemData]) -> Iterator[Item]:
    at = 0
    while at < len(items):
        step = 1
        match items[at : at + 3]:
            case [bytes(obis), value, [Integer() as scaler, Enum() as number]] if _is_obis(obis):
                yield ObisCode(*obis), value, int(scaler), sent(number)
                step = 3
            case [bytes(obis), list(), *_] if _is_obis(obis):
                step = 2  # a profile buffer: history, not a reading
            case [[int(), bytes(obis), Integer(), *_], *_] if _is_obis(obis):
                pass  # class, object, attribute: says where a value comes from
            case [bytes(obis), value, *_] if _is_obis(obis):
                yield ObisCode(*obis), value, None, None
                step = 2
            case [list(nested), *_]:
                yield from _sequence(nested)
        at += step


def _is_obis(item: CosemData) -> bool:
    """Tell whether octets name a register."""
    match item:
        case bytes() if len(item) == 6 and item[5] in (0, 0xFF):
            return not families.is_push_setup(item)
    return False


def _first_text(items: tuple[Item, ...], code: ObisCode) -> str | None:
    for found, value, _, _ in items:
        if found.c == code.c and found.d == code.d and found.e == code.e:
            return _text(value) if isinstance(value, bytes | str) else None
    return None


def _family(version: str, items: tuple[Item, ...]) -> Scalers | None:
    """Return the scalers of the makers who send none; None where the list must bring its own."""
    if version.startswith("KFM_"):
        return families.KAIFA
    if version.startswith("Kamstrup_"):
        return families.kamstrup(_first_text(items, KAMSTRUP_TYPE))
    return None


def _value(value: CosemData, scaler: int) -> Value | None:
    match value:
        case bool():
            return Decimal(value)
        case bytes() if len(value) == 12 and (when := date_time(value)):
            return when
        case bytes() | str():
            return _text(value) or None
        case Decimal():
            sane = value.is_finite() and abs(value) < _LARGEST and abs(scaler) <= _WIDEST
            return shift(value, scaler) if sane else None
    return None


def _text(value: bytes | str) -> str:
    """Return text without its NUL padding; hex of octets that are no text."""
    if isinstance(value, str):
        return value.strip("\0")
    text = value.strip(b"\0").decode("latin-1")
    return text if text.isascii() and text.isprintable() else value.hex().upper()


def _mended(reading: Reading, version: str) -> Reading:
    """Turn an offset round that some Aidon send with the wrong sign: none is west of London."""
    match reading.value:
        case datetime(tzinfo=timezone()) as when if version.startswith("AIDON"):
            offset = when.utcoffset()
            if offset and offset.days < 0:
                return replace(reading, value=when.replace(tzinfo=timezone(-offset)))
    return reading
