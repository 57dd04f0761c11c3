"""The way on to a head end: a real TCP server that stalls, closes and returns."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict
from functools import partial
import logging
import socket

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_meter import bridge as bridges, connection
from custom_components.obis_meter.bridge import Bridge, Carried
from custom_components.obis_meter.const import DOMAIN
from custom_components.obis_meter.diagnostics import async_get_config_entry_diagnostics
from simulator.module import COMMANDS, DATA, EVENT, TRANSPARENT, frame, frames

from .calling import SERIAL, Module, is_on, listening
from .conftest import START, free_port, set_up, until

EVENT_FRAME = frame(COMMANDS, EVENT, b"\x60\x28\x01\x01")


class HeadEnd:
    """A TCP server that may refuse to read, hang up, and come back on the same port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.received = bytearray()
        self.calls = 0
        self.reading = asyncio.Event()
        self.reading.set()
        self.writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that it stalls soon
        sock.bind(("127.0.0.1", self.port))
        self._server = await asyncio.start_server(self._serve, sock=sock, limit=1024)

    async def close(self) -> None:
        if self._server:
            self._server.close()
            self._server.abort_clients()
            await self._server.wait_closed()
        self.reading.set()
        self.writer = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls, self.writer = self.calls + 1, writer
        with suppress(ConnectionError):
            while True:
                await self.reading.wait()
                if not (data := await reader.read(4096)):
                    break
                self.received += data
        writer.close()


class Bench:
    """A meter, the entry it calls, and the head end behind it."""

    def __init__(self, entry: MockConfigEntry, module: Module, head_end: HeadEnd) -> None:
        self.entry = entry
        self.module = module
        self.head_end = head_end

    @property
    def bridge(self) -> Bridge:
        bridge: Bridge = self.entry.runtime_data.bridges[SERIAL]
        return bridge

    def send(self, body: bytes) -> None:
        self.module.say(frame(TRANSPARENT, DATA, body))

    def passed_on(self) -> bytes:
        """Return what the meter was sent for itself."""
        said = frames(bytearray(self.module.talk.received))
        return b"".join(body for protocol, _, body in said if protocol == TRANSPARENT)


@pytest.fixture
async def bench(
    hass: HomeAssistant, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bench]:
    """A meter that is heard, and a head end that is connected."""
    monkeypatch.setattr(connection, "FIRST_DELAY", 0.02)
    monkeypatch.setattr(connection, "LONGEST_DELAY", 0.05)
    head_end = HeadEnd()
    await head_end.open()
    stack.push_async_callback(head_end.close)
    options = {"bridge_host": "127.0.0.1", "bridge_port": head_end.port}
    entry = await set_up(hass, listening(free_port(), SERIAL, options=options))
    module = Module(int(entry.data["port"].rpartition(":")[2]))
    await module.call(stack)
    bench = Bench(entry, module, head_end)
    await until(hass, lambda: is_on(hass) and bench.bridge.up)
    yield bench
    await hass.config_entries.async_unload(entry.entry_id)


async def test_bytes_are_the_same_at_both_ends_both_ways(hass: HomeAssistant, bench: Bench) -> None:
    everything = bytes(range(256)) * 3
    bodies = [everything, b"\x7e", b"\x7e\xff\x03\x00\x21", b"/ISk5 half a telegram"]
    for body in bodies:
        bench.send(body)
        bench.module.say(EVENT_FRAME)  # not the head end's
    await until(hass, lambda: len(bench.head_end.received) >= sum(map(len, bodies)))
    assert bytes(bench.head_end.received) == b"".join(bodies)
    assert bench.bridge.carried.to_head_end == len(b"".join(bodies))

    orders = bytes(reversed(range(256))) * 20
    assert bench.head_end.writer
    bench.head_end.writer.write(orders)
    await until(hass, lambda: len(bench.passed_on()) >= len(orders))
    assert bench.passed_on() == orders
    assert bench.bridge.carried.to_meter == len(orders)
    longest = max(len(body) for _, _, body in frames(bytearray(bench.module.talk.received)))
    assert longest <= 1024
    download = await async_get_config_entry_diagnostics(hass, bench.entry)
    assert download["bridges"] == [{"up": True, **asdict(bench.bridge.carried)}]


async def test_a_head_end_that_does_not_read_holds_nothing_up(
    hass: HomeAssistant, bench: Bench
) -> None:
    bench.head_end.reading.clear()
    sent = bytearray()
    while bench.bridge.carried.given_up < 100_000:
        body = len(sent).to_bytes(4, "big") * 1000
        bench.bridge.forward(body)
        sent += body
        await asyncio.sleep(0)
        assert sum(map(len, bench.bridge._backlog)) == bench.bridge._waiting <= bridges.BACKLOG
    bench.module.push()
    await until(hass, lambda: bool(hass.states.get(f"sensor.meter_{SERIAL}_power_import")))
    sent += bench.module.talk.device.inner.telegram(bench.module.meter.household.at(START), 2)

    bench.head_end.reading.set()
    await until(hass, lambda: not bench.bridge._backlog)
    carried = bench.bridge.carried
    assert carried.to_head_end + carried.given_up == len(sent)
    await until(hass, lambda: len(bench.head_end.received) == carried.to_head_end)
    assert sent.startswith(bench.head_end.received[:4000])
    assert sent.endswith(bench.head_end.received[-4000:])


async def test_a_head_end_that_returns_gets_what_waited(
    hass: HomeAssistant, bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.head_end.close()
    await until(hass, lambda: not bench.bridge.up)
    bench.send(b"while nobody was there, ")
    bench.module.push()
    await until(hass, lambda: bool(hass.states.get(f"sensor.meter_{SERIAL}_power_import")))
    await asyncio.sleep(0.2)
    assert caplog.text.count("is gone") == 1
    await bench.head_end.open()
    await until(hass, lambda: bench.bridge.up)
    telegram = bench.module.talk.device.inner.telegram(bench.module.meter.household.at(START), 2)
    await until(hass, lambda: bench.head_end.received.endswith(telegram))
    assert bytes(bench.head_end.received) == b"while nobody was there, " + telegram
    assert bench.head_end.calls == 2
    assert bench.bridge.carried.given_up == 0


async def test_what_is_not_for_the_head_end_does_not_wait_for_it(
    hass: HomeAssistant, bench: Bench
) -> None:
    await bench.head_end.close()
    await until(hass, lambda: not bench.bridge.up)
    heard = bench.entry.runtime_data.channels()[0].statistics
    for _ in range(50):
        bench.module.say(EVENT_FRAME)
    await until(hass, lambda: heard.messages >= 50)
    assert not bench.bridge._backlog


async def test_orders_for_a_meter_that_is_away_are_lost(hass: HomeAssistant, bench: Bench) -> None:
    await bench.module.hang_up()
    await until(hass, lambda: not is_on(hass))
    assert bench.head_end.writer
    bench.head_end.writer.write(b"to nobody")
    await until(hass, lambda: bench.bridge.carried.to_meter == 9)
    assert bench.bridge.up


async def test_an_owner_does_not_meddle_with_the_head_end(
    hass: HomeAssistant, bench: Bench
) -> None:
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, SERIAL), bench.entry.entry_id
    )
    assert device
    for action, fields in (
        ("send_data", {"data": "00"}),
        ("get_parameter", {"parameter": "0x8005"}),
    ):
        call = hass.services.async_call(
            DOMAIN, action, {"device_id": device.id, **fields}, blocking=True, return_response=True
        )
        if action == "send_data":
            with pytest.raises(ServiceValidationError) as refusal:
                await call
            assert refusal.value.translation_key == "bridged"
        else:
            answer = await call
            assert answer
            assert answer["value"] == SERIAL
    assert not bench.passed_on()


async def test_unloading_hangs_up_on_the_head_end(hass: HomeAssistant, bench: Bench) -> None:
    writer, bridge = bench.head_end.writer, bench.bridge
    assert writer
    await hass.config_entries.async_unload(bench.entry.entry_id)
    await until(hass, writer.is_closing)
    calls = bench.head_end.calls
    bridge.forward(b"too late")
    await asyncio.sleep(0.2)
    assert bench.head_end.calls == calls
    assert b"too late" not in bench.head_end.received


async def test_a_head_end_without_a_name_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FIRST_DELAY", 0.01)
    tried = 0

    async def fail(*_: object) -> None:
        nonlocal tried
        tried += 1
        raise UnicodeError("label empty or too long")  # what a name such as a..b gives

    async def nobody(data: bytes) -> None:
        raise AssertionError

    monkeypatch.setattr(asyncio, "open_connection", fail)
    running = asyncio.create_task(Bridge("a..b", 1, nobody).run())
    await asyncio.wait([running], timeout=0.3)
    assert tried >= 3
    running.cancel()


def test_the_oldest_is_given_up_first() -> None:
    async def nobody(data: bytes) -> None:
        raise AssertionError

    bridge = Bridge("127.0.0.1", 1, nobody)
    parts = [bytes([n]) * 1000 for n in range(100)]
    for part in parts:
        bridge.forward(part)
    assert list(bridge._backlog) == parts[-(bridges.BACKLOG // 1000) :]
    assert bridge.carried == Carried(0, 0, 1000 * (100 - bridges.BACKLOG // 1000))


async def test_a_head_end_that_hangs_up_at_once_is_told_of_once(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(connection, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(connection, "LONGEST_DELAY", 0.02)
    monkeypatch.setattr(bridges, "SETTLED", 0.3)
    head_end = HeadEnd()
    await head_end.open()

    async def nowhere(_: bytes) -> None:
        """Have no meter."""

    def called(times: int) -> bool:
        return head_end.calls >= times and head_end.writer is not None

    running = asyncio.create_task(Bridge("127.0.0.1", head_end.port, nowhere).run())
    for call in range(1, 9):
        await until(hass, partial(called, call))
        assert head_end.writer
        head_end.writer.close()
        head_end.writer = None
    assert (caplog.text.count("is gone"), caplog.text.count("is connected")) == (1, 0)
    await until(hass, lambda: "is connected" in caplog.text)
    assert (caplog.text.count("is gone"), caplog.text.count("is connected")) == (1, 1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await head_end.close()
