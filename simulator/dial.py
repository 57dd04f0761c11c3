"""A module that calls: connects to a head end over TCP, and again when the call has ended."""

import asyncio
from contextlib import suppress
from typing import override

from .device import Source
from .faults import Line
from .server import REAL_TIME, Server, Timing

_AGAIN = 1.0  # s between two calls
_READ = 4096


class Caller(Server):
    """Calls one address and sends there; what comes back is answered."""

    def __init__(
        self,
        source: Source,
        host: str,
        port: int,
        timing: Timing = REAL_TIME,
        line: Line | None = None,
        *,
        again: float = _AGAIN,
    ) -> None:
        """Prepare to call; `again` is the pause between two calls in seconds."""
        super().__init__(source, timing, line)
        self.host, self.port, self.calls = host, port, 0
        self._again = again
        self._writer: asyncio.StreamWriter | None = None
        self._calling: asyncio.Task[None] | None = None

    @property
    @override
    def url(self) -> str:
        return f"calls {self.host}:{self.port}"

    @override
    def _connected(self) -> bool:
        return self._writer is not None

    @override
    async def _connect(self) -> None:
        if self._calling is None:
            self._calling = asyncio.create_task(self._call_for_ever())

    @override
    async def _disconnect(self) -> None:
        calling, self._calling = self._calling, None
        if calling:
            calling.cancel()
            with suppress(asyncio.CancelledError):
                await calling

    async def _call_for_ever(self) -> None:
        while True:
            with suppress(OSError):
                await self._call()
            await asyncio.sleep(self._again)

    async def _call(self) -> None:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        self._writer, self.calls = writer, self.calls + 1
        self._news.set()
        try:
            while data := await reader.read(_READ):
                self._heard(data)
        finally:
            self._writer = None
            writer.transport.abort()

    @override
    async def _send(self, piece: bytes) -> None:
        if self._writer:
            with suppress(ConnectionError):
                self._writer.write(piece)
                await self._writer.drain()
