"""How much code does, counted by the interpreter: the same on every machine.

Work is calls, resumed generators and jumps, which every turn of a loop takes. A branch
counts when it is taken for the first time; it costs nothing from then on.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
import signal
import sys
from types import CodeType
from typing import Any, Final, NamedTuple, Self

_MONITORING: Final = sys.monitoring
_EVENTS: Final = _MONITORING.events
_RECRUITER, _COUNTER = 3, 4  # tool numbers that nobody has a claim to
_COUNTED: Final = _EVENTS.PY_START | _EVENTS.PY_RESUME | _EVENTS.JUMP
_BRANCHES: Final = _EVENTS.BRANCH_LEFT | _EVENTS.BRANCH_RIGHT
_WATCHED: Final = ("/custom_components/obis_meter/", "/scripts/decode.py")
_LOOK: Final = 0.1  # s of CPU time between two looks at what was done by now


class TooMuchWork(BaseException):
    """More was done than input of this length may cost; no handler of errors catches it."""


class Cost(NamedTuple):
    """What a run did, and how many branches it was the first to take."""

    work: int
    branches: int


def _counter() -> Any:
    """Return what counts its calls and makes nothing of them, without a line of Python.

    A callback in Python takes longer than most of what it counts.
    """
    return lru_cache(maxsize=0)(slice)


@dataclass(slots=True)
class Gauge:
    """A context manager; only one can be open at a time."""

    branches: int = 0
    limit: int = sys.maxsize
    _done: Any = field(default_factory=_counter)
    _begun: int = 0
    _before: Callable[..., object] | int | None = None

    @property
    def work(self) -> int:
        """Return what was done since counting began."""
        done: int = self._done.cache_info().misses
        return done - self._begun

    def __enter__(self) -> Self:
        """Watch every function of the integration from its first call on."""
        for tool in (_RECRUITER, _COUNTER):
            _MONITORING.use_tool_id(tool, __name__)
        _MONITORING.register_callback(_RECRUITER, _EVENTS.PY_START, self._recruit)
        self._call(self._done)
        for event in (_EVENTS.BRANCH_LEFT, _EVENTS.BRANCH_RIGHT):
            _MONITORING.register_callback(_COUNTER, event, self._branch)
        _MONITORING.set_events(_RECRUITER, _EVENTS.PY_START)
        self._before = signal.signal(signal.SIGVTALRM, self._look)
        signal.setitimer(signal.ITIMER_VIRTUAL, _LOOK, _LOOK)
        self.forget()
        return self

    def __exit__(self, *_: object) -> None:
        """Watch nothing any more."""
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, self._before)
        for tool in (_RECRUITER, _COUNTER):
            _MONITORING.set_events(tool, 0)
            _MONITORING.clear_tool_id(tool)
            _MONITORING.free_tool_id(tool)

    def forget(self) -> None:
        """Take every branch for one that was never taken."""
        _MONITORING.restart_events()

    @contextmanager
    def measured(self, limit: int) -> Iterator[None]:
        """Count anew from here; TooMuchWork beyond a limit."""
        self._begun += self.work
        self.branches, self.limit = 0, limit
        try:
            yield
            self._look()
        finally:
            self.limit = sys.maxsize

    def place(self, run: Callable[[], object], limit: int) -> str:
        """Return where a run does more than a limit, counted step by step."""
        steps = count()

        def step(code: CodeType, *_: object) -> None:
            if next(steps) >= limit:
                raise TooMuchWork(f"{code.co_filename}:{code.co_qualname}")

        self._call(step)
        try:
            run()
        except TooMuchWork as err:
            return str(err)
        finally:
            self._call(self._done)
        return ""

    def _call(self, callback: Callable[..., object]) -> None:
        for event in (_EVENTS.PY_START, _EVENTS.PY_RESUME, _EVENTS.JUMP):
            _MONITORING.register_callback(_COUNTER, event, callback)

    @property
    def cost(self) -> Cost:
        """Return what was counted last."""
        return Cost(self.work, self.branches)

    def _recruit(self, code: CodeType, offset: int) -> object:
        if any(folder in code.co_filename for folder in _WATCHED):
            _MONITORING.set_local_events(_COUNTER, code, _COUNTED | _BRANCHES)
        return _MONITORING.DISABLE

    def _look(self, *_: object) -> None:
        if self.work > self.limit:
            raise TooMuchWork

    def _branch(self, code: CodeType, offset: int, destination: int) -> object:
        self.branches += 1
        return _MONITORING.DISABLE
