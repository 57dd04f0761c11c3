"""The kinds of entries that suffer outages here, each with its meter and its line."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, Final

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_meter import channel, connection, transport
from custom_components.obis_meter.const import DOMAIN
from simulator import han
from simulator.meters import meter
from simulator.module import ModuleDevice, ModuleTalk
from simulator.serve import serve_tcp

from .headend import HeadEnd
from .hurry import FACTOR, START
from .lines import BadLine
from .proxy import FAULTS, TcpProxy
from .truths import Book, NotedMeter, NotedModule

_UNNOTICED: Final = (
    *("mute", "half open", "silent", "stall", "reload", "corrupt", "delay", "damaged", "noise"),
)
SPEED: Final = FACTOR  # the meters' time runs as fast as the integration's
_POWER = "1-0:1.7.0"
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
            patience = max((each.vigil.pace.patience for each in self.channels()), default=0.0)
            back += patience + channel.QUIET + self.sign
        return back + 0.5  # of a machine that does other things besides


type Make = Callable[[AsyncExitStack, Path, Random], Awaitable[Kind]]


def entry_of(name: str, data: dict[str, Any], **more: Any) -> MockConfigEntry:
    """Return an entry as the flow makes it."""
    options = {"write_interval": 0, "allow_commands": True, **more.pop("options", {})}
    identity = {"serial": None, "maker": None, "model": None, "firmware": None}
    return MockConfigEntry(
        domain=DOMAIN, title=name, data={"identity": identity, **data}, options=options, **more
    )


def subentry_of(name: str, key: str, /, **data: Any) -> dict[str, Any]:
    """Return a subentry as the flow makes it."""
    return {"data": data, "subentry_type": "meter", "title": name, "unique_id": key}


def noted_meter(name: str, key: str) -> tuple[NotedMeter, dict[str, Book]]:
    """Return a meter that only speaks, and its book."""
    made, book = meter(name, START), Book()
    return NotedMeter(name, made.model, made.household, made.start, book), {key: book}


def noted_module(serial: str, book: Book) -> NotedModule:
    """Return a meter with a module, and a serial number."""
    made = meter("module", START)
    device = ModuleDevice(inner=han.aidon(meter_id=serial), serial=serial)
    model = replace(made.model, device=device)
    return NotedModule("module", model, made.household, made.start, ModuleTalk(device), book)


SERIAL: Final = "202600012345"
CALLER: Final = "202600054321"


async def proxied(stack: AsyncExitStack, random: Random, source: Any) -> TcpProxy:
    """Serve a meter over TCP, behind a proxy."""
    server = await serve_tcp(source, start=START, speed=SPEED)
    stack.push_async_callback(server.close)
    proxy = TcpProxy(random, server.port)
    await proxy.listen()
    stack.push_async_callback(proxy.close)
    return proxy
