"""The readings of one telegram by what they are, whichever channel the meter uses."""

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final

from .model import ObisCode, Reading
from .units import convert

type Name = tuple[int, int, int] | str
"""C, D, E of a register of the meter itself, whatever its channel; or the name of a derived one."""
type Readings = Mapping[Name, Reading]

_CODES: Final = 1024  # that are remembered
_ABSURD: Final = Decimal(10**15)  # in any unit: nobody uses that much, and sums stay exact below


@lru_cache(_CODES)
def name_of(code: ObisCode | str) -> Name | None:
    """Return C, D, E: a meter uses one channel, but not every meter the same; None for history."""
    match code:
        case ObisCode(a=0 | 1, c=c, d=d, e=e, f=255):
            return c, d, e
        case str():
            return code
    return None


def number(readings: Readings, name: Name, unit: str) -> Decimal | None:
    """Return a number in a unit; None where it was not said, or is absurd."""
    reading = readings.get(name)
    if reading is None or not isinstance(reading.value, Decimal):
        return None
    value = convert(reading.value, reading.unit, unit)
    return value if value is not None and abs(value) < _ABSURD else None
