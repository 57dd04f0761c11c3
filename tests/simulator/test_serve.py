"""Servers: everybody gets the same telegrams, and a line that misbehaves as told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
import io
import os
from pathlib import Path
import socket
import termios

import pytest

from simulator.faults import Line
from simulator.meters import Meter, meter
from simulator.serve import (
    PtyServer,
    Server,
    StreamServer,
    TcpServer,
    Timing,
    serve_pty,
    serve_tcp,
)

from .reading import assert_frames_well, hdlc_information

START = datetime(2026, 1, 15, 18)
WITHIN = 5.0  # s
FAST = 200.0  # P1 telegrams a second
END = b"!\r\n"


@asynccontextmanager
async def open_tcp(port: int) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def heard(reader: asyncio.StreamReader, count: int = 1) -> list[bytes]:
    """Return whole DSMR 2 telegrams (they end the same) after the one that may be cut."""
    async with asyncio.timeout(WITHIN):
        await reader.readuntil(END)
        return [await reader.readuntil(END) for _ in range(count)]


async def nothing_comes(reader: asyncio.StreamReader) -> bool:
    """Tell whether the line is quiet, once what was under way has come."""
    await asyncio.sleep(0.05)
    with suppress(TimeoutError):
        async with asyncio.timeout(0.02):
            await reader.read(1 << 20)
    with suppress(TimeoutError):
        async with asyncio.timeout(0.1):
            return not await reader.read(1)
    return True


def old_meter() -> Meter:
    return meter("p1-v2", START)


class Port:
    """A pseudo terminal opened like a serial port."""

    def __init__(self, path: Path) -> None:
        self.file = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    async def read(self, size: int) -> bytes:
        got = b""
        async with asyncio.timeout(WITHIN):
            while len(got) < size:
                try:
                    piece = os.read(self.file, size - len(got))
                except BlockingIOError:
                    await asyncio.sleep(0.002)
                    continue
                if not piece:
                    raise EOFError
                got += piece
        return got

    def close(self) -> None:
        os.close(self.file)


def hung_up(file: int) -> bool:
    """Read to the end; a serial port that is gone is an error or the end of the file."""
    with suppress(OSError):
        while os.read(file, 4096):
            pass
    return True


@asynccontextmanager
async def open_port(path: Path) -> AsyncIterator[Port]:
    port = Port(path)
    try:
        yield port
    finally:
        port.close()


# --- TCP ---


@pytest.mark.usefixtures("socket_enabled")
async def test_two_clients_hear_the_same() -> None:
    async with (
        await serve_tcp(old_meter(), speed=FAST) as server,
        open_tcp(server.port) as one,
        open_tcp(server.port) as two,
    ):
        ours, theirs = await asyncio.gather(heard(one, 5), heard(two, 5))
    assert set(ours) & set(theirs)
    for telegram in (*ours, *theirs):
        assert_frames_well(telegram)


@pytest.mark.usefixtures("socket_enabled")
async def test_as_fast_as_can_be_begins_with_the_first_listener() -> None:
    source = meter("aidon", START)
    first = next(source.telegrams(START))
    async with await serve_tcp(source, speed=0) as server:
        await asyncio.sleep(0.05)
        async with open_tcp(server.port) as reader, asyncio.timeout(WITHIN):
            assert await reader.readexactly(len(first)) == first
            assert len(await reader.readexactly(20_000)) == 20_000


@pytest.mark.usefixtures("socket_enabled")
async def test_silence_and_resume() -> None:
    async with await serve_tcp(old_meter(), speed=FAST) as server, open_tcp(server.port) as reader:
        await heard(reader)
        server.silence()
        assert await nothing_comes(reader)
        assert server.peers == 1
        await server.resume()
        await heard(reader)


@pytest.mark.usefixtures("socket_enabled")
async def test_hang_up_and_resume_on_the_same_port() -> None:
    async with await serve_tcp(old_meter(), speed=FAST) as server:
        port = server.port
        async with open_tcp(port) as reader:
            await heard(reader)
            await server.hang_up()
            async with asyncio.timeout(WITHIN):
                await reader.read()  # to the end
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        await server.resume()
        async with open_tcp(port) as reader:
            await heard(reader)


@pytest.mark.usefixtures("socket_enabled")
async def test_a_peer_that_never_reads_holds_nobody_up() -> None:
    server = await serve_tcp(old_meter(), speed=0, line=Line(chunk=1 << 20))
    with socket.create_connection(("127.0.0.1", server.port)):
        await asyncio.sleep(0.3)
        async with asyncio.timeout(WITHIN):
            await server.close()


@pytest.mark.usefixtures("socket_enabled")
async def test_a_port_in_use_is_an_error() -> None:
    async with await serve_tcp(old_meter()) as server:
        with pytest.raises(OSError, match="in use"):
            await serve_tcp(old_meter(), port=server.port)


@pytest.mark.usefixtures("socket_enabled")
async def test_pieces_join_to_the_telegram() -> None:
    source = meter("kaifa", START)
    first = next(source.telegrams(START))
    server = await serve_tcp(source, speed=0, line=Line(chunk=7))
    async with server, open_tcp(server.port) as reader, asyncio.timeout(WITHIN):
        assert await reader.readexactly(len(first)) == first


# --- pseudo terminals ---


async def test_pty_delivers_and_never_echoes(tmp_path: Path) -> None:
    link = tmp_path / "new" / "meter0"
    source = meter("aidon", START)
    first = next(source.telegrams(START))
    async with await serve_pty(source, link, speed=0) as server:
        assert server.path == link
        async with open_port(link) as port:
            os.write(port.file, b"are you there?\r\n")
            assert await port.read(len(first)) == first
            assert hdlc_information(await port.read(44))
    assert not link.is_symlink()


async def test_pty_is_raw() -> None:
    async with await serve_pty(old_meter()) as server, open_port(server.path) as port:
        _, output, _, local, *_ = termios.tcgetattr(port.file)
        assert not local & (termios.ECHO | termios.ICANON | termios.ISIG)
        assert not output & termios.OPOST


async def test_pty_without_a_reader_does_not_block_and_forgets() -> None:
    source = old_meter()
    async with await serve_pty(source, speed=20_000) as server:
        await asyncio.sleep(0.3)  # 600 telegrams
        server.silence()
        await asyncio.sleep(0.05)
        async with open_port(server.path) as port:
            waiting = os.read(port.file, 1 << 20)
    assert len(waiting) < 4096
    newest = waiting.split(END)[-2]
    assert newest.startswith(b"/ISk5")
    assert newest not in {t.removesuffix(END) for t in source.telegrams(START)}


async def test_pty_hang_up_and_resume(tmp_path: Path) -> None:
    link = tmp_path / "meter0"
    async with await serve_pty(old_meter(), link, speed=FAST) as server:
        async with open_port(link) as port:
            await port.read(10)
            await server.hang_up()
            assert hung_up(port.file)
        assert not link.exists()
        await server.resume()
        async with open_port(link) as port:
            await port.read(1000)


async def test_a_link_never_replaces_a_file(tmp_path: Path) -> None:
    path = tmp_path / "meter0"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        await serve_pty(old_meter(), path)
    assert path.read_text() == "mine"


async def test_a_link_that_was_left_behind_is_replaced(tmp_path: Path) -> None:
    link = tmp_path / "meter0"
    link.symlink_to("/nowhere")
    async with await serve_pty(old_meter(), link, speed=FAST), open_port(link) as port:
        await port.read(10)


# --- all of them ---


async def test_a_stream_gets_everything_until_the_end() -> None:
    source, stream = meter("aidon", START), io.BytesIO()
    end = START.replace(second=20)
    server = StreamServer(source, stream, Timing(until=end, speed=0))
    await server.open()
    await server.wait()
    await server.close()
    sent = stream.getvalue()
    assert sent.count(b"\x7e\x7e") == 7  # 8 frames: 2 1 1 1 3 1 1 1
    assert sent.startswith(next(source.telegrams(START)))


async def test_what_breaks_a_source_is_told() -> None:
    server = StreamServer(meter("aidon", START), io.BytesIO(), Timing(start=datetime(2025, 1, 1)))
    await server.open()
    with pytest.raises(ValueError, match="metered since"):
        await server.wait()
    with pytest.raises(ValueError, match="metered since"):
        await server.close()


@pytest.mark.parametrize("kind", [TcpServer, PtyServer])
@pytest.mark.usefixtures("socket_enabled")
async def test_hanging_up_and_closing_twice_is_fine(kind: type[TcpServer | PtyServer]) -> None:
    server: Server = kind(old_meter())
    await server.close()
    await server.open()
    for _ in range(2):
        await server.hang_up()
    for _ in range(2):
        await server.resume()
    for _ in range(2):
        await server.close()


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        Timing(speed=-1)
