"""Many P1 meters at one Home Assistant, each at 1 Hz over TCP: see scripts/load.

python -m benchmarks.home.crowd COUNT SECONDS [traced]: prints JSON. The meters are a process of
their own. Traced, memory is counted by tracemalloc, and no time.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
import gc
import json
from pathlib import Path
import resource
import sys
from tempfile import TemporaryDirectory
import time
import tracemalloc

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from .core import DOMAIN, core, entry_for, keep, quiet, set_up, until
from .fleet import Fleet, unique_id

_SETTLE = 15.0  # s: a span of state writes and half another
_LOOK = 0.005  # s between two looks at the loop
_KILO = 1024
_WHO = 20  # files that ask for most memory


@dataclass(slots=True)
class Figures:
    """What so many meters cost. cpu_ms: per meter and second; lags: of the loop, in ms."""

    meters: int
    start_s: float = 0.0  # set-up of all entries, never seen before
    again_s: float = 0.0  # the same after a restart, with all that is remembered
    cpu_ms: float = 0.0
    lag_p50: float = 0.0
    lag_p99: float = 0.0
    lag_max: float = 0.0
    busy_p99: float = 0.0  # CPU time between two looks, in ms: lag without the other load
    busy_max: float = 0.0
    missed: float = 0.0  # telegrams that were due and did not come while looked at, %
    fleet_ms: float = 0.0  # CPU of the meters' own process, per meter and second
    fleet_late: float = 0.0  # the latest telegram of all, ms
    rss_kb: float = 0.0  # per meter beyond the first
    traced_kb: float = 0.0  # the same by tracemalloc
    of_whom: dict[str, float] = field(default_factory=dict)


def _entries(urls: list[str]) -> Iterator[ConfigEntry]:
    for number, url in enumerate(urls):
        yield entry_for(url, "p1", f"Meter {number}", unique_id=unique_id(number))


def _heard(hass: HomeAssistant) -> list[int]:
    entries = hass.config_entries.async_loaded_entries(DOMAIN)
    return [each.runtime_data.connection.channel.statistics.telegrams for each in entries]


async def _all_heard(hass: HomeAssistant, count: int) -> None:
    await until(lambda: len(heard := _heard(hass)) == count and min(heard) > 1)
    await asyncio.sleep(_SETTLE)


def _rss() -> float:
    """Return the resident memory, kB."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / _KILO


async def _lags(seconds: float) -> tuple[list[float], list[float]]:
    """Return how late the loop came to a timer, and the CPU time it had used until then, in ms."""
    late, busy = [], []
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while (begin := loop.time()) < end:
        cpu = time.thread_time()
        await asyncio.sleep(_LOOK)
        late.append((loop.time() - begin - _LOOK) * 1e3)
        busy.append((time.thread_time() - cpu) * 1e3)
    return sorted(late), sorted(busy)


async def _look(hass: HomeAssistant, figures: Figures, seconds: float) -> None:
    before, cpu, begin = sum(_heard(hass)), time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)  # CPU is counted while nobody looks at the loop
    passed, used = time.monotonic() - begin, time.process_time() - cpu
    figures.cpu_ms = used / figures.meters / passed * 1e3
    figures.missed = 100 - (sum(_heard(hass)) - before) / (figures.meters * passed) * 100
    late, busy = await _lags(seconds)
    figures.lag_p50, figures.lag_max = late[len(late) // 2], late[-1]
    figures.lag_p99 = late[len(late) * 99 // 100]
    figures.busy_p99, figures.busy_max = busy[len(busy) * 99 // 100], busy[-1]


async def _timed_set_up(hass: HomeAssistant) -> float:
    begin = time.process_time()
    await set_up(hass)
    return time.process_time() - begin


async def measure(count: int, seconds: float) -> Figures:
    """Start twice, look at the loop for some seconds."""
    figures = Figures(count)
    with Fleet(count) as fleet, TemporaryDirectory() as folder:
        entries = list(_entries(fleet.urls))
        async with core(Path(folder)) as hass:
            keep(hass, entries[0])
            await set_up(hass)
            await _all_heard(hass, 1)
            one = _rss()
            begin = time.process_time()
            for each in entries[1:]:
                keep(hass, each)
            await asyncio.gather(
                *(hass.config_entries.async_setup(each.entry_id) for each in entries[1:])
            )
            await hass.async_block_till_done()
            figures.start_s = time.process_time() - begin
            await _all_heard(hass, count)
            await _look(hass, figures, seconds)
            figures.rss_kb = (_rss() - one) / max(count - 1, 1)
        async with core(Path(folder)) as hass:
            figures.again_s = await _timed_set_up(hass)
    figures.fleet_ms = fleet.sent.cpu / fleet.sent.seconds / count * 1e3
    figures.fleet_late = fleet.sent.late * 1e3
    return figures


async def trace(count: int) -> Figures:
    """Count the memory of all meters beyond the first, by who asked for it."""
    figures = Figures(count)
    with Fleet(count) as fleet, TemporaryDirectory() as folder:
        first, *others = _entries(fleet.urls)
        async with core(Path(folder)) as hass:
            keep(hass, first)
            await set_up(hass)
            await _all_heard(hass, 1)
            gc.collect()
            tracemalloc.start()
            for each in others:
                keep(hass, each)
                await hass.config_entries.async_setup(each.entry_id)
            await _all_heard(hass, count)
            gc.collect()
            snapshot = tracemalloc.take_snapshot()
    statistics = snapshot.statistics("filename")
    per_meter = 1 / _KILO / len(others)
    figures.traced_kb = sum(one.size for one in statistics) * per_meter
    for one in statistics[:_WHO]:
        figures.of_whom[_short(one.traceback[0].filename)] = round(one.size * per_meter, 1)
    return figures


def _short(path: str) -> str:
    return "/".join(Path(path).parts[-3:])


if __name__ == "__main__":
    quiet()
    number = int(sys.argv[1])
    found = asyncio.run(
        trace(number) if "traced" in sys.argv else measure(number, float(sys.argv[2]))
    )
    print(json.dumps(asdict(found)))
