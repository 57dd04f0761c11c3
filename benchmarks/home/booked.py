"""What the recorder booked hour by hour, beside what a meter really counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance

from simulator.clock import later

from .street import Neighbour

type Gap = tuple[datetime, datetime]
"""From when to when Home Assistant did not run."""
_STEP = timedelta(seconds=10)  # in which a simulated home's power is constant
_LATER = 3600  # seconds after which what was missed is made up for


@dataclass(frozen=True, slots=True)
class Hours:
    """How many hours were booked; the largest error, Wh, and as a part of its bound.

    whole is what all hours together are off, Wh; worst_at the hour of the worst.
    """

    hours: int = 0
    largest: float = 0.0
    worst: float = 0.0
    worst_at: str = ""
    whole: float = 0.0


async def compare(
    hass: HomeAssistant, each: Neighbour, begin: datetime, gaps: Sequence[Gap]
) -> Hours:
    """Compare all hours but the first, which began before the meter was heard."""
    found = await get_instance(hass).async_add_executor_job(
        statistics_during_period, hass, begin, None, {each.total}, "hour", None, {"sum"}
    )
    rows = [(row["start"], row["sum"] or 0.0) for row in found.get(each.total, ())]
    errors, parts = {}, {}
    for (first, before), (second, after) in pairwise(rows):
        start, end = (
            datetime.fromtimestamp(at, UTC).astimezone(begin.tzinfo)
            for at in (first + 3600, second + 3600)
        )
        error = (after - before) * 1000 - (each.energy(end) - each.energy(start))
        errors[start] = error
        parts[start] = abs(error) / (each.bound(start, end) + _unheard(each, start, end, gaps))
    if not errors:
        return Hours()
    worst = max(parts, key=lambda start: parts[start])
    return Hours(
        len(errors),
        round(max(map(abs, errors.values())), 1),
        round(parts[worst], 2),
        str(worst),
        round(sum(errors.values()), 1),
    )


def _unheard(each: Neighbour, start: datetime, end: datetime, gaps: Sequence[Gap]) -> float:
    """Return how wrong power can be guessed over the gaps of an hour and of the one before, Wh."""
    first, last = start.timestamp() - _LATER, end.timestamp()
    inside = [gap for gap in gaps if first <= gap[0].timestamp() < last]
    return sum(_range(each, *gap) for gap in inside)


def _range(each: Neighbour, begin: datetime, end: datetime) -> float:
    """Return the energy that lies between the least and the most power of a span, Wh."""
    steps = range((end - begin) // _STEP + 3)
    marks = [each.energy(later(begin, _STEP * (step - 1))) for step in steps]
    used = [after - before for before, after in pairwise(marks)]
    return (max(used) - min(used)) * len(used)
