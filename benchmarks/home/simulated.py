"""An event loop on simulated time: it leaps where it would wait, and waits for threads.

All that is timed by the loop or by the clock on the wall (sleeps, timeouts, Home Assistant's
timers, what the recorder books) goes as fast as the processor can; sockets, threads and
files are real.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
import selectors
from typing import Any, override

from freezegun import api as freezing
from pytest_homeassistant_custom_component import patch_time

_MENDED = {  # as in Home Assistant's tests
    "FakeDatetime": patch_time.HAFakeDatetime,
    "datetime_to_fakedatetime": patch_time.ha_datetime_to_fakedatetime,
}
for _name, _mended in _MENDED.items():
    setattr(freezing, _name, _mended)

_LEAST = 1e-6  # s
_BREATH = 0.02  # s of real time in which a thread may get on


class Clock:
    """The time on the wall, which everybody sees; move it by calling it."""

    def __init__(self, begin: datetime) -> None:
        """Stop all clocks at a moment."""
        self._begin = begin.astimezone(UTC).replace(tzinfo=None)
        self._freezer = freezing.freeze_time(self._begin, real_asyncio=True)
        self._frozen = self._freezer.start()

    def __call__(self, seconds: float) -> None:
        """Show so many seconds after the beginning."""
        self._frozen.move_to(self._begin + timedelta(seconds=seconds))

    def stop(self) -> None:
        """Show the real time again."""
        self._freezer.stop()


class _Leaping(selectors.DefaultSelector):
    """A selector that waits only for threads."""

    loop: SimulatedLoop

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            return super().select(_BREATH)
        if self.loop.hurried and not self.loop.threads_work():
            self.loop.leap(timeout)
            return super().select(0)
        if not (ready := super().select(min(timeout, _BREATH))):
            self.loop.leap(min(timeout, _BREATH))
        return ready


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Its time begins at 0 s; backlogs tell how much threads still have to do.

    Unless it is hurried, time passes as it really does.
    """

    def __init__(self, clock: Clock) -> None:
        """Begin now."""
        selector = _Leaping()
        selector.loop = self
        self.hurried = False
        self.backlogs: list[Callable[[], int]] = []
        self._seconds = 0.0
        self._jobs = 0
        self._clock = clock
        super().__init__(selector)

    @override
    def time(self) -> float:
        return self._seconds

    def leap(self, seconds: float) -> None:
        """Let time pass in which nothing happens."""
        self._seconds += max(seconds, _LEAST)  # beyond what is lost in rounding
        self._clock(self._seconds)

    def threads_work(self) -> bool:
        """Tell whether a thread is busy for somebody here."""
        return self._jobs > 0 or any(backlog() for backlog in self.backlogs)

    @override
    def run_in_executor[T](  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        self._jobs += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._job_done)
        return future

    def _job_done(self, _: asyncio.Future[Any]) -> None:
        self._jobs -= 1


def run[T](begin: datetime, work: Callable[[SimulatedLoop], Any]) -> Any:
    """Run a coroutine from a moment on, in a loop of its own."""
    clock = Clock(begin)
    loop = SimulatedLoop(clock)
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(work(loop))
    finally:
        with suppress(RuntimeError):
            loop.close()
        clock.stop()
