"""Meters of DL/T 645 that share one RS-485 line, and what they do when they are told."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from .dlt645data import Happened, Registers, State
from .dlt645wire import Asked, fits, frame, moment, requests, seconds
from .household import Household

BROADCAST = "99" * 6
_METER, _REFUSED, _MORE = 0x80, 0x40, 0x20
_NO_DATA, _NO_PASSWORD = b"\x02", b"\x04"
_LEAST = {0x11: 4, 0x12: 5, 0x14: 12, 0x16: 4, 0x19: 8, 0x1C: 16}  # bytes of a request's data
_FARTHEST = timedelta(minutes=5)


class Talker(Protocol):
    """A meter on a line."""

    away: bool

    def answer(self, asked: Asked, when: datetime) -> bytes:
        """Return the frame that answers; nothing where this meter was not meant."""


@dataclass
class Meter2007:
    """A meter of DL/T 645-2007; at most `longest` bytes of data stand in one frame.

    `passwords` are those of level 02, which commands power, and 04, which sets parameters.
    """

    address: str
    home: Household
    longest: int = 200
    passwords: dict[str, str] = field(default_factory=lambda: {"02": "123456", "04": "654321"})
    state: State = field(default_factory=State)
    away: bool = False
    _rest: tuple[bytes, bytes] = (b"", b"")  # identifier, and what was not sent yet

    def __post_init__(self) -> None:
        """Begin to measure."""
        self._registers = Registers(self.address, self.home, self.state)
        self._acts: dict[int, Callable[[bytes, datetime], tuple[int, bytes]]] = {
            0x11: self._read,
            0x12: self._read_on,
            0x13: lambda data, now: (0, bytes.fromhex(self.address)[::-1]),
            0x14: self._write,
            0x16: self._freeze,
            0x19: self._clear_demand,
            0x1C: self._control,
        }

    def answer(self, asked: Asked, when: datetime) -> bytes:
        """Return the frame that answers; nothing to a broadcast and what is for others."""
        now = when + self.state.clock_off
        if asked.address == BROADCAST:
            self._hear(asked, when, now)
            return b""
        act = self._acts.get(asked.control)
        if act is None or not fits(asked.address, self.address):
            return b""
        if len(asked.data) < _LEAST.get(asked.control, 0):
            return frame(self.address, _METER | _REFUSED | asked.control, b"\x01")
        flags, data = act(asked.data, now)
        return frame(self.address, _METER | asked.control | flags, data)

    def _hear(self, asked: Asked, when: datetime, now: datetime) -> None:
        """Do what all meters are told: set the clock, or freeze."""
        if asked.control == 0x08:
            told = moment(asked.data)
            if told and abs(told - now) <= _FARTHEST:
                self.state.clock_off = told - when.replace(microsecond=0)
        elif asked.control == 0x16:
            self._freeze(asked.data, now)

    def _read(self, data: bytes, now: datetime) -> tuple[int, bytes]:
        di, further = data[:4][::-1].hex().upper(), data[4:]
        if di.startswith("06"):
            found = self._registers.load_records(di, further, now)
        else:
            found = self._registers.read(di, now)
        if found is None:
            return _REFUSED, _NO_DATA
        return self._part(data[:4], found, b"")

    def _read_on(self, data: bytes, _: datetime) -> tuple[int, bytes]:
        di, rest = self._rest
        if data[:4] != di or not rest:
            return _REFUSED, _NO_DATA
        return self._part(di, rest, data[4:])

    def _part(self, di: bytes, octets: bytes, number: bytes) -> tuple[int, bytes]:
        """Return as much as a frame holds, and keep the rest."""
        room = self.longest - len(di) - 1
        self._rest = di, octets[room:]
        return _MORE if octets[room:] else 0, di + octets[:room] + number

    def _write(self, data: bytes, now: datetime) -> tuple[int, bytes]:
        if not self._opens(data[4:8], "04"):
            return _REFUSED, _NO_PASSWORD
        di = data[:4][::-1].hex().upper()
        self.state.written[di] = data[12:]
        self.state.happened.append(Happened("3000", now, noted=data[8:12] + data[:4] + bytes(36)))
        return 0, b""

    def _freeze(self, _: bytes, now: datetime) -> tuple[int, bytes]:
        self.state.frozen_at.append(now.replace(second=0, microsecond=0))
        return 0, b""

    def _clear_demand(self, data: bytes, now: datetime) -> tuple[int, bytes]:
        if not self._opens(data[:4], "04"):
            return _REFUSED, _NO_PASSWORD
        self.state.demand_cleared = now
        return 0, b""

    def _control(self, data: bytes, now: datetime) -> tuple[int, bytes]:
        """Do what is told with the relay, unless it came too late or power is to be kept."""
        if not self._opens(data[:4], "02"):
            return _REFUSED, _NO_PASSWORD
        state, operation, until = self.state, data[8], data[10:16]
        if until[::-1] < seconds(now)[::-1] or (operation == 0x1A and state.kept):
            return _REFUSED, b"\x01"
        if operation in (0x1A, 0x1B, 0x1C):
            state.commanded_open = operation == 0x1A
            state.relay_open = {0x1A: True, 0x1C: False}.get(operation, state.relay_open)
        elif operation in (0x2A, 0x2B):
            state.alarm = operation == 0x2A
        else:
            state.kept = operation == 0x3A
        return 0, b""

    def _opens(self, said: bytes, level: str) -> bool:
        return said[:1].hex() == level and said[:0:-1].hex() == self.passwords[level]


@dataclass
class Bus:
    """Meters on one line: they hear every request, and who answers together is garbled."""

    meters: Sequence[Talker]
    start: datetime
    name: str = "dlt645"
    line: str = "2400 8E1"
    pace: timedelta = timedelta(seconds=1)
    secrets: str = ""
    _heard: bytearray = field(default_factory=bytearray)

    def telegrams(self, _when: datetime) -> Iterator[bytes]:
        """Yield nothing: these meters speak when they are spoken to."""
        return iter(())

    def respond(self, heard: bytes, when: datetime) -> bytes:
        """Return what all meters together send."""
        self._heard += heard
        return b"".join(self._together(asked, when) for asked in requests(self._heard))

    def _together(self, asked: Asked, when: datetime) -> bytes:
        present = (meter for meter in self.meters if not meter.away)
        answers = [answer for meter in present if (answer := meter.answer(asked, when))]
        late = [bytes([0xFF]) * at + answer for at, answer in enumerate(answers)]
        size = max(map(len, late), default=0)
        total = bytearray(b"\xff" * size)
        for answer in late:
            for at, byte in enumerate(answer):
                total[at] &= byte  # a driven line wins over an idle one
        return bytes(total)
