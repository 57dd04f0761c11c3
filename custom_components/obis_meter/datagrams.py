"""Waits for meters that push datagrams: UDP, where nobody connects and nobody hangs up."""

import asyncio
from collections import deque
import errno
from functools import partial
import socket
from typing import Final, override

from .listener import Gate, address_of, cannot_listen
from .transport import Port

LINGER: Final = 30.0  # seconds without a datagram after which a source is let go
LONGEST: Final = 16 * 1024  # bytes; no meter's datagram is longer
_WAITING: Final = 16  # datagrams of one source that wait unread; more are lost, as UDP loses them
_NO_IPV6: Final = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)

type Source = tuple[str, int]


class DatagramPort(Port):
    """One source of datagrams. An empty read parts two of them: none goes on in the next."""

    def __init__(self, transport: asyncio.DatagramTransport, source: Source) -> None:
        """Receive what is put in, and answer through the socket of all sources."""
        self._transport = transport
        self._source = source
        self._arrived = deque[bytes](maxlen=2 * _WAITING)
        self._news = asyncio.Event()
        self._until = 0.0
        self.is_over = False

    def put(self, data: bytes) -> None:
        """Take a datagram that has arrived."""
        self._until = asyncio.get_running_loop().time() + LINGER
        self._arrived.extend((data, b""))
        self._news.set()

    @override
    async def read(self) -> bytes:
        while not self._arrived:
            self._news.clear()
            await self._wait()
        return self._arrived.popleft()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout_at(self._until):
                await self._news.wait()
        except TimeoutError as err:
            if self._arrived:  # just now
                return
            self.is_over = True  # what comes from here on begins anew
            raise ConnectionResetError(errno.ECONNRESET, "no further datagrams") from err

    @override
    async def write(self, data: bytes) -> None:
        self._transport.sendto(data, self._source)

    @override
    async def close(self) -> None:
        """Do nothing: the socket belongs to all sources."""


class DatagramListener(Gate, asyncio.DatagramProtocol):
    """A UDP socket, each of whose sources is a peer until it has been silent for a while."""

    _transport: asyncio.DatagramTransport | None = None

    @override
    async def open(self) -> None:
        host, port = self._address
        self._sources: dict[Source, DatagramPort] = {}
        family = socket.AF_UNSPEC if host else socket.AF_INET6
        try:
            try:
                await self._bind((host or "::", port), family)
            except OSError as err:
                if host or err.errno not in _NO_IPV6:
                    raise
                await self._bind(("0.0.0.0", port), socket.AF_INET)
        except (OSError, OverflowError, UnicodeError) as err:
            raise cannot_listen(err, host, port) from err

    async def _bind(self, address: Source, family: int) -> None:
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, address, family=family
        )

    @override
    async def close(self) -> None:
        if self._transport:
            self._transport.abort()
        await self._close_peers()

    @override
    def datagram_received(self, data: bytes, addr: Source) -> None:
        if len(data) > LONGEST:
            return
        address = address_of(addr)
        port = self._sources.get(addr)
        if port is None or port.is_over:
            if not self._may_enter(address):
                return
            assert self._transport
            port = self._sources[addr] = DatagramPort(self._transport, addr)
            self._let_in(port, address).add_done_callback(partial(self._gone, addr, port))
        port.put(data)

    def _gone(self, source: Source, port: DatagramPort, _task: asyncio.Task[None]) -> None:
        if self._sources.get(source) is port:
            del self._sources[source]
