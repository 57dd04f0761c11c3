"""What a process holds: tasks, timers, threads, and what /proc/self/fd shows."""

import asyncio
from collections import Counter
import gc
import os
from pathlib import Path
import threading
import warnings

from homeassistant.core import HassJob

_POOLS = ("asyncio_", "SyncWorker", "ImportExecutor", "ThreadPoolExecutor")  # bounded, and kept
_THEIRS = "HTTPConfigStore"  # a timer of Home Assistant's own, which outlives its stop
_BEAT = 0.05  # s
_FOLDER = Path("/proc/self/fd")


def census() -> Counter[str]:
    """Count everything that can be left behind, by what it is."""
    loop = asyncio.get_running_loop()
    found = Counter(f"task {_coroutine(task)}" for task in asyncio.all_tasks(loop))
    found.update(f"timer {_callback(timer)}" for timer in _timers(loop))
    names = (thread.name for thread in threading.enumerate())
    found.update(f"thread {name}" for name in names if not name.startswith(_POOLS))
    found.update(f"open {kind}" for kind in _open())
    return found


async def least(samples: int = 25, pause: float = 0.04) -> Counter[str]:
    """Return the smallest census of some in a row: what comes and goes is not counted."""
    gc.collect()
    found = census()
    for _ in range(samples):
        await asyncio.sleep(pause)
        found &= census()
    return found


async def most(samples: int = 60, pause: float = 0.05) -> Counter[str]:
    """Return the largest census of some in a row: what is usual."""
    gc.collect()
    found = census()
    for _ in range(samples):
        await asyncio.sleep(pause)
        found |= census()
    return found


def beside_timers(found: Counter[str]) -> Counter[str]:
    """Return what does not end with the loop of a Home Assistant that was stopped."""
    return Counter({what: n for what, n in found.items() if not what.startswith("timer")})


class Pulse:
    """How long this process stood still at the longest, because the machine did other things."""

    def __init__(self) -> None:
        """Feel it from here on."""
        self.longest = 0.0
        self._task = asyncio.create_task(self._feel())

    async def _feel(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            before = clock()
            await asyncio.sleep(_BEAT)
            self.longest = max(self.longest, clock() - before - _BEAT)

    def stop(self) -> None:
        """Feel it no longer."""
        self._task.cancel()


class Complaints:
    """What Python complains of: things that were not closed, errors that nobody took."""

    def __init__(self) -> None:
        """Begin to listen to it."""
        self.heard: list[str] = []
        warnings.simplefilter("always", ResourceWarning)
        warnings.simplefilter("always", RuntimeWarning)
        setattr(warnings, "showwarning", self._warned)  # noqa: B010 - it is ours from here on
        asyncio.get_running_loop().set_exception_handler(self._unhandled)

    def _warned(self, message: Warning | str, category: type[Warning], *_: object) -> None:
        if issubclass(category, (ResourceWarning, RuntimeWarning)):
            self.heard.append(f"{category.__name__}: {message}")

    def _unhandled(self, _: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        self.heard.append(f"unhandled: {context.get('message')}: {context.get('exception')!r}")


def _coroutine(task: asyncio.Task[object]) -> str:
    return getattr(task.get_coro(), "__qualname__", "?")


def _timers(loop: asyncio.AbstractEventLoop) -> list[asyncio.TimerHandle]:
    scheduled: list[asyncio.TimerHandle] = getattr(loop, "_scheduled", [])
    running = [timer for timer in scheduled if not timer.cancelled()]
    return [timer for timer in running if _THEIRS not in _callback(timer)]


def _callback(timer: asyncio.TimerHandle) -> str:
    called = getattr(timer, "_callback", None)
    arguments = getattr(timer, "_args", None) or ()
    targets = [each.target for each in arguments if isinstance(each, HassJob)]
    return " ".join(str(getattr(each, "__qualname__", type(each))) for each in (called, *targets))


def _open() -> list[str]:
    kinds = []
    for name in os.listdir(_FOLDER):
        try:
            target = os.readlink(_FOLDER / name)
        except OSError:
            continue  # the folder itself
        kinds.append(
            "pty" if target.startswith(("/dev/pts", "/dev/ptmx")) else target.split(":")[0]
        )
    return kinds
