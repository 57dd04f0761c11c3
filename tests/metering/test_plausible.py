"""Totals neither fall nor leap, unless further telegrams confirm it."""

from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.obis_meter.metering.model import ObisCode, Reading, Telegram
from custom_components.obis_meter.metering.plausible import CONFIRMATIONS, Guard

IMPORT, EXPORT, NET = "1-0:1.8.0", "1-0:2.8.0", "1-0:16.8.0"


@dataclass
class Meter:
    """A guarded meter whose telegrams come ten seconds apart."""

    now: float = 0.0
    guard: Guard = field(init=False)

    def __post_init__(self) -> None:
        self.guard = Guard()

    def says(
        self, value: str | int, code: str = IMPORT, unit: str = "Wh", after: float = 10
    ) -> bool:
        """Say one value; return whether it was let through."""
        self.now += after
        parsed = ObisCode.parse(code)
        assert parsed
        telegram = Telegram((Reading(parsed, Decimal(value), unit),))
        return bool(self.guard.check(telegram.readings, self.now))


@pytest.fixture
def meter() -> Meter:
    return Meter()


def test_a_rising_total_passes(meter: Meter) -> None:
    assert all(meter.says(value) for value in (1000, 1000, 1001, 1010, 1100))
    assert meter.guard.held == 0


@pytest.mark.parametrize("wrong", [0, 999, 100_000_000], ids=["zero", "a little less", "a leap"])
def test_a_single_outlier_is_never_published_and_costs_nothing(meter: Meter, wrong: int) -> None:
    assert meter.says(1000)
    for _ in range(10):
        assert not meter.says(wrong)
        assert meter.says(1001)
    assert meter.guard.held == 10


@pytest.mark.parametrize("first", [0, 5, 100_000_000], ids=["reset", "other meter", "older meter"])
def test_a_replaced_meter_is_believed_once_further_telegrams_agree(
    meter: Meter, first: int
) -> None:
    assert meter.says(1000)
    for n in range(CONFIRMATIONS):
        assert not meter.says(first + n)
    assert meter.says(first + CONFIRMATIONS)
    assert meter.says(first + CONFIRMATIONS + 1)


def test_doubted_totals_that_disagree_confirm_nothing(meter: Meter) -> None:
    assert meter.says(1000)
    assert not any(meter.says(wrong) for wrong in (900, 800, 700, 600, 500, 400))
    assert meter.says(1001)


def test_a_good_total_in_between_starts_the_count_again(meter: Meter) -> None:
    assert meter.says(1000)
    for _ in range(5):
        assert not meter.says(5)
        assert not meter.says(6)
        assert meter.says(1000)


def test_a_total_may_have_risen_in_a_long_silence(meter: Meter) -> None:
    assert meter.says(1000)
    assert not meter.says(101_000, after=60)
    assert meter.says(101_000, after=3600)


def test_thousands_are_understood(meter: Meter) -> None:
    assert meter.says("1.000", unit="kWh")
    assert meter.says(1001)
    assert not meter.says("1.000", unit="kWh")
    assert not meter.says("500", unit="MWh")


@pytest.mark.parametrize(("code", "unit"), [(NET, "Wh"), ("1-0:36.8.0", "Wh"), ("1-0:1.7.0", "W")])
def test_a_difference_or_a_power_may_fall(meter: Meter, code: str, unit: str) -> None:
    assert all(meter.says(value, code, unit) for value in (1000, -1000, 10**9, 0))


@pytest.mark.parametrize(
    "code", ["0-1:24.2.1", "7-0:23.1.0", "1-0:3.8.0", "1-0:1.8.2", "1-0:21.8.0"]
)
def test_no_total_may_fall(meter: Meter, code: str) -> None:
    assert meter.says(1000, code)
    assert not meter.says(999, code)
    assert meter.says(1000, code)


def test_registers_do_not_know_of_one_another(meter: Meter) -> None:
    assert meter.says(1000, IMPORT)
    assert meter.says(5, EXPORT)
    assert not meter.says(5, IMPORT)
    assert meter.says(6, EXPORT)


def test_only_the_doubtful_reading_waits() -> None:
    guard = Guard()
    power, energy = ObisCode(1, 0, 1, 7, 0), ObisCode(1, 0, 1, 8, 0)
    texts = (Reading("F.F", "00"), Reading(power, Decimal(5), "W"))
    assert guard.check((*texts, Reading(energy, Decimal(9), "Wh")), 0)
    assert guard.check((*texts, Reading(energy, Decimal(8), "Wh")), 0) == list(texts)


@settings(derandomize=True)
@given(st.lists(st.integers(0, 5000), max_size=30))
def test_what_passes_never_falls_before_it_is_confirmed(values: list[int]) -> None:
    meter = Meter()
    last, held = 0, 0
    for value in values:
        if meter.says(value):
            assert value >= last or held >= CONFIRMATIONS
            last, held = value, 0
        else:
            held += 1
