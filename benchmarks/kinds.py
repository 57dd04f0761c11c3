"""The kinds of entries that suffer outages here, each with its meter and its line."""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, Final

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_meter import channel, connection, datagrams, reader, transport
from custom_components.obis_meter.const import DOMAIN
from custom_components.obis_meter.metering.links.rfc1662 import talk
from simulator import han, push
from simulator.dial import Caller
from simulator.dlt645 import Meter2007
from simulator.faults import Line
from simulator.frames import wrapper
from simulator.lines import home
from simulator.meters import meter
from simulator.module import ModuleDevice, ModuleTalk
from simulator.serve import serve_pty, serve_tcp
from simulator.server import Timing

from .core import free_port
from .headend import HeadEnd
from .hurry import FACTOR, START
from .lines import BadLine, Cable, Datagrams, Dialled, Network
from .proxy import FAULTS, TcpProxy
from .truths import Book, NotedBus, NotedHead, NotedMeter, NotedModule

SPEED: Final = FACTOR  # the meters' time runs as fast as the integration's
_POWER = "1-0:1.7.0"
_P1: Final = "E0099000000001234"
_INTERVAL: Final = 60  # s between two readouts of an optical head
_ANSWER: Final = 10  # s that it is given
ORDERED: Final = tuple(fault for fault in FAULTS if fault != "reorder")
"""Faults of lines whose checks are sums, to which another order is all the same."""


@dataclass
class Kind:
    """An entry, the keys of its meters with their books, and the line that fails.

    proof: the register whose value shows that a meter is read; at_once: the end of a
    connection makes it unavailable; word: seconds from one telegram to the next; sign: that
    a silent one is given beyond the usual patience; head_end: the second line that may fail.
    """

    name: str
    line: BadLine
    entry: MockConfigEntry
    books: dict[str, Book]  # by the keys of the meters
    proof: str = _POWER
    at_once: bool = True
    word: float = 0.0
    sign: float = 0.0
    head_end: HeadEnd | None = None
    talks: list[Any] = field(default_factory=list)

    def channels(self) -> list[channel.Channel]:
        """Return the connections there are."""
        return list(self.entry.runtime_data.channels())

    def promise(self, fault: str) -> float:
        """Return the seconds in which it is read again once the line is well."""
        back = 1.25 * connection.LONGEST_DELAY + transport.CONNECT_TIMEOUT + self.word
        if fault in (
            "mute",
            "half open",
            "silent",
            "stall",
            "reload",
            "corrupt",
            "delay",
            "damaged",
            "noise",
        ):
            patience = max((each.pace.patience for each in self.channels()), default=0.0)
            back += patience + channel.QUIET + self.sign
        return back + 0.5  # of a machine that does other things besides


type Make = Callable[[AsyncExitStack, Path, Random], Awaitable[Kind]]


def _entry(name: str, data: dict[str, Any], **more: Any) -> MockConfigEntry:
    options = {"write_interval": 0, "allow_commands": True, **more.pop("options", {})}
    identity = {"serial": None, "maker": None, "model": None, "firmware": None}
    return MockConfigEntry(
        domain=DOMAIN, title=name, data={"identity": identity, **data}, options=options, **more
    )


def _subentry(name: str, key: str, /, **data: Any) -> dict[str, Any]:
    return {"data": data, "subentry_type": "meter", "title": name, "unique_id": key}


def _noted(name: str, key: str) -> tuple[NotedMeter, dict[str, Book]]:
    made, book = meter(name, START), Book()
    return NotedMeter(name, made.model, made.household, made.start, book), {key: book}


def noted_module(serial: str, book: Book) -> NotedModule:
    """Return a meter with a module, and a serial number."""
    made = meter("module", START)
    device = ModuleDevice(inner=han.aidon(meter_id=serial), serial=serial)
    model = replace(made.model, device=device)
    return NotedModule("module", model, made.household, made.start, ModuleTalk(device), book)


SERIAL: Final = "202600012345"
_CALLER: Final = "202600054321"


async def proxied(stack: AsyncExitStack, random: Random, source: Any) -> TcpProxy:
    """Serve a meter over TCP, behind a proxy."""
    server = await serve_tcp(source, start=START, speed=SPEED)
    stack.push_async_callback(server.close)
    proxy = TcpProxy(random, server.port)
    await proxy.listen()
    stack.push_async_callback(proxy.close)
    return proxy


async def _p1(stack: AsyncExitStack, _: Path, random: Random) -> Kind:
    source, books = _noted("p1", _P1)
    proxy = await proxied(stack, random, source)
    data = {"port": f"socket://127.0.0.1:{proxy.port}", "line": "115200 8N1", "link": "p1"}
    entry = _entry("p1-tcp", data, unique_id=_P1)
    return Kind("p1-tcp", Network(proxy), entry, books, word=1 / FACTOR)


async def _hdlc(stack: AsyncExitStack, folder: Path, _: Random) -> Kind:
    key = "7359990000001234"
    source, books = _noted("aidon", key)
    wire = Line()
    server = await serve_pty(source, folder / "hdlc", start=START, speed=SPEED, line=wire)
    stack.push_async_callback(server.close)
    data = {"port": server.url, "line": "2400 8N1", "link": "hdlc"}
    entry = _entry("hdlc-pty", data, unique_id=key)
    return Kind("hdlc-pty", Cable(server, wire), entry, books, word=2.5 / FACTOR)


async def _module(stack: AsyncExitStack, _: Path, random: Random) -> Kind:
    book = Book()
    source = noted_module(SERIAL, book)
    proxy = await proxied(stack, random, source)
    data = {"port": f"socket://127.0.0.1:{proxy.port}", "line": "115200 8N1", "link": "rfc1662"}
    head_end = HeadEnd(random)
    await head_end.open()
    stack.push_async_callback(head_end.close)
    options = {"bridge_host": "127.0.0.1", "bridge_port": head_end.proxy.port}
    entry = _entry("module-tcp", data, unique_id=SERIAL, options=options)
    sign = talk.ATTEMPTS * talk.ANSWER + talk.LONGEST
    kind = Kind("module-tcp", Network(proxy), entry, {SERIAL: book}, word=2.5 / FACTOR, sign=sign)
    kind.head_end, kind.talks = head_end, [source.talk]
    return kind


def bus_of(*addresses: str) -> NotedBus:
    """Return a line with meters."""
    meters = [Meter2007(address, home(START, 1 + n)) for n, address in enumerate(addresses)]
    return NotedBus(meters, START, books=tuple(Book() for _ in meters))


ADDRESSES: Final = ("202107072529", "202107072530")


def bus_entry(name: str, port: str, addresses: Iterable[str]) -> MockConfigEntry:
    """Return the entry of such a line; its passwords are those of the meters."""
    data = {"port": port, "line": "2400 8N1", "link": "dlt645", "ask": True}
    meters = [
        _subentry(f"{name} {key}", key, address=key, dialect="", password="02123456")
        for key in addresses
    ]
    return _entry(name, data, subentries_data=meters)


def _bus_kind(name: str, line: BadLine, source: NotedBus, port: str) -> Kind:
    addresses = [meter.address for meter in source.meters if isinstance(meter, Meter2007)]
    books = dict(zip(addresses, source.books, strict=True))
    word = 1.25 * connection.LONGEST_DELAY + reader._LOOK + 10 / FACTOR  # its own pauses
    entry = bus_entry(name, port, addresses)
    return Kind(name, line, entry, books, proof="1-0:32.7.0", word=word, talks=[source])


async def _bus_tcp(stack: AsyncExitStack, _: Path, random: Random) -> Kind:
    source = bus_of(*ADDRESSES)
    proxy = await proxied(stack, random, source)
    port = f"socket://127.0.0.1:{proxy.port}"
    return _bus_kind("bus-tcp", Network(proxy, ORDERED), source, port)


async def _bus_pty(stack: AsyncExitStack, folder: Path, _: Random) -> Kind:
    source = bus_of("202107072531", "202107072532")
    wire = Line()
    server = await serve_pty(source, folder / "bus", start=START, speed=SPEED, line=wire)
    stack.push_async_callback(server.close)
    return _bus_kind("bus-pty", Cable(server, wire, checked_by_sum=True), source, server.url)


METER: Final = "97734234"


def head_entry(name: str, port: str) -> MockConfigEntry:
    """Return the entry of a meter behind an optical head, read as often as ours is hurried."""
    data = {"port": port, "line": "300 8N1", "link": "iec62056-21", "ask": True, "readout": 2.0}
    options = {
        "start_baud": 300,
        "fixed_baud": False,
        "eight_bits": True,
        "wake": False,
        "checksum": True,
        "query": "?",
        "address": "",
        "listen_only": False,
        "answer_timeout": _ANSWER / FACTOR,
        "interval": _INTERVAL / FACTOR,
    }
    return _entry(name, data, unique_id=METER, options=options)


async def _head(stack: AsyncExitStack, folder: Path, _: Random) -> Kind:
    source = NotedHead(home(START, 1), START, wire=1 / FACTOR)
    wire = Line()
    server = await serve_pty(source, folder / "head", start=START, speed=SPEED, line=wire)
    stack.push_async_callback(server.close)
    word = 1.25 * connection.LONGEST_DELAY + (4 * _ANSWER + _INTERVAL) / FACTOR
    entry = head_entry("head-pty", server.url)
    kind = Kind(
        "head-pty", Cable(server, wire, checked_by_sum=True), entry, {METER: source.book}, word=word
    )
    kind.talks = [source]
    return kind


async def _dial(stack: AsyncExitStack, _: Path, random: Random) -> Kind:
    port, book = free_port(), Book()
    source = noted_module(_CALLER, book)
    proxy = TcpProxy(random, port)
    await proxy.listen()
    stack.push_async_callback(proxy.close)
    caller = Caller(source, "127.0.0.1", proxy.port, Timing(START, speed=SPEED), again=0.2)
    await caller.open()
    stack.push_async_callback(caller.close)
    data = {"port": f"listen://127.0.0.1:{port}", "link": "rfc1662", "allowed": "127.0.0.1"}
    entry = _entry("dial-in", data, subentries_data=[_subentry("dial-in meter", _CALLER)])
    kind = Kind("dial-in", Dialled(proxy), entry, {_CALLER: book}, word=10 / FACTOR)
    kind.talks = [source.talk]
    return kind


_PUSHER: Final = "1KFM0200001234"
_SWISS: Final = replace(push.E450, link="wrapper", frame=wrapper)
_SWISS_ID: Final = "1001234"


async def _push_tcp(stack: AsyncExitStack, _: Path, random: Random) -> Kind:
    port = free_port()
    source, books = _noted("dlms-tcp", _PUSHER)
    proxy = TcpProxy(random, port)
    await proxy.listen()
    stack.push_async_callback(proxy.close)
    caller = Caller(source, "127.0.0.1", proxy.port, Timing(START, speed=SPEED), again=0.2)
    await caller.open()
    stack.push_async_callback(caller.close)
    data = {"port": f"listen://127.0.0.1:{port}", "link": "wrapper", "allowed": "127.0.0.1"}
    entry = _entry("push-tcp", data, subentries_data=[_subentry("push-tcp meter", _PUSHER)])
    unchecked = tuple(fault for fault in ORDERED if fault != "corrupt")
    line = Dialled(proxy, unchecked)  # its telegrams have no check of their own: TCP has
    return Kind("push-tcp", line, entry, books, at_once=False, word=10 / FACTOR)


async def _push_udp(stack: AsyncExitStack, _: Path, random: Random) -> Kind:
    port, book = free_port(), Book()
    made = meter("e450-ch", START)
    source = NotedMeter("e450", replace(made.model, device=_SWISS), made.household, START, book)
    line = Datagrams(random, source, port, Timing(START, speed=SPEED))
    await line.open()
    stack.push_async_callback(line.close)
    data = {"port": f"listen+udp://127.0.0.1:{port}", "link": "wrapper", "allowed": "127.0.0.1"}
    assert (cipher := _SWISS.cipher)
    keys = {"key": cipher.key.hex(), "auth_key": cipher.authentication.hex()}
    known = _subentry("push-udp meter", _SWISS_ID, title=cipher.title.hex().upper(), **keys)
    entry = _entry("push-udp", data, subentries_data=[known])
    word = 5 / FACTOR + datagrams.LINGER
    return Kind("push-udp", line, entry, {_SWISS_ID: book}, at_once=False, word=word)


MAKES: Final[tuple[Make, ...]] = (
    *(_p1, _hdlc, _module, _bus_tcp, _bus_pty, _head, _dial, _push_tcp, _push_udp),
)
