"""A head end that takes what meters send on, behind a line that fails as well."""

import asyncio
from contextlib import suppress
from random import Random

from .proxy import TcpProxy


class HeadEnd:
    """A TCP server that listens and never speaks."""

    faults: tuple[str, ...] = (
        "head end cut",
        "head end reset",
        "head end refuse",
        "head end hang up",
    )

    def __init__(self, random: Random) -> None:
        """Prepare; nobody can call yet."""
        self.received = 0
        self._server: asyncio.Server | None = None
        self._random = random

    async def open(self) -> None:
        """Be there, behind a proxy."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.proxy = TcpProxy(self._random, self._server.sockets[0].getsockname()[1])
        await self.proxy.listen()

    async def close(self) -> None:
        """Be gone."""
        await self.proxy.close()
        if self._server:
            self._server.close()
            self._server.close_clients()
            await self._server.wait_closed()

    async def fail(self, fault: str) -> None:
        """Begin to fail in one way."""
        await self.proxy.fail(fault.removeprefix("head end "))

    async def recover(self) -> None:
        """Be well again."""
        await self.proxy.recover()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(4096):
                self.received += len(data)
        writer.close()
