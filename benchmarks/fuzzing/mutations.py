"""Damage: what lines, buffers and attackers make of bytes."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

type Mutation = Callable[[bytearray, Random, Sequence[bytes]], None]
"""Changes bytes where they are; the others are what it may take from."""

LONGEST: Final = 6 * 1024  # bytes of an input

_EDGES: Final = (0x00, 0x01, 0x0A, 0x0D, 0x7D, 0x7E, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xFE, 0xFF)
TOKENS: Final = (
    *(b"\x7e\xa0", b"\xe6\xe7\x00\x0f", b"\x0f\0\0\0\0\0", b"/abc5\r\n\r\n", b"\xaf\xe1bc", b"!"),
    *(b"\x1b\x1b\x1b\x1b\1\1\1\1", b"\x1b\x1b\x1b\x1b\x1a\0\0\0", b"\x68\x10\x10\x68\x53\xff\x00"),
    *(b"\x68\x01\x01\x68", b"\0\1\0\1\0\1\0\x20\x0f", b"\xdb\x08ABCdefgh\x40\x30", b"\r\n"),
    *(b"\xdb\x08ABCdefgh\x82\x01\x00\x30\0\0\0\1", b"\xe0\x40\0\1\0\0", b"\x02F.F(00)\r\n"),
    *(b"!\r\n\x03", b"\x80\x83\x85\x80", b"\xfe\xfe\x68\x29\x25\x07\x07\x21\x20\x68\x91"),
    *(b"\x7e\xff\x03\x00\x22\0\x03\xc0", b"\x7e\xff\x7d\x23", b"\x01\x82\x40\x00", b"\x02\xff"),
    *(b"\x13\x02\x02\x06", b"\x13\x01\xff\xff", b"\x72\x62\x01\x65\0\0\0\1", b"\xf7\x8f\x8f\x0f"),
    *(b"\x09\x0c\x07\xea\x06\x02\x02\x12\x3b\x0a\xff\x80\0\0", b"\x09\x06\1\0\1\x08\0\xff"),
    *(b"\x02\x02\x0f\0\x16\x1b", b"(99999999999999.999*kWh)", b"(230102030405S)", b"()" * 4),
    *(b"1-0:99.97.0(10)(0-0:96.7.19)", b"\xb3", "\u0662".encode(), b"(-0.0E99)", b"(NaN)"),
)


def _flip(data: bytearray, random: Random, _: Sequence[bytes]) -> None:
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _set(data: bytearray, random: Random, _: Sequence[bytes]) -> None:
    data[random.randrange(len(data))] = random.choice(_EDGES)


def _change(data: bytearray, random: Random, _: Sequence[bytes]) -> None:
    data[random.randrange(len(data))] = random.randrange(256)


def _step(data: bytearray, random: Random, _: Sequence[bytes]) -> None:
    """Count one byte up or down: a length, most of all."""
    at = random.randrange(len(data))
    data[at] = (data[at] + random.choice((-2, -1, 1, 2))) & 0xFF


def _lose(data: bytearray, random: Random, _: Sequence[bytes]) -> None:
    at = random.randrange(len(data))
    del data[at : at + random.choice((1, 1, 2, 4, 16, 64))]


def _double(data: bytearray, random: Random, _: Sequence[bytes]) -> None:
    begin, end = _span(data, random)
    at = random.randrange(len(data) + 1)
    data[at:at] = data[begin:end] * random.choice((1, 1, 1, 2, 8))


def _noise(data: bytearray, random: Random, _: Sequence[bytes]) -> None:
    at = random.randrange(len(data) + 1)
    data[at:at] = random.randbytes(random.choice((1, 1, 2, 4, 16)))


def _token(data: bytearray, random: Random, _: Sequence[bytes]) -> None:
    at = random.randrange(len(data) + 1)
    data[at : at + random.choice((0, 0, 4))] = random.choice(TOKENS)


def _cut_off(data: bytearray, random: Random, _: Sequence[bytes]) -> None:
    at = random.randrange(len(data))
    if random.random() < 0.5:
        del data[at:]
    else:
        del data[:at]


def _splice(data: bytearray, random: Random, others: Sequence[bytes]) -> None:
    """Put a piece of another input in."""
    other = random.choice(others)
    begin, end = _span(other, random)
    at = random.randrange(len(data) + 1)
    data[at : at + random.choice((0, end - begin))] = other[begin:end]


def _repeat(data: bytearray, _random: Random, _: Sequence[bytes]) -> None:
    if len(data) < LONGEST // 2:
        data += bytes(data)


def _span(data: bytes | bytearray, random: Random) -> tuple[int, int]:
    begin = random.randrange(len(data) + 1)
    return begin, min(len(data), begin + random.choice((1, 4, 16, 64, 256, len(data))))


_MUTATIONS: Final[tuple[Mutation, ...]] = (
    *(_flip, _flip, _set, _change, _step, _step, _lose, _lose),
    *(_double, _noise, _token, _token, _cut_off, _splice, _splice, _repeat),
)


def mutated(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Return bytes with one to four damages, most often one."""
    found = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        if found:
            random.choice(_MUTATIONS)(found, random, others)
        else:
            _noise(found, random, others)
    return bytes(found[:LONGEST])
