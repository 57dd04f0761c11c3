"""Bytes that are taken as they arrive, without a task that wakes for them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
import os
import pty
from random import Random
import socket
import tty
from unittest.mock import Mock

import pytest

from custom_components.obis_meter import channel as channels, datagrams, transport
from custom_components.obis_meter.channel import Channel
from custom_components.obis_meter.datagrams import DatagramListener
from custom_components.obis_meter.listener import networks
from custom_components.obis_meter.metering.dialogue import Become, Dialogue
from custom_components.obis_meter.metering.links import LINKS
from custom_components.obis_meter.metering.model import LineSettings, Module, Telegram
from custom_components.obis_meter.metering.session import Event, Session
from custom_components.obis_meter.pace import Pace
from custom_components.obis_meter.transport import Port, open_port
from custom_components.obis_meter.vigil import SilenceError
from simulator.meters import meter

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
    monkeypatch.setattr(transport, "_READ_SIZE", 60)
    taken = Mock(side_effect=ear[0].channel._take)
    line[1].tap(taken)
    random, stream = Random(3), b"".join(TELEGRAMS)
    at = pieces = 0
    while at < len(stream):
        size = random.choice((1, 20, 61, 200))
        os.write(line[0], stream[at : at + size])
        at, pieces = at + size, pieces + 1
        if random.random() < 0.7:
            await asyncio.sleep(0.001)
    whole = [event for event in Session(LINKS["hdlc"]).feed(stream) if isinstance(event, Telegram)]
    assert len(whole) == len(TELEGRAMS)
    assert await ear[0].heard(len(whole)) == whole
    assert 0 < taken.call_count < pieces
    assert ear[0].channel.statistics.bytes_received == len(stream)


async def test_a_fault_behind_the_tap_ends_the_connection(
    line: tuple[int, Port], ear: tuple[Ear, asyncio.Task[None]]
) -> None:
    ear[0].fault = ZeroDivisionError("nobody thought of this")
    os.write(line[0], TELEGRAMS[0])
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(ear[1], 20)
    assert not ear[0].channel.is_open


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


async def test_a_source_of_datagrams_is_let_go_by_a_channel_that_waits_for_silences(
    stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "QUIET", 0.1)
    monkeypatch.setattr(datagrams, "LINGER", 0.25)
    over = asyncio.Event()

    async def attend(port: Port, _address: str) -> None:
        with suppress(ConnectionResetError):
            await Ear("wrapper").channel.listen(port)
        over.set()

    listener = DatagramListener("127.0.0.1", free_port(), networks("127.0.0.1"), attend)
    await listener.open()
    stack.push_async_callback(listener.close)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
        source.sendto(b"one", ("127.0.0.1", listener._address[1]))
    await asyncio.wait_for(over.wait(), 20)
