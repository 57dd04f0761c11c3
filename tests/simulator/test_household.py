"""A home's registers are the exact integral of its power."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings, strategies as st
import pytest

from simulator.household import Household, Snapshot

SLOT = timedelta(seconds=10)
SUMMER = datetime(2026, 6, 2)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")

SEEDS = st.integers(0, 2**32)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31, 23))


def every_slot(home: Household, start: datetime, count: int) -> list[Snapshot]:
    return [home.at(start + n * SLOT) for n in range(count)]


@settings(max_examples=8)
@given(SEEDS, MOMENTS, st.sampled_from([1, 3]))
def test_energy_is_the_exact_integral_of_power(seed: int, start: datetime, phases: int) -> None:
    home = Household(seed, start, phases=phases)
    quarter = start.replace(minute=start.minute // 15 * 15, second=0, microsecond=0)
    first, *rest = every_slot(home, quarter, 2 * 90 + 1)
    joules_in, joules_out = 0, 0
    for before, after in pairwise([first, *rest]):
        joules_in += before.active_import * 10
        joules_out += before.active_export * 10
        assert after.energy_import == first.energy_import + joules_in // 3600
        assert after.energy_export == first.energy_export + joules_out // 3600
    assert joules_in % 3600 == joules_out % 3600 == 0  # quarter hours are whole Wh


@settings(max_examples=8)
@given(SEEDS, MOMENTS)
def test_energy_within_a_slot_grows_with_its_power(seed: int, start: datetime) -> None:
    home = Household(seed, start)
    slot = start.replace(second=start.second // 10 * 10, microsecond=0)
    begin, end = home.at(slot), home.at(slot + SLOT)
    middle = home.at(slot + timedelta(seconds=4.5))
    assert (middle.active_import, middle.phases) == (begin.active_import, begin.phases)
    assert begin.energy_import <= middle.energy_import <= end.energy_import


@settings(max_examples=5)
@given(SEEDS, MOMENTS)
def test_registers_never_fall_and_tariffs_sum_to_the_total(seed: int, start: datetime) -> None:
    home = Household(seed, start)
    step = timedelta(minutes=17, seconds=3)
    snapshots = [home.at(start + n * step) for n in range(200)]  # over two days
    for before, after in pairwise(snapshots):
        assert all(a <= b for a, b in zip(counters(before), counters(after), strict=True))
        assert sum(after.tariffs_import) == after.energy_import
        assert sum(after.tariffs_export) == after.energy_export


def counters(snapshot: Snapshot) -> tuple[int, ...]:
    return (
        *snapshot.tariffs_import,
        *snapshot.tariffs_export,
        snapshot.reactive_energy_import,
        snapshot.reactive_energy_export,
        snapshot.gas,
        snapshot.water,
    )


def test_only_the_register_of_the_tariff_in_force_rises() -> None:
    home = Household(1, SUMMER, solar=0)
    day, night = datetime(2026, 6, 2, 12), datetime(2026, 6, 3, 2)
    for when, index in ((day, 1), (night, 0)):
        before, after = home.at(when), home.at(when + timedelta(hours=1))
        assert before.tariff == index + 1
        assert before.tariffs_import[index] < after.tariffs_import[index]
        assert before.tariffs_import[1 - index] == after.tariffs_import[1 - index]


def test_the_day_tariff_is_the_first_one_in_belgium() -> None:
    assert Household(1, SUMMER, day_tariff=1).at(SUMMER.replace(hour=12)).tariff == 1


def test_same_seed_same_home() -> None:
    when = SUMMER + timedelta(hours=13)
    assert Household(7, SUMMER).at(when) == Household(7, SUMMER).at(when)
    assert Household(7, SUMMER).at(when) != Household(8, SUMMER).at(when)


def test_some_noons_export_and_no_night_does() -> None:
    home = Household(3, SUMMER)
    hours = [home.at(SUMMER + timedelta(hours=n)) for n in range(7 * 24)]
    assert any(s.active_export > 1500 for s in hours)
    assert not any(s.active_export for s in hours if s.when.hour < 4 or s.when.hour > 21)
    assert 10_000 < max(s.active_import for s in hours) < 20_000  # the car
    assert all(2200 < phase.voltage < 2450 for s in hours for phase in s.phases)


def test_current_follows_power_and_voltage() -> None:
    for phase in Household(3, SUMMER).at(SUMMER + timedelta(hours=12)).phases:
        power = phase.active_import - phase.active_export
        reactive = phase.reactive_import - phase.reactive_export
        apparent = abs(phase.current) * phase.voltage / 10_000
        assert apparent == pytest.approx((power**2 + reactive**2) ** 0.5, abs=1)
        assert (phase.current < 0) == (power < 0)


def test_a_year_later_is_exact_and_quick() -> None:
    home = Household(1, SUMMER)
    later = SUMMER + timedelta(days=365)
    whole = home.at(later + timedelta(hours=3)).energy_import - home.at(later).energy_import
    slots = every_slot(home, later, 3 * 360)
    assert whole == sum(s.active_import for s in slots) * 10 // 3600


def test_gas_is_read_every_five_minutes_or_hourly() -> None:
    when = SUMMER.replace(hour=7, minute=33, second=20)
    assert Household(1, SUMMER).at(when).gas_time == when.replace(minute=30, second=0)
    hourly = Household(1, SUMMER, gas_every=timedelta(hours=1))
    assert hourly.at(when).gas_time == when.replace(minute=0, second=0)
    assert hourly.at(when).gas == hourly.at(when.replace(minute=0)).gas


def test_peak_is_the_highest_quarter_hour_of_the_month() -> None:
    home = Household(3, datetime(2026, 1, 30))
    when = datetime(2026, 2, 1, 20, 5)
    start = datetime(2026, 2, 1)
    ends = [start + n * timedelta(minutes=15) for n in range(1, 81)]
    energies = [home.at(end).energy_import for end in [start, *ends]]
    quarters = [(b - a) * 4 for a, b in pairwise(energies)]
    snapshot = home.at(when)
    assert snapshot.peak == max(quarters)
    assert snapshot.peak_time == ends[quarters.index(max(quarters))]
    assert home.at(start).peak == 0


def test_demand_rises_to_the_mean_of_the_quarter_hour() -> None:
    home = Household(3, SUMMER)
    start, end = SUMMER.replace(hour=19), SUMMER.replace(hour=19, minute=15)
    energy = home.at(end).energy_import - home.at(start).energy_import
    assert home.at(start).demand == 0
    almost = home.at(end - timedelta(microseconds=1)).demand
    assert almost == pytest.approx(energy * 4, abs=2)


def test_summer_time_neither_adds_nor_loses_energy() -> None:
    for change, hour in ((datetime(2026, 3, 29, 12), 13), (datetime(2026, 10, 25, 12), 12)):
        day_before = change - timedelta(days=1)
        naive = Household(1, day_before).at(change)
        local = change.replace(hour=hour, tzinfo=AMSTERDAM)
        aware = Household(1, day_before.replace(tzinfo=AMSTERDAM)).at(local)
        assert replace(aware, when=change, gas_time=None, peak_time=None) == replace(
            naive, gas_time=None, peak_time=None
        )


def test_there_is_nothing_before_the_first_midnight() -> None:
    home = Household(1, SUMMER.replace(hour=18))
    home.at(SUMMER)
    with pytest.raises(ValueError, match="2026-06-02"):
        home.at(SUMMER - timedelta(seconds=1))
