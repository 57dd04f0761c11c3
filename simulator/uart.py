"""The wire between two UARTs: octets sent at some line settings, heard at others.

What is heard is what a Linux terminal delivers whose iflag is 0, as serialx sets it: a byte
with a framing or parity error comes as it was sampled, without a mark, and a break as 00.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from math import ceil
from typing import Final

_OVERSAMPLING: Final = 16  # samples of a UART per bit of its own
_MIDDLE: Final = _OVERSAMPLING // 2
_IDLE: Final = 12  # bits of the slower one for which the line is high before and after octets
_LOW, _HIGH = b"\0", b"\1"


@dataclass(frozen=True, slots=True)
class Uart:
    """How a UART is set: bits per second, data bits, parity (N, E or O), stop bits.

    eager: a stop bit that is low counts as the next start bit, as 16550s have it; others wait
    for the line to go high and low again.
    """

    baudrate: int
    byte_size: int = 8
    parity: str = "N"
    stop_bits: int = 1
    eager: bool = False

    @classmethod
    def parse(cls, text: str, *, eager: bool = False) -> Uart:
        """Read "2400 8E1"."""
        speed, form = text.split()
        return cls(int(speed), int(form[0]), form[1], int(form[2]), eager)

    def seconds(self, octets: int) -> float:
        """Return how long octets take."""
        return octets * (self._span + self.stop_bits) / self.baudrate

    def hear(self, octets: bytes, sender: Uart) -> bytes:
        """Return what is heard of octets that are sent without a pause between them."""
        ratio = sender.baudrate / self.baudrate
        idle = bytes(repeat(1, ceil(_IDLE * max(1.0, ratio))))
        levels = idle + bytes(chain.from_iterable(map(sender._framed, octets))) + idle
        return bytes(self._sampled(_Line(levels, ratio / _OVERSAMPLING)))

    @property
    def _span(self) -> int:
        """Bits of a frame before its stop bits."""
        return 1 + self.byte_size + (self.parity != "N")

    def _framed(self, octet: int) -> Iterator[int]:
        """Yield the levels of an octet: start, data with the low bit first, parity, stop."""
        data = [octet >> place & 1 for place in range(self.byte_size)]
        yield 0
        yield from data
        if self.parity != "N":
            yield (sum(data) + (self.parity == "O")) % 2
        yield from repeat(1, self.stop_bits)

    def _sampled(self, line: _Line) -> Iterator[int]:
        """Yield each byte: a start bit is one that is low at its edge and in its middle."""
        at = line.next(_LOW, 0)
        while at < line.samples:
            if line.level(at + _MIDDLE):  # a glitch
                at = line.next(_LOW, line.next(_HIGH, at))
                continue
            bits = [line.level(at + _MIDDLE + n * _OVERSAMPLING) for n in range(1, self._span + 1)]
            yield sum(bit << place for place, bit in enumerate(bits[: self.byte_size]))
            at += self._span * _OVERSAMPLING
            if self.eager and any(bits) and not bits[-1]:
                continue  # the next start bit is where the stop bit should be
            at = line.next(_LOW, line.next(_HIGH, at + _MIDDLE))


@dataclass(frozen=True, slots=True)
class _Line:
    """The levels of a line, a byte for each bit of its sender; step is its bits per sample."""

    levels: bytes
    step: float

    @property
    def samples(self) -> int:
        return int(len(self.levels) / self.step)

    def level(self, at: int) -> int:
        """Return the level at a sample; the line ends high."""
        place = int(at * self.step)
        return self.levels[place] if place < len(self.levels) else 1

    def next(self, level: bytes, at: int) -> int:
        """Return the first sample from here on at which the line has a level."""
        place = int(at * self.step)
        if self.levels[place : place + 1] == level:
            return at
        found = self.levels.find(level, place)
        return self.samples if found < 0 else ceil(found / self.step)
