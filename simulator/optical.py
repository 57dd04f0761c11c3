"""A meter behind an optical head (IEC 62056-21): it is asked, and follows its own speed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
import re
from time import monotonic

from .clock import standard
from .device import Burst
from .household import Household
from .registers import register, rescale
from .snapshot import Snapshot

_ASKED = re.compile(
    rb"/([!-~]??)([0-9A-Za-z ]*)!\r\n"
    rb"|\x06([02])([0-9])([0-9])\r\n"
    rb"|\x01([BPRW])(\d)(?:\x02([^\x03]*))?\x03(.)"
    rb"|([\x06\x15])(?!\d)",
    re.DOTALL,
)
_MODES = dict(zip("0123456", (300, 600, 1200, 2400, 4800, 9600, 19200), strict=True))
_MODE_B = dict(zip("ABCDEF", (600, 1200, 2400, 4800, 9600, 19200), strict=True))
_START = 300
_NULS = 40  # that wake a meter
_PIECE = 24  # characters sent at once on a slow line
_LONGEST = 400  # bytes that may wait for the end of a request
_PATIENCE = 2.0  # s at the other speed without a word
_REACTION = 0.2  # s before an answer
_LEAST = 0.04  # s before an answer, however short the wire: a reader changes its speed in it
_FALL_BACK = 1.5  # s without an acknowledgement after which a meter sends at 300 bit/s

TABLE = ("1.8.0", "1.8.1", "1.8.2", "2.8.0", "1.7.0", "2.7.0", "32.7.0", "31.7.0", "1.6.0")


def block(body: str, end: int = 0x03, *, check: bool = True) -> bytes:
    """Return a data message."""
    text = body.encode("ascii") + bytes([end])
    return b"\x02" + text + (bytes([_bcc(text)]) if check else b"")


def _bcc(text: bytes) -> int:
    check = 0
    for byte in text:
        check ^= byte
    return check


@dataclass
class OpticalMeter:
    """One meter under a head; `wire` is how many times as long as real everything takes.

    mode is A, B, C or E; the speed it offers is that of `letter`. echo: the head sends back
    what it hears. stubborn: never leaves 300 bit/s. deaf: needs no acknowledgement, and
    understands none. sleeps: must be woken. spoils: how many blocks get a wrong check.
    parity: bit 7 is even parity. blocks: in so many parts the readout is sent. clock: the
    seconds by which it is left alone, and speaks at 300 bit/s again.
    """

    home: Household
    start: datetime
    letter: str = "5"
    maker: str = "LGZ"
    options: str = ""
    model: str = "ZMD3104407.B32"
    serial: str = "97734234"
    name: str = "iec-c"
    echo: bool = False
    stubborn: bool = False
    deaf: bool = False
    sleeps: bool = False
    checks: bool = True
    parity: bool = False
    spoils: int = 0
    blocks: int = 1
    password: str = "00000000"
    wire: float = 1.0
    away: bool = False
    secrets: str = ""
    pace: timedelta = timedelta(seconds=1)
    clock: Callable[[], float] = monotonic
    parameters: dict[str, str] = field(default_factory=lambda: {"0.1.3": "0000"})
    speeds: list[int] = field(default_factory=list)
    _baud: int = _START
    _spoke: float = 0.0
    _heard: bytes = b""
    _parts: list[str] = field(default_factory=list)
    _sent: str = ""
    _programming: bool = False
    _open: bool = False
    _turn: int = 0

    def __post_init__(self) -> None:
        """Begin to measure, which takes a moment that no reader would wait."""
        self.home.at(self.start)

    @property
    def line(self) -> str:
        """Return how the line is set just now; a meter that was left alone starts again."""
        if self.clock() - self._spoke > _PATIENCE * max(self.wire, 0.1):
            self._baud = _START
        return f"{self._baud} 7E1"

    def telegrams(self, _when: datetime) -> Iterator[bytes]:
        """Yield nothing: it speaks when it is spoken to."""
        return iter(())

    def respond(self, heard: bytes, when: datetime) -> bytes:
        """Return what is sent, as if no time passed."""
        return b"".join(burst.data for burst in self.bursts(heard, when))

    def bursts(self, heard: bytes, when: datetime) -> Iterator[Burst]:
        """Yield echo and answers at the pace of the wire."""
        if self.echo:
            yield Burst(0.0, self._baud, heard)
        self._heard += bytes(byte & 0x7F for byte in heard)
        while match := _ASKED.search(self._heard):
            before, self._heard = self._heard[: match.start()], self._heard[match.end() :]
            self._turn += 1
            turn = self._turn
            for wait, baud, data in self._answer(match, before, when):
                if turn == self._turn and not self.away:
                    yield from self._spread(wait, baud, data)
        self._heard = self._heard[-_LONGEST:]

    def _spread(self, wait: float, baud: int, data: bytes) -> Iterator[Burst]:
        """Yield pieces, each after the time that it takes."""
        sent = bytes(byte | (byte.bit_count() % 2) << 7 for byte in data) if self.parity else data
        turn = self._turn
        yield Burst(max(wait * self.wire, _LEAST), baud, b"")
        for at in range(0, len(sent), _PIECE):
            piece = sent[at : at + _PIECE]
            if turn != self._turn or self.away:
                return
            self._change(baud)
            yield Burst(10 * len(piece) / baud * self.wire, baud, piece)
        self._spoke = self.clock()

    def _change(self, baud: int) -> None:
        self._baud, self._spoke = baud, self.clock()
        if self.speeds[-1:] != [baud]:
            self.speeds.append(baud)

    def _answer(
        self, match: re.Match[bytes], before: bytes, when: datetime
    ) -> Iterator[tuple[float, int, bytes]]:
        """Yield wait, speed and bytes of each part of an answer."""
        if match[2] is not None:
            yield from self._sign_on(match, before, when)
        elif match[3]:
            yield from self._acknowledged(match)
        elif match[6]:
            yield from ((_REACTION, self._baud, said) for said in self._command(match))
        elif self._parts or match[10] == b"\x15":
            yield _REACTION, self._baud, self._next(repeat=match[10] == b"\x15")

    def _sign_on(
        self, match: re.Match[bytes], before: bytes, when: datetime
    ) -> Iterator[tuple[float, int, bytes]]:
        address = match[2].decode().strip().lstrip("0")
        if address not in ("", self.serial) or (self.sleeps and before.count(0) < _NULS):
            return
        self._programming = self._open = False
        self._begin(when)
        ident = f"/{self.maker}{self.letter}{self.options}{self.model}\r\n".encode()
        yield _REACTION, self._baud, ident
        if self.letter in _MODES:
            if self.deaf:
                yield _FALL_BACK, self._baud, self._next()
            return
        speed = self._baud if self.stubborn else _MODE_B.get(self.letter, self._baud)
        yield _REACTION, speed, self._next()

    def _acknowledged(self, match: re.Match[bytes]) -> Iterator[tuple[float, int, bytes]]:
        protocol, letter, mode = (group.decode() for group in match.groups()[2:5])
        if self.deaf:
            yield _FALL_BACK, self._baud, self._next()
            return
        speed = self._baud if self.stubborn else _MODES.get(letter, self._baud)
        self._change(speed)
        if protocol == "2":
            yield _REACTION, speed, match[0]
        elif mode == "1":
            self._programming = True
            yield _REACTION, speed, b"\x01P0\x02()\x03`"
        else:
            yield _REACTION, speed, self._next()

    def _begin(self, when: datetime) -> None:
        lines = list(self.table(self.home.at(standard(when).replace(tzinfo=None))))
        size = -(-len(lines) // self.blocks)
        parts = [lines[at : at + size] for at in range(0, len(lines), size)]
        self._parts = ["".join(part) for part in parts]

    def _next(self, *, repeat: bool = False) -> bytes:
        """Return the next block of the readout, or the last one again."""
        if not repeat and self._parts:
            self._sent = self._parts.pop(0)
        last = not self._parts
        sent = block(self._sent + "!\r\n" * last, 0x03 if last else 0x04, check=self.checks)
        if self.spoils and self.checks:
            self.spoils -= 1
            return sent[:-1] + bytes([sent[-1] ^ 1])
        return sent

    def table(self, now: Snapshot) -> Iterator[str]:
        """Yield the lines of the readout."""
        yield "F.F(00000000)\r\n"
        yield f"0.0.0({self.serial})\r\n"
        yield f"0.9.1({now.when:%H%M%S})\r\n0.9.2({now.when:%y%m%d})\r\n"
        for code in TABLE:
            row = register(code)
            kilo = row.unit in ("W", "Wh")
            digits = rescale(row.read(now), row.exponent + 3)
            text = f"{digits // 1000:06}.{digits % 1000:03}"
            if kilo:
                text = f"{digits // 1_000_000:06}.{digits // 1000 % 1000:03}"
            time = f"({now.when:%y%m%d%H%M})" if code == "1.6.0" else ""
            yield f"{code}({text}*{'k' * kilo}{row.unit}){time}\r\n"
        yield f"1.8.0*01({now.energy_import // 2000:06}.000)\r\n"

    def _command(self, match: re.Match[bytes]) -> Iterator[bytes]:
        """Yield the answer to a command of programming mode."""
        verb, data = match[6].decode(), (match[8] or b"").decode()
        if verb == "B":
            self._programming = False
        elif not self._programming or _bcc(match[0][1:-1]) != match[9][0]:
            yield b"\x15"
        elif verb == "P":
            self._open = data == f"({self.password})"
            yield b"\x06" if self._open else b"\x15"
        else:
            address, _, value = data.rstrip(")").partition("(")
            yield self._write(address, value) if verb == "W" else self._read(address)

    def _read(self, address: str) -> bytes:
        if address in self.parameters:
            return block(f"{address}({self.parameters[address]})")
        return block("(ER02)")

    def _write(self, address: str, value: str) -> bytes:
        if not self._open or address not in self.parameters:
            return block("(ER03)")
        self.parameters[address] = value
        return b"\x06"
