"""A program of ours in the background: logs into a file and never outlives us."""

import asyncio
from collections.abc import Mapping, Sequence
import contextlib
import ctypes
from dataclasses import dataclass, field
import os
from pathlib import Path
import signal
import subprocess
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2)
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class ChildError(Exception):
    """A program that was to run has ended, or did not do its part in time."""


def _end_with_parent() -> None:
    """Ask the kernel for SIGTERM when the parent dies, even by SIGKILL."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """One program, `start()`ed once and `stop()`ped whatever happened before."""

    name: str
    command: Sequence[str | Path]
    log: Path
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    _process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it with `env` on top of our own environment; its log is begun anew."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.cwd,
                env={**os.environ, **self.env},
                # Its own session: Ctrl-C in the terminal is for us alone, who
                # then stop everything in order.
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    async def stop(self, within: float = 20) -> None:
        """Ask it to end; kill it, and what it started, after `within` seconds."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), within)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def check(self) -> None:
        """Raise ChildError when it no longer runs."""
        if self._process is None:
            raise ChildError(f"{self.name} was not started")
        if (code := self._process.returncode) is not None:
            raise ChildError(f"{self.name} ended with code {code}\n{self.tail()}")

    def output(self) -> str:
        """Return all it has printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def tail(self, lines: int = 20) -> str:
        """Return where its log is, and the end of it."""
        end = "\n".join(f"  {line}" for line in self.output().splitlines()[-lines:])
        return f"The last lines of {self.log}:\n{end or '  (nothing)'}"
