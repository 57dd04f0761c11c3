"""Outages of every kind, at random moments, and what is left of them: see scripts/outages."""

import argparse
import asyncio
from collections import Counter
from contextlib import AsyncExitStack
import json
from pathlib import Path
from random import Random, seed
import sys
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final

from .core import Log, home_assistant
from .hurry import FACTOR, hurry
from .kinds import MAKES
from .leaks import Complaints, least, most
from .suffering import Outcome, Sufferer
from .truths import Judge

_SHORT: Final = 40
_LONG: Final = 1000
_SETTLED: Final = 8.0  # s in which everything is heard at the beginning
_FIRST: Final = 30.0  # s in which everything must have been heard once
_BATCH: Final = 10  # outages of each kind between two looks for what was left behind


async def _outages(count: int, number: int, only: str) -> tuple[list[Outcome], list[str], int]:
    """Have outages; return what came of them, what was wrong besides, and the states judged."""
    wrong: list[str] = []
    complaints, log = Complaints(), Log()
    before = await most(5)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        async with home_assistant(folder) as hass:
            judge = Judge(hass)
            sufferers = []
            for make in MAKES:
                if only not in make.__name__:
                    continue
                kind = await make(stack, folder, Random(f"{number} {make.__name__}"))
                judge.books |= kind.books
                kind.entry.add_to_hass(hass)
                await hass.config_entries.async_setup(kind.entry.entry_id)
                random = Random(f"{number} {kind.name}")
                sufferers.append(Sufferer(hass, kind, log, random))
            outcomes = await _rounds(sufferers, count, wrong)
            for each in sufferers:
                await hass.config_entries.async_remove(each.kind.entry.entry_id)
            await stack.aclose()
        wrong += [f"false: {text}" for text in dict.fromkeys(judge.false)]
        wrong += [f"log: {text}" for text in log.unplanned()]
    left = await least() - before
    wrong += [f"left at the end: {what} ({many})" for what, many in left.items()]
    wrong += complaints.heard
    return outcomes, wrong, judge.checked


async def _rounds(sufferers: list[Sufferer], count: int, wrong: list[str]) -> list[Outcome]:
    began = monotonic()
    while ill := [each.kind.name for each in sufferers if not each.is_well(began)]:
        if monotonic() - began > _FIRST:
            raise TimeoutError(f"never heard: {', '.join(ill)}")
        await asyncio.sleep(0.1)
    await asyncio.sleep(_SETTLED)
    usual = await most()
    outcomes: list[Outcome] = []
    rounds = -(-count // len(sufferers))
    for first in range(0, rounds, _BATCH):
        size = min(_BATCH, rounds - first)
        batches = [_batch(each, size) for each in sufferers]
        for batch in await asyncio.gather(*batches):
            outcomes += batch
        left = await least() - usual
        wrong += [f"left after {len(outcomes)}: {what} ({many})" for what, many in left.items()]
        print(f"{len(outcomes)} outages, {monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return outcomes[:]


async def _batch(sufferer: Sufferer, size: int) -> list[Outcome]:
    outcomes = []
    for _ in range(size):
        outcome = await sufferer.suffer()
        if outcome.wrong:
            print(outcome, file=sys.stderr, flush=True)
        outcomes.append(outcome)
    return outcomes


def _show(outcomes: list[Outcome]) -> None:
    print(f"{'kind':12} {'runs':>5} {'back':>5} {'late':>5} {'median s':>9} {'longest s':>10}"
          f" {'of promise':>11} {'down':>5} {'up':>5}")
    for name in dict.fromkeys(outcome.kind for outcome in outcomes):
        runs = [outcome for outcome in outcomes if outcome.kind == name]
        back = sorted(run.recovery for run in runs if run.recovery is not None)
        share = max(((run.recovery or 0) / run.promise for run in runs), default=0.0)
        late = sum((run.recovery or 0) > run.promise for run in runs)
        print(f"{name:12} {len(runs):5} {len(back):5} {late:5} {back[len(back) // 2]:9.1f}"
              f" {back[-1]:10.1f} {share:10.0%} {sum(run.down for run in runs):6}"
              f" {sum(run.up for run in runs):5}")


def main() -> int:
    """Have the outages that were asked for; 1 where anything was wrong."""
    parser = argparse.ArgumentParser(prog="scripts/outages", description=__doc__)
    parser.add_argument("--long", action="store_true", help=f"{_LONG} outages, not {_SHORT}")
    parser.add_argument("--count", type=int, help="as many outages")
    parser.add_argument("--seed", type=int, default=1, help="others, or the same again")
    parser.add_argument("--only", default="", metavar="WORD", help="kinds with this in the name")
    options = parser.parse_args()
    hurry()
    seed(options.seed)
    count = options.count or (_LONG if options.long else _SHORT)
    outcomes, wrong, checked = asyncio.run(_outages(count, options.seed, options.only))
    _show(outcomes)
    faults = Counter(outcome.fault for outcome in outcomes)
    print("faults:", ", ".join(f"{name} {many}" for name, many in sorted(faults.items())))
    wrong = [f"{o.kind}, {o.fault}: {text}" for o in outcomes for text in o.wrong] + wrong
    for text in wrong:
        print("WRONG", text)
    print(json.dumps({
        "factor": FACTOR, "seed": options.seed, "outages": len(outcomes),
        "states_checked": checked, "wrong": len(wrong),
    }))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
