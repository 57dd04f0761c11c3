"""Gas, water and heat meters that report through an electricity meter (DSMR P1, 6.12)."""

from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Final

from .catalogue import (
    ADDRESSES,
    COUNTED,
    DERIVED,
    IDENTIFIERS,
    MBUS,
    MEDIA,
    SUB_METER_UNITS,
    SUB_METERS,
    Register,
    lookup,
)
from .identity import readable
from .model import ObisCode, Reading, Telegram
from .units import convert

_DEVICE_TYPE: Final = (24, 1, 0)
_IDS: Final = ((96, 1, 0), (96, 1, 1))
_OF_SUB_METERS: Final = (24, 96)  # C groups that sub-meters use on a channel of their own

_REMEMBERED: Final = 1024  # codes
_BY_UNIT: Final = (COUNTED, *SUB_METERS[4])  # of a meter that does not say its type

type Channel = tuple[int, int]
"""A and B of a sub-meter's registers."""


@dataclass(frozen=True, slots=True)
class SubMeter:
    """One of them: where it reports, its own id where it has one, and what it counts."""

    channel: Channel
    id: str | None
    kind: Register


@dataclass(frozen=True, slots=True)
class Places:
    """Where in a telegram the meter's own readings stand, and where those of each sub-meter.

    naming are the places of numbers that say who a sub-meter is.
    """

    own: tuple[int, ...] = ()
    channels: dict[SubMeter, tuple[int, ...]] = field(default_factory=dict)
    naming: tuple[int, ...] = ()

    def hold(self, telegram: Telegram, before: Telegram) -> bool:
        """Tell whether those found in a telegram are those of another, too."""
        said, old = telegram.readings, before.readings
        return telegram.resembles(before) and all(
            said[n].value == old[n].value for n in self.naming
        )

    def split(self, telegram: Telegram) -> tuple[list[Reading], dict[SubMeter, list[Reading]]]:
        """Tell the meter's own readings from the others."""
        said = telegram.readings
        others = {key: [said[place] for place in places] for key, places in self.channels.items()}
        return [said[place] for place in self.own], others


def places(telegram: Telegram) -> Places:
    """Find out which readings are the meter's own.

    A channel counts as a sub-meter when it says a total or who it is; meters
    also list channels to which nothing is connected.
    """
    own: list[int] = []
    channels: dict[Channel, list[int]] = {}
    for place, reading in enumerate(telegram.readings):
        channel = _channel(reading.id)
        (channels.setdefault(channel, []) if channel else own).append(place)
    found = {}
    for channel, others in channels.items():
        if meter := _sub_meter(channel, [telegram.readings[place] for place in others]):
            found[meter] = tuple(others)
        else:
            own += others
    naming = (n for others in channels.values() for n in others if _names(telegram.readings[n]))
    return Places(tuple(own), found, tuple(naming))


def _names(reading: Reading) -> bool:
    """Tell whether a number is the id or the type of a sub-meter."""
    code = reading.id
    names = isinstance(code, ObisCode) and (code.c, code.d, code.e) in (*_IDS, _DEVICE_TYPE)
    return names and isinstance(reading.value, Decimal)


def register_of(name: ObisCode | str, meter: SubMeter | None = None) -> Register | None:
    """Return the row of a register, a sub-meter's total under what it counts; None for unknown."""
    if isinstance(name, str):
        return DERIVED.get(name) or IDENTIFIERS.get(name) or ADDRESSES.get(name)
    row = lookup(name)
    return meter.kind if meter and row in MBUS else row


@lru_cache(_REMEMBERED)
def _channel(name: ObisCode | str) -> Channel | None:
    match name:
        case ObisCode(a=0, b=b, c=c) if b and c in _OF_SUB_METERS:
            return 0, b
        case ObisCode(a=a, b=b) if a in MEDIA:
            return a, b
    return None


def _sub_meter(channel: Channel, readings: list[Reading]) -> SubMeter | None:
    texts: dict[tuple[int, int, int], str] = {}
    total = None
    for reading in readings:
        if isinstance(code := reading.id, ObisCode):
            texts[code.c, code.d, code.e] = str(reading.value)
            total = reading if lookup(code) in MBUS else total
    name = next((name for key in _IDS if (name := readable(texts.get(key, "")))), None)
    if total is None and not (name and _DEVICE_TYPE in texts):
        return None
    return SubMeter(channel, name, _kind(channel, texts.get(_DEVICE_TYPE, ""), total))


def _kind(channel: Channel, device_type: str, total: Reading | None) -> Register:
    """Return what a sub-meter counts: by its type and medium, as far as its unit agrees."""
    likely = SUB_METERS.get(int(device_type), ()) if device_type.isdigit() else ()
    if medium := MEDIA.get(channel[0]):
        likely = (medium, *likely)
    if total is None or total.unit is None:
        return likely[0] if likely else COUNTED
    return next((row for row in (*likely, *_BY_UNIT) if _fits(total, row)), COUNTED)


def _fits(total: Reading, row: Register) -> bool:
    value = total.value if isinstance(total.value, Decimal) else Decimal(0)
    return convert(value, total.unit, SUB_METER_UNITS[row.quantity]) is not None
