"""Carry out all steps, say how each went, and leave nothing running."""

import argparse
import asyncio
from collections import Counter
import signal
import sys
import time
from typing import Final

import aiohttp
from homeassistant.const import __version__
from playwright.async_api import Error

from scripts.child import ChildError
from scripts.home_assistant_api import ApiError
from tests.e2e.browser import Missed, Screen, browse
from tests.e2e.owner import Owner, Skipped
from tests.e2e.pictures import copy_best
from tests.e2e.scenario import STEPS, Step
from tests.e2e.stage import FOLDER, Stage

_ALL_SECONDS: Final = 600
_WRONG = (Missed, Error, ApiError, ChildError, aiohttp.ClientError, TimeoutError, AssertionError)


async def run() -> Counter[str]:
    """Return how many steps passed, failed and were skipped."""
    print(f"Home Assistant {__version__}", flush=True)
    counts = Counter[str]()
    async with asyncio.timeout(_ALL_SECONDS), Stage() as stage:
        async with browse(stage.home.url, FOLDER) as screen:
            owner = Owner(stage, screen)
            for number, step in enumerate(STEPS, 1):
                counts[await _carry_out(number, step, owner, screen)] += 1
        if counts["failed"]:
            print(stage.home.child.tail(), flush=True)
    return counts


async def _carry_out(number: int, step: Step, owner: Owner, screen: Screen) -> str:
    begin = time.monotonic()
    outcome, why = "passed", ""
    try:
        await step.carry_out(owner)
    except Skipped as reason:
        outcome, why = "skipped", f": {reason}"
    except _WRONG as err:
        outcome, why = "failed", f": {_said(err)}"
    seconds = time.monotonic() - begin
    print(f"{number:2} {step.name:28} {outcome} {seconds:6.1f} s{why}", flush=True)
    await screen.picture(f"{number:02} {step.name}{' FAILED' if outcome == 'failed' else ''}")
    return outcome


def _said(err: BaseException) -> str:
    return str(err) or type(err).__name__


async def _until_signal() -> Counter[str]:
    """Run until done, or until someone has had enough."""
    task = asyncio.current_task()
    assert task
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await run()


def main() -> int:
    """Return 0 when no step failed."""
    parser = argparse.ArgumentParser(prog="scripts/e2e", description=__doc__)
    parser.add_argument(
        "--pictures", action="store_true", help="copy the best screenshots into docs/images"
    )
    options = parser.parse_args()
    signal.alarm(_ALL_SECONDS + 60)  # should even the event loop hang
    begin = time.monotonic()
    try:
        counts = asyncio.run(_until_signal())
    except (*_WRONG, asyncio.CancelledError) as err:
        print(f"e2e: {_said(err)}", file=sys.stderr)
        return 1
    if options.pictures and not counts["failed"]:
        copy_best()
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"pictures in {FOLDER / 'pictures'}, {time.monotonic() - begin:.0f} s")
    print(f"{counts['passed']} passed, {counts['failed']} failed{skipped}")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
