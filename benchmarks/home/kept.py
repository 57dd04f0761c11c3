"""What a Home Assistant holds at a time: memory, tasks, timers, listeners, issues, states."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
import gc
from pathlib import Path
import resource
import sys

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from .core import DOMAIN

_FEW = 3  # looks, which are all taken
_COMES_AND_GOES = 3  # timers and tasks of what is under way at the moment of a look


@dataclass(slots=True)
class Census:
    """Counts at one moment."""

    counts: Counter[str]
    blocks: int
    rss_kb: int
    objects: Counter[str]

    def left_behind(self, before: Census) -> dict[str, int]:
        """Return what there is more of than what comes and goes."""
        more = self.counts - before.counts
        return {name: count for name, count in more.items() if count > _COMES_AND_GOES}


@dataclass(frozen=True, slots=True)
class Growth:
    """What the memory did from the first look of a core to the last, by the hour.

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


def look(hass: HomeAssistant) -> Census:
    """Count all that there is."""
    gc.collect()
    tasks = asyncio.all_tasks()
    counts = Counter(f"task {getattr(task.get_coro(), '__qualname__', '?')}" for task in tasks)
    scheduled: list[asyncio.TimerHandle] = getattr(hass.loop, "_scheduled", [])
    counts["timers"] = sum(not each.cancelled() for each in scheduled)
    counts["listeners"] = sum(hass.bus.async_listeners().values())
    counts["issues"] = sum(domain == DOMAIN for domain, _ in ir.async_get(hass).issues)
    counts["states"] = len(hass.states.async_entity_ids())
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    objects = Counter(type(each).__name__ for each in gc.get_objects())
    rss = pages * resource.getpagesize() // 1024
    return Census(counts, sys.getallocatedblocks(), rss, objects)


def growth(looks: list[Census]) -> Growth:
    """Return what grew over the second half of some hours: in the first one caches fill."""
    half = looks[len(looks) // 2 :] if len(looks) > _FEW else looks
    first, last, hours = half[0], half[-1], len(half) - 1
    if not hours:
        return Growth()
    more = last.objects - first.objects
    return Growth(
        hours,
        last.blocks,
        round((last.blocks - first.blocks) / hours, 1),
        round((last.rss_kb - first.rss_kb) / hours, 1),
        dict(more.most_common(6)),
    )
