"""Many P1 meters behind bridges, in a process of their own, each at a port of its own.

python -m benchmarks.home.fleet COUNT SPEED: prints the ports as JSON, ends with its input, and
prints what it did as JSON. A home's telegram is made once and sent by all meters of that home, by
each a turn later than by the one before and under its own number: so few microseconds are left to
a telegram that a thousand meters keep up.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count as numbers
import json
from random import Random
import re
import subprocess
import sys
import time
from typing import Self, override

from simulator import p1
from simulator.checksums import crc16_arc
from simulator.clock import instants
from simulator.device import Turn
from simulator.household import Household
from simulator.meters import METERS, Meter

from ..environments import ROOT

START = datetime(2026, 3, 4, 7, 30)
_TURN = timedelta(seconds=10)  # in which a simulated home's power is constant: a meter's second
_HOMES = 10
_CHECK = 6  # bytes: four digits, CR and LF
_NUMBER = "1234"  # with which the ids of `p1.NL` end


def unique_id(number: int) -> str:
    """Return the id of a meter of the fleet."""
    return f"E009900000000{number:04}"


@dataclass(slots=True)
class Sent:
    """How many telegrams were sent, how late the latest was, and the CPU time of it all, s."""

    telegrams: int = 0
    late: float = 0.0
    cpu: float = 0.0
    seconds: float = 0.0


class _Home:
    """The telegrams of a home, the last of which are kept for the meters that come later."""

    def __init__(self, seed: int, meters: int) -> None:
        device = replace(p1.NL, turns=(Turn(1, _TURN),))
        model = replace(METERS["p1"], device=device)
        self._meter = Meter("p1", model, Household(seed, START), START)
        self._moments = instants(START, _TURN)
        self._kept: deque[bytes] = deque(maxlen=meters)
        self._made = 0

    def telegram(self, turn: int) -> bytes:
        """Return the telegram of a turn; no meter is further behind than there are meters."""
        while self._made <= turn:
            self._kept += self._meter.telegrams(next(self._moments))
            self._made += 1
        return self._kept[turn - self._made]


class _Peer(asyncio.Protocol):
    """Who listens to a meter."""

    def __init__(self, peers: set[asyncio.WriteTransport]) -> None:
        self._peers = peers

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self._peers.add(transport)

    @override
    def connection_lost(self, _: Exception | None) -> None:
        self._peers.discard(self._transport)


class _Bridge:
    """A meter of a home, and who listens to it."""

    def __init__(self, number: int, home: _Home, first: int) -> None:
        self._ids = [f"{n}".encode().hex().upper().encode() for n in (_NUMBER, f"{number:04}")]
        self._home, self._turns = home, numbers(first)
        self._peers: set[asyncio.WriteTransport] = set()
        self._check = 0  # by which its checks differ from those of its home
        telegram = home.telegram(first)
        self._places = [found.start() for found in re.finditer(self._ids[0], telegram)]
        self._check = int(telegram[-_CHECK:-2], 16) ^ crc16_arc(
            bytes(self._own(telegram)[:-_CHECK])
        )

    async def open(self) -> int:
        """Listen; return the port."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Peer(self._peers), "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        return port

    def send(self) -> int:
        """Send the telegram of this turn; return to how many."""
        telegram = self._home.telegram(next(self._turns))
        if self._peers:
            said = self._own(telegram)
            check = int(telegram[-_CHECK:-2], 16) ^ self._check  # the CRC of a sum is their sum
            said[-_CHECK:-2] = b"%04X" % check
            for peer in self._peers:
                peer.write(said)
        return len(self._peers)

    def _own(self, telegram: bytes) -> bytearray:
        """Return a telegram with the number of this meter, which is as long as the other."""
        said = bytearray(telegram)
        for at in self._places:
            said[at : at + len(self._ids[1])] = self._ids[1]
        return said


def _bridges(count: int) -> Iterator[_Bridge]:
    homes = min(_HOMES, count)
    lags = -(-count // homes)
    street = [_Home(seed, lags) for seed in range(homes)]
    for number in range(count):
        yield _Bridge(number, street[number % homes], lags - 1 - number // homes)


async def _serve(count: int, speed: float) -> None:
    bridges = list(_bridges(count))
    print(json.dumps([await each.open() for each in bridges]), flush=True)
    sending = asyncio.create_task(_send(bridges, 1 / speed, sent := Sent()))
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    sending.cancel()
    print(json.dumps(asdict(sent)))


async def _send(bridges: list[_Bridge], second: float, sent: Sent) -> None:
    """Send a telegram of each meter in every second, each at a moment of its own."""
    random = Random(len(bridges))
    moments = sorted(random.random() for _ in bridges)
    now = asyncio.get_running_loop().time
    began, cpu = now(), time.process_time()
    for number in numbers():
        seconds, which = divmod(number, len(bridges))
        due = began + (seconds + moments[which]) * second
        if (early := due - now()) > 0:
            await asyncio.sleep(early)
        sent.telegrams += bridges[which].send()
        sent.late = max(sent.late, now() - due)
        sent.cpu, sent.seconds = time.process_time() - cpu, now() - began


@dataclass(slots=True)
class Fleet:
    """The process, from outside; a context manager, which ends it. sent is known at its end."""

    count: int
    speed: float = 1.0
    ports: list[int] = field(default_factory=list)
    sent: Sent = field(default_factory=Sent)
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
            self.sent = Sent(**json.loads(self._process.communicate()[0]))

    @property
    def urls(self) -> list[str]:
        """Return where the meters are."""
        return [f"socket://127.0.0.1:{port}" for port in self.ports]


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
