"""Frames of DL/T 645: FE.. 68 address(6) 68 control length data(length) CS 16.

Low bytes come first everywhere, each data byte is sent 33 higher, and CS is the
sum of all bytes from the first 68 on (DL/T 645-2007, 5.2). A frame ends by its
length: 16 and 68 may stand anywhere inside. Master and meter wake the line with
any number of FE.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NoReturn

from ...errors import DecodeError, FrameError, RequestError

START: Final = 0x68
END: Final = 0x16
WAKE: Final = 0xFE
WILDCARD: Final = "AA" * 6
BROADCAST: Final = "99" * 6

FROM_METER: Final = 0x80
REFUSED: Final = 0x40
MORE: Final = 0x20
FUNCTION: Final = 0x1F

_OFFSET: Final = 0x33
_WITHOUT_OFFSET: Final = bytes((byte - _OFFSET) & 0xFF for byte in range(256))
_HEAD: Final = 10  # bytes from the first 68 through the length
_TAIL: Final = 2  # CS and 16
_ADDRESS: Final = 6  # bytes
_SECOND_START: Final = 7  # place of the second 68
_KEPT_HEAD: Final = 8  # bytes of address, control and length in a payload
_WAKE_UP: Final = bytes([WAKE]) * 4
_DIGITS: Final = frozenset("0123456789ABCDEF")


class Function(IntEnum):
    """What is asked for: bits 0 to 4 of the control byte (DL/T 645-2007, 5.2.4)."""

    TIME = 0x08
    READ = 0x11
    READ_ON = 0x12
    READ_ADDRESS = 0x13
    WRITE = 0x14
    FREEZE = 0x16
    CLEAR_DEMAND = 0x19
    CONTROL = 0x1C
    OLD_READ = 0x01  # DL/T 645-1997 from here on
    OLD_READ_ON = 0x02
    OLD_WRITE = 0x04


@dataclass(frozen=True, slots=True)
class Frame:
    """An intact frame: twelve address digits, high first; control byte; data without the offset."""

    address: str
    control: int
    data: bytes

    @property
    def function(self) -> int:
        """Return what was asked for."""
        return self.control & FUNCTION

    @property
    def more(self) -> bool:
        """Tell whether further frames continue the data."""
        return bool(self.control & MORE)

    @property
    def refused(self) -> bool:
        """Tell whether the meter refused."""
        return bool(self.control & REFUSED)

    @property
    def meter(self) -> str | None:
        """Return the address that identifies the meter; None for a wildcard or the broadcast."""
        return learnt(self.address)


def learnt(address: str) -> str | None:
    """Return an address as a meter's own; None for one that others share."""
    return None if 0xAA in bytes.fromhex(address) or address == BROADCAST else address


def address_of(text: str) -> str:
    """Return the twelve digits of an address as printed; high zeros may be missing.

    RequestError for what is none; empty is the wildcard, which any one meter answers.
    """
    digits = "".join(text.split()).upper()
    if not digits:
        return WILDCARD
    if len(digits) > len(WILDCARD) or not set(digits) <= _DIGITS:
        raise RequestError("address_unknown", text)
    return digits.zfill(len(WILDCARD))


def request(address: str, function: int, data: bytes = b"") -> bytes:
    """Return a request as it is sent, the line woken first."""
    head = bytes([START]) + bytes.fromhex(address)[::-1] + bytes([START, function, len(data)])
    text = head + bytes((byte + _OFFSET) & 0xFF for byte in data)
    return _WAKE_UP + text + bytes([sum(text) & 0xFF, END])


def take(buffer: bytearray) -> bytes | None:
    """Remove the first frame; return its address, control, length and data, without the offset.

    Nothing is returned of a request, which is ours in an echo or another
    master's. A frame that does not check is given up to the next start inside it.
    """
    del buffer[: len(buffer) - len(buffer.lstrip(_WAKE_UP[:1]))]
    if not buffer:
        return None
    if buffer[: _SECOND_START + 1 : _SECOND_START].strip(b"h"):
        _hunt(buffer, "bytes between frames")
    if len(buffer) < _HEAD or len(buffer) < (end := _HEAD + buffer[_HEAD - 1] + _TAIL):
        return None
    text, check, stop = bytes(buffer[: end - _TAIL]), buffer[end - _TAIL], buffer[end - 1]
    if stop != END or sum(text) & 0xFF != check:
        _hunt(buffer, "frame checksum is wrong")
    del buffer[:end]
    if not text[_HEAD - 2] & FROM_METER:
        return b""
    data = text[_HEAD:].translate(_WITHOUT_OFFSET)
    return text[1 : 1 + _ADDRESS] + text[_HEAD - 2 : _HEAD] + data


def _hunt(buffer: bytearray, why: str) -> NoReturn:
    """Give up what stands before the next place at which a frame, or its wake-up, may begin."""
    starts = (buffer.find(byte, 1) for byte in (START, WAKE))
    skipped = min((at for at in starts if at > 0), default=len(buffer))
    del buffer[:skipped]
    raise FrameError(why, skipped)


def frames(payload: bytes) -> tuple[Frame, ...]:
    """Return the frame of a payload, and those joined behind it; DecodeError where one is cut."""
    found: list[Frame] = []
    rest = payload
    while rest or not found:
        if len(rest) < _KEPT_HEAD or len(rest) < (end := _KEPT_HEAD + rest[_KEPT_HEAD - 1]):
            raise DecodeError("a payload that is cut")
        address = rest[:_ADDRESS][::-1].hex().upper()
        found.append(Frame(address, rest[_ADDRESS], rest[_KEPT_HEAD:end]))
        rest = rest[end:]
    return tuple(found)
