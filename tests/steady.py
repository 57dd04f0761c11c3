"""An event loop whose clock counts what was waited for, not what the machine took for itself.

Tests wait real fractions of a second for real ports. On a shared machine a process may be stopped
for longer than these: a meter that speaks every 80 ms would fall silent for a reader that waits
for 150 ms, though both are in one process. By this clock both have lost nothing.
"""

import asyncio
from selectors import DefaultSelector, SelectorKey
import time
from typing import Final, override

import pytest

MOST: Final = 0.004  # seconds that callbacks, or a wait beyond its end, count for at most


class _Selector(DefaultSelector):
    """Waits for files, and keeps the time."""

    _now = staticmethod(time.monotonic)  # in a class, where freezegun does not replace it

    def __init__(self) -> None:
        super().__init__()
        self._at = self._since = self._now()
        self._allowed = MOST

    def time(self) -> float:
        """Return seconds that go on with the loop, or those that a test has set."""
        if time.monotonic is not self._now:
            return time.monotonic()
        return self._at + min(self._now() - self._since, self._allowed)

    def _allow(self, seconds: float) -> None:
        self._at, self._since, self._allowed = self.time(), self._now(), seconds

    @override
    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        self._allow(float("inf") if timeout is None else max(timeout, 0) + MOST)
        try:
            return super().select(timeout)
        finally:
            self._allow(MOST)


class SteadyLoop(asyncio.SelectorEventLoop):
    """The loop of the system with a steady clock."""

    def __init__(self) -> None:
        self._keeper = _Selector()
        super().__init__(self._keeper)

    @override
    def time(self) -> float:
        return self._keeper.time()


def keep_busy(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Leave nothing a turn for a moment, in which ports hand on what was written.

    The loop finds that so much time has passed.
    """
    time.sleep(0.05)
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + seconds)


def clock() -> float:
    """Return the time by the loop that runs."""
    return asyncio.get_running_loop().time()
