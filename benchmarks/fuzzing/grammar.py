"""Hostile contents in frames that check: what no line damages, but a sender can say."""

from collections.abc import Callable
from random import Random
from typing import Final

from simulator import sml
from simulator.checksums import crc16_arc
from simulator.ciphering import Cipher
from simulator.dlms import LLC, Address, data_notification
from simulator.dlt645wire import frame as dlt645_frame
from simulator.frames import blocks, mbus, wrapper
from simulator.module import frame as module_frame

ADDRESS: Final = Address(b"\x41", b"\x08\x83", 0x13)
_LONGEST: Final = 1800  # bytes in one HDLC frame
_SIZES: Final = {0x05: 4, 0x06: 4, 0x0F: 1, 0x10: 2, 0x11: 1, 0x12: 2, 0x14: 8, 0x15: 8, 0x16: 1}
_FIXED: Final = {**_SIZES, 0x00: 0, 0x03: 1, 0x0D: 1, 0x17: 4, 0x18: 8, 0x19: 12, 0x1A: 5, 0x1B: 4}
_COUNTED: Final = (0x09, 0x0A, 0x0C)
_LISTS: Final = (0x01, 0x02)
KEYED: Final = Cipher(title=b"ABCdefgh", key=bytes(16), authentication=bytes(16), control=0x30)
"""Seals what is made up, for those who listen with a key of zeros."""


def length(count: int, random: Random) -> bytes:
    """Return a length, right more often than not, in any of its forms."""
    count = max(0, count + random.choice((0,) * 12 + (-1, 1, 7, 200)))
    size = random.choice((0, 0, 0, 1, 2, 4)) or (count > 127)
    return bytes([count & 0x7F]) if not size else bytes([0x80 | size]) + count.to_bytes(4)[-size:]


def axdr(random: Random, depth: int = 0) -> bytes:
    """Return a value of A-XDR, or what nearly is one."""
    if depth < random.randrange(7):
        items = [axdr(random, depth + 1) for _ in range(random.randrange(1, 6))]
        if random.random() < 0.1:
            return (
                b"\x13"
                + random.choice((b"\x06", b"\x02\x02\x11\x12", b"\x01\0\2\x11"))
                + (length(sum(map(len, items)), random) + b"".join(items))
            )
        return bytes([random.choice(_LISTS)]) + length(len(items), random) + b"".join(items)
    match random.randrange(5):
        case 0:
            octets = random.randbytes(random.choice((0, 1, 6, 12, 30)))
            return bytes([random.choice(_COUNTED)]) + length(len(octets), random) + octets
        case 1:
            code = bytes((1, 0, random.choice((1, 2, 31, 96)), random.choice((7, 8, 1)), 0, 255))
            return b"\x09\x06" + code
        case 2:
            return b"\x02\x02\x0f" + random.randbytes(1) + b"\x16" + random.randbytes(1)
        case _:
            tag = random.choice((*_FIXED, random.randrange(32)))
            return bytes([tag]) + random.randbytes(_FIXED.get(tag, 2))


def notification(random: Random) -> bytes:
    """Return a data-notification, with any body and any form of time."""
    when = random.choice((b"\0", b"\x0c", b"\x09\x0c", b"\x19"))
    if when != b"\0":
        when += b"\x07\xea\x06\x02\x02\x12\x3b\x0a" + random.randbytes(4)
    return data_notification(random.getrandbits(32), when, axdr(random))


def tlv(random: Random, depth: int = 0) -> bytes:
    """Return an element of SML, or what nearly is one."""
    if depth < random.randrange(5):
        return sml.items([tlv(random, depth + 1) for _ in range(random.randrange(9))])
    match random.randrange(5):
        case 0:
            return b"\x01"
        case 1:
            return random.choice((b"\x62\x1e", b"\x52\xff", b"\x07\1\0\1\x08\0\xff", b"\0"))
        case 2:
            return sml.octets(random.randbytes(random.choice((0, 1, 6, 10, 40))))
        case 3:
            return sml.signed(random.getrandbits(30) - 2**29)
        case _:
            return random.randbytes(random.randrange(1, 9))


def sml_file(random: Random) -> bytes:
    """Return a file with any list, or any messages, in it."""
    check = random.choice((sml.x25, sml.kermit, lambda _: b"\0\0"))
    entries = [tlv(random) for _ in range(random.randrange(8))]
    if random.random() < 0.5:
        return sml.get_list_file(1, b"server", sml.uptime(1), entries, sml.x25)
    return sml.frame(sml.message(1, 0x0701, sml.items(entries), check), sml.x25)


def text(random: Random) -> str:
    """Return lines of registers, or what nearly are some."""
    codes = ("1-0:1.8.0", "0-1:24.3.0", "0-0:1.0.0", "1-0:99.97.0", "F.F", "0-0:96.1.1", "1.8.0")
    signs = "0123456789.*-+:SWkhm3 (),_E/\xb3"
    lines = []
    for _ in range(random.randrange(1, 8)):
        groups = ("".join(random.choices(signs, k=random.randrange(14))) for _ in range(3))
        lines.append(
            random.choice(codes) + "".join(f"({g})" for g in groups if random.random() < 0.7)
        )
    return "".join(f"{line}\r\n" for line in lines)


def p1(random: Random) -> bytes:
    """Return a telegram of any lines."""
    return p1_of(("/TST5 1\r\n\r\n" + text(random)).encode("latin-1"))


def p1_of(telegram: bytes) -> bytes:
    """Return a telegram with its check."""
    return telegram + b"!%04X\r\n" % crc16_arc(telegram + b"!")


def block_of(payload: bytes) -> bytes:
    """Return a data message with its check."""
    inner = payload.strip(b"\x02\x03") + b"\x03"
    check = 0
    for byte in inner:
        check ^= byte
    return b"\x02" + inner + bytes([check])


def apdu(random: Random) -> bytes:
    """Return an APDU with any content: in the clear, in blocks, ciphered."""
    made = notification(random)
    match random.randrange(4):
        case 0:
            return b"".join(blocks(made, random.choice((1, 7, 40))))
        case 1:
            return KEYED.seal(made, random.getrandbits(32))
    return made


def _hdlc(payload: bytes) -> bytes:
    return ADDRESS.frame(payload[:_LONGEST])


def _dlt645(payload: bytes) -> bytes:
    head, data = payload[:7].ljust(7, b"\x91"), payload[8 : 8 + 200]
    return dlt645_frame(head[:6][::-1].hex(), head[6] | 0x80, data)


def _module(payload: bytes) -> bytes:
    head = payload[:3].ljust(3, b"\x22")
    return module_frame(int.from_bytes(head[:2], "little"), head[2], payload[3:4000])


FRAMED: Final[dict[str, Callable[[bytes], bytes]]] = {
    "hdlc": _hdlc,
    "rfc1662": _module,
    "mbus": lambda payload: mbus(payload[9:-2]),
    "iec62056-21": block_of,
    "p1": p1_of,
    "sml": lambda payload: sml.frame(payload, sml.x25),
    "dlt645": _dlt645,
    "wrapper": wrapper,
    "llc-apdu": bytes,
    "apdu": bytes,
    "hex": lambda payload: payload.hex().encode() + b"\r\n",
}
"""Link -> the frame of a payload as the link cuts it."""

MADE_UP: Final[dict[str, Callable[[Random], bytes]]] = {
    "hdlc": lambda random: _hdlc(LLC + apdu(random)),
    "rfc1662": lambda random: module_frame(0x2100, 0xBF, random.choice((apdu, p1))(random)),
    "mbus": lambda random: mbus(apdu(random)),
    "iec62056-21": lambda random: block_of(text(random).encode("latin-1") + b"!\r\n"),
    "p1": p1,
    "sml": sml_file,
    "wrapper": lambda random: wrapper(apdu(random)),
    "llc-apdu": lambda random: LLC + apdu(random),
    "apdu": apdu,
    "hex": lambda random: apdu(random).hex().encode() + b"\n",
    "dlt645": lambda random: _dlt645(random.randbytes(8) + random.randbytes(random.randrange(60))),
}
"""Link -> frames with any content that its grammar allows, or nearly."""
