"""Worst cases: patterns that promise much and never end, and what twice as much of them costs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from metering.links import LINKS
from metering.security import Security
from metering.session import Session
from simulator import sml
from simulator.checksums import crc16_arc
from simulator.dlms import LLC, data_notification
from simulator.dlt645wire import frame as dlt645_frame
from simulator.frames import blocks, mbus_frame
from simulator.module import frame as module_frame

from .gauge import Gauge
from .grammar import ADDRESS, KEYED
from .patterns import FLOODS
from .payloads import ZEROS

SIZES: Final = (2048, 4096, 8192, 16384)  # bytes; no more may wait for a telegram's end
TWICE: Final = 2.3  # what twice the bytes may cost; 2.0 is in proportion
EVERYDAY: Final = 25  # work per byte that intact telegrams cost too; below it no ratio counts
_CHUNK: Final = 64  # bytes

type Pattern = Callable[[int], bytes]
"""Returns so many bytes, or some more."""


def _repeated(pattern: bytes) -> Pattern:
    return lambda size: (pattern * (size // len(pattern) + 1))[:size]


def _list(size: int) -> bytes:
    return data_notification(
        1, b"\0", b"\x01\x82\x40\x00" + b"\x02\x02\x11\x05\x0f\x01" * (size // 6)
    )


def _structures(size: int) -> bytes:
    return data_notification(1, b"\0", b"\x02\x82\x40\x00" + b"\x09\x04abcd" * (size // 6))


def _long_octets(size: int) -> bytes:
    items = b"\x02\x81\xff" + (b"\x09\x1e" + bytes(30)) * 255
    return data_notification(1, b"\0", b"\x02\x08" + items * (size // len(items) + 1))


def _like_beginnings(size: int) -> bytes:
    """Return segments of one list, each of which could open a list of its own."""
    opening = data_notification(1, b"\0", b"\x01\x82\x20\x00")
    segment = (b"\x0f\0" * 5 + b"\x01\x01")[:12]
    return ADDRESS.frame(opening) + ADDRESS.frame(segment) * (size // 20)


def _descriptors(size: int) -> bytes:
    item = b"\x02\x02\0\x03\1\0\1\x08\0\xff\x02\x11\x05"
    body = b"\x02\x02\x16\x01\x01\x81\xff" + item * (size // len(item))
    return data_notification(1, b"\0", body)


def _nonsense(size: int) -> bytes:
    return data_notification(1, b"\0", b"\1\x7f" + b"\x0e" * size)


def _sealed(size: int) -> bytes:
    return KEYED.seal(_list(size), 1)


def _segments(payload: int, size: int) -> bytes:
    information = LLC + _list(size)
    return b"".join(ADDRESS.frames(information, payload))


GROWING: Final[dict[str, Pattern]] = {
    "a list that does not end": _list,
    "octets that do not end": _structures,
    "a list of long octets": _long_octets,
    "segments like beginnings": _like_beginnings,
    "descriptors": _descriptors,
    "descriptors in segments": lambda size: b"".join(ADDRESS.frames(LLC + _descriptors(size), 16)),
    "long octets in segments": lambda size: b"".join(ADDRESS.frames(LLC + _long_octets(size), 16)),
    "a list behind a header": lambda size: LLC + _list(size),
    "segments of 16 octets": lambda size: _segments(16, size),
    "segments of 1 octet": lambda size: _segments(1, size // 8),
    "blocks of 16 octets": lambda size: b"".join(blocks(_list(size), 16)),
    "blocks of 1 octet": lambda size: b"".join(blocks(_list(size // 8), 1)),
    "blocks in frames": lambda size: b"".join(
        ADDRESS.frame(block) for block in blocks(_list(size), 16)
    ),
    "text in blocks of 16 octets": lambda size: b"".join(blocks(b"/abc5\r\n" + bytes(size), 16)),
    "text in blocks of 1 octet": lambda size: b"".join(blocks(b"/" + b"a" * (size // 8), 1)),
    "nonsense in blocks": lambda size: b"".join(blocks(_nonsense(size), 7)),
    "frames of M-Bus": lambda size: b"".join(
        mbus_frame(n % 16, _list(size)[n * 16 : n * 16 + 16], last=False) for n in range(size // 16)
    ),
    "a cipher in segments": lambda size: b"".join(ADDRESS.frames(LLC + _sealed(size), 16)),
    "messages of a module": lambda size: b"".join(
        module_frame(0x2100, 0xBF, _list(size)[at : at + 16]) for at in range(0, size, 16)
    ),
    "a file of lists": lambda size: sml.frame(
        sml.message(1, 0x0701, sml.items([sml.octets(b"abcd")] * (size // 5)), sml.x25), sml.x25
    ),
    "a file of entries": lambda size: sml.get_list_file(
        1,
        b"server",
        sml.uptime(1),
        [sml.items([sml.octets(b"\1\0\1\x08\0\xff")] * 7)] * (size // 50),
        sml.x25,
    ),
    "lines": lambda size: _p1(b"1-0:1.8.0(00001.000*kWh)\r\n" * (size // 26)),
    "other lines": lambda size: _p1(
        b"".join(b"1-0:%d.%d.%d(%d)\r\n" % (n % 90, n % 7, n % 200, n) for n in range(size // 20))
    ),
    "groups": lambda size: _p1(b"1-0:99.97.0" + b"(1)" * (size // 3) + b"\r\n"),
    "a name that does not end": lambda size: b"/abc" + b"a" * size,
    "lines that do not end": lambda size: b"/abc5\r\n\r\n" + b"1-0:1.8.0(1*kWh)\r\n" * (size // 18),
    "marks in a telegram": lambda size: (
        b"/abc5\r\n\r\n" + b"1-0:1.8.0(1*kWh)\r\n!zz" * (size // 21)
    ),
    "hex without a line end": lambda size: b"0f" * (size // 2),
    "answers of a bus": lambda size: dlt645_frame("202107072529", 0x91, bytes(60)) * (size // 76),
}
"""What grows as one telegram, rather than by repetition."""


def _p1(lines: bytes) -> bytes:
    text = b"/abc5\r\n\r\n" + lines + b"!"
    return text + b"%04X\r\n" % crc16_arc(text)


PATTERNS: Final[dict[str, Pattern]] = {
    **{name: _repeated(pattern) for name, pattern in FLOODS.items()},
    **GROWING,
}


@dataclass(frozen=True, slots=True)
class Growth:
    """What a pattern costs a link at each size, and the largest of them."""

    pattern: str
    link: str
    sizes: Sequence[int]
    costs: tuple[int, ...]

    @property
    def worst(self) -> float:
        """Return the highest ratio of twice as much to as much, where it is above EVERYDAY."""
        steps = zip(self.costs, self.costs[1:], self.sizes[1:], strict=False)
        return max((b / a for a, b, size in steps if b > EVERYDAY * size), default=0.0)

    @property
    def per_byte(self) -> float:
        """Return the work of one byte."""
        return self.costs[-1] / self.sizes[-1]


def growths(gauge: Gauge, sizes: Sequence[int] = SIZES) -> Iterator[Growth]:
    """Measure every pattern on every link, as much of it as a size says."""
    for name, pattern in PATTERNS.items():
        streams = [pattern(size)[:size] for size in sizes]
        for link in LINKS:
            costs = tuple(cost(link, stream, gauge) for stream in streams)
            yield Growth(name, link, sizes, costs)


def cost(link: str, stream: bytes, gauge: Gauge) -> int:
    """Return the work of a session that is fed in small chunks and then with silence."""
    session = Session(LINKS[link], Security(ZEROS))
    with gauge.measured(2**62):
        for at in range(0, len(stream), _CHUNK):
            list(session.feed(stream[at : at + _CHUNK]))
        list(session.idle())
    return gauge.work
