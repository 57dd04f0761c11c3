"""The published check values, and where a check may begin."""

from hypothesis import given, settings, strategies as st

from custom_components.obis_meter.metering.checksum import (
    arc_starts,
    crc16_arc,
    crc16_kermit,
    crc16_x25,
    x25_holds,
    x25_is,
)
from simulator import checksums


def test_the_published_check_values() -> None:
    checked = b"123456789"
    assert (crc16_x25(checked), crc16_arc(checked)) == (0x906E, 0xBB3D)
    assert crc16_kermit(checked) == 0x2189


@settings(derandomize=True)
@given(st.binary(max_size=200))
def test_all_agree_with_the_simulator(data: bytes) -> None:
    assert crc16_x25(data) == checksums.crc16_x25(data)
    assert crc16_arc(data) == checksums.crc16_arc(data)
    assert crc16_kermit(data) == checksums.crc16_kermit(data)


@settings(derandomize=True)
@given(st.binary(max_size=200), st.binary(min_size=2, max_size=2))
def test_data_ends_in_its_own_check_or_in_another(data: bytes, other: bytes) -> None:
    own = crc16_x25(data).to_bytes(2, "little")
    assert x25_holds(data + own)
    assert x25_holds(data + other) == (other == own)
    assert x25_is(data, own)
    assert x25_is(data, other) == (other == own)


@settings(derandomize=True)
@given(st.binary(max_size=60), st.binary(min_size=1, max_size=60))
def test_a_checked_text_is_found_behind_anything(before: bytes, text: bytes) -> None:
    crc = crc16_arc(text)
    found = list(arc_starts(before + text, crc))
    assert len(before) in found
    assert found == sorted(found, reverse=True)
    assert all(crc16_arc((before + text)[at:]) == crc for at in found)
