"""Gas, water and heat behind an electricity meter."""

import pytest

from custom_components.obis_meter.metering.links.p1 import decode
from custom_components.obis_meter.metering.model import ObisCode, Reading
from custom_components.obis_meter.metering.security import Security
from custom_components.obis_meter.metering.submeters import SubMeter, register_of, split

from .building import p1

OWN = "1-0:1.8.0(1*kWh)"


def found(*lines: str) -> tuple[list[Reading], dict[SubMeter, list[Reading]]]:
    raw = p1(OWN, *lines)
    (telegram,) = decode(raw[: raw.rindex(b"!")], Security())
    return split(telegram)


def only(*lines: str) -> SubMeter:
    """Return the only sub-meter."""
    (meter,) = found(*lines)[1]
    return meter


def total(channel: int, unit: str = "m3") -> str:
    return f"0-{channel}:24.2.1(240101000000W)(1.5*{unit})"


@pytest.mark.parametrize(
    ("device_type", "unit", "key"),
    [
        (2, "kWh", "electricity"),
        (3, "m3", "gas"),
        (4, "GJ", "heat"),
        (4, "kWh", "heat_energy"),
        (4, "m3", "volume"),
        (6, "m3", "hot_water"),
        (7, "m3", "water"),
        (12, "MJ", "heat"),
        (99, "m3", "volume"),
        (99, "kWh", "heat_energy"),
    ],
)
def test_device_type_and_unit_tell_what_is_counted(device_type: int, unit: str, key: str) -> None:
    lines = (f"0-2:24.1.0({device_type:03})", "0-2:96.1.0(4731323334353637)", total(2, unit))
    meter = only(*lines)
    assert (meter.channel, meter.id, meter.kind.key) == ((0, 2), "G1234567", key)


def test_a_total_in_joules_is_heat_without_any_type() -> None:
    assert only(total(1, "GJ")).kind.key == "heat"
    assert only(total(1)).kind.key == "volume"


@pytest.mark.parametrize(
    ("medium", "unit", "key"),
    [(6, "GJ", "heat"), (7, "m3", "gas"), (8, "m3", "water"), (9, "m3", "hot_water")],
)
def test_the_medium_of_the_code_tells_what_is_counted(medium: int, unit: str, key: str) -> None:
    meter = only(f"{medium}-0:23.1.0(24-01-01 06:00:00)(5*{unit})")
    assert (meter.channel, meter.kind.key) == ((medium, 0), key)


def test_every_channel_is_a_meter_of_its_own() -> None:
    own, others = found(
        *("0-1:24.1.0(003)", "0-1:96.1.0(4731323334353637)", total(1)),
        *("0-2:24.1.0(007)", "0-2:96.1.1(5731323334353637)", total(2)),
    )
    assert [str(reading.id) for reading in own] == ["1-0:1.8.0"]
    assert [meter.id for meter in others] == ["G1234567", "W1234567"]
    assert [len(readings) for readings in others.values()] == [3, 3]


@pytest.mark.parametrize(
    "lines",
    [
        ("0-1:96.3.10(0)",),
        ("0-1:24.1.0(003)",),
        ("0-1:24.1.0(003)", "0-1:96.1.0()"),
        ("0-1:24.1.0(003)", "0-1:96.1.0(0000000000)"),
        ("0-1:96.1.0(4731323334353637)",),
    ],
)
def test_a_channel_to_which_nothing_is_connected_is_no_meter(lines: tuple[str, ...]) -> None:
    own, others = found(*lines)
    assert not others
    assert own[0].id == ObisCode(1, 0, 1, 8, 0)


def test_a_meter_that_has_not_answered_yet_is_known_by_its_id() -> None:
    lines = ("0-1:24.1.0(003)", "0-1:96.1.0(4731323334353637)", "0-1:24.2.1(632525252525S)(0)")
    assert only(*lines).kind.key == "gas"


def test_the_electricity_meter_s_own_channels_are_no_sub_meters() -> None:
    own, others = found("1-1:1.8.11(1*kWh)", "0-0:24.2.1(240101000000W)(1.5*m3)")
    assert len(own) == 3
    assert not others


def test_a_total_is_shown_under_what_the_sub_meter_counts() -> None:
    code = ObisCode(0, 2, 24, 2, 1)
    meter = only("0-2:24.1.0(007)", "0-2:96.1.0(5731323334353637)", total(2))
    assert [row.key for row in (register_of(code, meter), register_of(code)) if row] == [
        "water",
        "volume",
    ]
