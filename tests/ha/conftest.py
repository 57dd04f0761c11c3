"""A real Home Assistant core, real ptys and sockets, and software meters at the other end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import datetime
import json
import logging
from pathlib import Path
import socket
from typing import Any

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.obis_meter import channel, connection, finder, pace
from custom_components.obis_meter.const import DOMAIN
from custom_components.obis_meter.metering.attempts import Patience
from simulator.carried import Carried
from simulator.checksums import crc16_arc
from simulator.meters import METERS, meter
from simulator.serve import PtyServer, TcpServer, serve_pty, serve_tcp

START = datetime(2026, 3, 4, 17, 59, 40)  # an hourly list is due 30 s later
SPEED = 40  # times real pace
METER = "7359990000001234"  # the id of the simulated Aidon

type Serve[T] = Callable[..., Awaitable[T]]


class Wire:
    """A TCP server that sends what a test says."""

    def __init__(self) -> None:
        self.port = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.connected = asyncio.Event()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"socket://127.0.0.1:{self.port}"

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server:
            self._server.close()
            self._server.close_clients()
            await self._server.wait_closed()

    async def send(self, *telegrams: bytes) -> None:
        async with asyncio.timeout(40):
            await self.connected.wait()
        for telegram in telegrams:
            try:
                self.writers[-1].write(telegram)
                await self.writers[-1].drain()
            finally:  # a read of its own; nor may whoever tries again leave nobody else a turn
                await asyncio.sleep(0.05)

    async def hang_up(self) -> None:
        self.connected.clear()
        for writer in self.writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        self.connected.set()
        with suppress(ConnectionError):
            while await reader.read(4096):
                pass
        writer.close()


@pytest.fixture(autouse=True)
def _real_world(
    enable_custom_integrations: None,
    socket_enabled: None,
) -> None:
    """Load the integration, and let it use the network of this machine."""


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """What is opened here closes after the test."""
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
def pty_meter(stack: AsyncExitStack, tmp_path: Path) -> Serve[PtyServer]:
    """Serve a software meter at the end of a serial line."""

    async def serve(name: str = "aidon", speed: float = SPEED) -> PtyServer:
        link = tmp_path / f"meter-{name}"
        server = await serve_pty(meter(name, START), link, start=START, speed=speed)
        stack.push_async_callback(server.close)
        return server

    return serve


@pytest.fixture
def tcp_meter(stack: AsyncExitStack) -> Serve[TcpServer]:
    """Serve a software meter behind a bridge in the network."""

    async def serve(name: str = "p1", speed: float = SPEED) -> TcpServer:
        server = await serve_tcp(meter(name, START), start=START, speed=speed)
        stack.push_async_callback(server.close)
        return server

    return serve


@pytest.fixture
async def wire(stack: AsyncExitStack) -> Wire:
    """Serve what a test sends."""
    server = Wire()
    await server.open()
    stack.push_async_callback(server.close)
    return server


WRONG_KEY = "C7" * 16
CIPHERS = [
    model.device.cipher
    for model in METERS.values()
    if isinstance(model.device, Carried) and model.device.cipher
]


@pytest.fixture
async def keys_stay_in_the_entry(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    hass_client: ClientSessionGenerator,
) -> AsyncIterator[None]:
    """Search for every key wherever it must not be, after a test."""
    caplog.set_level(logging.DEBUG)
    yield
    for entry in hass.config_entries.async_loaded_entries(DOMAIN):
        await hass.config_entries.async_reload(entry.entry_id)  # what is delayed is written
    stored = {name: kept for name, kept in hass_storage.items() if name != "core.config_entries"}
    downloads = [
        await get_diagnostics_for_config_entry(hass, hass_client, entry)
        for entry in hass.config_entries.async_loaded_entries(DOMAIN)
    ]
    issues = [issue.to_json() for issue in ir.async_get(hass).issues.values()]
    states = [state.as_dict() for state in hass.states.async_all()]
    spelled = json.dumps([stored, downloads, issues, states], default=str)
    everything = (caplog.text + spelled).lower()
    for cipher in CIPHERS:
        for secret in (cipher.key.hex(), cipher.authentication.hex()):
            assert not secret or secret not in everything
        assert repr(cipher.key)[2:-1] not in everything
    assert WRONG_KEY.lower() not in everything


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for tenths of a second where an owner waits for tens of seconds."""
    hasty = Patience(gap=0.05, quiet=0.2, longest=0.4, meter_id=0.6, most=4.0)
    monkeypatch.setattr(finder, "PATIENCE", hasty)
    monkeypatch.setattr(channel, "QUIET", 0.1)
    monkeypatch.setattr(pace, "LEAST_PATIENCE", 0.5)
    monkeypatch.setattr(connection, "FIRST_DELAY", 0.05)
    monkeypatch.setattr(connection, "LONGEST_DELAY", 0.2)


def place(*, line: str = "auto", what: str = "listened", **where: Any) -> dict[str, Any]:
    """Return what an owner types to say where a meter is connected."""
    return {**where, "advanced": {"line": line, "what": what}}


def reason(menu: ConfigFlowResult) -> str:
    """Return why no meter was found, as its owner reads it."""
    assert (menu["type"], menu["step_id"]) == (FlowResultType.MENU, "unheard")
    return str(menu["description_placeholders"]["reason"])


def free_port() -> int:
    """Return a TCP port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def p1(*lines: str, ident: str = "ISk5\\2MT382") -> bytes:
    """Return a P1 telegram with its CRC."""
    text = "\r\n".join([f"/{ident}", "", *lines, "!"]).encode("latin-1")
    return text + b"%04X\r\n" % crc16_arc(text)


def entry_for(url: str, link: str = "hdlc", **more: object) -> MockConfigEntry:
    """Return an entry as the flow makes it."""
    identity = {"serial": None, "maker": "Aidon", "model": "6534", "firmware": None}
    data = {"port": url, "line": "2400 8N1", "link": link, "identity": identity}
    settings = {"title": "Aidon 6534", "options": {"write_interval": 0}, **more}
    return MockConfigEntry(domain=DOMAIN, data=data, **settings)


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """Set an entry up and wait until that is done."""
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def until(hass: HomeAssistant, true: Callable[[], bool], seconds: float = 40) -> None:
    """Wait until something is true; the test fails when it does not become so."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)
            await hass.async_block_till_done()


@pytest.fixture
async def complaints() -> AsyncIterator[list[dict[str, Any]]]:
    """What the loop could give to nobody."""
    loop, found = asyncio.get_running_loop(), list[dict[str, Any]]()
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: found.append(context))
    yield found
    loop.set_exception_handler(before)
