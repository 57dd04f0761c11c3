"""A bad line between a meter and its reader: TCP that fails in all the ways that TCP can fail."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from random import Random
import socket
import struct
from typing import Final

LATENCY: Final = 0.2  # s, at most, of a line that delays
_READ: Final = 4096
_HANG_UP_AT_ONCE: Final = struct.pack("ii", 1, 0)  # SO_LINGER: what is unsent is dropped, RST

FAULTS: Final = (
    "cut",  # every connection ends (FIN), new ones are taken
    "reset",  # the same with RST
    "refuse",  # every connection ends, new ones are refused
    "hang up",  # new connections are accepted and ended at once
    "mute",  # new connections are accepted, and nobody speaks on them, ever
    "half open",  # what there is stays open for ever, and nothing passes any more
    "stall",  # nothing passes meanwhile, and everything afterwards
    "corrupt",  # one bit of every second read is flipped
    "delay",  # what passes comes late
    "reorder",  # every second read comes behind the next
)


@dataclass(eq=False, slots=True)
class _Pair:
    """Who has called, and who was called for it."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter | None = None
    dead: bool = False  # nothing passes, and nobody is told

    def close(self, *, reset: bool = False) -> None:
        for writer in (self.near, self.far):
            if writer is None:
                continue
            if reset and (sock := writer.get_extra_info("socket")):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _HANG_UP_AT_ONCE)
            writer.transport.abort() if reset else writer.close()


class TcpProxy:
    """Listens on a port of its own, and calls another for each who calls."""

    def __init__(self, random: Random, target: int, port: int = 0, *, fault: str = "") -> None:
        """Prepare to carry to a port of this machine; port 0 becomes any free one."""
        self.port = port
        self.fault = fault
        self._target = target
        self._random = random
        self._server: asyncio.Server | None = None
        self._pairs: set[_Pair] = set()
        self._flows = asyncio.Event()
        self._flows.set()

    @property
    def open(self) -> int:
        """How many connections there are that are not dead."""
        return sum(not pair.dead for pair in self._pairs)

    async def listen(self) -> None:
        """Be there; nothing if that is so already."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Be gone."""
        self._hang_up_all()
        self._flows.set()
        if self._server:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def fail(self, fault: str) -> None:
        """Begin to fail in one way."""
        self.fault = fault
        match fault:
            case "cut" | "hang up" | "mute":
                self._hang_up_all()
            case "reset":
                self._hang_up_all(reset=True)
            case "refuse":
                await self.close()
            case "half open":
                for pair in self._pairs:
                    pair.dead = True
            case "stall":
                self._flows.clear()

    async def recover(self) -> None:
        """Carry again; what is dead stays so, though whoever was called is told."""
        self.fault = ""
        self._flows.set()
        for pair in self._pairs:
            if pair.dead and pair.far:
                pair.far.close()
        await self.listen()

    def bury(self) -> None:
        """Let callers call again whose connections are dead, as if they had noticed."""
        for pair in self._pairs:
            if pair.dead:
                pair.near.close()

    def _hang_up_all(self, *, reset: bool = False) -> None:
        for pair in tuple(self._pairs):
            pair.close(reset=reset)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.fault == "hang up":
            writer.close()
            return
        pair = _Pair(writer, dead=self.fault in ("mute", "half open"))
        self._pairs.add(pair)
        try:
            await self._carry(reader, pair)
        finally:
            pair.close()
            self._pairs.discard(pair)

    async def _carry(self, reader: asyncio.StreamReader, pair: _Pair) -> None:
        if pair.dead:
            await self._pump(reader, pair.near, pair)
            return
        try:
            far_reader, pair.far = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            return
        ways = [
            asyncio.ensure_future(self._pump(reader, pair.far, pair)),
            asyncio.ensure_future(self._pump(far_reader, pair.near, pair)),
        ]
        try:
            await ways[0]
            await (ways[1] if pair.dead else asyncio.sleep(0))
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pair: _Pair
    ) -> None:
        held = b""
        with suppress(OSError):
            while data := await reader.read(_READ):
                await self._flows.wait()
                if pair.dead:
                    continue
                if self.fault == "reorder" and not held:
                    held = data
                    continue
                writer.write(await self._passed(data) + held)
                held = b""
                await writer.drain()
        if not pair.dead:
            pair.close()

    async def _passed(self, data: bytes) -> bytes:
        """Return what arrives of data."""
        if self.fault == "delay":
            await asyncio.sleep(self._random.uniform(0, LATENCY))
        if self.fault == "corrupt" and self._random.random() < 0.5:
            return flipped(data, self._random)
        return data


def flipped(data: bytes, random: Random) -> bytes:
    """Return data with one bit flipped."""
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
