"""The way on to a head end: what the meter sends goes there, what comes back goes to the meter.

Home Assistant reads along. A head end that is slow or away costs no reading:
what waits for it is bounded, and the oldest is given up first.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from .connection import STABLE, delays
from .const import LOGGER

_EITHER: Final = asyncio.FIRST_COMPLETED
BACKLOG: Final = 64 * 1024  # bytes
_READ: Final = 1024  # bytes that go to the meter in one message
_TIMEOUT: Final = 10.0  # seconds to connect
SETTLED: Final = 3.0  # seconds for which a head end must stay before it counts as there


@dataclass(slots=True)
class Carried:
    """What went to the head end, what came back, and what had to be given up, in bytes."""

    to_head_end: int = 0
    to_meter: int = 0
    given_up: int = 0


class Bridge:
    """One meter's connection to a head end. Cancelling `run` is the only way to stop it."""

    def __init__(self, host: str, port: int, to_meter: Callable[[bytes], Awaitable[None]]) -> None:
        """Prepare. to_meter takes what comes back; OSError where it does not get through."""
        self.carried = Carried()
        self.up = False
        self._told: bool | None = None  # what the owner knows: whether the head end is there
        self._address = (host, port)
        self._to_meter = to_meter
        self._backlog: deque[bytes] = deque()
        self._waiting = 0
        self._news = asyncio.Event()

    def forward(self, data: bytes) -> None:
        """Have data go on to the head end, at once or when it is there again."""
        if not data:
            return
        self._backlog.append(data)
        self._waiting += len(data)
        while self._waiting > BACKLOG:
            oldest = self._backlog.popleft()
            self._waiting -= len(oldest)
            self.carried.given_up += len(oldest)
        self._news.set()

    async def run(self) -> None:
        """Stay connected for ever."""
        backoff = delays()
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            try:
                await self._connected()
            except (OSError, UnicodeError) as err:  # UnicodeError: a host that is no name
                self._report(err)
            if clock() - began > STABLE:
                backoff = delays()
            await asyncio.sleep(next(backoff))

    async def _connected(self) -> None:
        """Carry both ways until one of them ends."""
        async with asyncio.timeout(_TIMEOUT):
            reader, writer = await asyncio.open_connection(*self._address)
        self.up = True
        ways = [
            asyncio.create_task(self._carry_on(writer)),
            asyncio.create_task(self._carry_back(reader)),
        ]
        try:
            done, _ = await asyncio.wait(ways, timeout=SETTLED, return_when=_EITHER)
            if not done:
                self._tell_there()
                done, _ = await asyncio.wait(ways, return_when=_EITHER)
            for way in done:
                way.result()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    async def _carry_on(self, writer: asyncio.StreamWriter) -> None:
        while True:
            while self._backlog:
                data = self._backlog[0]
                writer.write(data)
                await writer.drain()
                self._sent(data)
            self._news.clear()
            await self._news.wait()

    def _sent(self, data: bytes) -> None:
        """Let go of what was written; it may have been given up too early meanwhile."""
        self.carried.to_head_end += len(data)
        if self._backlog and self._backlog[0] is data:
            self._backlog.popleft()
            self._waiting -= len(data)
        else:
            self.carried.given_up -= len(data)

    async def _carry_back(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(_READ):
            self.carried.to_meter += len(data)
            await self._to_meter(data)
        raise ConnectionResetError("the head end has hung up")

    def _tell_there(self) -> None:
        """Say once that the head end is connected; one that hangs up at once is not."""
        if not self._told:
            LOGGER.info("The head end %s:%s is connected", *self._address)
        self._told = True

    def _report(self, err: Exception) -> None:
        """Say once that the head end is away, from the start or after it was there."""
        self.up = False
        if self._told is not False:
            LOGGER.warning("The head end %s:%s is gone: %s", *self._address, err)
        self._told = False
