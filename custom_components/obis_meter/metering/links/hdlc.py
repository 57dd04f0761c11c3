"""HDLC frame format type 3: 7E format(2) destination source control HCS information FCS 7E.

IEC 62056-46, 6.4; the length counts everything between the flags, both check
sequences are CRC-16/X.25, low byte first.
"""

from typing import Final

from ..checksum import x25_holds
from .flags import FLAG, hunt, to_flag

_FORMAT: Final = 0xA0  # type 3, in the high nibble of the first byte
_SHORTEST: Final = 7  # format, two addresses, control, check sequence
_LONGEST_ADDRESS: Final = 4  # bytes
_CHECK: Final = 2  # bytes of a check sequence


def take(buffer: bytearray) -> bytes | None:
    """Remove the first frame and return its information field.

    A frame that does not check loses its opening flag only: what follows may
    hold the next one. The length is believed once the header check held.
    """
    to_flag(buffer)
    if (header := _header(buffer)) is None:
        return None
    length, size = header
    if len(buffer) < size + 2:
        return None
    frame, end = buffer[1 : size + 2], size + 1
    if not _closes(frame):
        if (mended := _mended(buffer, size)) is None:
            return None
        frame, end = mended
    del buffer[:end]  # the closing flag may also open the next frame
    return bytes(frame[length + _CHECK : -_CHECK - 1])


def _header(buffer: bytearray) -> tuple[int, int] | None:
    """Return the length of the checked header and that of the frame, flags left out."""
    if len(buffer) < 3:
        return None
    size = (buffer[1] & 0x07) << 8 | buffer[2]
    if buffer[1] & 0xF0 != _FORMAT or size < _SHORTEST:
        hunt(buffer, "not an HDLC frame")
    length = _header_length(buffer)
    if length is None or length + _CHECK >= size:  # without information there is one check only
        return None if length is None else (length, size)
    if len(buffer) < 1 + length + _CHECK:
        return None
    if not x25_holds(buffer[1 : 1 + length + _CHECK]):
        hunt(buffer, "HDLC header check sequence is wrong")
    return length, size


def _mended(buffer: bytearray, size: int) -> tuple[bytearray, int] | None:
    """Return the frame that a bridge changed, and where its closing flag stands."""
    if b"\r\n" in buffer[1 : size + 2]:
        mended = _without_returns(buffer, size)
        if mended is None or _closes(mended[0]):
            return mended
    return hunt(buffer, "HDLC frame check sequence is wrong")


def _closes(frame: bytearray) -> bool:
    """Tell whether a frame, its closing flag included, is intact."""
    return frame[-1] == FLAG and x25_holds(frame[:-1])


def _without_returns(buffer: bytearray, size: int) -> tuple[bytearray, int] | None:
    """Undo a bridge that sends every 0A as 0D 0A; None while bytes are missing."""
    frame, at = bytearray(), 1
    while len(frame) <= size:
        if buffer[at : at + 1] == b"\r" and at + 1 < len(buffer) and buffer[at + 1] == 0x0A:
            at += 1
        if at + 1 >= len(buffer) and len(frame) < size:
            return None
        frame.append(buffer[at])
        at += 1
    return frame, at - 1


def _header_length(buffer: bytearray) -> int | None:
    """Return the length of format, addresses and control; an address ends at its first odd byte."""
    end = 3
    for _ in ("destination", "source"):
        last = end + _LONGEST_ADDRESS
        while end < len(buffer) and not buffer[end] & 1:
            end += 1
            if end == last:
                hunt(buffer, "an HDLC address does not end")
        end += 1
    return end if end < len(buffer) else None
