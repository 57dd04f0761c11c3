"""Telegrams into a stream of bytes, such as standard output."""

from typing import BinaryIO, override

from .device import Source
from .faults import Line
from .server import REAL_TIME, Server, Timing


class StreamServer(Server):
    """Writes what is due; a closed pipe ends it with `BrokenPipeError`."""

    def __init__(
        self,
        source: Source,
        stream: BinaryIO,
        timing: Timing = REAL_TIME,
        line: Line | None = None,
    ) -> None:
        """Prepare to write."""
        super().__init__(source, timing, line)
        self._stream = stream
        self._there = False

    @property
    @override
    def url(self) -> str:
        return "standard output"

    @override
    def _connected(self) -> bool:
        return self._there

    @override
    async def _connect(self) -> None:
        self._there = True

    @override
    async def _disconnect(self) -> None:
        self._there = False

    @override
    async def _send(self, piece: bytes) -> None:
        self._stream.write(piece)
        self._stream.flush()
