"""Many P1 meters behind bridges, in a process of their own, each at a port of its own.

python -m benchmarks.home.fleet COUNT SPEED: prints the ports as JSON, and ends with its input.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
import json
import subprocess
import sys
from typing import Self

from simulator import p1
from simulator.device import Turn
from simulator.household import Household
from simulator.meters import METERS, Meter
from simulator.serve import serve_tcp

from ..environments import ROOT

START = datetime(2026, 3, 4, 7, 30)
_SECOND = 10  # seconds of a home that pass in one of the meter's


def unique_id(number: int) -> str:
    """Return the id of a meter of the fleet."""
    return f"E009900000000{number:04}"


def _meter(number: int) -> Meter:
    """Return a DSMR 5 meter with gas, in a home of its own whose power never rests.

    A simulated home changes its power every ten seconds: these are this meter's second.
    """
    old, new = (f"{n:04}".encode().hex() for n in (1234, number))
    texts = {name: text.replace(old, new) for name, text in p1.NL.texts.items()}
    device = replace(p1.NL, texts=texts, turns=(Turn(1, timedelta(seconds=_SECOND)),))
    return Meter(
        f"p1-{number}", replace(METERS["p1"], device=device), Household(number, START), START
    )


async def _serve(count: int, speed: float) -> None:
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        ports = []
        for number in range(count):
            server = await serve_tcp(_meter(number), start=START, speed=_SECOND * speed)
            stack.push_async_callback(server.close)
            ports.append(server.port)
            await asyncio.sleep(1 / speed / count)  # spread over the second
        print(json.dumps(ports), flush=True)
        await loop.run_in_executor(None, sys.stdin.read)


@dataclass(slots=True)
class Fleet:
    """The process, from outside; a context manager, which ends it."""

    count: int
    speed: float = 1.0
    ports: list[int] = field(default_factory=list)
    _process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start it, and learn the ports."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.home.fleet", str(self.count), str(self.speed)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self.ports = json.loads(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        """Let it end: its input does."""
        if self._process:
            self._process.communicate()

    @property
    def urls(self) -> list[str]:
        """Return where the meters are."""
        return [f"socket://127.0.0.1:{port}" for port in self.ports]


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
