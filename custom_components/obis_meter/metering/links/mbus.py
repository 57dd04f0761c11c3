"""M-Bus: 68 L L 68 C A CI STSAP DTSAP data checksum 16 (EN 13757-2 long frame, EN 13757-1).

L counts C to data; the checksum is their sum. CI: bits 0-3 number the frames of a
telegram from 0, bit 4 stands in the last one. L below 4 stands for 256 more: one maker
lets it overflow.
"""

from typing import Final

from ..cosem import Cursor
from ..errors import DecodeError, FrameError
from ..model import Message, Telegram
from ..notification import Read, content, decode as decode_dlms
from ..security import Security

_START, _STOP = 0x68, 0x16
_HEAD: Final = 4  # bytes: start, twice the length, start
_CI: Final = _HEAD + 2  # position of CI, behind C and A
_DATA: Final = _CI + 3  # position of data, behind CI and both access points
_TAIL: Final = 2  # bytes: checksum, stop
_OVERFLOWN: Final = 4  # shorter than C, A, CI and both access points
_NUMBER, _CI_BITS = 0x0F, 0x1F


def take(buffer: bytearray) -> bytes | None:
    """Remove the first frame and return it whole: its number is needed where frames are joined."""
    start = buffer.find(_START)
    if skipped := len(buffer) if start < 0 else start:
        del buffer[:skipped]
        raise FrameError("bytes between frames", skipped)
    if len(buffer) <= _CI:
        return None
    if buffer[1] != buffer[2] or buffer[3] != _START or buffer[_CI] & ~_CI_BITS:
        del buffer[0]
        raise FrameError("not an M-Bus frame", 1)
    if len(buffer) < (size := _HEAD + _length(buffer) + _TAIL):
        return None
    frame = bytes(buffer[:size])
    if frame[-1] != _STOP or sum(frame[_HEAD:-_TAIL]) & 0xFF != frame[-_TAIL]:
        del buffer[0]
        raise FrameError("M-Bus checksum is wrong", 1)
    del buffer[:size]
    return frame


def _length(head: bytes | bytearray) -> int:
    return head[1] if head[1] >= _OVERFLOWN else head[1] + 256


def decode(payload: bytes, security: Security, read: Read = content) -> list[Telegram | Message]:
    """Read the frames of one telegram; a frame with the number 0 begins it anew."""
    message, expected, cursor = b"", 0, Cursor(payload)
    while cursor.at < len(payload):
        frame = cursor.take(_length(cursor.take(_HEAD)) + _TAIL)
        number = frame[_CI - _HEAD] & _NUMBER
        if number == 0:
            message, expected = b"", 0
        if number != expected:
            raise DecodeError(f"frame {number} of a telegram came, not {expected}")
        message += frame[_DATA - _HEAD : -_TAIL]
        expected = number + 1
    return decode_dlms(message, security, read)
