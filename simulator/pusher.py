"""A meter that sends by itself, heard through a UART by somebody who searches its settings.

Time is computed, not waited for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import Protocol
from zoneinfo import ZoneInfo

from .meters import METERS, meter
from .uart import Uart

_PIECE = 0.02  # s between two reads while bytes come
_START = datetime(2026, 3, 4, 17, 10)
_SPAN = 60  # s of telegrams, which then come again


class Listener(Protocol):
    """Who searches: sets the line, is told what comes, and nothing where a gap is over."""

    ended: bool

    @property
    def line(self) -> object:
        """Return how the port is to be set."""

    def hear(self, data: bytes, now: float) -> None:
        """Take what has come."""


@dataclass(frozen=True, slots=True)
class Pusher:
    """What is sent in turn, how often in seconds, and at which line settings."""

    line: str
    telegrams: tuple[bytes, ...]
    every: float

    def heard(self, at: Uart, since: float) -> Iterator[tuple[float, bytes]]:
        """Yield what arrives from a moment on, and when; octets under way by then are lost."""
        sender = Uart.parse(self.line)
        for number in count(int(since / self.every)):
            telegram, begin = self.telegrams[number % len(self.telegrams)], number * self.every
            missed = max(0, int((since - begin) / sender.seconds(1)) + 1) if since > begin else 0
            first = max(since, begin)
            lasts = sender.seconds(len(telegram[missed:]))
            data = _through(telegram[missed:], sender, at)
            size = max(1, int(len(data) * _PIECE / lasts)) if lasts else 1
            for end in range(size, len(data) + size, size):
                share = min(1.0, end / len(data))
                yield first + share * lasts, data[end - size : end]


@lru_cache(maxsize=4096)
def _through(octets: bytes, sender: Uart, at: Uart) -> bytes:
    return at.hear(octets, sender)


def pusher(name: str, line: str = "") -> Pusher:
    """Return a meter of the simulator, at its own line settings or at others."""
    start = _START.replace(tzinfo=ZoneInfo(METERS[name].zone))
    device = meter(name, start)
    every = device.pace.total_seconds()
    times = (start + timedelta(seconds=every * turn) for turn in range(int(_SPAN / every)))
    telegrams = tuple(b"".join(device.telegrams(when)) for when in times)
    return Pusher(line or device.line, telegrams, every)


def listen(
    sent: Pusher, search: Listener, since: float, gap: float, *, eager: bool = False
) -> float:
    """Let a search hear a meter from a moment on until it has ended; return that moment.

    gap: seconds without a byte after which it is told so.
    """
    now = since
    while not search.ended:
        line = search.line
        for when, data in sent.heard(Uart.parse(str(line), eager=eager), now):
            while when > now + gap and not _is_over(search, line):
                now += gap
                search.hear(b"", now)
            if not _is_over(search, line):
                now = when
                search.hear(data, now)
            if _is_over(search, line):
                break
    return now


def _is_over(search: Listener, line: object) -> bool:
    return search.ended or search.line != line
