"""HDLC frames: what is one, and where the next begins."""

from collections.abc import Iterator

import pytest

from custom_components.obis_meter.metering.errors import FrameError
from custom_components.obis_meter.metering.links.hdlc import take
from simulator.checksums import crc16_x25
from simulator.dlms import FLAG, Address

from .building import ADDRESS
from .captures import SIMULATED
from .hearing import bytewise, telegrams

INFORMATION = b"\xe6\xe7\x00 any information"


def taken(raw: bytes) -> list[bytes]:
    """Return the information of every frame."""
    buffer = bytearray(raw)
    return [info for info in _taken(buffer) if info is not None]


def _taken(buffer: bytearray) -> Iterator[bytes | None]:
    while True:
        before = len(buffer)
        try:
            information = take(buffer)
        except FrameError as err:
            if err.skipped != before - len(buffer):
                raise
            continue
        if information is None:
            return
        yield information


def framed(checked: bytes) -> bytes:
    """Return a frame around everything between the opening flag and the check sequence."""
    return FLAG + checked + crc16_x25(checked).to_bytes(2, "little") + FLAG


def searched(wanted: str, information: bytes = INFORMATION) -> bytes:
    """Return the first frame of some information and a number that has the wanted bytes."""
    for number in range(70_000):
        frame = ADDRESS.frame(information + number.to_bytes(3, "big"))
        if wanted in {f"fcs {frame[-3]:02x}", f"fcs {frame[-2]:02x}", f"end {frame[-2]:02x}"}:
            return frame
    raise AssertionError(wanted)


@pytest.mark.parametrize("destination", ["03", "0203", "02040607"], ids=len)
@pytest.mark.parametrize("source", ["21", "0223", "0002fefd"], ids=len)
def test_addresses_have_one_two_or_four_bytes(destination: str, source: str) -> None:
    address = Address(bytes.fromhex(destination), bytes.fromhex(source), 0x13)
    assert taken(address.frame(INFORMATION)) == [INFORMATION]


def test_an_address_that_does_not_end_is_no_frame() -> None:
    endless = framed(b"\xa0\x20" + bytes(28))
    assert taken(endless + ADDRESS.frame(INFORMATION)[1:]) == [INFORMATION]


def test_frames_may_share_a_flag() -> None:
    frame = ADDRESS.frame(INFORMATION)
    assert taken(frame + frame[1:] + frame[1:]) == [INFORMATION] * 3


def test_flags_fill_the_time_between_frames() -> None:
    frame = ADDRESS.frame(INFORMATION)
    assert taken(FLAG * 50 + frame + FLAG * 50 + frame + FLAG) == [INFORMATION] * 2


def test_a_flag_inside_a_frame_is_content() -> None:
    information = FLAG * 3 + b"\xa0\x07" + FLAG + INFORMATION
    assert taken(ADDRESS.frame(information)) == [information]


@pytest.mark.parametrize("wanted", ["end 7d", "end 7e", "fcs 7e", "fcs 7d"])
def test_a_check_sequence_may_hold_any_byte(wanted: str) -> None:
    frame = searched(wanted)
    assert taken(frame + frame) == [frame[9:-3]] * 2


def test_an_empty_information_field_is_a_frame() -> None:
    bare = framed(b"\xa0\x08\x41\x08\x83\x13")
    assert taken(bare + ADDRESS.frame(INFORMATION)) == [b"", INFORMATION]
    assert taken(ADDRESS.frame(b"")) == [b""]


def test_a_wrong_header_check_is_damage_although_the_frame_check_is_right() -> None:
    intact = ADDRESS.frame(INFORMATION)
    assert taken(framed(intact[1:7] + b"\0\0" + intact[9:-3]) + intact) == [INFORMATION]


def test_a_wrong_frame_check_is_damage_although_the_header_check_is_right() -> None:
    intact = ADDRESS.frame(INFORMATION)
    assert taken(intact[:-2] + b"\0" + FLAG + intact) == [INFORMATION]


def test_a_frame_without_its_closing_flag_is_damage() -> None:
    intact = ADDRESS.frame(INFORMATION)
    assert taken(intact[:-1] + b"\0" + intact) == [INFORMATION]


@pytest.mark.parametrize("kind", [0x00, 0x90, 0xB0, 0xF0])
def test_other_frame_formats_are_no_frames(kind: int) -> None:
    intact = ADDRESS.frame(INFORMATION)
    other = framed(bytes([intact[1] & 0x0F | kind]) + intact[2:-3])
    assert taken(other + intact) == [INFORMATION]


@pytest.mark.parametrize("size", range(7))
def test_a_length_too_short_for_a_frame_is_not_believed(size: int) -> None:
    short = framed((b"\xa0" + bytes([size]) + b"\x03\x21\x13")[: max(size - 2, 2)])
    assert taken(short + ADDRESS.frame(INFORMATION)) == [INFORMATION]


def test_a_length_is_not_believed_before_the_header_check_held() -> None:
    lying = b"\x7e\xa7\xff\x41\x08\x83\x13\x00\x00"
    assert taken(lying + ADDRESS.frame(INFORMATION)) == [INFORMATION]


def test_the_longest_frame_is_taken() -> None:
    longest = bytes(range(256)) * 7 + bytes(245)
    frame = ADDRESS.frame(longest)
    assert len(frame) == 2047 + len(FLAG + FLAG)
    assert taken(frame) == [longest]


def test_the_segmentation_bit_is_no_part_of_the_length() -> None:
    assert taken(ADDRESS.frame(INFORMATION, segmented=True)) == [INFORMATION]


def test_half_a_frame_wants_more() -> None:
    frame = ADDRESS.frame(INFORMATION)
    for end in range(len(frame)):
        buffer = bytearray(frame[:end])
        assert take(buffer) is None
        assert bytes(buffer) == frame[:end]


@pytest.mark.parametrize("name", ["aidon/2", "kaifa/3", "kamstrup/2"])
def test_a_bridge_that_sends_line_ends_for_line_feeds_is_undone(name: str) -> None:
    raw = next(capture.raw for capture in SIMULATED if capture.name == name)
    bridged = raw.replace(b"\n", b"\r\n")
    assert bridged != raw
    assert telegrams("hdlc", bridged) == telegrams("hdlc", raw)
    assert telegrams("hdlc", *bytewise(bridged + raw)) == 2 * telegrams("hdlc", raw)
    assert telegrams("hdlc", bridged[:-3] + raw) == telegrams("hdlc", raw)
