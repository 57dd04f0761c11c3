"""The exact integral of a home's power: counters at any time, cheap also after a year."""

from datetime import datetime, timedelta
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple

from .profile import BLOCK, DAY_BLOCKS, SLOT, Profile, block, slots

_MICROSECOND = timedelta(microseconds=1)
_HOUR = timedelta(hours=1) // _MICROSECOND  # W times this many microseconds are a Wh
_QUARTERS = timedelta(hours=1) // BLOCK
_DAY_TARIFF_HOURS = range(7, 23)
_SATURDAY = 5


class Totals(NamedTuple):
    """Counters: Wh by the night and the day tariff, varh, dm3."""

    import_night: int = 0
    import_day: int = 0
    export_night: int = 0
    export_day: int = 0
    reactive_import: int = 0
    reactive_export: int = 0
    gas: int = 0
    water: int = 0

    def plus(self, more: Totals) -> Totals:
        """Return the sum of both."""
        return Totals(*(a + b for a, b in zip(self, more, strict=True)))


class Peak(NamedTuple):
    """The highest quarter hour: mean W imported, and the number of the block that followed."""

    watts: int
    end: int


def is_day(moment: datetime) -> bool:
    """Tell whether the day tariff is in force: on working days from 7 to 23."""
    return moment.hour in _DAY_TARIFF_HOURS and moment.weekday() < _SATURDAY


def _counters(day: bool, active: int, reactive: int, *volumes: int) -> Totals:
    """Return Wh and varh (+ drawn, - fed in) as counters that only rise."""
    drawn, fed = max(active, 0), max(-active, 0)
    by_tariff = (0, drawn, 0, fed) if day else (drawn, 0, fed, 0)
    return Totals(*by_tariff, max(reactive, 0), max(-reactive, 0), *volumes)


def _cut(value: int, unit: int) -> int:
    """Return the whole units in a value, without a fraction towards zero."""
    return value // unit if value >= 0 else -(-value // unit)


def _block(profile: Profile, number: int) -> Totals:
    quarter = block(profile, number)
    return _counters(
        is_day(profile.first + number * BLOCK),
        sum(quarter.powers) // _QUARTERS,
        sum(quarter.reactives) // _QUARTERS,
        quarter.gas,
        quarter.water,
    )


@lru_cache(maxsize=32)
def _day(profile: Profile, day: int) -> tuple[Totals, ...]:
    """Return what a day counted up to the begin of each of its blocks, and up to its end."""
    numbers = range(day * DAY_BLOCKS, (day + 1) * DAY_BLOCKS)
    return tuple(accumulate((_block(profile, n) for n in numbers), Totals.plus, initial=Totals()))


@lru_cache(maxsize=64)
def _highest(profile: Profile, day: int, blocks: int) -> Peak:
    """Return the highest of the first `blocks` quarter hours of a day."""
    steps = pairwise(_day(profile, day)[: blocks + 1])
    peaks = (
        Peak((b.import_night + b.import_day - a.import_night - a.import_day) * _QUARTERS, end)
        for end, (a, b) in enumerate(steps, day * DAY_BLOCKS + 1)
    )
    return max(peaks, key=lambda peak: peak.watts, default=Peak(0, day * DAY_BLOCKS))


@lru_cache(maxsize=1024)
def _whole_day(profile: Profile, day: int) -> tuple[Totals, Peak]:
    """Return what a whole day counted, and its peak; homes of one profile share it."""
    return _day(profile, day)[-1], _highest(profile, day, DAY_BLOCKS)


@lru_cache(maxsize=64)
def _sums(profile: Profile, number: int) -> tuple[int, ...]:
    """Return the sum of the powers of the slots before each slot of a block."""
    return tuple(accumulate((sum(phases) for phases in slots(profile, number)), initial=0))


def running(profile: Profile, number: int, into: timedelta) -> int:
    """Return what flowed since block `number` began, in W times microseconds (- fed in)."""
    slot, rest = divmod(into, SLOT)
    before, now = _sums(profile, number)[slot : slot + 2]
    return before * (SLOT // _MICROSECOND) + (now - before) * (rest // _MICROSECOND)


class Ledger:
    """The counters of one home from its first midnight on; days are summed up once."""

    def __init__(self, profile: Profile, opening: Totals) -> None:
        """Start at the `opening` values."""
        self._profile = profile
        self._openings = [opening]
        self._peaks: list[Peak] = []

    def at(self, number: int, into: timedelta) -> Totals:
        """Return the counters some time into the block `number`."""
        moment = self._profile.first + number * BLOCK
        quarter = block(self._profile, number)
        so_far = _counters(
            is_day(moment),
            _cut(running(self._profile, number, into), _HOUR),
            _cut(sum(quarter.reactives) * (into // _MICROSECOND), _HOUR),
            quarter.gas * into // BLOCK,
            quarter.water * into // BLOCK,
        )
        return self._before(number).plus(so_far)

    def peak(self, number: int) -> Peak:
        """Return the highest quarter hour of the month before the block `number`."""
        today, passed = divmod(number, DAY_BLOCKS)
        self._sum_up(today)
        month = max(0, today - (self._profile.first + number * BLOCK).day + 1)
        nothing = Peak(0, month * DAY_BLOCKS)
        now = _highest(self._profile, today, passed)
        return max(nothing, *self._peaks[month:today], now, key=lambda peak: peak.watts)

    def _before(self, number: int) -> Totals:
        day, index = divmod(number, DAY_BLOCKS)
        self._sum_up(day)
        return self._openings[day].plus(_day(self._profile, day)[index])

    def _sum_up(self, days: int) -> None:
        """Make the first `days` days known."""
        for day in range(len(self._peaks), days):
            counted, peak = _whole_day(self._profile, day)
            self._openings.append(self._openings[day].plus(counted))
            self._peaks.append(peak)
