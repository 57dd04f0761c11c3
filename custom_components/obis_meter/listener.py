"""Waits for meters that call in over TCP, and turns strangers away."""

from abc import ABC, abstractmethod
import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
import socket
from typing import Final, override

from .const import LOGGER
from .metering.model import LineSettings
from .port_error import PortError
from .transport import Port

type Network = IPv4Network | IPv6Network

PRIVATE: Final = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16"),
    *("fc00::/7", "fe80::/10", "::1/128"),
)
"""The networks that are nobody's but one's own (RFC 1918, RFC 4193, RFC 3927)."""

MOST_PEERS: Final = 64
MOST_OF_ONE: Final = 8  # peers from one address
RATE: Final = 64 * 1024  # bytes per second of one peer; a meter's line carries a sixth
_BUFFER: Final = 16 * 1024  # bytes that wait unread, twice this at most
LINE: Final = LineSettings(115200)


@dataclass(slots=True)
class Turned:
    """How many peers were turned away, and why."""

    strangers: int = 0
    crowd: int = 0


class PeerPort(Port):
    """A TCP peer, read no faster than a meter can speak."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Wrap what was accepted."""
        super().__init__(reader, writer, LINE)
        self._free_at = 0.0

    @override
    async def read(self) -> bytes:
        clock = asyncio.get_running_loop().time
        if (early := self._free_at - clock() - 1.0) > 0:
            await asyncio.sleep(early)
        data = await super().read()
        self._free_at = max(self._free_at, clock()) + len(data) / RATE
        return data


def networks(text: str) -> tuple[Network, ...]:
    """Read addresses and networks, parted by commas or blanks; ValueError for what is none."""
    read = tuple(ip_network(word, strict=False) for word in text.replace(",", " ").split())
    if not read:
        raise ValueError("nobody may call")
    return read


class Gate(ABC):
    """Lets in the peers that may come. attend is given each of them, and its address."""

    def __init__(
        self,
        host: str,
        port: int,
        allowed: Sequence[Network],
        attend: Callable[[Port, str], Awaitable[None]],
    ) -> None:
        """Prepare; nobody can come yet. An empty host is every address of this machine."""
        self.turned = Turned()
        self._address = (host or None, port)
        self._allowed = allowed
        self._attend = attend
        self._peers: dict[asyncio.Task[None], str] = {}

    @abstractmethod
    async def open(self) -> None:
        """Begin to listen; PortError says why that cannot be."""

    @abstractmethod
    async def close(self) -> None:
        """Hang up on everybody, and free the port."""

    async def _close_peers(self) -> None:
        for peer in tuple(self._peers):
            peer.cancel()
        await asyncio.gather(*self._peers, return_exceptions=True)

    def _may_enter(self, address: str) -> bool:
        """Tell whether a peer is let in, and count those that are not."""
        if not self._is_allowed(address):
            self.turned.strangers += 1
        elif self._is_crowded(address):
            self.turned.crowd += 1
        else:
            return True
        return False

    def _let_in(self, port: Port, address: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(
            self._serve(port, address), name=f"meter at {address}"
        )
        self._peers[task] = address
        task.add_done_callback(self._peers.pop)
        return task

    def _is_allowed(self, address: str) -> bool:
        try:
            peer = ip_address(address)
        except ValueError:
            return False
        peer = getattr(peer, "ipv4_mapped", None) or peer
        return any(peer in network for network in self._allowed)

    def _is_crowded(self, address: str) -> bool:
        there = Counter(self._peers.values())
        return there.total() >= MOST_PEERS or there[address] >= MOST_OF_ONE

    async def _serve(self, port: Port, address: str) -> None:
        try:
            await self._attend(port, address)
        except Exception:
            LOGGER.exception("Unexpected failure with the meter at %s", address)
        finally:
            await port.close()


class Listener(Gate):
    """A TCP server."""

    _server: asyncio.Server | None = None

    @override
    async def open(self) -> None:
        host, port = self._address
        try:
            self._server = await asyncio.start_server(
                self._accept, host, port, limit=_BUFFER, keep_alive=True
            )
        except (OSError, OverflowError, UnicodeError) as err:
            raise cannot_listen(err, host, port) from err

    @override
    async def close(self) -> None:
        if self._server:
            self._server.close()
        await self._close_peers()
        if self._server:
            self._server.abort_clients()  # a peer whose task had not begun yet
            await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Let a peer in, or hang up at once."""
        address = address_of(writer.get_extra_info("peername"))
        if self._may_enter(address):
            self._let_in(PeerPort(reader, writer), address)
        else:
            writer.transport.abort()


def address_of(peer: Sequence[object] | None) -> str:
    """Return the IP address of a peer as sockets tell it, without a scope."""
    return str(peer[0]).partition("%")[0].removeprefix("::ffff:") if peer else ""


def cannot_listen(err: Exception, host: str | None, port: int) -> PortError:
    """Return the error that says why a port cannot be listened to."""
    return PortError(_why(err), f"{host or '*'}:{port}", err)


def _why(err: Exception) -> str:
    if isinstance(err, socket.gaierror | UnicodeError):
        return "host_not_found"
    match getattr(err, "errno", None):
        case 98 | 48:  # Linux, macOS
            return "listen_in_use"
        case 99 | 49 | None:  # asyncio tells of an address that is not ours without a number
            return "listen_not_ours"
        case 13:
            return "listen_denied"
    return "listen_failed"
