"""What the recorder booked hour by hour, beside what a meter really counted."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance

from simulator.clock import later

from .street import Neighbour

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


async def compare(hass: HomeAssistant, each: Neighbour, begin: datetime) -> Hours:
    """Compare all hours but the first, which began before the meter was heard."""
    found = await get_instance(hass).async_add_executor_job(
        statistics_during_period, hass, begin, None, {each.total}, "hour", None, {"sum"}
    )
    rows = [(row["start"], row["sum"] or 0.0) for row in found.get(each.total, ())]
    errors, guesses, parts = {}, {}, {}
    for (first, before), (second, after) in pairwise(rows):
        start, end = (
            datetime.fromtimestamp(at, UTC).astimezone(begin.tzinfo)
            for at in (first + 3600, second + 3600)
        )
        errors[start] = (after - before) * 1000 - (each.energy(end) - each.energy(start))
        guesses[start] = each.guessed(start, end) - each.guessed(later(start, -_HOUR), start)
        parts[start] = abs(errors[start] - guesses[start]) / each.bound(start, end)
    if not errors:
        return Hours()
    worst = max(parts, key=lambda start: parts[start])
    return Hours(
        len(errors),
        round(max(map(abs, errors.values())), 1),
        round(parts[worst], 2),
        str(worst),
        round(sum(errors.values()), 1),
        round(max(map(abs, guesses.values())), 1),
    )
