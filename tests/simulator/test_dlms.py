"""A-XDR, COSEM date-time and HDLC frames against bytes written by hand from the standards."""

from datetime import datetime

import pytest

from simulator import dlms
from simulator.checksums import crc16_x25

from .reading import hdlc_information

ADDRESS = dlms.Address(b"\x41", b"\x08\x83", 0x13)


@pytest.mark.parametrize(
    ("number", "value", "encoded"),
    [
        (dlms.DOUBLE_LONG_UNSIGNED, 1362, "06 00000552"),
        (dlms.DOUBLE_LONG, -1, "05 ffffffff"),
        (dlms.LONG, -51, "10 ffcd"),
        (dlms.LONG_UNSIGNED, 2300, "12 08fc"),
        (dlms.INTEGER, -1, "0f ff"),
        (dlms.UNSIGNED, 255, "11 ff"),
        (dlms.LONG64, -2, "14 fffffffffffffffe"),
        (dlms.LONG64_UNSIGNED, 2, "15 0000000000000002"),
    ],
)
def test_integers(number: dlms.Number, value: int, encoded: str) -> None:
    assert number.encode(value) == bytes.fromhex(encoded)


def test_a_value_that_does_not_fit_is_refused() -> None:
    with pytest.raises(OverflowError):
        dlms.DOUBLE_LONG_UNSIGNED.encode(-1)
    with pytest.raises(OverflowError):
        dlms.LONG.encode(40_000)


def test_strings_and_lists() -> None:
    assert dlms.octet_string(b"ab") == b"\x09\x02ab"
    assert dlms.visible_string("ab") == b"\x0a\x02ab"
    assert dlms.structure([dlms.NULL, dlms.NULL]) == b"\x02\x02\x00\x00"
    assert dlms.array([]) == b"\x01\x00"
    assert dlms.octet_string(bytes(200))[:3] == b"\x09\x81\xc8"
    assert dlms.octet_string(bytes(300))[:4] == b"\x09\x82\x01\x2c"


def test_obis_and_scaler_unit() -> None:
    assert dlms.obis("1-0:1.8.0") == bytes.fromhex("09 06 0100010800ff")
    assert dlms.scaler_unit(-1, dlms.Unit.V) == bytes.fromhex("02 02 0fff 1623")


def test_date_time() -> None:
    sunday = datetime(2026, 11, 22, 17, 59, 50)
    assert dlms.ClockForm().encode(sunday) == bytes.fromhex("07ea 0b 16 07 11 3b 32 ff 8000 00")
    other = dlms.ClockForm(deviation=-60, status=0x80, sunday=0)
    assert other.encode(sunday) == bytes.fromhex("07ea 0b 16 00 11 3b 32 ff ffc4 80")


def test_frame_checks_itself() -> None:
    assert hdlc_information(ADDRESS.frame(b"payload")) == b"payload"


def test_segments_join_to_the_whole_and_only_the_last_says_so() -> None:
    information = bytes(range(200))
    frames = list(ADDRESS.frames(information, 64))
    assert b"".join(map(hdlc_information, frames)) == information
    assert [bool(frame[1] & 8) for frame in frames] == [True, True, True, False]


def test_a_frame_has_a_longest_length() -> None:
    longest = dlms.LONGEST_FRAME - 10
    assert len(hdlc_information(ADDRESS.frame(bytes(longest)))) == longest
    with pytest.raises(ValueError, match="2048 bytes"):
        ADDRESS.frame(bytes(longest + 1))


def test_x25_residue_of_a_whole_frame() -> None:
    assert crc16_x25(ADDRESS.frame(b"x")[1:-1]) == 0xF0B8 ^ 0xFFFF
