"""Units become one another without losing a digit."""

from decimal import Decimal

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.obis_meter.metering.units import convert, sent, shift

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=9)


@pytest.mark.parametrize(
    ("value", "sent", "wanted", "result"),
    [
        ("1.234", "kW", "W", "1234"),
        ("1234", "W", "kW", "1.234"),
        ("0", "Wh", "kWh", "0.000"),
        ("12345678901234567890.123456789", "kWh", "Wh", "12345678901234567890123.456789"),
        ("1.5", "MWh", "kWh", "1500"),
        ("2.5", "GJ", "MJ", "2500"),
        ("230", "mV", "V", "0.230"),
        ("50", "kHz", "Hz", "50000"),
        ("7", "dm3", "m3", "0.007"),
        ("7", "l", "m3", "0.007"),
        ("7", "m3", "m3", "7"),
        ("3", "kVA", "kvar", "3"),
        ("3", "kVAh", "varh", "3000"),
        ("298", "deg", "°", "298"),
        ("298", "°", "°", "298"),
        ("3", None, None, "3"),
        ("3", "W", None, "3"),
    ],
)
def test_a_value_is_converted_exactly(
    value: str, sent: str | None, wanted: str | None, result: str
) -> None:
    converted = convert(Decimal(value), sent, wanted)
    assert converted is not None
    assert f"{converted:f}" == result


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        (None, "W"),
        ("W", "Wh"),
        ("V", "A"),
        ("m3", "l"),
        ("kvar", "W"),
        ("dlms:5", "W"),
        ("s", "m3"),
    ],
)
def test_what_cannot_become_the_wanted_unit_is_none(sent: str | None, wanted: str) -> None:
    assert convert(Decimal(1), sent, wanted) is None


@settings(derandomize=True)
@given(NUMBERS, st.integers(-20, 20))
def test_a_shift_is_exact_and_never_leaves_an_exponent_above_zero(value: Decimal, by: int) -> None:
    shifted = shift(value, by)
    assert shifted.as_tuple().exponent <= 0
    assert shift(shifted, -by) == value
    assert "E" not in f"{shifted:f}"


def test_a_number_written_with_an_exponent_is_written_out() -> None:
    assert str(shift(Decimal("1E+3"), 0)) == "1000"


@pytest.mark.parametrize(
    ("number", "symbol"), [(30, "Wh"), (200, "dlms:200"), (255, None), (0, None)]
)
def test_no_unit_is_none_and_an_unknown_one_its_number(number: int, symbol: str | None) -> None:
    assert sent(number) == symbol
