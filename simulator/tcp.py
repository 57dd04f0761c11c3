"""Telegrams over TCP, as a bridge between a serial port and the network sends them."""

import asyncio
from contextlib import suppress
import socket
from typing import override

from .device import Source
from .faults import Line
from .server import REAL_TIME, Server, Timing

_UNSENT = 1 << 20  # bytes a peer may leave unread before it loses telegrams
_GRACE = 0.2  # s for peers to take what is on its way to them
_READ = 4096


class TcpServer(Server):
    """Sends the same to every peer, also what answers one of them: it is one line."""

    def __init__(
        self,
        source: Source,
        host: str = "127.0.0.1",
        port: int = 0,
        timing: Timing = REAL_TIME,
        line: Line | None = None,
    ) -> None:
        """Prepare to listen; port 0 becomes any free one when it opens."""
        super().__init__(source, timing, line)
        self.host = host
        self.port = port
        self._listener: asyncio.Server | None = None
        self._peers: set[asyncio.StreamWriter] = set()

    @property
    @override
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"socket://{host}:{self.port}"

    @property
    def peers(self) -> int:
        """How many are connected."""
        return len(self._peers)

    @override
    def _connected(self) -> bool:
        return bool(self._peers)

    @override
    async def _connect(self) -> None:
        if self._listener:
            return
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(
            self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        address = found[0][4]  # one only: with port 0 each would get a port of its own
        self._listener = await asyncio.start_server(self._serve, *address[:2], reuse_address=True)
        self.port = self._listener.sockets[0].getsockname()[1]

    @override
    async def _disconnect(self) -> None:
        listener, self._listener = self._listener, None
        if listener:
            listener.close()
            listener.close_clients()
            try:
                async with asyncio.timeout(_GRACE):
                    await listener.wait_closed()
            except TimeoutError:  # a peer that does not read
                listener.abort_clients()
                await listener.wait_closed()

    @override
    async def _send(self, piece: bytes) -> None:
        for peer in tuple(self._peers):
            if self._waits:
                peer.write(piece)
                with suppress(ConnectionError):
                    await peer.drain()
            elif peer.transport.get_write_buffer_size() < _UNSENT:
                peer.write(piece)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Keep a peer until it leaves."""
        self._peers.add(writer)
        self._news.set()
        with suppress(ConnectionError):
            while data := await reader.read(_READ):
                self._heard(data)
        self._peers.discard(writer)
        writer.close()
