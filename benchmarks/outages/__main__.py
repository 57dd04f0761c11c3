"""Outages of every kind, at random moments, and what is left of them: see scripts/outages."""

import argparse
import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
import json
from pathlib import Path
from random import Random, seed
from statistics import median_low
import sys
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final

from .callers import Crowd, crowds
from .core import Log, home_assistant
from .hurry import FACTOR, hurry
from .leaks import Complaints, Pulse, beside_timers, least, most
from .makes import MAKES
from .stops import stops
from .suffering import Outcome, Sufferer
from .truths import Judge


@dataclass(frozen=True, slots=True)
class _Size:
    """How many outages, calls of each of ten callers, and stops."""

    outages: int
    rounds: int
    stops: int


_SHORT: Final = _Size(45, 2, 4)
_LONG: Final = _Size(1008, 24, 54)
_STOPS: Final = "stops"  # the word for those alone
_SETTLED: Final = 5.0  # s in which everything is heard at the beginning
_FIRST: Final = 30.0  # s in which everything must have been heard once
_BATCH: Final = 28  # outages of each kind between two looks for what was left behind


@dataclass(slots=True)
class _Found:
    """What came of everything."""

    outcomes: list[Outcome] = field(default_factory=list)
    crowds: list[Crowd] = field(default_factory=list)
    stops: Counter[str] = field(default_factory=Counter)
    checked: int = 0
    stood_still: float = 0.0
    wrong: list[str] = field(default_factory=list)


async def _everything(size: _Size, number: int, only: str) -> _Found:
    """Have outages, then callers, then stops."""
    found, complaints, log = _Found(), Complaints(), Log()
    pulse = Pulse()
    before = await most(5)
    await _home(found, log, size, number, only)
    if not only or only == _STOPS:
        found.stops, wrong = await stops(size.stops, number)
        found.wrong += wrong
    found.wrong += [f"log: {text}" for text in log.unplanned()]
    found.wrong += _left("at the end", beside_timers(await least() - before)) + complaints.heard
    pulse.stop()
    found.stood_still = round(pulse.longest, 2)
    return found


async def _home(found: _Found, log: Log, size: _Size, number: int, only: str) -> None:
    """Let one Home Assistant suffer all outages, and ten callers at once."""
    chosen = [make for name, make in MAKES.items() if only in name]
    if not chosen:
        return
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        async with home_assistant(folder) as hass:
            judge, sufferers = Judge(hass), []
            for make in chosen:
                kind = await make(stack, folder, Random(f"{number} {make.__name__}"))
                judge.books |= kind.books
                kind.entry.add_to_hass(hass)
                await hass.config_entries.async_setup(kind.entry.entry_id)
                sufferers.append(Sufferer(hass, kind, log, Random(f"{number} {kind.name}")))
            await _rounds(sufferers, size.outages, found)
            found.crowds = await crowds(sufferers, size.rounds, number)
            for each in sufferers:
                await hass.config_entries.async_remove(each.kind.entry.entry_id)
            await stack.aclose()
        found.checked = judge.checked
        found.wrong += [f"false: {text}" for text in dict.fromkeys(judge.false)]


def _left(when: str, left: Counter[str]) -> list[str]:
    return [f"left {when}: {what} ({many})" for what, many in left.items()]


async def _rounds(sufferers: list[Sufferer], count: int, found: _Found) -> None:
    """Have outages of all kinds side by side, and look now and then for what they leave behind."""
    began = monotonic()
    while ill := [each.kind.name for each in sufferers if not each.is_well(began)]:
        if monotonic() - began > _FIRST:
            raise TimeoutError(f"never heard: {', '.join(ill)}")
        await asyncio.sleep(0.1)
    await asyncio.sleep(_SETTLED)
    usual = await most()
    rounds = -(-count // len(sufferers))
    for first in range(0, rounds, _BATCH):
        size = min(_BATCH, rounds - first)
        batches = [_batch(each, size) for each in sufferers]
        for batch in await asyncio.gather(*batches):
            found.outcomes += batch
        count = len(found.outcomes)
        found.wrong += _left(f"after {count} outages", await least() - usual)
        print(f"{count} outages, {monotonic() - began:.0f} s", file=sys.stderr, flush=True)


async def _batch(sufferer: Sufferer, size: int) -> list[Outcome]:
    outcomes = []
    for _ in range(size):
        outcome = await sufferer.suffer()
        if outcome.wrong:
            print(outcome, file=sys.stderr, flush=True)
        outcomes.append(outcome)
    return outcomes


_ROW: Final = "{:12} {:>5} {:>5} {:>5} {:>9} {:>10} {:>11} {:>5} {:>5}"
_HEADINGS: Final = (
    *("kind", "runs", "back", "late", "median s", "longest s", "of promise", "down", "up"),
)
_CROWD: Final = "{:20} {:>6} {:>8} {:>10} {:>6} {:>6}  {}"


def _show(outcomes: list[Outcome]) -> None:
    print(_ROW.format(*_HEADINGS))
    for name in dict.fromkeys(outcome.kind for outcome in outcomes):
        runs = [outcome for outcome in outcomes if outcome.kind == name]
        back = sorted(run.recovery for run in runs if run.recovery is not None)
        shares = [run.recovery / run.promise for run in runs if run.recovery is not None]
        median, longest = (f"{median_low(back):.1f}", f"{back[-1]:.1f}") if back else ("", "")
        most_of = f"{max(shares, default=0.0):.0%}"
        late = sum(share > 1 for share in shares)
        down, up = sum(run.down for run in runs), sum(run.up for run in runs)
        row = (name, len(runs), len(back), late, median, longest, most_of, down, up)
        print(_ROW.format(*row))


def _show_crowds(found: list[Crowd]) -> None:
    print(_CROWD.format("ten callers", "calls", "answers", "longest s", "sent", "heard", "errors"))
    for each in found:
        errors = ", ".join(f"{word} {many}" for word, many in sorted(each.errors.items()))
        print(
            _CROWD.format(
                each.name,
                each.calls,
                each.answers,
                f"{each.longest:.1f}",
                each.sent,
                each.heard,
                errors,
            ).rstrip()
        )


def _counts(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {many}" for name, many in sorted(counted.items()))


def main() -> int:
    """Have the outages that were asked for; 1 where anything was wrong."""
    parser = argparse.ArgumentParser(prog="scripts/outages", description=__doc__)
    parser.add_argument("--long", action="store_true", help="a thousand outages, not forty")
    parser.add_argument("--seed", type=int, default=1, help="others, or the same again")
    parser.add_argument("--only", default="", metavar="WORD", help="kinds with this in the name")
    options = parser.parse_args()
    if options.only != _STOPS and not any(options.only in name for name in MAKES):
        parser.error(f"--only takes {_STOPS}, or a part of one of {', '.join(MAKES)}")
    hurry()
    seed(options.seed)
    size = _LONG if options.long else _SHORT
    found = asyncio.run(_everything(size, options.seed, options.only))
    wrong = [f"{run.kind}, {run.fault}: {text}" for run in found.outcomes for text in run.wrong]
    wrong += [f"{each.name}: {text}" for each in found.crowds for text in each.wrong]
    wrong += found.wrong
    print(f"every wait is divided by {FACTOR}; seconds below are those of an owner's clock")
    _show(found.outcomes)
    print("faults:", _counts(Counter(run.fault for run in found.outcomes)))
    _show_crowds(found.crowds)
    print("stopped:", _counts(found.stops))
    for text in wrong:
        print("WRONG", text)
    print(json.dumps(_summary(found, options.seed) | {"wrong": len(wrong)}))
    return bool(wrong)


def _summary(found: _Found, number: int) -> dict[str, float]:
    return {
        "factor": FACTOR,
        "seed": number,
        "outages": len(found.outcomes),
        "recovered": sum(run.recovery is not None for run in found.outcomes),
        "states_checked": found.checked,
        "calls": sum(each.calls for each in found.crowds),
        "answers": sum(each.answers for each in found.crowds),
        "stops": found.stops.total(),
        "stood_still": found.stood_still,
    }


if __name__ == "__main__":
    sys.exit(main())
