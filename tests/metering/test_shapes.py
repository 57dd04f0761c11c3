"""Layouts of pushed lists: which register, value, scaler and unit."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.obis_meter.metering import families
from custom_components.obis_meter.metering.cosem import CosemData, Enum, Integer
from custom_components.obis_meter.metering.model import Value
from custom_components.obis_meter.metering.shapes import plain, readings

W, WH, A, V = Enum(27), Enum(30), Enum(33), Enum(35)
POWER = bytes((1, 0, 1, 7, 0, 255))
CURRENT = bytes((1, 0, 31, 7, 0, 255))
ENERGY = bytes((1, 0, 1, 8, 0, 255))
NAME = bytes((0, 0, 96, 1, 0, 255))
CLOCK = bytes((0, 0, 1, 0, 0, 255))
VERSION = bytes((1, 1, 0, 2, 129, 255))
TYPE = bytes((1, 1, 96, 1, 1, 255))


def said(*body: CosemData) -> dict[str, tuple[Value, str | None]]:
    """Return value and unit by OBIS code."""
    return {str(reading.id): (reading.value, reading.unit) for reading in readings(list(body))}


def value(data: CosemData) -> Value:
    """Return what a register says that holds some data."""
    ((found, _),) = said([NAME, data]).values()
    return found


@pytest.mark.parametrize(
    "body",
    [
        [[POWER, 1983, [Integer(0), W]], [CURRENT, -23, [Integer(-1), A]]],
        [[[POWER, 1983, [Integer(0), W]], [CURRENT, -23, [Integer(-1), A]]]],
        [POWER, 1983, [Integer(0), W], CURRENT, -23, [Integer(-1), A]],
        [None, [POWER, 1983, [Integer(0), W]], None, 7, [CURRENT, -23, [Integer(-1), A]]],
    ],
    ids=["array of structures", "nested", "flat", "with other elements"],
)
def test_code_value_scaler_unit_are_found_however_they_nest(body: list[CosemData]) -> None:
    assert said(*body) == {
        "1-0:1.7.0": (Decimal(1983), "W"),
        "1-0:31.7.0": (Decimal("-2.3"), "A"),
    }


@pytest.mark.parametrize(
    ("number", "scaler", "written"),
    [(0, -3, "0.000"), (5, 3, "5000"), (-15, -1, "-1.5"), (2**64, -2, "184467440737095516.16")],
)
def test_a_scaler_is_applied_exactly(number: int, scaler: int, written: str) -> None:
    ((found, _),) = said([ENERGY, number, [Integer(scaler), WH]]).values()
    assert f"{found:f}" == written


def test_a_unit_without_symbol_keeps_its_number() -> None:
    assert said([POWER, 1, [Integer(0), Enum(200)]]) == {"1-0:1.7.0": (Decimal(1), "dlms:200")}


def test_zero_is_a_value_and_nothing_is_none() -> None:
    assert said([POWER, 0, [Integer(0), W]], [CURRENT, None, [Integer(0), A]]) == {
        "1-0:1.7.0": (Decimal(0), "W")
    }


@pytest.mark.parametrize("number", [Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity")])
def test_a_number_that_is_none_is_not_published(number: Decimal) -> None:
    assert said([POWER, number, [Integer(0), W]]) == {}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"6525", "6525"),
        (b"10001234\0\0\0\0", "10001234"),
        ("10001234\0\0", "10001234"),
        (b"\x01\x02", "0102"),
        (b"\xff\xfe", "FFFE"),
        (b"A\nB", "410A42"),
    ],
)
def test_octets_are_text_or_else_hex(data: CosemData, text: str) -> None:
    assert value(data) == text


def test_a_boolean_is_a_number() -> None:
    assert (value(True), value(False)) == (Decimal(1), Decimal(0))


def test_twelve_octets_that_are_a_time_are_a_time() -> None:
    assert value(bytes.fromhex("07e8031f070c1e0fff800000")) == datetime(2024, 3, 31, 12, 30, 15)
    assert value(b"ABCDEFGHIJKL") == "ABCDEFGHIJKL"


@pytest.mark.parametrize(("version", "hours"), [("AIDON_V0001", 1), ("KFM_001", -1)])
def test_only_aidon_sends_the_offset_with_the_wrong_sign(version: str, hours: int) -> None:
    west = bytes.fromhex("07e8031f070c1e0fff003c00")
    clock, _ = said([VERSION, version], [CLOCK, west])["0-0:1.0.0"]
    assert clock == datetime(2024, 3, 31, 12, 30, 15, tzinfo=timezone(timedelta(hours=hours)))


def test_a_profile_buffer_is_no_reading() -> None:
    assert said(ENERGY, [[1, 2], [3, 4]], POWER, 5, [Integer(0), W]) == {
        "1-0:1.7.0": (Decimal(5), "W")
    }


def test_where_a_value_comes_from_is_no_reading() -> None:
    source = [3, ENERGY, Integer(2), 0]
    assert said([source], POWER, 5) == {"1-0:1.7.0": (Decimal(5), None)}


def test_six_octets_are_a_code_only_if_they_end_like_one() -> None:
    assert said([NAME, b"abcdef"]) == {"0-0:96.1.0": ("abcdef", None)}


@pytest.mark.parametrize("body", [None, 5, "text", b"octets", [], [[]], [None], ["Kamstrup_V0001"]])
def test_other_bodies_say_no_number(body: CosemData) -> None:
    assert all(isinstance(reading.value, str) for reading in readings(body))


def kaifa(count: int) -> list[CosemData]:
    clock = bytes.fromhex("07e8031f070c1e0fff800000")
    first = [b"KFM_001", b"6970631402614476", b"MA304H3E", *range(1000, 1000 + count - 3)]
    if count in (14, 18):
        first[-5] = clock
    return first


@pytest.mark.parametrize("count", [9, 13, 14, 18])
def test_kaifa_lists_are_read_by_position(count: int) -> None:
    found = said(*kaifa(count))
    assert len(found) == count
    assert found["0-0:96.1.0"] == ("6970631402614476", None)
    assert found["1-0:1.7.0"] == (Decimal(1000), "W")
    assert found["1-0:31.7.0"] == (Decimal("1.004"), "A")
    volts = 1005 if count in (9, 14) else 1007
    assert found["1-0:32.7.0"] == (Decimal(volts) / 10, "V")
    if count in (14, 18):
        assert found["0-0:1.0.0"] == (datetime(2024, 3, 31, 12, 30, 15), None)
        assert found["1-0:4.8.0"][1] == "varh"


def test_the_shortest_list_of_kaifa_is_one_power() -> None:
    assert said(5852) == {"1-0:1.7.0": (Decimal(5852), "W")}


@pytest.mark.parametrize("count", [4, 8, 10, 12, 17, 19])
def test_a_kaifa_list_of_another_length_says_nothing(count: int) -> None:
    assert said(*kaifa(count)) == {}


def kamstrup(type_number: str | None, *rest: CosemData) -> dict[str, tuple[Value, str | None]]:
    named = [TYPE, type_number] if type_number else []
    return said("Kamstrup_V0001", *named, *rest)


@pytest.mark.parametrize(
    ("type_number", "current", "energy"),
    [
        ("6841131BN243101040", ("1.23", "A"), ("4560", "Wh")),
        ("6841138BN245101090", ("1.23", "A"), ("456", "Wh")),
        ("6841138BN245101092", ("1.23", "A"), ("456", "Wh")),
        ("6851131BN243101040", ("0.123", "A"), ("4560", "Wh")),
        ("6841131BN243101999", ("1.23", "A"), ("456", None)),
        (None, ("123", None), ("456", None)),
    ],
)
def test_kamstrup_scalers_follow_the_type_number(
    type_number: str | None, current: tuple[str, str | None], energy: tuple[str, str | None]
) -> None:
    found = kamstrup(type_number, CURRENT, 123, ENERGY, 456, POWER, 7)
    assert found["1-0:31.7.0"] == (Decimal(current[0]), current[1])
    assert found["1-0:1.8.0"] == (Decimal(energy[0]), energy[1])
    assert found["1-0:1.7.0"] == (Decimal(7), "W")


def test_zero_is_sure_although_the_scaler_is_not() -> None:
    assert kamstrup(None, ENERGY, 0)["1-0:1.8.0"] == (Decimal(0), "Wh")


def test_the_missing_phases_of_kamstrup_say_nothing() -> None:
    found = kamstrup("6841131BN243101040", CURRENT, 1, None, None, None, None, POWER, 7)
    assert found.keys() == {"1-1:0.2.129", "1-1:96.1.1", "1-0:31.7.0", "1-0:1.7.0"}


def test_a_list_brings_its_own_scalers_before_those_of_its_maker() -> None:
    found = said([VERSION, "KFM_001"], [CURRENT, 5, [Integer(-1), A]])
    assert found["1-0:31.7.0"] == (Decimal("0.5"), "A")


def test_a_value_without_scaler_of_an_unknown_maker_has_no_unit() -> None:
    assert said([POWER, 5]) == {"1-0:1.7.0": (Decimal(5), None)}


def test_every_position_of_kaifa_names_a_register_once() -> None:
    for count, codes in families.KAIFA_POSITIONS.items():
        assert len(set(codes)) == len(codes) == count


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-128, 127).map(Integer)
    | st.integers(0, 255).map(Enum)
    | st.binary(max_size=14)
    | st.sampled_from((POWER, ENERGY, VERSION, TYPE, "Kamstrup_V0001", b"KFM_001"))
    | st.text(max_size=5)
    | st.decimals(),
    lambda items: st.lists(items, max_size=6),
    max_leaves=20,
)


@settings(derandomize=True, max_examples=200)
@given(PLAIN)
def test_no_body_is_too_odd(body: CosemData) -> None:
    for reading in readings(body):
        assert not isinstance(reading.value, Decimal) or reading.value.is_finite()


SETUP_6, SETUP_8 = bytes((0, 6, 25, 9, 0, 255)), bytes((0, 8, 25, 9, 0, 255))
DEVICE, ID = bytes((0, 0, 42, 0, 0, 255)), bytes((0, 0, 96, 1, 1, 255))
VOLTAGE = bytes((1, 0, 32, 7, 0, 255))
FACTOR = bytes((1, 0, 13, 7, 0, 255))


def named(interface: int, name: bytes, attribute: int = 2, length: int = 4) -> CosemData:
    """Return what names an attribute in a list of objects, in its form of 4 or 6 elements."""
    return [interface, name, Integer(attribute), *[0] * (length - 3)]


def pushed(setup: bytes, *objects: tuple[CosemData, CosemData]) -> list[CosemData]:
    """Return a list that names itself first."""
    return [[named(40, setup), *(each for each, _ in objects)], *(value for _, value in objects)]


@pytest.mark.parametrize("length", [4, 6])
@pytest.mark.parametrize("itself", [True, False], ids=["with itself", "without"])
def test_values_belong_to_the_objects_named_before_them(length: int, itself: bool) -> None:
    objects = [named(1, DEVICE, 2, length), named(3, ENERGY, 2, length), named(3, POWER, 2, length)]
    body = [[*([named(40, SETUP_8, 2, length)] * itself), *objects], b"LGZ1", 5, 7]
    found = said(*body)
    assert {code: value for code, (value, _) in found.items()} == {
        "0-0:42.0.0": "LGZ1",
        "1-0:1.8.0": Decimal(5),
        "1-0:1.7.0": Decimal(7),
    }


def test_only_the_attribute_that_holds_the_value_is_a_reading() -> None:
    relay, limit = bytes((0, 0, 96, 3, 10, 255)), bytes((0, 0, 17, 0, 0, 255))
    body = pushed(
        SETUP_8,
        (named(40, SETUP_8, 1), SETUP_8),
        (named(70, relay, 2), True),
        (named(70, relay, 3), Enum(1)),
        (named(71, limit, 3), 25),
        (named(71, limit, 4), 26),
        (named(3, ENERGY, 5), 9),
        (named(7, NAME, 2), 3),
        (named(3, POWER, 2), [1, 2]),
    )
    assert {code: value for code, (value, _) in said(*body).items()} == {
        "0-0:96.3.10": Decimal(1),
        "0-0:17.0.0": Decimal(25),
    }


def test_a_list_of_objects_may_bring_its_scalers() -> None:
    body = pushed(
        SETUP_8,
        (named(3, ENERGY), 1234),
        (named(3, ENERGY, 3), [Integer(-1), WH]),
        (named(3, POWER), 5),
    )
    assert said(*body)["1-0:1.8.0"] == (Decimal("123.4"), "Wh")


@pytest.mark.parametrize("missing", [1, 2])
def test_objects_without_values_are_no_readings(missing: int) -> None:
    body = pushed(SETUP_8, (named(3, ENERGY), 5), (named(3, POWER), 7), (named(3, VOLTAGE), 230))
    assert said(*body[:-missing]) == {}


@pytest.mark.parametrize(
    ("setup", "more", "volts", "amperes"),
    [
        (SETUP_6, (), ("23.0", "V"), ("0.05", "A")),  # E360, AM550
        (SETUP_8, ((named(1, ID), b"1001234"),), ("230", "V"), ("0.05", "A")),  # E450
        (SETUP_8, (), ("230", "V"), ("5", None)),  # E450 or E570: not known which
        (bytes((0, 9, 25, 9, 0, 255)), (), ("230", None), ("5", None)),
    ],
)
def test_scalers_follow_the_push_setup(
    setup: bytes, more: tuple, volts: tuple, amperes: tuple
) -> None:
    found = said(*pushed(setup, *more, (named(3, VOLTAGE), 230), (named(3, CURRENT), 5)))
    assert found["1-0:32.7.0"] == (Decimal(volts[0]), volts[1])
    assert found["1-0:31.7.0"] == (Decimal(amperes[0]), amperes[1])


def test_a_power_factor_counts_thousandths() -> None:
    assert said(*pushed(SETUP_8, (named(3, FACTOR), 941)))["1-0:13.7.0"] == (Decimal("0.941"), None)


POSITIONED = {
    "vienna": (
        [SETUP_6, b"1ISK1", bytes(4), bytes(5), 11, 22, 33, 44, 55, 66, b"", b""],
        {"0-0:96.1.0": "1ISK1", "1-0:1.8.0": 11, "1-0:4.8.0": 44, "1-0:2.7.0": 66},
    ),
    "one phase": (
        [b"ISK1", b"ISK2", 540, 0, 0, 282, 2336, 278, 540, 0],
        {"0-0:42.0.0": "ISK1", "1-0:1.7.0": 540, "1-0:32.7.0": "233.6", "1-0:31.7.0": "2.78"},
    ),
    "three phases": (
        [b"ISK1", b"UP_3f", 2314, 2303, 2348, 451, 525, 88, 2399, 0, 4, 264],
        {"1-0:52.7.0": "230.3", "1-0:71.7.0": "0.88", "1-0:1.7.0": 2399, "1-0:4.7.0": 264},
    ),
    "tariffs": (
        [b"ISK1", b"16820006", Enum(1), b"\0\1", 52837, 13593, 39244, 177927, 78615, 99312, 7, 8],
        {"0-0:96.1.0": "16820006", "1-0:1.8.2": 39244, "1-0:2.8.1": 78615, "1-0:4.8.0": 8},
    ),
    "power by phase": (
        [b"ISK1", b"16820005", 246, 0, 0, 286, 2325, 2321, 2328, 152, 11, 16, 216, 19, 10, 0, 0, 0],
        {"1-0:72.7.0": "232.8", "1-0:31.7.0": "1.52", "1-0:41.7.0": 19, "1-0:62.7.0": 0},
    ),
}


@pytest.mark.parametrize(("body", "wanted"), POSITIONED.values(), ids=POSITIONED)
def test_lists_by_position(body: list[CosemData], wanted: dict[str, str | int]) -> None:
    found = {code: value for code, (value, _) in said(*body).items()}
    for code, value in wanted.items():
        expected = value if code.startswith("0-0") else Decimal(value)
        assert found[code] == expected
    assert all(unit for code, (_, unit) in said(*body).items() if not code.startswith("0-0"))


@pytest.mark.parametrize("change", [lambda body: body[:-1], lambda body: [*body, 1]])
def test_a_list_by_position_of_another_length_says_nothing(change) -> None:
    assert all(said(*change(body)) == {} for body, _ in POSITIONED.values())


def test_empty_text_is_unknown() -> None:
    assert said([NAME, b""], [TYPE, ""], [VERSION, b"\0"]) == {}


def test_what_nobody_knows_is_spelled_out() -> None:
    body: CosemData = [b"ISK", "text", 5, Enum(1), None, True, [1, [b"\xff"]], Decimal("1.5")]
    assert plain(body) == ("0x49534B", "text", "5", "1", "None", "True", "[1, [0xFF]]", "1.5")
    assert plain(7) == ("7",)
