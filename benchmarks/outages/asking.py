"""Entries whose meters are asked: as their module, on a bus, behind an optical head."""

from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Final

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_meter import connection, reader
from custom_components.obis_meter.metering.links.rfc1662 import talk
from simulator.dlt645 import Meter2007
from simulator.faults import Line
from simulator.lines import home
from simulator.serve import serve_pty

from .headend import HeadEnd
from .hurry import FACTOR, START
from .kinds import ORDERED, SERIAL, SPEED, Kind, entry_of, noted_module, proxied, subentry_of
from .lines import BadLine, Cable, Network
from .truths import Book, NotedBus, NotedHead

_INTERVAL: Final = 60  # s between two readouts of an optical head
_ANSWER: Final = 10  # s that it is given


async def module(stack: AsyncExitStack, _: Path, random: Random) -> Kind:
    """A meter that is asked as its module does, with a head end behind."""
    book = Book()
    source = noted_module(SERIAL, book)
    proxy = await proxied(stack, random, source)
    data = {"port": f"socket://127.0.0.1:{proxy.port}", "line": "115200 8N1", "link": "rfc1662"}
    head_end = HeadEnd(random)
    await head_end.open()
    stack.push_async_callback(head_end.close)
    options = {"bridge_host": "127.0.0.1", "bridge_port": head_end.proxy.port}
    entry = entry_of("module-tcp", data, unique_id=SERIAL, options=options)
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
        subentry_of(f"{name} {key}", key, address=key, dialect="", password="02123456")
        for key in addresses
    ]
    return entry_of(name, data, subentries_data=meters)


def _bus_kind(name: str, line: BadLine, source: NotedBus, port: str) -> Kind:
    addresses = [meter.address for meter in source.meters if isinstance(meter, Meter2007)]
    books = dict(zip(addresses, source.books, strict=True))
    word = 1.25 * connection.LONGEST_DELAY + reader._LOOK + 10 / FACTOR  # its own pauses
    entry = bus_entry(name, port, addresses)
    return Kind(name, line, entry, books, proof="1-0:32.7.0", word=word, talks=list(source.meters))


async def bus_tcp(stack: AsyncExitStack, _: Path, random: Random) -> Kind:
    """Two meters on one line behind a bridge."""
    source = bus_of(*ADDRESSES)
    proxy = await proxied(stack, random, source)
    port = f"socket://127.0.0.1:{proxy.port}"
    return _bus_kind("bus-tcp", Network(proxy, ORDERED), source, port)


async def bus_pty(stack: AsyncExitStack, folder: Path, _: Random) -> Kind:
    """Two meters on one line at a serial port."""
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
    return entry_of(name, data, unique_id=METER, options=options)


async def head(stack: AsyncExitStack, folder: Path, _: Random) -> Kind:
    """A meter behind an optical head."""
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
