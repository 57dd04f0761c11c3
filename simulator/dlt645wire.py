"""Frames and values as a DL/T 645 meter writes them."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

_LONGEST = 400  # bytes that may wait for the end of a request


class Asked(NamedTuple):
    """A request: address digits, high first; control byte; data without the offset of 33."""

    address: str
    control: int
    data: bytes


def frame(address: str, control: int, data: bytes, wake: int = 4) -> bytes:
    """Return a frame, with some FE before it."""
    inner = bytes.fromhex(address)[::-1] + bytes((0x68, control, len(data)))
    text = b"\x68" + inner + bytes((byte + 0x33) % 256 for byte in data)
    return b"\xfe" * wake + text + bytes((sum(text) % 256, 0x16))


def requests(buffer: bytearray) -> Iterator[Asked]:
    """Remove and yield the requests that a line has carried whole."""
    at = 0
    while (at := buffer.find(0x68, at)) >= 0 and len(buffer) >= at + 12:
        end = at + 12 + buffer[at + 9]
        if buffer[at + 7] != 0x68 or (len(buffer) >= end and not _holds(buffer[at:end])):
            at += 1
            continue
        if len(buffer) < end:
            break
        text = bytes(buffer[at:end])
        del buffer[:end]
        at = 0
        data = bytes((byte - 0x33) % 256 for byte in text[10:-2])
        yield Asked(text[1:7][::-1].hex().upper(), text[8], data)
    del buffer[: max(0, len(buffer) - _LONGEST)]


def _holds(text: bytearray) -> bool:
    return text[-1] == 0x16 and sum(text[:-2]) % 256 == text[-2]


def fits(asked: str, own: str) -> bool:
    """Tell whether an address that may end in open digits (AA) means this meter."""
    pairs = range(0, len(own), 2)
    return all(asked[at : at + 2] in ("AA", own[at : at + 2]) for at in pairs)


def bcd(value: int, size: int) -> bytes:
    """Return a number, low byte first; the highest bit of a negative one is set."""
    octets = bytearray.fromhex(f"{abs(value) % 100**size:0{2 * size}}")[::-1]
    if value < 0:
        octets[-1] |= 0x80
    return bytes(octets)


def minutes(moment: datetime) -> bytes:
    """Return mm hh DD MM YY."""
    return bytes.fromhex(moment.strftime("%y%m%d%H%M"))[::-1]


def seconds(moment: datetime) -> bytes:
    """Return ss mm hh DD MM YY."""
    return bytes.fromhex(moment.strftime("%y%m%d%H%M%S"))[::-1]


def moment(octets: bytes) -> datetime | None:
    """Read ss mm hh DD MM YY; None for what is no time."""
    try:
        return datetime.strptime(octets[::-1].hex(), "%y%m%d%H%M%S")
    except ValueError:
        return None


def ascii_octets(text: str, size: int) -> bytes:
    """Return text, low byte first, filled up with 00."""
    return text.encode("ascii")[::-1].rjust(size, b"\0")
