"""Frames of the RFC 1662 meter link: 7E FF 03 low high length(2) command body FCS(2) 7E.

The length is big-endian and counts command and body; the FCS is CRC-16/X.25
over FF..body, high byte first. Nothing is escaped, so a frame is cut by its
length. A device that escapes octets all the same (RFC 1662, 4.2) is understood
where only that reading checks.
"""

from typing import Final

from ...checksum import crc16_x25
from ...errors import DecodeError
from ...model import Message, Telegram
from ...security import Security
from ..flags import FLAG, hunt, to_flag

TRANSPARENT: Final = 0x2100
COMMANDS: Final = 0x2200
GET, SET, EVENT, ACTION, ERROR = 0xC0, 0xC1, 0xC2, 0xC3, 0xC8
RESPONSE: Final = 4  # what a response's code is above that of its question
DATA: Final = 0xBF

LONGEST_BODY: Final = 4096  # bytes
_ESCAPE: Final = 0x7D
_START: Final = b"\x7e\xff\x03"
_ESCAPED_START: Final = b"\x7e\xff\x7d\x23"  # 03 is a control character
_HEAD: Final = 7  # bytes from the flag through the length
_TAIL: Final = 3  # FCS and flag
_LEAST: Final = 3  # bytes of a payload: protocol and command


def frame(protocol: int, command: int, body: bytes) -> bytes:
    """Return a frame without link quality."""
    counted = bytes([command]) + body
    text = b"\xff\x03" + protocol.to_bytes(2, "little") + len(counted).to_bytes(2, "big") + counted
    return b"\x7e" + text + crc16_x25(text).to_bytes(2, "big") + b"\x7e"


def take(buffer: bytearray) -> bytes | None:
    """Remove the first frame and return it from the protocol on, without its length.

    A frame that does not check loses its opening flag only.
    """
    to_flag(buffer)
    if len(buffer) < len(_ESCAPED_START):
        return None if _may_start(buffer) else hunt(buffer, "no module frame")
    if not buffer.startswith((_START, _ESCAPED_START)):
        hunt(buffer, "no module frame")
    if buffer.startswith(_START):
        if len(buffer) < _HEAD:
            return None
        length = int.from_bytes(buffer[_HEAD - 2 : _HEAD], "big")
        if 0 < length <= LONGEST_BODY + 1:
            end = _HEAD + length + _TAIL
            if len(buffer) < end:
                return None
            if (text := _intact(bytes(buffer[1:end]))) is not None:
                del buffer[: end - 1]  # the closing flag may also open the next frame
                return text
    return _take_escaped(buffer)


def _take_escaped(buffer: bytearray) -> bytes | None:
    """Remove the first frame read as one whose octets are escaped."""
    end = buffer.find(FLAG, 1)
    if end < 0:
        if len(buffer) > 2 * (LONGEST_BODY + _HEAD + _TAIL):
            hunt(buffer, "a module frame does not end")
        return None
    plain = _unescaped(bytes(buffer[1:end])) + b"\x7e"
    text = _intact(plain) if len(plain) < end else None  # nothing escaped: it was read already
    if text is None or int.from_bytes(plain[4:6], "big") != len(text) - 2:
        hunt(buffer, "module frame check sequence is wrong")
    del buffer[:end]
    return text


def _intact(rest: bytes) -> bytes | None:
    """Return protocol, command and body of FF .. 7E if it checks and starts as a frame does."""
    checked, fcs, flag = rest[:-_TAIL], rest[-_TAIL:-1], rest[-1]
    if flag != FLAG or crc16_x25(checked) != int.from_bytes(fcs, "big"):
        return None
    return checked[2:4] + checked[6:] if checked.startswith(b"\xff\x03") else None


def _unescaped(text: bytes) -> bytes:
    plain, escaped = bytearray(), False
    for byte in text:
        if escaped:
            plain.append(byte ^ 0x20)
        elif byte != _ESCAPE:
            plain.append(byte)
        escaped = not escaped and byte == _ESCAPE
    return bytes(plain)


def _may_start(buffer: bytearray) -> bool:
    return any(start.startswith(buffer) for start in (_START, _ESCAPED_START))


def decode(payload: bytes, security: Security) -> list[Telegram | Message]:
    """Return the message of a frame; DecodeError for a protocol that nobody knows.

    A frame is not ciphered itself; what it carries may be.
    """
    return [message(payload)]


def message(payload: bytes) -> Message:
    """Return the message of a frame; DecodeError without a command, or for another protocol."""
    if len(payload) < _LEAST:
        raise DecodeError("a module frame without a command")
    quality, high, command = payload[:_LEAST]
    protocol = high << 8
    if protocol not in (TRANSPARENT, COMMANDS):
        raise DecodeError(f"unknown protocol 0x{high:02X}{quality:02X}")
    return Message(protocol, command, payload[3:], quality)


def tunnelled(said: Message) -> bytes:
    """Return what a message carries on from the meter as it is; nothing for other messages."""
    return said.data if (said.protocol, said.command) == (TRANSPARENT, DATA) else b""


def carry(octets: bytes) -> bytes:
    """Return the frame that passes octets on to the meter as they are."""
    return frame(TRANSPARENT, DATA, octets)
