"""Entries whose meters speak by themselves: on a port of ours, or calling in."""

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

from custom_components.obis_meter import datagrams
from simulator import push
from simulator.device import Source
from simulator.dial import Caller
from simulator.faults import Line
from simulator.frames import wrapper
from simulator.meters import meter
from simulator.serve import serve_pty
from simulator.server import Timing

from .core import free_port
from .hurry import FACTOR, START
from .kinds import (
    CALLER,
    ORDERED,
    SPEED,
    Kind,
    entry_of,
    noted_meter,
    noted_module,
    proxied,
    subentry_of,
)
from .lines import Cable, Datagrams, Dialled, Network
from .proxy import TcpProxy
from .truths import Book, NotedMeter

_P1: Final = "E0099000000001234"


async def p1(stack: AsyncExitStack, _: Path, random: Random) -> Kind:
    """P1 behind a bridge in the network."""
    source, books = noted_meter("p1", _P1)
    proxy = await proxied(stack, random, source)
    data = {"port": f"socket://127.0.0.1:{proxy.port}", "line": "115200 8N1", "link": "p1"}
    entry = entry_of("p1-tcp", data, unique_id=_P1)
    return Kind("p1-tcp", Network(proxy), entry, books, word=1 / FACTOR)


async def hdlc(stack: AsyncExitStack, folder: Path, _: Random) -> Kind:
    """HAN on a serial port."""
    key = "7359990000001234"
    source, books = noted_meter("aidon", key)
    wire = Line()
    server = await serve_pty(source, folder / "hdlc", start=START, speed=SPEED, line=wire)
    stack.push_async_callback(server.close)
    data = {"port": server.url, "line": "2400 8N1", "link": "hdlc"}
    entry = entry_of("hdlc-pty", data, unique_id=key)
    return Kind("hdlc-pty", Cable(server, wire), entry, books, word=2.5 / FACTOR)


async def _calling(stack: AsyncExitStack, source: Source, proxy: TcpProxy) -> TcpProxy:
    """Have a meter call through a proxy until the stack ends."""
    await proxy.listen()
    stack.push_async_callback(proxy.close)
    caller = Caller(source, "127.0.0.1", proxy.port, Timing(START, speed=SPEED), again=0.2)
    await caller.open()
    stack.push_async_callback(caller.close)
    return proxy


async def dial(stack: AsyncExitStack, _: Path, random: Random) -> Kind:
    """A module that calls in."""
    port, book = free_port(), Book()
    source = noted_module(CALLER, book)
    proxy = await _calling(stack, source, TcpProxy(random, port))
    data = {"port": f"listen://127.0.0.1:{port}", "link": "rfc1662", "allowed": "127.0.0.1"}
    entry = entry_of("dial-in", data, subentries_data=[subentry_of("dial-in meter", CALLER)])
    kind = Kind("dial-in", Dialled(proxy), entry, {CALLER: book}, word=10 / FACTOR)
    kind.talks = [source.talk]
    return kind


_PUSHER: Final = "1KFM0200001234"
_SWISS: Final = replace(push.E450, link="wrapper", frame=wrapper)
_SWISS_ID: Final = "1001234"


async def push_tcp(stack: AsyncExitStack, _: Path, random: Random) -> Kind:
    """A meter that pushes over TCP."""
    port = free_port()
    source, books = noted_meter("dlms-tcp", _PUSHER)
    proxy = await _calling(stack, source, TcpProxy(random, port))
    data = {"port": f"listen://127.0.0.1:{port}", "link": "wrapper", "allowed": "127.0.0.1"}
    entry = entry_of("push-tcp", data, subentries_data=[subentry_of("push-tcp meter", _PUSHER)])
    unchecked = tuple(fault for fault in ORDERED if fault != "corrupt")
    line = Dialled(proxy, unchecked)  # its telegrams have no check of their own: TCP has
    return Kind("push-tcp", line, entry, books, at_once=False, word=10 / FACTOR)


async def push_udp(stack: AsyncExitStack, _: Path, random: Random) -> Kind:
    """A meter that pushes over UDP, in cipher."""
    port, book = free_port(), Book()
    made = meter("e450-ch", START)
    source = NotedMeter("e450", replace(made.model, device=_SWISS), made.household, START, book)
    line = Datagrams(random, source, port, Timing(START, speed=SPEED))
    await line.open()
    stack.push_async_callback(line.close)
    data = {"port": f"listen+udp://127.0.0.1:{port}", "link": "wrapper", "allowed": "127.0.0.1"}
    cipher = _SWISS.cipher
    assert cipher
    keys = {"key": cipher.key.hex(), "auth_key": cipher.authentication.hex()}
    known = subentry_of("push-udp meter", _SWISS_ID, title=cipher.title.hex().upper(), **keys)
    entry = entry_of("push-udp", data, subentries_data=[known])
    word = 5 / FACTOR + datagrams.LINGER
    return Kind("push-udp", line, entry, {_SWISS_ID: book}, at_once=False, word=word)
