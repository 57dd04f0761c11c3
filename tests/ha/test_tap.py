"""Bytes that are taken as they arrive, without a task that wakes for them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from functools import partial
import os
import pty
from random import Random
import socket
import time
import tty
from unittest.mock import Mock

import pytest

from custom_components.obis_meter import channel as channels, datagrams, transport
from custom_components.obis_meter.channel import Channel, DisconnectedError
from custom_components.obis_meter.datagrams import DatagramListener, DatagramPort
from custom_components.obis_meter.listener import PeerPort, networks
from custom_components.obis_meter.metering.dialogue import Become, Dialogue, Expect, Send
from custom_components.obis_meter.metering.links import LINKS
from custom_components.obis_meter.metering.model import LineSettings, Module, Telegram
from custom_components.obis_meter.metering.session import Event, Session
from custom_components.obis_meter.pace import Pace
from custom_components.obis_meter.transport import Port, open_port
from custom_components.obis_meter.vigil import SilenceError
from simulator.meters import meter
from tests.steady import keep_busy

from .conftest import START, free_port

SOURCE = meter("kamstrup", START)
TELEGRAMS = [
    part for n in range(12) for part in SOURCE.telegrams(START + timedelta(seconds=10 * n))
]


class Ear:
    """A channel, and what it was told."""

    def __init__(self, link: str = "hdlc") -> None:
        self.events: list[Event] = []
        self.fault: Exception | None = None
        self.channel = Channel(
            Session(LINKS[link]), on_events=self._on_events, on_up=_nothing, who=_nobody
        )

    def _on_events(self, events: Sequence[Event]) -> bool:
        if self.fault:
            raise self.fault
        self.events += events
        return any(isinstance(event, Telegram) for event in events)

    async def heard(self, count: int) -> list[Telegram]:
        async with asyncio.timeout(20):
            while len(self.events) < count:  # noqa: ASYNC110 - events have no signal of their own
                await asyncio.sleep(0.005)
        return [event for event in self.events if isinstance(event, Telegram)]


def _nothing() -> None:
    """Be told, and do nothing."""


def _nobody() -> Module:
    return Module("")


async def spin() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def inlet_of(port: Port) -> transport._Inlet:
    assert isinstance(port, transport._TappedPort)
    return port._inlet


@pytest.fixture
async def line(stack: AsyncExitStack) -> tuple[int, Port]:
    """The far end of a serial line, and a port on the near one."""
    far, near = pty.openpty()
    stack.callback(os.close, far)
    tty.setraw(near)
    stack.callback(os.close, near)
    return far, await open_port(os.ttyname(near), LineSettings(2400))


@pytest.fixture
async def ear(line: tuple[int, Port]) -> AsyncIterator[tuple[Ear, asyncio.Task[None]]]:
    """A channel that listens on that port."""
    ear = Ear()
    listening = asyncio.create_task(ear.channel.listen(line[1]))
    await asyncio.sleep(0)
    yield ear, listening
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_few_bytes_and_many_are_read_in_their_order(
    line: tuple[int, Port],
    ear: tuple[Ear, asyncio.Task[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is much at once waits, and what comes while it does; what comes later is taken."""
    monkeypatch.setattr(transport, "_READ_SIZE", 60)
    taken = Mock(side_effect=ear[0].channel._take)
    line[1].tap(taken)
    random, stream = Random(3), b"".join(TELEGRAMS)
    inlet, at, free = inlet_of(line[1]), 0, 0
    while at < len(stream):
        size = random.choice((1, 20, 40, 61, 200))
        before, waits = taken.call_count, bool(inlet.waiting)
        inlet.data_received(stream[at : at + size])
        assert (taken.call_count > before) == (not waits and len(stream[at : at + size]) <= 60)
        free += taken.call_count > before
        at += size
        if random.random() < 0.5:
            await spin()
    whole = [event for event in Session(LINKS["hdlc"]).feed(stream) if isinstance(event, Telegram)]
    assert len(whole) == len(TELEGRAMS)
    assert await ear[0].heard(len(whole)) == whole
    assert free > 5
    assert inlet.waiting == 0
    assert ear[0].channel.statistics.bytes_received == len(stream)


async def test_bytes_of_a_line_are_taken_as_they_arrive(
    line: tuple[int, Port], ear: tuple[Ear, asyncio.Task[None]]
) -> None:
    wait = Mock(side_effect=AssertionError)
    line[1]._reader.feed_data = wait  # type: ignore[method-assign]
    os.write(line[0], TELEGRAMS[0])
    assert len(await ear[0].heard(1)) == 1
    wait.assert_not_called()


async def test_a_fault_behind_the_tap_ends_the_connection(
    line: tuple[int, Port], ear: tuple[Ear, asyncio.Task[None]]
) -> None:
    """Whoever has a dialogue meanwhile is told of a lost connection, and nothing is said after."""

    def talk() -> Dialogue[None]:
        yield Expect(lambda _: True, 20)
        yield Send(b"next")
        yield Expect(lambda _: True, 20)

    talking = asyncio.create_task(ear[0].channel.converse(talk()))
    await asyncio.sleep(0)
    ear[0].fault = ZeroDivisionError("nobody thought of this")
    inlet = inlet_of(line[1])
    inlet.data_received(TELEGRAMS[0] + TELEGRAMS[1])  # an answer, and a telegram
    ear[0].fault = None
    inlet.data_received(TELEGRAMS[2])
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(ear[1], 20)
    with pytest.raises(DisconnectedError):
        await asyncio.wait_for(talking, 20)
    assert ear[0].events == []
    assert not ear[0].channel.is_open


async def test_an_answer_that_is_taken_while_the_loop_is_busy_is_in_time(
    line: tuple[int, Port],
    ear: tuple[Ear, asyncio.Task[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answer() -> None:
        os.write(line[0], TELEGRAMS[0])
        keep_busy(monkeypatch, 10)

    def ask() -> Dialogue[bytes]:
        asyncio.get_running_loop().call_soon(answer)
        return (yield Expect(lambda payload: True, 5))

    assert await ear[0].channel.converse(ask())


@pytest.mark.parametrize("kind", [partial(Port, line=LineSettings(2400)), PeerPort])
async def test_what_has_come_is_read_when_its_time_is_over(kind: Callable[..., Port]) -> None:
    reader, late = asyncio.StreamReader(), asyncio.get_running_loop().time() - 1
    port = kind(reader, Mock())
    assert await port.read_until(late) == b""
    reader.feed_data(b"late")
    assert await port.read_until(late) == b"late"
    reader.feed_eof()
    with pytest.raises(ConnectionResetError):
        await port.read_until(late)


async def test_noise_without_end_is_a_silence(
    line: tuple[int, Port],
    ear: tuple[Ear, asyncio.Task[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channels, "QUIET", 0.05)
    ear[0].channel.vigil.pace = Pace(first=0.1)
    os.write(line[0], TELEGRAMS[0])
    await ear[0].heard(1)
    async with asyncio.timeout(20):
        while not ear[1].done():
            os.write(line[0], b"noise")
            await asyncio.sleep(0.01)
    with pytest.raises(SilenceError):
        await ear[1]


async def test_a_link_on_which_answers_are_sent_is_read(
    line: tuple[int, Port],
    ear: tuple[Ear, asyncio.Task[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def become(link: str) -> Dialogue[None]:
        yield Become(link)

    tapped = Mock(wraps=line[1].tap)
    monkeypatch.setattr(line[1], "tap", tapped)
    for link in ("rfc1662", "hdlc"):
        await ear[0].channel.converse(become(link))
    assert [call.args for call in tapped.call_args_list] == [(None,), (ear[0].channel._take,)]


class Sources:
    """A UDP listener, and what its channels are given."""

    def __init__(self) -> None:
        self.ports: list[DatagramPort] = []
        self.ears: list[Ear] = []
        self.over = asyncio.Event()
        self.listener = DatagramListener(
            "127.0.0.1", free_port(), networks("127.0.0.1"), self._attend
        )

    async def _attend(self, port: Port, _address: str) -> None:
        assert isinstance(port, DatagramPort)
        self.ports.append(port)
        self.ears.append(Ear("wrapper"))
        with suppress(ConnectionResetError):
            await self.ears[-1].channel.listen(port)
        self.over.set()

    @property
    def received(self) -> int:
        return sum(ear.channel.statistics.bytes_received for ear in self.ears)

    async def send(self, data: bytes) -> None:
        """Send from a new source, and wait until it is read."""
        before = self.received
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
            source.sendto(data, ("127.0.0.1", self.listener._address[1]))
        async with asyncio.timeout(20):
            while self.received == before:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.005)


@pytest.fixture
async def sources(stack: AsyncExitStack) -> Sources:
    sources = Sources()
    await sources.listener.open()
    stack.push_async_callback(sources.listener.close)
    return sources


async def test_a_source_of_datagrams_is_let_go_by_a_channel_that_waits_for_silences(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "QUIET", 0.1)
    monkeypatch.setattr(datagrams, "LINGER", 0.25)
    await sources.send(b"one")
    await asyncio.wait_for(sources.over.wait(), 20)


async def test_a_datagram_that_comes_as_its_source_is_let_go_is_read(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datagrams, "LINGER", 0.2)
    await sources.send(b"one")
    port = sources.ports[0]
    await asyncio.sleep(port._until - asyncio.get_running_loop().time() - 0.002)
    time.sleep(0.02)  # noqa: ASYNC251 - the loop is busy until it is over
    port.put(b"two")
    await asyncio.wait_for(sources.over.wait(), 20)
    assert sources.received == 6
