"""Workers that take turns on one core."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
import json
import os
from pathlib import Path
from statistics import median
import subprocess
from typing import Self

from .environments import ROOT
from .jobs import Job, Timing

_METERING = ROOT / "custom_components" / "obis_meter"


@dataclass(frozen=True, slots=True)
class Speed:
    """Telegrams per CPU second in each round, and readings per telegram."""

    rounds: tuple[float, ...]
    readings: float

    @property
    def best(self) -> float:
        """Return the round that was disturbed least."""
        return max(self.rounds)

    @property
    def median(self) -> float:
        """Return the usual round."""
        return median(self.rounds)

    def over(self, other: Speed) -> float:
        """Return the usual ratio of rounds that ran next to each other, on a machine as busy."""
        return median(a / b for a, b in zip(self.rounds, other.rounds, strict=True))


@dataclass(slots=True)
class Worker:
    """A process that reads one stream in one way; a context manager, which ends it."""

    python: Path
    job: Job
    _process: subprocess.Popen[str] = field(init=False)

    def __enter__(self) -> Self:
        """Start it."""
        path = os.pathsep.join((str(ROOT), str(_METERING)))
        self._process = subprocess.Popen(
            [self.python, "-m", "benchmarks.worker"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._say(str(self.job))
        return self

    def __exit__(self, *_: object) -> None:
        """Let it end: its input does."""
        self._process.communicate()

    def read(self, times: int) -> Timing:
        """Have the stream read so many times."""
        self._say(str(times))
        if not (line := self._process.stdout.readline() if self._process.stdout else ""):
            raise RuntimeError(f"the worker for {self.job.module} ended")
        return Timing(**json.loads(line))

    def _say(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()


def one_core() -> None:
    """Stay on one core from here on, workers too, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def measure(workers: Sequence[Worker], rounds: int, seconds: float) -> list[Speed]:
    """Return the speed of each; a round takes each of them about so many seconds."""
    with ExitStack() as stack:
        for worker in workers:
            stack.enter_context(worker)
        first = [worker.read(1) for worker in workers]
        times = [max(1, round(seconds / timing.seconds)) for timing in first]
        taken = [
            [worker.read(count) for worker, count in zip(workers, times, strict=True)]
            for _ in range(rounds)
        ]
    return [
        Speed(
            tuple(each.telegrams / each.seconds for each in timings),
            timings[0].readings / timings[0].telegrams,
        )
        for timings in zip(*taken, strict=True)
    ]
