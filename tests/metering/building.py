"""Telegrams made to order, by the encoders of the simulator."""

from simulator.checksums import crc16_arc
from simulator.dlms import LLC, Address, data_notification

ADDRESS = Address(b"\x41", b"\x08\x83", 0x13)
IDENT = "/TST5 1\r\n\r\n"


def notification(body: bytes, date_time: bytes = b"\x00") -> bytes:
    """Return the information field of a frame: LLC, data-notification, body."""
    return LLC + data_notification(0x40000000, date_time, body)


def frame(body: bytes) -> bytes:
    """Return the HDLC frame of a notification body."""
    return ADDRESS.frame(notification(body))


def p1(*lines: str, ident: str = IDENT, crc: bool = True) -> bytes:
    """Return a P1 telegram."""
    text = (ident + "".join(f"{line}\r\n" for line in lines) + "!").encode("latin-1")
    check = f"{crc16_arc(text):04X}" if crc else ""
    return text + f"{check}\r\n".encode("ascii")
