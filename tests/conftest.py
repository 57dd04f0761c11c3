"""Shared by all tests: the integration is importable before Home Assistant looks for it."""

import gc

import pytest

import custom_components.obis_meter  # noqa: F401


@pytest.fixture(autouse=True)
def enable_event_loop_debug() -> None:
    """Leave event loops as they are, and tests of pure code without one.

    It takes the place of a fixture of Home Assistant's that makes a loop for every test and has
    it note the stack of every callback, a third of the time; PYTHONASYNCIODEBUG=1 does so too.
    """


def pytest_unconfigure() -> None:
    """Collect garbage once: the five searches of pytest find nothing to go through any more."""
    gc.collect()
    gc.freeze()
