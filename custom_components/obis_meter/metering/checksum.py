"""Check sequences, table-driven."""

from collections.abc import Iterator
from typing import Final


def _table(polynomial: int) -> tuple[int, ...]:
    """Return the 256 remainders of a reflected CRC-16."""

    def remainder(byte: int) -> int:
        for _ in range(8):
            byte = byte >> 1 ^ (polynomial if byte & 1 else 0)
        return byte

    return tuple(remainder(byte) for byte in range(256))


_X25: Final = _table(0x8408)
_ARC: Final = _table(0xA001)
_ARC_BY_HIGH: Final = {remainder >> 8: index for index, remainder in enumerate(_ARC)}


def crc16_x25(data: bytes | bytearray) -> int:
    """Return CRC-16/X.25, the FCS and HCS of HDLC (ISO/IEC 13239); sent low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _X25[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFF


def crc16_kermit(data: bytes | bytearray) -> int:
    """Return CRC-16/KERMIT, which some SML meters use in place of CRC-16/X.25."""
    crc = 0
    for byte in data:
        crc = crc >> 8 ^ _X25[(crc ^ byte) & 0xFF]
    return crc


def crc16_arc(data: bytes | bytearray) -> int:
    """Return CRC-16/ARC, the check of a P1 telegram (DSMR 5.0.2, 6.2)."""
    crc = 0
    for byte in data:
        crc = crc >> 8 ^ _ARC[(crc ^ byte) & 0xFF]
    return crc


def arc_starts(data: bytes | bytearray, crc: int) -> Iterator[int]:
    """Yield, last first, every index from which the CRC-16/ARC of the rest of data is crc.

    Runs the register backwards from its final value: wherever it holds zero,
    its initial value, a checked text may begin. One pass, however many starts.
    """
    for at in range(len(data) - 1, -1, -1):
        index = _ARC_BY_HIGH[crc >> 8]
        crc = ((crc ^ _ARC[index]) << 8 | index ^ data[at]) & 0xFFFF
        if crc == 0:
            yield at
