"""A port kept open: reads it, feeds the session, and comes back after every outage."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
import random
from typing import Final

from .const import LOGGER
from .metering.errors import MeteringError
from .metering.links import Link
from .metering.model import LineSettings, Telegram
from .metering.session import Event, Session
from .transport import Port, PortError, open_port

QUIET: Final = 3.0  # seconds without a byte that end a telegram
FIRST_PATIENCE: Final = 300.0  # seconds to wait while the meter's pace is not known
LEAST_PATIENCE: Final = 30.0
_MISSED: Final = 4  # telegrams in a row whose absence is an outage
_PACES: Final = 16  # intervals between telegrams that are remembered
STABLE: Final = 60.0  # seconds after which a connection counts as stable
FIRST_DELAY: Final = 1.0
LONGEST_DELAY: Final = 60.0
_JITTER: Final = 0.25
_FAULT_KINDS: Final = 32  # texts that are counted apart


class SilenceError(MeteringError):
    """The port is open, but no telegram came for much longer than usual."""


@dataclass(slots=True)
class Statistics:
    """What a link carried since the entry was loaded."""

    bytes_received: int = 0
    telegrams: int = 0
    messages: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    outages: int = 0

    def note_fault(self, fault: MeteringError) -> None:
        """Count a fault by what it says; beyond a bound, by its class."""
        kind = str(fault)
        if kind not in self.faults and len(self.faults) >= _FAULT_KINDS:
            kind = type(fault).__name__
        self.faults[kind] = self.faults.get(kind, 0) + 1


def delays() -> Iterator[float]:
    """Yield the pauses before attempts to reconnect, in seconds: doubling, bounded, scattered."""
    delay = FIRST_DELAY
    while True:
        yield delay * random.uniform(1 - _JITTER, 1 + _JITTER)
        delay = min(2 * delay, LONGEST_DELAY)


class Pace:
    """How long a meter's silence may last: some of the longest intervals seen."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._intervals: deque[float] = deque(maxlen=_PACES)

    def note(self, interval: float) -> None:
        """Remember the seconds between two telegrams of one connection."""
        self._intervals.append(interval)

    @property
    def patience(self) -> float:
        """Return the seconds without a telegram after which something is wrong."""
        if not self._intervals:
            return FIRST_PATIENCE
        return max(_MISSED * max(self._intervals), LEAST_PATIENCE)


class Connection:
    """One entry's port. Cancelling `run` is the only way to stop it, and enough.

    on_events gets what each read gave and tells whether the meter has spoken.
    on_up is called when it speaks first on a connection, on_down at its end.
    """

    def __init__(
        self,
        url: str,
        line: LineSettings,
        link: Link,
        *,
        on_events: Callable[[Iterable[Event]], bool],
        on_up: Callable[[], None],
        on_down: Callable[[Exception], None],
    ) -> None:
        """Prepare; nothing is opened yet."""
        self.url = url
        self.line = line
        self.session = Session(link)
        self.statistics = Statistics()
        self.pace = Pace()
        self._on_events = on_events
        self._on_up = on_up
        self._on_down = on_down
        self._last_telegram = 0.0
        self._up = False

    @property
    def up(self) -> bool:
        """Tell whether the meter has spoken on this connection."""
        return self._up

    async def open(self) -> Port:
        """Open the port once; PortError says why not."""
        return await open_port(self.url, self.line)

    async def run(self, port: Port | None = None) -> None:
        """Read for ever, beginning with a port that is open already."""
        backoff = delays()
        clock = asyncio.get_running_loop().time
        while True:
            opened_at = clock()
            try:
                await self._read(port or await self.open())
            except (PortError, OSError, SilenceError) as err:
                self._lost(err)
            except Exception as err:
                LOGGER.exception("Unexpected failure while reading %s", self.url)
                self._lost(err)
            port = None
            if clock() - opened_at > STABLE:
                backoff = delays()
            await asyncio.sleep(next(backoff))

    async def _read(self, port: Port) -> None:
        """Feed the session until the port is gone or the meter has fallen silent."""
        clock = asyncio.get_running_loop().time
        self._last_telegram = clock()
        self._up = False
        try:
            while True:
                data = await self._next(port)
                self.statistics.bytes_received += len(data)
                self.deliver(self.session.feed(data) if data else self.session.idle())
                if clock() - self._last_telegram > self.pace.patience:
                    raise SilenceError(f"no telegram for {self.pace.patience:.0f} s")
        finally:
            await port.close()

    async def _next(self, port: Port) -> bytes:
        """Return the next bytes, none when the line is quiet."""
        try:
            async with asyncio.timeout(QUIET):
                return await port.read()
        except TimeoutError:
            return b""

    def deliver(self, events: Iterable[Event]) -> None:
        """Count what the session made of some bytes, and hand it on."""
        batch = list(events)
        for event in batch:
            self._count(event)
        if batch and self._on_events(batch):
            self._note_telegram()

    def _note_telegram(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._up:
            self.pace.note(now - self._last_telegram)
        self._last_telegram = now
        if not self._up:
            self._up = True
            self._on_up()

    def _count(self, event: Event) -> None:
        match event:
            case Telegram():
                self.statistics.telegrams += 1
            case MeteringError():
                LOGGER.debug("%s: %s", self.url, event)
                self.statistics.note_fault(event)
            case _:
                self.statistics.messages += 1

    def _lost(self, err: Exception) -> None:
        rest = list(self.session.idle())  # never joins what the next connection brings
        if self._up:
            self.deliver(rest)
            self.statistics.outages += 1
            self._up = False
        self._on_down(err)
