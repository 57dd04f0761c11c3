"""Average power by quarter-hour or hour, and the month's highest: what capacity tariffs charge."""

from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Final

from .plausible import STRONGEST

HIGHEST: Final = 3  # days whose peaks count in the month
_HOUR: Final = 3600
_KEPT_MARKS: Final = 4
_KEPT_DAYS: Final = 2  # days whose single means are kept, because a late total may mend them
_LONGEST_GAP: Final = 120.0  # seconds between two totals across which a boundary is interpolated
_DAY: Final = 24 * _HOUR


@dataclass(slots=True)
class DemandState:
    """What has to survive a restart. Times in seconds since 1970, energies in Wh, powers in W.

    minutes: the length of a period; marks: the total at each boundary between
    periods; means: the average power of each period by its beginning; days:
    the highest mean of each day.
    """

    minutes: int = 0
    marks: dict[int, Decimal] = field(default_factory=dict)
    means: dict[int, Decimal] = field(default_factory=dict)
    days: dict[str, Decimal] = field(default_factory=dict)


class Demand:
    """Follows one total through periods of the same length."""

    def __init__(self, minutes: int, zone: tzinfo, state: DemandState | None = None) -> None:
        """Use periods of so many minutes; days and months are those of the zone."""
        self.state = state or DemandState()
        if self.state.minutes != minutes:  # averages over other periods mean nothing here
            self.state.minutes = minutes
            for numbers in (self.state.marks, self.state.means, self.state.days):
                numbers.clear()
        self._period = minutes * 60
        self._zone = zone
        self._last: tuple[float, Decimal] | None = None

    def energy(self, watt_hours: Decimal, at: float) -> None:
        """Take note of the total at a time; a boundary in between is interpolated."""
        boundary = self._begin(at)
        last, self._last = self._last, (at, watt_hours)
        if boundary in self.state.marks:
            return
        if at == boundary:
            self.mark(boundary, watt_hours)
        elif last and last[0] < boundary and at - last[0] <= _LONGEST_GAP:
            part = Decimal((boundary - last[0]) / (at - last[0]))
            self.mark(boundary, last[1] + part * (watt_hours - last[1]))

    def mark(self, boundary: float, watt_hours: Decimal) -> None:
        """Take note of the exact total at a boundary, and mend the periods that it bounds."""
        if boundary != self._begin(boundary):
            return
        marks = self.state.marks
        marks[int(boundary)] = watt_hours
        for begin in (int(boundary) - self._period, int(boundary)):
            if begin in marks and begin + self._period in marks:
                self._note_mean(begin, marks[begin + self._period] - marks[begin])
        for old in sorted(marks)[:-_KEPT_MARKS]:
            del marks[old]
        self._fold(boundary)

    def _note_mean(self, begin: int, used: Decimal) -> None:
        """Keep the mean of a period, unless a meter was replaced or began anew in it."""
        mean = used * _HOUR / self._period
        if 0 <= mean <= STRONGEST:
            self.state.means[begin] = mean

    def average(self, at: float) -> Decimal | None:
        """Return the average power of the running period so far, W."""
        begin = self._begin(at)
        if not self._last or begin not in self.state.marks or at <= begin:
            return None
        return (self._last[1] - self.state.marks[begin]) * _HOUR / Decimal(at - begin)

    def projection(self, at: float, watts: Decimal) -> Decimal | None:
        """Return what the average of the running period becomes if the power stays, W."""
        begin = self._begin(at)
        if not self._last or begin not in self.state.marks:
            return None
        used = self._last[1] - self.state.marks[begin]
        left = Decimal(begin + self._period - at)
        return (used * _HOUR + watts * left) / self._period

    def peaks(self, at: float) -> list[Decimal]:
        """Return the highest means of this month, each of another day, highest first, W."""
        month = self._day(at)[:7]
        days = dict(self.state.days)
        for begin, mean in self.state.means.items():
            day = self._day(begin)
            days[day] = max(mean, days.get(day, mean))
        return sorted((peak for day, peak in days.items() if day[:7] == month), reverse=True)[
            :HIGHEST
        ]

    def _begin(self, at: float) -> int:
        return int(at // self._period) * self._period

    def _day(self, at: float) -> str:
        return datetime.fromtimestamp(at, self._zone).date().isoformat()

    def _fold(self, at: float) -> None:
        """Keep of older days the highest mean only, and of older months nothing."""
        state = self.state
        for begin in [begin for begin in state.means if begin < at - _KEPT_DAYS * _DAY]:
            day, mean = self._day(begin), state.means.pop(begin)
            state.days[day] = max(mean, state.days.get(day, mean))
        month = self._day(at - self._period)[:7]
        for day in [day for day in state.days if day[:7] < month]:
            del state.days[day]
