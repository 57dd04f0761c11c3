"""The check sequences meters append to their telegrams."""


def _table(polynomial: int) -> tuple[int, ...]:
    """Return what each byte does to a reflected CRC-16."""
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (polynomial if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_X25 = _table(0x8408)
_ARC = _table(0xA001)


def crc16_x25(data: bytes) -> int:
    """Return the CRC-16/X.25 of an HDLC frame (HCS and FCS, ISO/IEC 13239)."""
    return _crc(_X25, data, 0xFFFF) ^ 0xFFFF


def crc16_kermit(data: bytes) -> int:
    """Return the CRC-16/KERMIT that some SML meters send."""
    return _crc(_X25, data, 0)


def crc16_arc(data: bytes) -> int:
    """Return the CRC-16/ARC of a P1 telegram, `/` to `!` inclusive (DSMR 5.0.2, 6.2)."""
    return _crc(_ARC, data, 0)


def _crc(table: tuple[int, ...], data: bytes, crc: int) -> int:
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc
