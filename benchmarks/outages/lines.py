"""The lines on which meters hang here, all with the same handle: fail, and be well again."""

import asyncio
from contextlib import suppress
from random import Random
import socket
from typing import Protocol, override

from simulator.device import Source
from simulator.faults import Line
from simulator.server import Server, Timing
from simulator.terminal import PtyServer

from .proxy import FAULTS, LATENCY, TcpProxy, flipped


class BadLine(Protocol):
    """What can fail."""

    faults: tuple[str, ...]

    async def fail(self, fault: str) -> None:
        """Begin to fail in one way."""

    async def recover(self) -> None:
        """Be well again."""

    async def close(self) -> None:
        """Be gone."""


class Network:
    """A TCP proxy in front of a meter or, where it calls, in front of its reader."""

    def __init__(self, proxy: TcpProxy, faults: tuple[str, ...] = FAULTS) -> None:
        """Fail in some ways."""
        self.faults = faults
        self.proxy = proxy

    async def fail(self, fault: str) -> None:
        """Begin to fail in one way."""
        await self.proxy.fail(fault)

    async def recover(self) -> None:
        """Carry again."""
        await self.proxy.recover()

    async def close(self) -> None:
        """Be gone."""
        await self.proxy.close()


class Dialled(Network):
    """The same where meters call: they notice that nobody answers, and call again."""

    @override
    async def recover(self) -> None:
        """Carry again, for callers who have hung up."""
        await super().recover()
        self.proxy.bury()


class Cable:
    """A pseudo terminal whose cable is pulled, and comes back as another device of one name."""

    def __init__(self, server: PtyServer, wire: Line, *, checked_by_sum: bool = False) -> None:
        """Take the server of a meter, and its wire; a sum does not tell two errors from none."""
        self.faults: tuple[str, ...] = ("pulled", "silent", "noise", "chopped")
        if not checked_by_sum:
            self.faults += ("damaged",)
        self._server = server
        self._wire = wire

    async def fail(self, fault: str) -> None:
        """Pull the cable, let the meter fall silent, or the wire be bad."""
        match fault:
            case "pulled":
                await self._server.hang_up()
            case "silent":
                self._server.silence()
            case "noise":
                self._wire.noise = 0.5
            case "chopped":
                self._wire.chunk = 3
            case "damaged":
                self._wire.damage = 0.002

    async def recover(self) -> None:
        """Plug it in again, and let the wire be well."""
        self._wire.noise = self._wire.damage = 0.0
        self._wire.chunk = 0
        await self._server.resume()

    async def close(self) -> None:
        """Be gone."""
        await self._server.close()


class Datagrams(Server):
    """Pushes datagrams to a port, of which a network loses, doubles, delays and exchanges some."""

    faults: tuple[str, ...] = ("lost", "some lost", "doubled", "exchanged", "corrupt", "delay")

    def __init__(self, random: Random, source: Source, port: int, timing: Timing) -> None:
        """Prepare to push from one socket to a port of this machine."""
        super().__init__(source, timing)
        self.fault = ""
        self._random = random
        self._address = ("127.0.0.1", port)
        self._socket: socket.socket | None = None
        self._held = b""

    @property
    @override
    def url(self) -> str:
        return f"udp://127.0.0.1:{self._address[1]}"

    async def fail(self, fault: str) -> None:
        """Begin to fail in one way."""
        self.fault = fault

    async def recover(self) -> None:
        """Carry everything once, in order and at once."""
        self.fault = ""

    @override
    def _connected(self) -> bool:
        return self._socket is not None

    @override
    async def _connect(self) -> None:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.setblocking(False)

    @override
    async def _disconnect(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None

    @override
    async def _send(self, piece: bytes) -> None:
        for datagram in await self._passed(piece):
            with suppress(OSError):
                if self._socket:
                    self._socket.sendto(datagram, self._address)

    async def _passed(self, piece: bytes) -> list[bytes]:
        """Return what arrives of a datagram, now."""
        before, self._held = self._held, b""
        match self.fault:
            case "lost":
                return []
            case "some lost":
                return [piece] * (self._random.random() < 0.5)
            case "doubled":
                return [piece, piece]
            case "exchanged" if not before:
                self._held = piece
                return []
            case "corrupt":
                return [flipped(piece, self._random)]
            case "delay":
                await asyncio.sleep(self._random.uniform(0, LATENCY))
        return [piece, before] if before else [piece]
