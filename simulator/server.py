"""Send the telegrams of a source at the pace of a clock: what all servers have in common."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from .clock import instants, standard
from .device import Answering, Paced, Source
from .faults import Line


@dataclass(frozen=True, slots=True)
class Timing:
    """A clock from `start` (the source's own) to `until`, `speed` times as fast as real time.

    Speed 0 is as fast as the listeners take it; then time stands still while nobody listens.
    """

    start: datetime | None = None
    until: datetime | None = None
    speed: float = 1.0

    def __post_init__(self) -> None:
        """Check the speed."""
        if self.speed < 0:
            raise ValueError("the speed is 0 or more")

    def moments(self, source: Source) -> Iterator[tuple[datetime, float]]:
        """Yield each moment at which something may be due, and how many seconds it is away."""
        begin = self.start or source.start
        for when in instants(begin, source.pace):
            if self.until and standard(when) >= standard(self.until):
                return
            away = (standard(when) - standard(begin)).total_seconds()
            yield when, away / self.speed if self.speed else 0.0


REAL_TIME = Timing()


class Server(ABC):
    """Serves one source, and can fall silent or hang up like a cable that is pulled.

    While it is silent or hung up, time goes on and what is due is lost. What listeners write
    reaches a source that answers; any other throws it away.
    """

    def __init__(
        self,
        source: Source,
        timing: Timing,
        line: Line | None = None,
    ) -> None:
        """Prepare to serve; no line is a perfect one."""
        self.source = source
        self.timing = timing
        self._line = line or Line()
        self._silent = False
        self._now = timing.start or source.start
        self._answers: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()  # somebody came, or we speak again
        self._feed: asyncio.Task[None] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where to listen."""

    async def open(self) -> None:
        """Listen and start the clock; `OSError` if that is not possible."""
        await self._connect()
        self._feed = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop, and free what was opened."""
        for task in (self._feed, *self._answers):
            if task:
                task.cancel()
                with suppress(asyncio.CancelledError, OSError):
                    await task
        await self._disconnect()

    async def __aenter__(self) -> Self:
        """Return the open server."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        await self.close()

    async def wait(self) -> None:
        """Wait until the clock has ended; raises what broke it."""
        if self._feed:
            await asyncio.shield(self._feed)

    def silence(self) -> None:
        """Send nothing from now on, but stay connected."""
        self._silent = True

    async def hang_up(self) -> None:
        """Cut the connection off and refuse new ones."""
        await self._disconnect()

    async def resume(self) -> None:
        """Speak again, and be there again."""
        self._silent = False
        await self._connect()
        self._news.set()

    async def say(self, data: bytes) -> None:
        """Send something out of turn."""
        await self._carry(data)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for when, away in self.timing.moments(self.source):
            await asyncio.sleep(max(0.0, began + away - loop.time()))
            self._now = when
            while self._waits and not self._listening():
                self._news.clear()
                await self._news.wait()
            if self._listening():
                await self._send_all(when)

    @property
    def _waits(self) -> bool:
        """Tell whether the clock waits for those who listen."""
        return not self.timing.speed

    def _listening(self) -> bool:
        return not self._silent and self._connected()

    async def _send_all(self, when: datetime) -> None:
        for telegram in self.source.telegrams(when):
            await self._carry(telegram)

    async def _carry(self, telegram: bytes) -> None:
        for piece in self._line.carry(telegram):
            await self._send(piece)
            await asyncio.sleep(0)  # a piece is a read of its own, and a fast clock lets go

    def _heard(self, data: bytes) -> None:
        """Let the source answer what a listener wrote; a dead line carries nothing."""
        if self._silent or not isinstance(self.source, Answering):
            return
        if isinstance(self.source, Paced):
            self._soon(self._carry_on(self.source, data))
        elif answer := self.source.respond(data, self._now):
            self._soon(self._carry(answer))

    def _soon(self, sending: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(sending)
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _carry_on(self, source: Paced, heard: bytes) -> None:
        for burst in source.bursts(heard, self._now):
            await asyncio.sleep(burst.wait)
            if not self._listening():
                return
            await self._carry(burst.data)

    @abstractmethod
    def _connected(self) -> bool:
        """Tell whether somebody may be listening."""

    @abstractmethod
    async def _connect(self) -> None:
        """Be there for listeners; nothing if that is so already."""

    @abstractmethod
    async def _disconnect(self) -> None:
        """Cut the listeners off; nothing if that is so already."""

    @abstractmethod
    async def _send(self, piece: bytes) -> None:
        """Send to all who listen; wait for them only if the clock waits."""
