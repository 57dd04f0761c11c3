"""Totals never fall and never leap: one that does waits until further telegrams confirm it."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from .catalogue import Quantity, lookup
from .model import ObisCode, Reading
from .units import shift

CONFIRMATIONS: Final = 2  # telegrams beyond the first that must agree
STRONGEST: Final = Decimal(1_000_000)
"""W, var or VA: far beyond a home, within what a transformer station carries."""
_ENERGIES: Final = (Quantity.ENERGY, Quantity.REACTIVE_ENERGY, Quantity.APPARENT_ENERGY)
_SLACK: Final = 60  # seconds that clocks and buffering may be off
_HOUR: Final = 3600
_ANY_TIME: Final = STRONGEST * _SLACK / _HOUR  # what may have been counted since a moment ago
_CODES: Final = 1024  # that are remembered
_THOUSANDS: Final = {"k": 3, "M": 6, "G": 9}


class _Seen(NamedTuple):
    """A total as last accepted or last doubted, and when, in seconds of the caller's clock."""

    value: Decimal
    at: float
    agreeing: int = 0


class Guard:
    """Holds back totals of one meter that cannot be, until they are confirmed.

    A replaced meter or a counter that was reset agrees with itself from then
    on and is let through; a single wrong value is not followed.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """Measure time with now, in seconds."""
        self._now = now
        self._accepted: dict[ObisCode, _Seen] = {}
        self._doubted: dict[ObisCode, _Seen] = {}
        self.held = 0

    def check(self, readings: Sequence[Reading]) -> list[Reading]:
        """Return the readings of one telegram without the totals that have to wait."""
        now = self._now()
        kept = [
            reading
            for reading in readings
            if not (quantity := _counted(reading.id)) or self._passes(reading, quantity, now)
        ]
        self.held += len(readings) - len(kept)
        return kept

    def accept(self, reading: Reading, at: float) -> None:
        """Take a total from before a restart for true, as of a time."""
        if isinstance(reading.id, ObisCode) and isinstance(reading.value, Decimal):
            self._accepted[reading.id] = _Seen(_plain(reading.value, reading.unit), at)

    def _passes(self, reading: Reading, quantity: Quantity, now: float) -> bool:
        code, value = reading.id, reading.value
        if isinstance(code, str) or not isinstance(value, Decimal):
            return True
        seen = _Seen(_plain(value, reading.unit), now)
        last = self._accepted.get(code)
        if last is None or _follows(last, seen, quantity) or self._confirmed(code, seen, quantity):
            self._accepted[code] = seen
            self._doubted.pop(code, None)
            return True
        return False

    def _confirmed(self, code: ObisCode, seen: _Seen, quantity: Quantity) -> bool:
        """Count how often a doubted total was followed by one that agrees with it."""
        doubted = self._doubted.get(code)
        agreeing = doubted.agreeing + 1 if doubted and _follows(doubted, seen, quantity) else 0
        self._doubted[code] = seen._replace(agreeing=agreeing)
        return agreeing >= CONFIRMATIONS


@lru_cache(_CODES)
def _counted(code: ObisCode | str) -> Quantity | None:
    """Return what a register counts that may not fall; None for any other."""
    row = None if isinstance(code, str) else lookup(code)
    return row.quantity if row and row.total and not row.signed else None


def _plain(value: Decimal, unit: str | None) -> Decimal:
    power = _THOUSANDS.get(unit[0]) if unit else None
    return shift(value, power) if power else value


def _follows(before: _Seen, after: _Seen, quantity: Quantity) -> bool:
    """Tell whether a total can have become the other in the time between them."""
    if after.value < before.value:
        return False
    if quantity not in _ENERGIES or after.value - before.value <= _ANY_TIME:
        return True
    seconds = Decimal(max(after.at - before.at, 0)) + _SLACK
    return after.value - before.value <= STRONGEST * seconds / _HOUR
