"""How long it takes until a meter is found: python -m benchmarks.detection.

Line settings and countries are crossed; the wire is the model of simulator/uart.py, and time
is computed, not waited for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from statistics import median
from zoneinfo import ZoneInfo

from metering.attempts import Patience, Search
from metering.chances import Chances, chances
from simulator.meters import METERS, meter
from simulator.uart import Uart

_PIECE = 0.02  # s between two reads while bytes come
_START = datetime(2026, 3, 4, 17, 10)
_PHASES = 12  # moments between two telegrams at which the owner begins


@dataclass(frozen=True, slots=True)
class Pusher:
    """A meter that sends by itself: what, how often in seconds, and at which settings."""

    line: str
    telegrams: tuple[bytes, ...]
    every: float

    def heard(self, at: Uart, since: float) -> Iterator[tuple[float, bytes]]:
        """Yield what arrives from a moment on, and when; octets under way are lost."""
        sender = Uart.parse(self.line)
        for number in count(int(since / self.every)):
            telegram = self.telegrams[number % len(self.telegrams)]
            begins, lasts = number * self.every, sender.seconds(len(telegram))
            missed = max(0, -int(-len(telegram) * (since - begins) // lasts)) if telegram else 0
            octets = telegram[missed:]
            if not octets:
                continue
            bytes_ = at.hear(octets, sender)
            first = max(begins, since)
            pieces = max(1, int((begins + lasts - first) / _PIECE))
            size = -(-len(bytes_) // pieces) or 1
            for place in range(0, len(bytes_), size):
                piece = bytes_[place : place + size]
                share = (place + len(piece)) / len(bytes_)
                yield first + share * (begins + lasts - first), piece


def pusher(name: str, line: str = "") -> Pusher:
    """Return a meter of the simulator, at its own line settings or at others."""
    zone = ZoneInfo(METERS[name].zone)
    device = meter(name, _START.replace(tzinfo=zone))
    every = device.pace.total_seconds()
    turns = range(int(60 / every))
    times = [_START.replace(tzinfo=zone) + timedelta(seconds=every * turn) for turn in turns]
    return Pusher(line or device.line, tuple(b"".join(device.telegrams(t)) for t in times), every)


def found_in(
    sent: Pusher, shares: Chances, phase: float = 0.0, *, eager: bool = False
) -> tuple[float, Search]:
    """Return how many seconds a search takes that begins at a moment, and its end."""
    patience = Patience()
    search, now = Search(shares, patience, phase), phase
    while not search.ended:
        line = search.line
        at = Uart(line.baudrate, line.byte_size, line.parity, eager=eager)
        for when, data in sent.heard(at, now):
            while not search.ended and search.line == line and when > now + patience.gap:
                now += patience.gap
                search.hear(b"", now)
            if search.ended or search.line != line:
                break
            now = when
            search.hear(data, now)
            if search.ended or search.line != line:
                break
    return (search.understood or now) - phase, search


_ROWS = (
    *("aidon", "kaifa-se", "kaifa-at", "p1", "p1-v2", "sml", "kamstrup"),
    *("e450-ch", "am550-at", "p1-lu-ciphered"),
)
_COUNTRIES = (None, "NO", "SE", "NL", "DE", "AT", "CH", "CN")


def main() -> None:
    """Print a table: meters down, countries across, median and longest seconds."""
    print("| Meter | " + " | ".join(country or "unknown" for country in _COUNTRIES) + " |")
    print("|---" * (1 + len(_COUNTRIES)) + "|")
    for name in _ROWS:
        sent = pusher(name)
        cells = []
        for country in _COUNTRIES:
            times = [
                found_in(sent, chances(country), phase * sent.every * 4 / _PHASES, eager=eager)
                for phase in range(_PHASES)
                for eager in (False, True)
            ]
            wrong = sum(not (search.link or search.locked) for _, search in times)
            seconds = [taken for taken, _ in times]
            cells.append(f"{median(seconds):.1f} ({max(seconds):.0f})" + "!" * bool(wrong))
        print(f"| {name}, {sent.line}, every {sent.every:g} s | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
