"""What carries an APDU besides HDLC: M-Bus frames, blocks, and the wrapper of TCP and UDP.

68 L L 68 C A CI STSAP DTSAP data checksum 16; E0 control number(2) acknowledged(2) length
octets; 00 01 source(2) destination(2) length(2) APDU
"""

from collections.abc import Iterator

from .dlms import LLC, Address, length

_LONGEST_DATA = 245  # bytes of an APDU in an M-Bus frame of 250
_MBUS_HEAD = bytes.fromhex("53ff")  # send user data, to all
_ACCESS_POINTS = bytes.fromhex("0167")
_LAST_FRAME = 0x10
_BLOCK = 0xE0
_LAST_BLOCK, _WINDOW = 0x80, 0x40
_WRAPPER = bytes.fromhex("000100010001")  # version, source, destination


def _pieces(data: bytes, size: int) -> Iterator[tuple[int, bytes, bool]]:
    """Yield number from 0, octets, and whether they are the last, of each piece."""
    for number, at in enumerate(range(0, len(data), size)):
        yield number, data[at : at + size], at + size >= len(data)


def mbus_frame(number: int, data: bytes, *, last: bool) -> bytes:
    """Return one frame; the length of more than 255 bytes overflows."""
    user = _MBUS_HEAD + bytes([number | last * _LAST_FRAME]) + _ACCESS_POINTS + data
    size = len(user) & 0xFF
    return bytes([0x68, size, size, 0x68]) + user + bytes([sum(user) & 0xFF, 0x16])


def mbus(apdu: bytes, size: int = _LONGEST_DATA) -> bytes:
    """Return the frames of an APDU, one after the other."""
    return b"".join(
        mbus_frame(number, data, last=last) for number, data, last in _pieces(apdu, size)
    )


def blocks(apdu: bytes, size: int) -> Iterator[bytes]:
    """Yield the general-block-transfer APDUs of an APDU, numbered from 1."""
    for number, data, last in _pieces(apdu, size):
        control = _LAST_BLOCK | _WINDOW if last else _WINDOW
        numbers = (number + 1).to_bytes(2, "big") + bytes(2)
        yield bytes([_BLOCK, control]) + numbers + length(len(data)) + data


def blocks_in_hdlc(apdu: bytes, address: Address, size: int) -> bytes:
    """Return a frame for each block, the LLC header in the first one only."""
    headers = [LLC]
    return b"".join(
        address.frame((headers.pop() if headers else b"") + block) for block in blocks(apdu, size)
    )


def wrapper(apdu: bytes) -> bytes:
    """Return the frame of an APDU over TCP or UDP."""
    return _WRAPPER + len(apdu).to_bytes(2, "big") + apdu
