"""What a Home Assistant holds at a time: memory, tasks, timers, listeners, issues, states."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
import gc
from pathlib import Path
import resource
from statistics import linear_regression
import sys

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from .core import DOMAIN

_COMES_AND_GOES = 3  # timers and tasks of what is under way at the moment of a look


@dataclass(slots=True)
class Census:
    """Counts at one moment; of objects by their type only where that was asked for."""

    counts: Counter[str]
    blocks: int
    rss_kb: int
    objects: Counter[str] = field(default_factory=Counter)

    def left_behind(self, before: Census) -> dict[str, int]:
        """Return what there is more of than what comes and goes."""
        more = self.counts - before.counts
        return {name: count for name, count in more.items() if count > _COMES_AND_GOES}


@dataclass(frozen=True, slots=True)
class Growth:
    """How the memory grew over some hours: the slope of the line that fits it best.

    types are those kinds of objects that became most more numerous.
    """

    hours: int = 0
    blocks: int = 0
    blocks_an_hour: float = 0.0
    rss_kb_an_hour: float = 0.0
    types: dict[str, int] = field(default_factory=dict)

    def is_flat(self, parts: float) -> bool:
        """Tell whether an hour adds no more than parts of all memory blocks."""
        return self.hours > 0 and self.blocks_an_hour <= parts * self.blocks


def look(hass: HomeAssistant, *, closely: bool) -> Census:
    """Count all that there is; closely: also objects, a count that takes memory itself."""
    gc.collect()
    tasks = asyncio.all_tasks()
    counts = Counter(f"task {getattr(task.get_coro(), '__qualname__', '?')}" for task in tasks)
    scheduled: list[asyncio.TimerHandle] = getattr(hass.loop, "_scheduled", [])
    counts["timers"] = sum(not each.cancelled() for each in scheduled)
    counts["listeners"] = sum(hass.bus.async_listeners().values())
    counts["issues"] = sum(domain == DOMAIN for domain, _ in ir.async_get(hass).issues)
    counts["states"] = len(hass.states.async_entity_ids())
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    rss = pages * resource.getpagesize() // 1024
    census = Census(counts, sys.getallocatedblocks(), rss)
    if closely:
        census.objects.update(type(each).__name__ for each in gc.get_objects())
    return census


def growth(looks: list[Census]) -> Growth:
    """Return what grew from the first look taken closely to the last, an hour between two."""
    first = next((at for at, each in enumerate(looks) if each.objects), len(looks))
    taken = looks[first:]
    if len(taken) < 2:
        return Growth()
    hours = range(len(taken))
    return Growth(
        len(taken) - 1,
        taken[-1].blocks,
        round(linear_regression(hours, [each.blocks for each in taken]).slope, 1),
        round(linear_regression(hours, [each.rss_kb for each in taken]).slope, 1),
        dict((taken[-1].objects - taken[0].objects).most_common(6)),
    )
