"""Serve a meter or a replay over TCP, a pseudo terminal or a stream."""

from datetime import datetime
from pathlib import Path

from .device import Source
from .faults import Line
from .server import Server, Timing
from .stream import StreamServer
from .tcp import TcpServer
from .terminal import PtyServer

__all__ = [
    "Line",
    "PtyServer",
    "Server",
    "StreamServer",
    "TcpServer",
    "Timing",
    "serve_pty",
    "serve_tcp",
]


async def serve_tcp(
    source: Source,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    start: datetime | None = None,
    speed: float = 1.0,
    line: Line | None = None,
) -> TcpServer:
    """Return an open TCP server; its `port` tells which one it got, `OSError` if it got none."""
    server = TcpServer(source, host, port, Timing(start, speed=speed), line)
    await server.open()
    return server


async def serve_pty(
    source: Source,
    link: Path | None = None,
    *,
    start: datetime | None = None,
    speed: float = 1.0,
    line: Line | None = None,
    strict: bool = False,
) -> PtyServer:
    """Return an open pseudo terminal; its `path` is what a program opens as a serial port."""
    server = PtyServer(source, link, Timing(start, speed=speed), line, strict=strict)
    await server.open()
    return server
