"""Data sets of a readout: address(value*unit)(..).. to readings (IEC 62056-21, 6.5 and 6.6).

The first group is the value, the others say when it was, or repeat it. What has one name
twice keeps its place: the second is called name[2].
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import batched
import re
from typing import Final

from ...catalogue import ADDRESSES, TEXT_UNITS, Quantity, lookup
from ...datasets import NUMBER, moment as plain_moment, unit_of
from ...errors import DecodeError, Refused
from ...identity import meter_id
from ...model import ObisCode, Reading, Telegram, Value

_GROUPS: Final = r"(?:\((?:[^()]++|\([^()]*+\))*+\))"
_SET: Final = re.compile(rf"([^()\r\n!]{{0,40}})({_GROUPS}++)")
_GROUP: Final = re.compile(_GROUPS)
_NAME: Final = re.compile(r"(?:\d{1,3}-\d{1,3}:)?[0-9A-Z]{1,3}(?:\.[0-9A-Z]{1,3}){0,3}")
_HISTORY: Final = re.compile(r"[*&]\d{1,3}")
_ERROR: Final = re.compile(r"\(?(?:ER\d|ERR)[^()]*\)?")
_SEASONED: Final = re.compile(r"([012])(\d{10}(?:\d\d)?)")
_NEVER: Final = re.compile(r"[0:. -]{8,}")
_UTC: Final = "2"  # season: 0 winter, 1 summer (IEC 62056-61, annex)
_WINTER: Final = "0"
_PROFILE: Final = re.compile(r"(?:\d{1,3}-\d{1,3}:)?P\.\d{1,2}(?:[*&]\d{1,3})?")
_NOT_DATA: Final = re.compile(r"[BPRWE]\d")
_COUNT: Final = re.compile(r"\d{1,4}")

_HEAT: Final = {"6.8": ObisCode(6, 0, 1, 0, 0), "6.26": ObisCode(6, 0, 2, 0, 0)}
"""Energy and volume as heat meters name them, by their place in the display (EN 13757-1)."""
_HEAT_UNITS: Final = ("MWh", "kWh", "GJ", "MJ")


@dataclass(frozen=True, slots=True)
class DataSet:
    """name is the address without its history; groups are what stands in brackets."""

    name: str
    history: str
    groups: tuple[str, ...]

    @property
    def address(self) -> str:
        """Return the address as sent, or as it was inherited."""
        return self.name + self.history

    @property
    def refusal(self) -> bool:
        """Tell whether this says that the meter did not do what it was asked."""
        return bool(_ERROR.fullmatch(self.groups[0]))


def data_sets(body: str) -> Iterator[DataSet]:
    """Yield what stands between brackets; groups without an address belong to those before."""
    last: DataSet | None = None
    for match in _SET.finditer(body):
        own = match[1].strip(" \t\0")
        groups = tuple(group[1:-1] for group in _GROUP.findall(match[2]))
        if last and not own:
            last = replace(last, groups=last.groups + groups)
            continue
        if last:
            yield last
        name, history = _split(own)
        last = DataSet(name or (last.name if last else ""), history, groups)
    if last:
        yield last


def _split(address: str) -> tuple[str, str]:
    """Return an address without its history, and that; the present value has none."""
    at = next((at for at in range(len(address)) if address[at] in "*&"), len(address))
    history = address[at:]
    if not history or not _HISTORY.fullmatch(history):
        return address, ""
    return address[:at], history


def moment(text: str) -> datetime | None:
    """Read a time as meters write it, also with a digit for the season before it.

    0 is winter, where an hour that happens twice means its second pass; 1 summer; 2 UTC.
    """
    if not (match := _SEASONED.fullmatch(text)):
        return plain_moment(text)
    found = plain_moment(match[2])
    if found is None:
        return None
    if match[1] == _UTC:
        return found.replace(tzinfo=UTC)
    return found.replace(fold=int(match[1] == _WINTER))


class _Reader:
    """Reads data sets one after the other: units are inherited, names are counted."""

    def __init__(self, sets: list[DataSet]) -> None:
        self._sets = sets
        self._units: dict[str, str] = {}
        self._seen: dict[ObisCode | str, set[Reading]] = {}
        self._heat = any(
            said.name == "6.8" and said.groups[0].rpartition("*")[2] in _HEAT_UNITS for said in sets
        )

    def readings(self) -> Iterator[Reading]:
        """Yield every reading once; of a load profile its newest row, where nothing else says."""
        profiles: list[Reading] = []
        for said in self._sets:
            if _PROFILE.fullmatch(said.address):
                profiles += profile(said)
            elif _NAME.fullmatch(said.name) and not _NOT_DATA.fullmatch(said.name):
                yield from self._of(said)
        newest = {reading.id: reading for reading in profiles}
        yield from (reading for name, reading in newest.items() if name not in self._seen)

    def _of(self, said: DataSet) -> Iterator[Reading]:
        name = self._id(said)
        for value, unit, time in self._values(said, name):
            before = self._seen.setdefault(name, set())
            reading = Reading(name, value, unit, time)
            if reading not in before:
                before.add(reading)
                many = len(before)
                yield reading if many == 1 else replace(reading, id=f"{name}[{many}]")

    def _id(self, said: DataSet) -> ObisCode | str:
        if not self._heat:
            return ObisCode.parse(said.address) or said.address
        history = int(said.history[1:] or 255)
        code = _HEAT.get(said.name) if history <= 255 else None
        return code._replace(f=history) if code else said.address

    def _values(
        self, said: DataSet, name: ObisCode | str
    ) -> Iterator[tuple[Value, str | None, datetime | None]]:
        """Yield the value, and its repeats, each with the time behind it."""
        quantity = _quantity(name)
        found: list[tuple[Value, str | None, datetime | None]] = []
        for number, group in enumerate(said.groups):
            time = moment(group) if number else None
            if time and found and found[-1][2] is None:
                found[-1] = (*found[-1][:2], time)
            elif not time and not (number and _NEVER.fullmatch(group)):
                value, unit = self._value(said, group, quantity)
                if value is not None and (not number or isinstance(value, Decimal)):
                    found.append((value, unit, None))
            if not found:
                return
        yield from found

    def _value(
        self, said: DataSet, group: str, quantity: Quantity | None
    ) -> tuple[Value | None, str | None]:
        """Read a group: of several values in it the first, as text where it is no measurement."""
        text = group.partition("&")[0]
        if not text or _ERROR.fullmatch(group):
            return None, None
        digits, _, symbol = text.partition("*")
        if quantity in (Quantity.TEXT, Quantity.TARIFF) or not NUMBER.fullmatch(digits.strip()):
            return text, None
        if symbol.strip():
            unit = self._units[said.name] = unit_of(symbol.strip())
            return Decimal(digits.strip()), unit
        if said.history and (inherited := self._units.get(said.name)):
            return Decimal(digits.strip()), inherited
        if "." in digits:
            return Decimal(digits.strip()), TEXT_UNITS.get(quantity) if quantity else None
        return text, None


def _quantity(name: ObisCode | str) -> Quantity | None:
    register = ADDRESSES.get(name) if isinstance(name, str) else lookup(name._replace(f=255))
    return register.quantity if register else None


def profile(said: DataSet) -> Iterator[Reading]:
    """Yield the values of a load profile, each with its time.

    (begin)(status)(minutes)(n), n times (id)(unit), then rows of n values; the row of a
    number, from 0, is of so many times the minutes after the beginning.
    """
    match said.groups:
        case [begin, _, minutes, count, *rest] if (
            _COUNT.fullmatch(minutes) and _COUNT.fullmatch(count) and int(count)
        ):
            start, width = moment(begin), int(count)
        case _:
            return
    names, units = rest[: 2 * width : 2], rest[1 : 2 * width : 2]
    if start is None or len(units) < width:
        return
    for number, row in enumerate(batched(rest[2 * width :], width, strict=False)):
        at = start + number * timedelta(minutes=int(minutes))
        for name, unit, text in zip(names, units, row, strict=False):
            if NUMBER.fullmatch(text):
                code = ObisCode.parse(name) or name
                yield Reading(code, Decimal(text), unit_of(unit) if unit else None, at)


def with_present(said: Telegram) -> Telegram:
    """Take totals numbered 0 for the present ones, where a meter has no others (Pafal 20EC3gr)."""
    names = {reading.id for reading in said.readings}
    return replace(said, readings=tuple(_present(reading, names) for reading in said.readings))


def _present(reading: Reading, names: set[ObisCode | str]) -> Reading:
    match reading.id:
        case ObisCode(d=8, f=0) as code if (present := code._replace(f=255)) not in names:
            return replace(reading, id=present)
    return reading


def telegram(body: str, ident: str | None = None) -> Telegram:
    """Read a data block; Refused for an error reply, DecodeError where nothing says anything."""
    sets = list(data_sets(body))
    if sets and all(said.refusal for said in sets):
        raise Refused(f"the meter answered {sets[0].groups[0].strip('()')}")
    readings = tuple(_Reader(sets).readings())
    if not readings:
        raise DecodeError("no readings in the data message")
    return Telegram(readings, meter_id(readings), _clock(sets), ident)


def _clock(sets: list[DataSet]) -> datetime | None:
    """Return the meter's time: 0.9.1 and 0.9.2 hold time and date, 0.9.4 both."""
    said = {said.name.rpartition(":")[2]: said.groups[0] for said in reversed(sets)}
    if "0.9.4" in said:
        return moment(said["0.9.4"])
    date, time = (re.sub(r"\D", "", said.get(name, "")) for name in ("0.9.2", "0.9.1"))
    if len(date) not in (6, 7) or len(time) not in (4, 6, 7):
        return None
    return moment(date + time[-6:])
