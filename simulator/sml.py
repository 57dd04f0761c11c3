"""SML on the way out: type-length-value, messages and transport (SML 1.04).

1B1B1B1B 01010101 messages 00.. 1B1B1B1B 1A padding(1) CRC(2), 1B1B1B1B among the messages doubled
"""

from collections.abc import Callable, Iterable, Sequence

from .checksums import crc16_kermit, crc16_x25

type Check = Callable[[bytes], bytes]

ABSENT = b"\x01"
_END_OF_MESSAGE = b"\x00"
_ESCAPE = b"\x1b" * 4
_START = _ESCAPE + b"\x01" * 4
_OCTETS, _SIGNED, _UNSIGNED, _LIST = 0x00, 0x50, 0x60, 0x70
_SHORT = 0x10  # lengths below this fit into one type-length byte
_OPEN, _GET_LIST, _CLOSE = 0x0101, 0x0701, 0x0201


def x25(data: bytes) -> bytes:
    """Return the check of the standard: CRC-16/X.25, low byte first."""
    return crc16_x25(data).to_bytes(2, "little")


def kermit(data: bytes) -> bytes:
    """Return the check of Holley DTZ541: CRC-16/KERMIT, high byte first."""
    return crc16_kermit(data).to_bytes(2, "big")


def _type_length(kind: int, size: int, *, counts_itself: bool = True) -> bytes:
    """Return type-length bytes; all but lists count them in the length."""
    length = size + counts_itself
    if length < _SHORT:
        return bytes([kind | length])
    length += counts_itself
    return bytes([0x80 | kind | length >> 4, length & 0x0F])


def octets(value: bytes) -> bytes:
    """Return an octet string of up to 253 bytes."""
    return _type_length(_OCTETS, len(value)) + value


def items(elements: Sequence[bytes]) -> bytes:
    """Return a list of encoded elements."""
    return _type_length(_LIST, len(elements), counts_itself=False) + b"".join(elements)


def unsigned(value: int, size: int = 0) -> bytes:
    """Return an unsigned integer in `size` bytes, or in as few as hold it."""
    size = size or max(1, (value.bit_length() + 7) // 8)
    return _type_length(_UNSIGNED, size) + value.to_bytes(size, "big")


def signed(value: int, size: int = 0) -> bytes:
    """Return a signed integer in `size` bytes, or in as few as hold it."""
    size = size or ((value if value >= 0 else ~value).bit_length() + 8) // 8
    return _type_length(_SIGNED, size) + value.to_bytes(size, "big", signed=True)


def mistyped(value: int) -> bytes:
    """Return a number as DZG DVS74 do: one of up to 3 bytes unsigned, but called signed."""
    if not 0 <= value < 1 << 24:
        return signed(value)
    raw = unsigned(value)
    return bytes([raw[0] & 0x0F | _SIGNED]) + raw[1:]


def uptime(seconds: int) -> bytes:
    """Return a time that counts the seconds since the meter was switched on."""
    return items([unsigned(1), unsigned(seconds, 4)])


def message(transaction: int, choice: int, body: bytes, check: Check) -> bytes:
    """Return one message with its own check."""
    head = [octets(transaction.to_bytes(4, "big")), unsigned(0), unsigned(0)]
    begun = bytes([_LIST | 6]) + b"".join([*head, items([unsigned(choice, 2), body])])
    return begun + unsigned(int.from_bytes(check(begun)), 2) + _END_OF_MESSAGE


def get_list_file(
    transaction: int, server: bytes, clock: bytes, entries: Iterable[bytes], check: Check
) -> bytes:
    """Return what a meter pushes: the messages open, get-list response and close, in a frame."""
    opened = items(
        [ABSENT, ABSENT, octets(transaction.to_bytes(4, "big")), octets(server)] + [ABSENT] * 2
    )
    values = items([ABSENT, octets(server), ABSENT, clock, items([*entries]), ABSENT, ABSENT])
    bodies = ((_OPEN, opened), (_GET_LIST, values), (_CLOSE, items([ABSENT])))
    messages = (message(transaction + n, *body, check) for n, body in enumerate(bodies))
    return frame(b"".join(messages), check)


def frame(messages: bytes, check: Check) -> bytes:
    """Return messages as the transport carries them."""
    padding = -len(messages) % 4
    inside = (messages + bytes(padding)).replace(_ESCAPE, _ESCAPE * 2)
    checked = _START + inside + _ESCAPE + bytes([0x1A, padding])
    return checked + check(checked)
