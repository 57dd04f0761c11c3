"""Telegrams on a pseudo terminal, which a program opens like a serial port."""

import asyncio
from contextlib import suppress
from datetime import datetime
import fcntl
import os
from pathlib import Path
import struct
import termios
import tty
from typing import NamedTuple, override

from .device import Paced, Source
from .faults import Line
from .server import REAL_TIME, Server, Timing

_UNREAD = 2048  # bytes: with more than this nobody reads, and the old ones are thrown away
_POLL = 0.005  # s between two looks at a full line
_PATIENCE = 50  # looks at a full line before the rest of a telegram is lost
_READ = 4096


class _Pair(NamedTuple):
    """Both ends, open: with the slave closed, writing to the master fails between two readers."""

    master: int
    slave: int


class PtyServer(Server):
    """Sends to whoever has the slave open; what is written to it is never echoed."""

    def __init__(
        self,
        source: Source,
        link: Path | None = None,
        timing: Timing = REAL_TIME,
        line: Line | None = None,
        *,
        strict: bool = False,
    ) -> None:
        """Prepare; `link` becomes a symbolic link to the slave, whose name changes.

        strict: what passes while the slave is set to another speed than the source's is garbled,
        as on a wire; so it always is where the source changes its speed. A pseudo terminal
        keeps no parity, so that this is not looked at.
        """
        super().__init__(source, timing, line)
        self._link = link
        self._strict = strict or isinstance(source, Paced)
        self._pair: _Pair | None = None
        self._slave_path: Path | None = None

    @property
    def path(self) -> Path:
        """Where to open it; without a link this changes with every `resume()` after a hang-up."""
        return self._link or self._slave_path or Path("a pseudo terminal")

    @property
    @override
    def url(self) -> str:
        return str(self.path)

    @override
    def _connected(self) -> bool:
        return self._pair is not None

    @override
    async def _connect(self) -> None:
        if self._pair:
            return
        pair = _Pair(*os.openpty())
        for end in pair:
            tty.setraw(end)
        os.set_blocking(pair.master, False)
        try:
            self._place_link(Path(os.ttyname(pair.slave)))
        except OSError:
            _close(pair)
            raise
        asyncio.get_running_loop().add_reader(pair.master, self._read, pair.master)
        self._pair = pair
        self._slave_path = Path(os.ttyname(pair.slave))

    @override
    async def _disconnect(self) -> None:
        pair, self._pair = self._pair, None
        if pair:
            asyncio.get_running_loop().remove_reader(pair.master)
            self._remove_link()
            _close(pair)

    def _place_link(self, slave: Path) -> None:
        if self._link:
            self._link.parent.mkdir(parents=True, exist_ok=True)
            if self._link.is_symlink():
                self._link.unlink()
            self._link.symlink_to(slave)

    def _remove_link(self) -> None:
        if self._link and self._link.is_symlink() and self._link.readlink() == self._slave_path:
            self._link.unlink()

    def _read(self, master: int) -> None:
        with suppress(BlockingIOError, OSError):
            self._heard(self._garbled(os.read(master, _READ)))

    def _garbled(self, data: bytes) -> bytes:
        """Return what arrives of data at the speed that the slave is set to."""
        if self._strict and self._pair and _speed(self._pair.slave) != _speed_of(self.source):
            return bytes(byte << 4 & 0xF0 | 0x0F for byte in data)
        return data

    @override
    async def _send_all(self, when: datetime) -> None:
        """Forget what nobody has read, as a line does, before more comes."""
        if self._pair and not self._waits and _unread(self._pair.slave) > _UNREAD:
            termios.tcflush(self._pair.slave, termios.TCIFLUSH)
        await super()._send_all(when)

    @override
    async def _send(self, piece: bytes) -> None:
        looks, piece = 0, self._garbled(piece)
        while piece and self._pair and (looks < _PATIENCE or self._waits):
            try:
                piece = piece[os.write(self._pair.master, piece) :]
            except BlockingIOError:
                looks += 1
                await asyncio.sleep(_POLL)


def _close(pair: _Pair) -> None:
    for end in pair:
        os.close(end)


def _unread(slave: int) -> int:
    """Return how many bytes wait to be read."""
    count: int = struct.unpack("i", fcntl.ioctl(slave, termios.FIONREAD, bytes(4)))[0]
    return count


def _speed(slave: int) -> int:
    """Return the speed the slave is set to, as a constant of termios."""
    speed: int = termios.tcgetattr(slave)[5]
    return speed


def _speed_of(source: Source) -> int:
    """Return the speed of a source's line, as a constant of termios."""
    speed: int = getattr(termios, f"B{source.line.partition(' ')[0]}")
    return speed
