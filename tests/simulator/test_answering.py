"""Servers whose source answers: on a line everybody hears the answer."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
import os
import termios

import pytest

from simulator.device import Answering
from simulator.meters import meter
from simulator.serve import serve_pty, serve_tcp

START = datetime(2026, 1, 15, 18)
WITHIN = 5.0  # s
PATIENCE = 0.2  # s in which nothing comes


@dataclass
class Parrot:
    """Repeats every line it hears, with the second of its clock; pushes nothing."""

    name: str = "parrot"
    line: str = "2400 8E1"
    start: datetime = START
    pace: timedelta = timedelta(seconds=1)
    secrets: str = ""
    heard: bytearray = field(default_factory=bytearray)

    def telegrams(self, when: datetime) -> Iterator[bytes]:
        return iter(())

    def respond(self, heard: bytes, when: datetime) -> bytes:
        self.heard += heard
        *lines, rest = self.heard.split(b"\n")
        self.heard = rest
        return b"".join(b"%d:%s\n" % (when.second, line) for line in lines)


async def said(file: int, within: float = WITHIN) -> bytes:
    """Return what comes until the line is quiet, which it may be all the time."""
    got = b""
    with suppress(TimeoutError):
        async with asyncio.timeout(within) as limit:
            while True:
                with suppress(BlockingIOError):
                    got += os.read(file, 100)
                    limit.reschedule(asyncio.get_running_loop().time() + PATIENCE)
                await asyncio.sleep(0.01)
    return got


def set_speed(file: int, speed: int) -> None:
    attributes = termios.tcgetattr(file)
    attributes[4] = attributes[5] = speed
    termios.tcsetattr(file, termios.TCSANOW, attributes)


def test_only_who_responds_is_answering() -> None:
    assert isinstance(Parrot(), Answering)
    assert not isinstance(meter("aidon", START), Answering)


@pytest.mark.usefixtures("socket_enabled")
async def test_all_peers_hear_the_answer_to_one() -> None:
    async with await serve_tcp(Parrot()) as server, asyncio.timeout(WITHIN):
        one, asking = await asyncio.open_connection("127.0.0.1", server.port)
        two, other = await asyncio.open_connection("127.0.0.1", server.port)
        asking.write(b"hel")
        await asking.drain()
        await asyncio.sleep(0.05)
        asking.write(b"lo\n")
        assert await one.readline() == await two.readline()
        for writer in (asking, other):
            writer.close()


async def test_the_clock_of_the_source_is_that_of_the_server() -> None:
    async with await serve_pty(Parrot(), start=START.replace(second=42), speed=0.01) as server:
        file = os.open(server.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        os.write(file, b"now\n")
        assert await said(file) == b"42:now\n"
        os.close(file)


async def test_a_silent_line_carries_no_answer() -> None:
    async with await serve_pty(Parrot()) as server:
        file = os.open(server.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        server.silence()
        os.write(file, b"lost\n")
        assert not await said(file, 0.3)
        await server.resume()
        os.write(file, b"heard\n")
        assert (await said(file)).endswith(b":heard\n")
        os.close(file)


async def test_a_strict_line_garbles_what_comes_at_another_speed() -> None:
    async with await serve_pty(Parrot(), strict=True) as server:
        file = os.open(server.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        set_speed(file, termios.B9600)
        os.write(file, b"lost\n")
        assert not await said(file, 0.3)
        set_speed(file, termios.B2400)
        os.write(file, b"\nheard\n")
        assert (await said(file)).endswith(b":heard\n")
        os.close(file)
