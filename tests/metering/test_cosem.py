"""A-XDR data: each type, and what is no data at all."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from custom_components.obis_meter.metering.cosem import (
    MAX_DEPTH,
    CosemData,
    Cursor,
    Enum,
    Integer,
    data,
    date_time,
)
from custom_components.obis_meter.metering.errors import DecodeError, Incomplete
from custom_components.obis_meter.metering.units import unit

VALUES = [
    ("00", None),
    ("0300", False),
    ("0301", True),
    ("040ba5e0", "10100101111"),
    ("05fffffffe", -2),
    ("06fffffffe", 0xFFFFFFFE),
    ("0903010203", b"\1\2\3"),
    ("0900", b""),
    ("0a024142", "AB"),
    ("0a02ff42", "\ufffdB"),
    ("0c03e282ac", "€"),
    ("0d42", 42),
    ("0d4a", None),  # no decimal digits
    ("0ffe", Integer(-2)),
    ("108000", -32768),
    ("11ff", 255),
    ("128000", 32768),
    ("14ffffffffffffffff", -1),
    ("15ffffffffffffffff", 2**64 - 1),
    ("161b", Enum(27)),
    ("173dcccccd", Decimal("0.1")),
    ("1700000000", Decimal(0)),
    ("174366199a", Decimal("230.1")),
    ("174b800001", Decimal(16777218)),
    ("183fb999999999999a", Decimal("0.1")),
    ("183fd3333333333334", Decimal("0.30000000000000004")),
    ("1907e3020304050607ff800000", bytes.fromhex("07e3020304050607ff800000")),
    ("1a07e3020304", bytes.fromhex("07e3020304")),
    ("1b010203ff", bytes.fromhex("010203ff")),
    ("130f020102", [Integer(1), Integer(2)]),  # compact array of integers
    ("130202060a0c000000010141000000020142", [[1, "A"], [2, "B"]]),
    ("130100021104" + "01020304", [[1, 2], [3, 4]]),
    ("130f00", []),
    ("ff", None),  # don't-care
    ("0100", []),
    ("02021101010211020a0133", [1, [2, "3"]]),
    ("0202" + "0f01" + "1623", [Integer(1), Enum(35)]),
    ("098180" + "55" * 128, b"\x55" * 128),
    ("09820100" + "55" * 256, b"\x55" * 256),
    ("09840000000155", b"\x55"),
    ("0a8103414243", "ABC"),
    ("018181" + "00" * 129, [None] * 129),
]
IDS = [encoded[:12] for encoded, _ in VALUES]


def read(encoded: str | bytes) -> CosemData:
    raw = bytes.fromhex(encoded) if isinstance(encoded, str) else encoded
    return data(Cursor(raw))


@pytest.mark.parametrize(("encoded", "value"), VALUES, ids=IDS)
def test_a_value_is_read_exactly(encoded: str, value: CosemData) -> None:
    cursor = Cursor(bytes.fromhex(encoded + "ff"))
    found = data(cursor)
    assert (found, type(found)) == (value, type(value))
    assert cursor.at == len(encoded) // 2


@pytest.mark.parametrize("encoded", [encoded for encoded, _ in VALUES], ids=IDS)
def test_a_value_that_ends_early_is_incomplete(encoded: str) -> None:
    whole = bytes.fromhex(encoded)
    for end in range(len(whole)):
        with pytest.raises(Incomplete):
            read(whole[:end])


def test_every_other_tag_is_refused() -> None:
    known = {int(encoded[:2], 16) for encoded, _ in VALUES} | {0x02}
    for tag in set(range(256)) - known:
        with pytest.raises(DecodeError, match=f"{tag:02X}"):
            read(bytes([tag]) + bytes(40))


@pytest.mark.parametrize("octet", ["80", "85", "ff"])
def test_a_length_octet_that_is_none_is_refused(octet: str) -> None:
    with pytest.raises(DecodeError, match=octet.upper()):
        read(f"09{octet}" + "00" * 40)


def test_nesting_ends_somewhere() -> None:
    deepest = b"\x01\x01" * MAX_DEPTH + b"\x00"
    assert read(deepest)
    with pytest.raises(DecodeError, match="deeply"):
        read(b"\x01\x01" + deepest)
    with pytest.raises(DecodeError, match="deeply"):
        read(b"\x02\x01" * 8000)


@pytest.mark.parametrize("count", ["8340" + "0000", "84ffffffff"])
def test_a_count_beyond_any_frame_is_refused(count: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read(f"01{count}0000")
    assert caught.type is DecodeError  # and not Incomplete: the rest is not waited for


@pytest.mark.parametrize(
    "encoded",
    ["130001ff", "1302000100", "13010000110100", "1301ffff000100", "1363010000"],
    ids=["null", "empty structure", "empty array", "array of null", "unknown"],
)
def test_a_compact_array_of_nothing_is_refused(encoded: str) -> None:
    with pytest.raises(DecodeError, match="compact array"):
        read(encoded)


@pytest.mark.parametrize("encoded", ["13060500000001ff", "1301ffff1104" + "01020304"])
def test_a_compact_array_does_not_end_inside_an_element(encoded: str) -> None:
    with pytest.raises(DecodeError, match="inside an element") as caught:
        read(encoded)
    assert caught.type is DecodeError  # and not Incomplete: its length was said


def test_a_deep_description_is_refused() -> None:
    with pytest.raises(DecodeError, match="deeply"):
        read(b"\x13" + b"\x02\x01" * 4000 + b"\x11\x01\x00")


def test_many_empty_elements_are_no_bomb() -> None:
    nested = bytes.fromhex("02ff") * 7
    with pytest.raises(DecodeError):
        read(nested + bytes(100))


WHEN = datetime(2024, 3, 31, 12, 30, 15)


@pytest.mark.parametrize(
    ("raw", "when"),
    [
        ("07e8031f070c1e0fff800000", WHEN),  # deviation not specified
        ("07e8031f070c1e0fff000000", WHEN),  # deviation 0
        ("07e8031fff0c1e0fff8000ff", WHEN),  # neither weekday nor status
        ("07e8031f070c1effff800000", WHEN.replace(second=0)),
        ("07e8031f070c1e0fffffc400", WHEN.replace(tzinfo=timezone(timedelta(hours=1)))),
        ("07e8031f070c1e0fff003c00", WHEN.replace(tzinfo=timezone(timedelta(hours=-1)))),
        ("07e8031f070c1e0fff7fff00", WHEN),  # a deviation that cannot be
        ("ffffffffffffffffff800000", None),
        ("07e80d01070c1e0fff800000", None),  # month 13
        ("07e8021e070c1e0fff800000", None),  # 30 February
        ("07e8031f07ff1e0fff800000", None),  # no hour
        ("07e8031f070c1e0fff8000", None),  # too short
    ],
)
def test_a_clock_is_local_time_with_the_offset_that_was_sent(
    raw: str, when: datetime | None
) -> None:
    found = date_time(bytes.fromhex(raw))
    assert found == when
    assert (found and found.tzinfo) == (when and when.tzinfo)


def test_a_unit_without_symbol_is_none() -> None:
    assert [unit(number) for number in (27, 30, 33, 35, 255, 0)] == [
        "W",
        "Wh",
        "A",
        "V",
        None,
        None,
    ]
