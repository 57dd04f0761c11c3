"""The published check values of both CRCs."""

from simulator.checksums import crc16_arc, crc16_x25


def test_crc16_x25_check_value() -> None:
    assert crc16_x25(b"123456789") == 0x906E


def test_crc16_arc_check_value() -> None:
    assert crc16_arc(b"123456789") == 0xBB3D


def test_nothing_has_the_start_value() -> None:
    assert (crc16_x25(b""), crc16_arc(b"")) == (0, 0)
