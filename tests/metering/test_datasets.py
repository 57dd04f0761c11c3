"""Lines of text protocols: what a data set says, and what says nothing."""

from datetime import datetime
from decimal import Decimal

import pytest

from custom_components.obis_meter.metering.datasets import moment, readings
from custom_components.obis_meter.metering.model import Value

type Said = tuple[str, Value, str | None]


def said(*lines: str) -> list[Said]:
    """Return id, value and unit of every reading."""
    text = "\r\n".join(lines).encode("latin-1")
    return [(str(reading.id), reading.value, reading.unit) for reading in readings(text)]


def number(line: str) -> tuple[str, str | None]:
    """Return the only number of a line, written out, and its unit."""
    ((_, value, unit),) = said(line)
    assert isinstance(value, Decimal)
    return f"{value:f}", unit


@pytest.mark.parametrize(
    ("line", "value", "unit"),
    [
        ("1-0:1.8.0(000123.450*kWh)", "123.450", "kWh"),
        ("1-0:1.8.0(000123.450kWh)", "123.450", "kWh"),
        ("1-0:1.8.0(000123.450)", "123.450", "kWh"),
        ("1-0:1.7.0(+00026*W)", "26", "W"),
        ("1-0:16.7.0(-0026.50*W)", "-26.50", "W"),
        ("1-0:1.7.0(00.000*kW)", "0.000", "kW"),
        ("1-0:3.7.0(0.007)", "0.007", "kvar"),
        ("1-0:32.7.0(230.1*V)", "230.1", "V"),
        ("1-0:32.7.0(0.2301*kV)", "0.2301", "kV"),
        ("1-0:31.7.0(1*KA)", "1", "kA"),
        ("1-0:14.7.0(0.05*kHz)", "0.05", "kHz"),
        ("1-0:3.8.0(1*kVArh)", "1", "kvarh"),
        ("1-0:1.8.0(1*KWH)", "1", "kWh"),
        ("1-0:31.7.0(5*mA)", "5", "mA"),
        ("1-0:1.8.0(5*MWh)", "5", "MWh"),
        ("0-1:24.2.1(240101000000W)(1.5*m3)", "1.5", "m3"),
        ("0-1:24.2.1(240101000000W)(1.5*M3)", "1.5", "m3"),
        ("0-1:24.2.1(240101000000W)(1.5*m³)", "1.5", "m3"),
        ("0-1:24.2.1(240101000000W)(1.5*GJ)", "1.5", "GJ"),
        ("1-1:31.4.0(100*A)(-100*A)", "100", "A"),
        ("0-0:96.7.21(00004)", "4", None),
        ("1-0:1.8.0*01(1.5*kWh)", "1.5", "kWh"),
        (
            "1-0:1.8.0(12345678901234567890.1234567890*kWh)",
            "12345678901234567890.1234567890",
            "kWh",
        ),
    ],
)
def test_a_number_is_exact_and_has_a_unit(line: str, value: str, unit: str | None) -> None:
    assert number(line) == (value, unit)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("0-0:96.1.1(4530303939)", "4530303939"),
        ("0-0:96.1.1(123456789012)", "123456789012"),
        ("0-0:96.1.1(0901444E5401)", "0901444E5401"),  # an id, not a power of ten
        ("0-0:96.1.1(123kWh)", "123kWh"),
        ("0-0:96.14.0(0002)", "0002"),
        ("0-0:96.13.0(303132)", "303132"),
        ("1-0:96.50.0*1(EF)", "EF"),
        ("0.0.0(12345)", "12345"),
        ("0-1:24.1.0(003)", "003"),
        ("0-0:96.3.10(1)", "1"),
    ],
)
def test_what_is_not_measured_is_text(line: str, text: str) -> None:
    ((_, value, unit),) = said(line)
    assert (value, unit) == (text, None)


@pytest.mark.parametrize(
    "line",
    [
        "1-0:1.8.0()",
        "0-0:96.13.0()",
        "0-0:1.0.0()",
        "0-0:1.0.0(hello)",
        "0-0:1.0.0(632525252525S)",
        "0-0:96.13.0(" + "\xff" * 1024 + ")",
        "0-0:96.13.0(\0\0)",
        "0-1:24.2.1(240101000000W)()",
        "0-1:24.2.1(632525252525S)(00000.000)",
        "0-1:24.2.1(632525252525S)(00000.000*m3)",
        "0-1:24.2.3(000101000000W)(00000.000*m3)",
        "0-1:24.2.1(700101010000W)(0000000000)",
        "0-1:24.2.1(240101000000W)(00000.000)",
        "0-1:24.2.1()(00000.000)",
        "1-0:1.8.0",
        "1-0:1.8.0(1",
        "1-0:1.8.0(1)x",
        "1-0:1.8.0((1))",
        "(1)",
        "a long address that is none(1)",
    ],
)
def test_a_line_may_say_nothing(line: str) -> None:
    assert said(line) == []


@pytest.mark.parametrize(
    "line",
    [
        "1-0:99.97.0(2)(0-0:96.7.19)(101208152415W)(0000000240*s)(101208151004W)(0000000301*s)",
        "1-0:99.97.0()",
        "0-0:98.1.0(1)(1-0:1.6.0)(1-0:1.6.0)(230201000000W)(230117224500W)(04.329*kW)",
    ],
)
def test_buffers_are_kept_out(line: str) -> None:
    assert said(line) == []


@pytest.mark.parametrize("groups", ["(240102030405W)(03.695*kW)", "(03.695*kW)(240102030405W)"])
def test_the_time_may_stand_on_either_side(groups: str) -> None:
    (reading,) = readings(f"1-0:1.6.0{groups}".encode())
    assert (reading.value, reading.unit) == (Decimal("3.695"), "kW")
    assert reading.time == datetime(2024, 1, 2, 3, 4, 5)


def test_a_gas_total_counts_although_its_time_is_not_set() -> None:
    assert said("0-1:24.2.1(632525252525S)(00001.000*m3)") == [
        ("0-1:24.2.1", Decimal("1.000"), "m3")
    ]


def test_a_gas_total_of_zero_counts_at_a_time() -> None:
    assert number("0-1:24.2.1(240101000000W)(00000.000*m3)") == ("0.000", "m3")


GAS_OF_2003 = "0-1:24.3.0(121030140000)(00)(60)(1)(0-1:24.2.1)(m3)"


def test_the_gas_of_2003_stands_on_two_lines() -> None:
    (reading,) = readings(f"{GAS_OF_2003}\r\n(00001.160)\r\n0-1:24.4.0()".encode())
    assert (reading.value, reading.unit) == (Decimal("1.160"), "m3")
    assert reading.time == datetime(2012, 10, 30, 14)


@pytest.mark.parametrize("rest", ["", "\r\n()", "\r\n0-1:24.4.0()"])
def test_the_gas_of_2003_without_its_second_line_says_nothing(rest: str) -> None:
    assert said(GAS_OF_2003 + rest) == []


@pytest.mark.parametrize("line", ["0-1:24.2.1(632525252525S)", "1-0:1.6.0(230101000000W)"])
def test_a_lone_time_is_no_total(line: str) -> None:
    assert said(line) == []


@pytest.mark.parametrize("line", ["1-0:1.7.0(00.3x7*kW)", "1-0:1.8.0(------.---*kWh)"])
def test_a_measured_register_never_says_text(line: str) -> None:
    assert said(line) == []


def test_a_line_that_continues_another_follows_it_at_once() -> None:
    assert said("0-0:96.1.1(240101000000)", "(A)") == [("0-0:96.1.1", "A", None)]
    assert said("0-0:96.1.1(240101000000)", "", "(A)") == [("0-0:96.1.1", "240101000000", None)]


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("240102030405W", datetime(2024, 1, 2, 3, 4, 5, fold=1)),
        ("240102030405S", datetime(2024, 1, 2, 3, 4, 5)),
        ("240102030405s", datetime(2024, 1, 2, 3, 4, 5)),
        ("240102030405w", datetime(2024, 1, 2, 3, 4, 5, fold=1)),
        ("240102030405", datetime(2024, 1, 2, 3, 4, 5)),
        ("2401020304", datetime(2024, 1, 2, 3, 4)),
        ("20240111 09:35:00", datetime(2024, 1, 11, 9, 35)),
        ("2024-01-11 09:35:00", datetime(2024, 1, 11, 9, 35)),
        ("24-01-11 09:35", datetime(2024, 1, 11, 9, 35)),
        ("2024-01-11T09:35:07", datetime(2024, 1, 11, 9, 35, 7)),
        ("000101000000W", datetime(2000, 1, 1, fold=1)),
        ("632525252525S", None),
        ("700101000000W", None),
        ("240230000000W", None),
        ("240102250000", None),
        ("hello", None),
        ("", None),
        ("240102030405X", None),
    ],
)
def test_a_moment_is_wall_time(text: str, when: datetime | None) -> None:
    found = moment(text)
    assert found == when
    assert (found and found.fold) == (when and when.fold)


def test_both_passes_of_the_hour_that_happens_twice_are_told_apart() -> None:
    summer, winter = moment("241027023000S"), moment("241027023000W")
    assert summer is not None
    assert winter is not None
    assert (summer.fold, winter.fold) == (0, 1)
