"""Days of several meters at one Home Assistant, in minutes: see scripts/soak.

Time is simulated, all else is real: the core with its recorder and its storage, the sockets,
the meters' software. Entries are reloaded and the core is restarted on the way.
"""

import argparse
import asyncio
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
import json
from pathlib import Path
import subprocess
import sys
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance

from ..environments import ROOT
from . import simulated
from .booked import Hours, compare
from .core import core, keep, quiet, set_up
from .kept import Census, Growth, growth, look
from .street import Neighbour, move_in

OSLO = ZoneInfo("Europe/Oslo")
_HOUR = 3600
_AWAY = 60  # s that Home Assistant takes to restart
_CONNECTED = 30.1  # s after which all entries have their ports
_SETTLED = 0.1  # s after which nothing is under way
_END = 660  # s after the last full hour, when its statistics are written
_COMMITS = 60  # s from one commit of the recorder to the next: at 5 they are most of its work
_JUDGED = 12  # h, the last of a core, over which memory must be flat
_FIRST = 1  # look at which all sensors are there: some are known after an hourly list, or a restart
_BACKLOG = 200  # events that the recorder may be behind
_ALL = ("kamstrup", "p1", "sml", "module", "bus")


@dataclass(frozen=True, slots=True)
class Case:
    """From when on, for how many hours, which meters; after which hours what is done.

    growing are the parts of all memory blocks that an hour may add: caches fill at first.
    """

    begin: datetime
    hours: int
    meters: tuple[str, ...] = _ALL
    reloads: tuple[int, ...] = ()
    restarts: tuple[int, ...] = ()
    growing: float = 0.001


CASES = {
    "night to summer time": Case(
        datetime(2026, 3, 28, 23, 10, tzinfo=OSLO), 3, reloads=(2,), restarts=(1,), growing=0.01
    ),
    "day to summer time": Case(
        datetime(2026, 3, 28, 20, 40, tzinfo=OSLO), 24, reloads=(2, 8), restarts=(5, 10)
    ),
    "day to winter time": Case(
        datetime(2026, 10, 24, 20, 40, tzinfo=OSLO), 24, reloads=(2, 8), restarts=(6, 10)
    ),
    "week over a month's end": Case(
        datetime(2026, 3, 27, 12, 40, tzinfo=OSLO), 168, ("kamstrup",), (9, 70), (33, 101)
    ),
}
type Found = dict[str, object]
"""A result, ready to print, and whether it is good."""
_QUICK = ("night to summer time",)


@dataclass(slots=True)
class Result:
    """What a case found: hours by meter, counters that were wrong, what was left, what grew.

    said is how many of each kind the meters have sent by then.
    """

    hours: dict[str, Hours] = field(default_factory=dict)
    miscounted: list[str] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)
    growth: Growth = field(default_factory=Growth)
    said: dict[str, dict[str, int]] = field(default_factory=dict)

    def is_good(self, case: Case) -> bool:
        """Tell whether all that is promised holds, for every meter and every hour of a case."""
        booked = [each.worst <= 1 and each.hours == case.hours - 1 for each in self.hours.values()]
        whole = len(booked) == len(case.meters) and all(booked)
        exact = not self.miscounted and not self.left_behind
        return whole and exact and self.growth.is_flat(case.growing)


class Soak:
    """One case under way."""

    def __init__(self, case: Case, loop: simulated.SimulatedLoop) -> None:
        """Prepare."""
        self.case, self.loop, self.result = case, loop, Result()
        self.street: list[Neighbour] = []
        self._ahead: dict[str, dict[str, int]] = {}
        self._looks: list[Census] = []

    async def run(self) -> Result:
        """Let the hours pass."""
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            self.street = await move_in(stack, self.case.begin, list(self.case.meters))
            stretches = [0, *self.case.restarts, self.case.hours]
            for begin, end in pairwise(stretches):
                await self._core(folder, begin, end)
                self.loop.hurried = True
                await asyncio.sleep(_AWAY)
        return self.result

    async def _core(self, folder: Path, begin: int, end: int) -> None:
        """Run a core from one hour to another, on what the last one stored."""
        self.loop.hurried = False
        own = core(folder, recorder=True, commits=_COMMITS, zone=OSLO.key, country="NO")
        async with own as hass:
            recorder = get_instance(hass)
            self.loop.backlogs = [lambda: recorder.backlog > _BACKLOG]
            if not begin:
                keep(hass, *(each.entry for each in self.street))
            await set_up(hass)
            self.loop.hurried = True
            await self._begin_count(hass)
            for hour in range(begin + 1, end + 1):
                await asyncio.sleep(_HOUR)
                await self._count(hass, f"hour {hour}")
                await self._look(hass, closely=hour in (max(begin + 1, end - _JUDGED), end))
                if hour in self.case.reloads:
                    await self._reload(hass)
            if end == self.case.hours:
                await self._finish(hass)
            self.loop.hurried, self.loop.backlogs = False, []
        self._compare_looks(_FIRST if not begin else 0, last=end == self.case.hours)

    async def _look(self, hass: HomeAssistant, *, closely: bool) -> None:
        """Look at all once the recorder has written what waits."""
        self.loop.hurried = False
        await get_instance(hass).async_block_till_done()
        self._looks.append(look(hass, closely=closely))
        self.loop.hurried = True

    async def _reload(self, hass: HomeAssistant) -> None:
        for each in self.street:
            assert await hass.config_entries.async_reload(each.entry.entry_id)
        await hass.async_block_till_done()
        await self._begin_count(hass)

    async def _begin_count(self, hass: HomeAssistant) -> None:
        """Take note of what meters had said before anybody listened, once all are connected."""
        await asyncio.sleep(_CONNECTED)
        none = {"faults": 0, "outages": 0}
        self._ahead = {each.name: _ahead(hass, each) | none for each in self.street}

    async def _count(self, hass: HomeAssistant, when: str) -> None:
        """Compare what meters have said since with what was counted, to the last message."""
        await asyncio.sleep(_SETTLED)
        for each in self.street:
            before, now = self._ahead[each.name], _ahead(hass, each)
            if before != now:
                self.result.miscounted.append(f"{when}, {each.name}: {before} became {now}")
            self.result.said[each.name] = dict(each.source.counts)

    async def _finish(self, hass: HomeAssistant) -> None:
        """Wait for the statistics of the last hour, and look at all."""
        now = datetime.now(UTC)
        full = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        await asyncio.sleep((full - now).total_seconds() + _END)
        self.loop.hurried = False
        await get_instance(hass).async_block_till_done()
        for each in self.street:
            self.result.hours[each.name] = await compare(hass, each, self.case.begin)

    def _compare_looks(self, first: int, *, last: bool) -> None:
        """Compare what a core held early and late; the last one also by how it grew."""
        looks, self._looks = self._looks, []
        if len(looks) > first + 1:
            more = looks[-1].left_behind(looks[first])
            self.result.left_behind += [f"{name}: {count} more" for name, count in more.items()]
        if last:
            self.result.growth = growth(looks)


def _ahead(hass: HomeAssistant, each: Neighbour) -> dict[str, int]:
    """Return how many more of each kind a meter has sent than were counted, and what went wrong."""
    entry = hass.config_entries.async_get_known_entry(each.entry.entry_id)
    statistics, sent = entry.runtime_data.channels()[0].statistics, each.source.counts
    return {
        "telegrams": sent["telegrams"] - statistics.telegrams,
        "messages": sent["messages"] - statistics.messages,
        "unanswered": sent["unanswered"],
        "faults": sum(statistics.faults.values()),
        "outages": statistics.outages,
    }


async def _soak(case: Case, loop: simulated.SimulatedLoop) -> Result:
    return await Soak(case, loop).run()


def _run(name: str) -> Found:
    """Run a case in this process."""
    result: Result = simulated.run(CASES[name].begin, partial(_soak, CASES[name]))
    return {"good": result.is_good(CASES[name]), **asdict(result)}


def _run_apart(name: str) -> Found:
    """Run a case in a process of its own: each begins with the same memory."""
    command = [sys.executable, "-m", "benchmarks.home.soak", "--case", name]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    told = done.stdout.splitlines()[-1:]
    found: Found = json.loads(told[0])["cases"][name] if told else {"good": False}
    return found


def _show(name: str, found: Found) -> None:
    case = CASES[name]
    print(f"{name}: {case.hours} h from {case.begin}")
    for key, value in found.items():
        print(f"  {key}: {value}")


def main() -> int:
    """Run the cases; several of them each in a process of its own."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--long", action="store_true", help="whole days, and a week")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    quiet()
    chosen = [each for each in CASES if (each not in _QUICK) == options.long]
    names = [options.case] if options.case else chosen
    run, told = _run if len(names) == 1 else _run_apart, {}
    for name in names:
        told[name] = run(name)
        _show(name, told[name])
    good = all(found["good"] for found in told.values())
    print(json.dumps({"good": good, "cases": told}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
