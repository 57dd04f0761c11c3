"""DLMS/COSEM on the way out: A-XDR data, data-notification APDUs and HDLC frames.

7E format(2) destination source control HCS(2) E6 E7 00 0F invoke-id(4) date-time data FCS(2) 7E
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from .checksums import crc16_x25

LLC = b"\xe6\xe7\x00"
FLAG = b"\x7e"
NULL = b"\x00"
LONGEST_FRAME = 2047  # bytes between the flags: the format field has 11 bits for it

_ARRAY, _STRUCTURE, _OCTET_STRING, _VISIBLE_STRING, _ENUM = 0x01, 0x02, 0x09, 0x0A, 0x16
_DATA_NOTIFICATION = 0x0F
_FRAME_FORMAT = 0xA000  # type 3
_SEGMENTED = 0x0800
_SHORT_LENGTH = 0x80
_NO_DEVIATION = 0x8000
_SIGNED_16 = 0xFFFF
_SUNDAY = 6  # of datetime.weekday()


class Unit(IntEnum):
    """Units of the DLMS enumeration (IEC 62056-6-2, table of physical units)."""

    W = 27
    VA = 28
    VAR = 29
    WH = 30
    VAH = 31
    VARH = 32
    A = 33
    V = 35


UNITS = {"W": Unit.W, "var": Unit.VAR, "A": Unit.A, "V": Unit.V, "Wh": Unit.WH, "varh": Unit.VARH}


@dataclass(frozen=True, slots=True)
class Number:
    """An A-XDR integer type."""

    tag: int
    size: int  # bytes
    signed: bool

    def encode(self, value: int) -> bytes:
        """Return tag and value; `OverflowError` if the type cannot hold it."""
        return bytes([self.tag]) + value.to_bytes(self.size, "big", signed=self.signed)


DOUBLE_LONG = Number(0x05, 4, signed=True)
DOUBLE_LONG_UNSIGNED = Number(0x06, 4, signed=False)
INTEGER = Number(0x0F, 1, signed=True)
LONG = Number(0x10, 2, signed=True)
UNSIGNED = Number(0x11, 1, signed=False)
LONG_UNSIGNED = Number(0x12, 2, signed=False)
LONG64 = Number(0x14, 8, signed=True)
LONG64_UNSIGNED = Number(0x15, 8, signed=False)


def length(count: int) -> bytes:
    """Return an A-XDR length: one byte, or 81..84 and that many bytes."""
    if count < _SHORT_LENGTH:
        return bytes([count])
    size = (count.bit_length() + 7) // 8
    return bytes([_SHORT_LENGTH | size]) + count.to_bytes(size, "big")


def octet_string(value: bytes) -> bytes:
    """Return an octet-string."""
    return bytes([_OCTET_STRING]) + length(len(value)) + value


def visible_string(value: str) -> bytes:
    """Return a visible-string."""
    return bytes([_VISIBLE_STRING]) + length(len(value)) + value.encode("ascii")


def structure(elements: Iterable[bytes]) -> bytes:
    """Return a structure of encoded elements."""
    return _list(_STRUCTURE, elements)


def array(elements: Iterable[bytes]) -> bytes:
    """Return an array of encoded elements."""
    return _list(_ARRAY, elements)


def _list(tag: int, elements: Iterable[bytes]) -> bytes:
    members = list(elements)
    return bytes([tag]) + length(len(members)) + b"".join(members)


def scaler_unit(scaler: int, unit: Unit) -> bytes:
    """Return the structure of a register's attribute 3."""
    return structure([INTEGER.encode(scaler), bytes([_ENUM, unit])])


def obis(code: str) -> bytes:
    """Return the octet-string of an OBIS code such as 1-0:1.8.0 (F is 255)."""
    medium, rest = code.split("-")
    channel, group = rest.split(":")
    return octet_string(bytes([int(medium), int(channel), *map(int, group.split(".")), 0xFF]))


@dataclass(frozen=True, slots=True)
class ClockForm:
    """How a meter fills the end of a COSEM date-time; no deviation means not specified."""

    deviation: int | None = None  # minutes from local time to UTC
    status: int = 0
    sunday: int = 7  # 0 is what some meters send

    def encode(self, moment: datetime) -> bytes:
        """Return the 12 bytes of a naive local time, hundredths not specified."""
        deviation = _NO_DEVIATION if self.deviation is None else self.deviation & _SIGNED_16
        date = moment.year.to_bytes(2, "big") + bytes([moment.month, moment.day])
        weekday = moment.isoweekday() if moment.weekday() < _SUNDAY else self.sunday
        time = bytes([weekday, moment.hour, moment.minute, moment.second, 0xFF])
        return date + time + deviation.to_bytes(2, "big") + bytes([self.status])


def data_notification(invoke_id: int, date_time: bytes, body: bytes) -> bytes:
    """Return a data-notification; `date_time` is as sent: a length and the bytes, or 00."""
    return bytes([_DATA_NOTIFICATION]) + invoke_id.to_bytes(4, "big") + date_time + body


@dataclass(frozen=True, slots=True)
class Address:
    """The HDLC addresses (1, 2 or 4 bytes) and the control byte that a maker uses."""

    destination: bytes
    source: bytes
    control: int

    def frame(self, information: bytes, *, segmented: bool = False) -> bytes:
        """Return one frame with its flags; `segmented` sets the bit that says more follows."""
        header = self.destination + self.source + bytes([self.control])
        length = 2 + len(header) + 2 + len(information) + 2
        if length > LONGEST_FRAME:
            raise ValueError(f"{length} bytes do not fit into an HDLC frame")
        head = (_FRAME_FORMAT | segmented * _SEGMENTED | length).to_bytes(2, "big") + header
        checked = head + crc16_x25(head).to_bytes(2, "little") + information
        return FLAG + checked + crc16_x25(checked).to_bytes(2, "little") + FLAG

    def frames(self, information: bytes, size: int) -> Iterator[bytes]:
        """Yield the frames of a long information field, cut into segments of `size` bytes."""
        for at in range(0, len(information), size):
            more = at + size < len(information)
            yield self.frame(information[at : at + size], segmented=more)
