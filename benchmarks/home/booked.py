"""What the recorder booked hour by hour, beside what a meter really counted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise

from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance

from simulator.clock import later

from .street import Neighbour, Span

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """How many hours were booked; the largest error, Wh, and as a part of its bound.

    whole is what all hours together are off, Wh; worst_at the hour of the worst. guessed is the
    largest part of an error that nobody could avoid while Home Assistant was away, Wh: worst is
    without it.
    """

    hours: int = 0
    largest: float = 0.0
    worst: float = 0.0
    worst_at: str = ""
    whole: float = 0.0
    guessed: float = 0.0


@dataclass(frozen=True, slots=True)
class _Hour:
    """One hour: when it began, by what it is off and was guessed, Wh, and its part of the bound."""

    start: datetime
    error: float
    guessed: float
    part: float


async def compare(hass: HomeAssistant, each: Neighbour, begin: datetime) -> Hours:
    """Compare all hours but the first, which began before the meter was heard."""
    found = await get_instance(hass).async_add_executor_job(
        statistics_during_period, hass, begin, None, {each.total}, "hour", None, {"sum"}
    )
    rows = [(row["start"], row["sum"] or 0.0) for row in found.get(each.total, ())]
    return judge(rows, each, begin.tzinfo)


def judge(rows: Sequence[tuple[float, float]], each: Neighbour, zone: tzinfo | None) -> Hours:
    """Compare sums, kWh, at the ends of hours that began at some seconds of the epoch."""
    hours = [_hour(each, span, kwh) for span, kwh in _booked(rows, zone)]
    if not hours:
        return Hours()
    worst = max(hours, key=lambda hour: hour.part)
    return Hours(
        len(hours),
        round(max(abs(hour.error) for hour in hours), 1),
        round(worst.part, 2),
        str(worst.start),
        round(sum(hour.error for hour in hours), 1),
        round(max(abs(hour.guessed) for hour in hours), 1),
    )


def _booked(
    rows: Sequence[tuple[float, float]], zone: tzinfo | None
) -> Iterator[tuple[Span, float]]:
    """Yield the hours between the ends of two rows, with what was booked in them, kWh."""
    for (first, before), (second, after) in pairwise(rows):
        if second - first == _HOUR.total_seconds():
            start = datetime.fromtimestamp(second, UTC)  # where the first row ends
            yield (start.astimezone(zone), (start + _HOUR).astimezone(zone)), after - before


def _hour(each: Neighbour, span: Span, kwh: float) -> _Hour:
    start, end = span
    error = kwh * 1000 - (each.energy(end) - each.energy(start))
    guessed = each.guessed(start, end) - each.guessed(later(start, -_HOUR), start)
    return _Hour(start, error, guessed, abs(error - guessed) / each.bound(start, end))
