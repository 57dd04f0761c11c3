"""Shared by all tests: the integration is importable before Home Assistant looks for it."""

import asyncio
from collections.abc import Callable, Mapping
import gc
import os
from pathlib import Path

from homeassistant import runner
from hypothesis import settings
import pytest

import custom_components.obis_meter  # noqa: F401

from .steady import SteadyLoop

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

WAITING = tuple(Path(__file__).with_name(name) for name in ("ha", "recording"))


@pytest.fixture(autouse=True)
async def configure_event_loop() -> None:
    """Configure the loop the way Home Assistant does, but leave it its clock."""
    loop = asyncio.get_running_loop()
    runner.configure_event_loop(loop)
    del loop.time  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def enable_event_loop_debug() -> None:
    """Leave event loops as they are, and tests of pure code without one.

    It takes the place of a fixture of Home Assistant's that makes a loop for every test and has
    it note the stack of every callback, a third of the time; PYTHONASYNCIODEBUG=1 does so too.
    """


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Have tests wait by a clock that a busy machine does not disturb."""
    return {"steady": SteadyLoop}


def pytest_unconfigure() -> None:
    """Collect garbage once: the five searches of pytest find nothing to go through any more."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deal those that wait on ports to all processes, before those that reckon: none comes last.

    Each process takes as many tests from the front.
    """
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    waiting = [item for item in items if _waits(item)]
    others = [item for item in items if not _waits(item)]
    items[:] = [
        item
        for process in range(count)
        for group in (waiting, others)
        for item in group[len(group) * process // count : len(group) * (process + 1) // count]
    ]


def _waits(item: pytest.Item) -> bool:
    return any(item.path.is_relative_to(folder) for folder in WAITING)
