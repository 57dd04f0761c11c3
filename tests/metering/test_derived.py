"""What is computed from a meter's readings equals what the home really used."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from custom_components.obis_meter.metering.demand import Demand
from custom_components.obis_meter.metering.derived import Deriver
from custom_components.obis_meter.metering.links import LINKS
from custom_components.obis_meter.metering.live import LiveTotal
from custom_components.obis_meter.metering.model import ObisCode, Reading, Telegram
from custom_components.obis_meter.metering.plausible import Guard
from custom_components.obis_meter.metering.session import Session
from custom_components.obis_meter.metering.submeters import Places, places as find_places
from simulator.meters import Meter, meter

from .hearing import LONG

OSLO = ZoneInfo("Europe/Oslo")
HOUR = 3600


def say(*readings: tuple[str, str, str | None]) -> list[Reading]:
    """Return readings from codes, numbers and units."""
    return [Reading(ObisCode.parse(code), Decimal(n), unit) for code, n, unit in readings]


def found(deriver: Deriver, at: float, *readings: tuple[str, str, str | None]) -> dict[str, str]:
    return {str(r.id): f"{r.value:f}" for r in deriver.derive(say(*readings), at)[0]}


def at(*clock: int) -> datetime:
    return datetime(2026, 3, 4, *clock)


def telegrams(source: Meter, hours: float) -> Iterator[tuple[datetime, Telegram]]:
    """Yield what a software meter says, and when."""
    link = "p1" if source.name.startswith("p1") else "hdlc"
    session = Session(LINKS[link])
    when = source.start
    while when < source.start + timedelta(hours=hours):
        for raw in source.telegrams(when):
            for event in session.feed(raw):
                assert isinstance(event, Telegram)
                yield when, event
        when += source.pace


def test_net_power_is_import_less_export() -> None:
    deriver = Deriver(0, OSLO)
    both = found(deriver, 0, ("1-0:1.7.0", "0.5", "kW"), ("1-0:2.7.0", "1200", "W"))
    assert both == {"computed:power_net": "-700"}
    assert found(deriver, 2, ("1-0:1.7.0", "300", "W")) == {"computed:power_net": "300"}
    assert found(deriver, 4, ("1-0:1.7.0", "0", "W")) == {}  # the export is not known now


def test_a_meter_that_says_its_net_power_needs_no_other() -> None:
    own = ("1-0:16.7.0", "-5", "W")
    both = (("1-0:1.7.0", "0", "W"), ("1-0:2.7.0", "5", "W"))
    assert found(Deriver(0, OSLO), 0, own, *both) == {}


@pytest.mark.parametrize(
    ("code", "word", "net"),
    [
        ("1-0:96.5.5", 0x182, "126.6"),
        ("1-0:96.5.5", 0x1A2, "-126.6"),
        ("1-0:96.5.0", 0x1C0104, "126.6"),
        ("1-0:96.5.0", 0x1C0904, "-126.6"),
        ("1-0:96.5.0", 0x1A2, None),
    ],
)
def test_power_without_a_sign_takes_its_direction_from_the_status_word(
    code: str, word: int, net: str | None
) -> None:
    said = (("1-0:15.7.0", "126.6", "W"), (code, str(word), None))
    expected = {"computed:power_net": net} if net else {}
    assert found(Deriver(0, OSLO), 0, *said) == expected
    assert found(Deriver(0, OSLO), 0, *said, ("1-0:16.7.0", "5", "W")) == {}
    assert found(Deriver(0, OSLO), 0, said[0]) == {}


def test_tariffs_are_summed_only_where_no_total_is_sent() -> None:
    tariffs = (("1-0:1.8.1", "1.5", "kWh"), ("1-0:1.8.2", "2.25", "kWh"))
    deriver = Deriver(0, OSLO)
    assert found(deriver, 0, *tariffs) == {"computed:energy_import": "3.75"}
    assert found(deriver, 1, tariffs[0]) == {}  # a sum that lacks one would fall
    assert found(deriver, 1, ("1-0:1.8.0", "3.75", "kWh"), *tariffs) == {}
    known = Deriver(0, OSLO)
    known.know([ObisCode(1, 0, 1, 8, 0)])
    assert found(known, 0, *tariffs) == {}
    unsure = (("1-0:1.8.1", "1.5", "kWh"), ("1-0:1.8.2", "2.25", None))
    assert found(Deriver(0, OSLO), 0, *unsure) == {}


def test_the_missing_current_of_an_it_grid_stays_within_what_the_others_can_add_up_to() -> None:
    volts = tuple((f"1-0:{c}.7.0", "230", "V") for c in (32, 52, 72))
    ends = (("1-0:31.7.0", "5", "A"), ("1-0:71.7.0", "7", "A"))
    power = ("1-0:1.7.0", "2390", "W")  # 230 V * 18 A / sqrt(3)
    assert found(Deriver(0, OSLO), 0, power, *volts, *ends) == {"computed:current_l2": "5.998"}
    strong = ("1-0:1.7.0", "9000", "W")
    assert found(Deriver(0, OSLO), 0, strong, *volts, *ends) == {"computed:current_l2": "12.000"}
    weak = ("1-0:1.7.0", "0", "W")
    assert found(Deriver(0, OSLO), 0, weak, *volts, *ends) == {"computed:current_l2": "2.000"}
    measured = ("1-0:51.7.0", "0", "A")
    assert found(Deriver(0, OSLO), 0, power, measured, *volts, *ends) == {}


def test_history_is_not_taken_for_the_present() -> None:
    assert found(Deriver(0, OSLO), 0, ("1-0:1.8.1*1", "1.5", "kWh")) == {}


def test_a_live_total_never_falls_waits_when_ahead_and_is_exact_again() -> None:
    live = LiveTotal()
    assert live.value is None
    live.total(Decimal(100_000), 10 * HOUR + 10, at(10, 0, 10))
    live.power(3600, 10 * HOUR + 10)
    live.power(3600, 10 * HOUR + 40)
    assert live.value == Decimal("100.030")
    live.total(Decimal(100_011), 10 * HOUR + 600, at(10, 10))  # the estimate was ahead
    assert live.value == Decimal("100.030")
    live.total(Decimal(100_051), 10 * HOUR + 1200, at(10, 20))
    assert live.value == Decimal("100.051")


def test_a_meter_that_counts_in_ten_watt_hours_is_known_better() -> None:
    live = LiveTotal()
    live.total(Decimal(100_000), 10 * HOUR + 300, None)
    for second in range(300, 361, 2):
        live.power(960, 10 * HOUR + second)  # 16 Wh in a minute
    live.total(Decimal(100_010), 10 * HOUR + 360, None)
    assert live.value == Decimal("100.015")
    live.total(Decimal(100_040), 10 * HOUR + 420, None)
    assert live.value == Decimal("100.040")


@pytest.mark.parametrize("clock", [None, datetime(2026, 3, 4, 20)])
def test_a_total_of_the_hour_that_comes_later_belongs_to_the_hour(clock: datetime | None) -> None:
    live = LiveTotal()
    for second in range(-60, 11, 2):
        live.power(7200, 20 * HOUR + second)
    assert live.total(Decimal(5000), 20 * HOUR + 10, clock) == (20 * HOUR, 5000)
    assert live.value == Decimal("5.020")  # 7200 W for the ten seconds since


def test_a_total_of_the_moment_is_reckoned_back_to_the_hour() -> None:
    live = LiveTotal()
    for second in range(-60, 11, 2):
        live.power(7200, 20 * HOUR + second)
    begin, then = live.total(Decimal(5020), 20 * HOUR + 10, at(20, 0, 10))
    assert begin == 20 * HOUR
    assert abs(then - 5000) < Decimal("0.001")
    assert live.value == Decimal("5.020")


def test_a_list_that_is_repeated_changes_nothing() -> None:
    live = LiveTotal()
    live.total(Decimal(5000), 20 * HOUR + 300, at(20, 0))
    live.power(1000, 20 * HOUR + 300)
    live.power(1000, 20 * HOUR + 390)
    assert live.total(Decimal(5000), 21 * HOUR + 10, at(20, 0)) is None
    assert live.value == Decimal("5.025")


def test_a_gap_is_not_filled_with_a_guess_and_a_new_meter_begins_anew() -> None:
    live = LiveTotal()
    live.total(Decimal(5000), 20 * HOUR + 300, at(20, 5))
    live.power(1000, 20 * HOUR + 300)
    live.power(1000, 20 * HOUR + 900)
    assert live.value == Decimal("5.000")
    live.total(Decimal(10), 20 * HOUR + 1000, at(20, 16))
    assert live.value == Decimal("0.010")


@pytest.mark.parametrize("name", ["aidon", "kaifa", "kamstrup"])
def test_each_hour_is_booked_within_one_percent_and_totals_are_the_meters(name: str) -> None:
    source, hours = meter(name, datetime(2026, 3, 4, 15, 58, tzinfo=OSLO)), 5 if LONG else 3
    deriver = Deriver(60, OSLO)
    live, by_hour, totals = Decimal(0), {}, []
    for when, telegram in telegrams(source, hours + 0.05):
        derived = {r.id: r.value for r in deriver.derive(telegram.readings, when.timestamp())[0]}
        before, live = live, derived.get("live:energy_import", live)
        assert live >= before
        by_hour[int(when.timestamp() // HOUR)] = live
        totals += [r.value for r in telegram.readings if str(r.id).endswith(":1.8.0")]
    ends = list(by_hour.values())[1:-1]
    used = [after - before for before, after in pairwise(ends)]
    true = [energy(source, hour + 1) - energy(source, hour) for hour in list(by_hour)[2:-1]]
    assert len(used) == hours - 1
    for ours, theirs in zip(used, true, strict=True):
        assert float(abs(ours * 1000 - theirs)) < theirs * 0.01
    peaks = [peak for _, peak in sorted(deriver.state.demand.means.items())]
    differences = [after - before for before, after in pairwise(totals)]
    for peak, difference in zip(peaks[-len(differences) :], differences, strict=True):
        assert abs(peak - difference) <= 10  # the meters count in 10 Wh, we a little finer


@pytest.mark.parametrize(("begin", "unusual"), [(1290, -34), (1720, 45)])
def test_a_silence_costs_what_its_power_differs_from_a_straight_line(
    begin: int, unusual: int
) -> None:
    """Nobody heard 80 s of one hour: it is booked without what was unusual in them, no more."""
    source = meter("kamstrup", datetime(2026, 3, 4, 15, 58, tzinfo=OSLO))
    hour = source.start.timestamp() // HOUR + 2
    deriver, heard, live = Deriver(0, OSLO), list[datetime](), {}
    for when, telegram in telegrams(source, 2.1):
        if begin < when.timestamp() - hour * HOUR < begin + 80:
            continue
        if when.timestamp() <= hour * HOUR + begin + 80:
            heard.append(when)
        derived = {r.id: r.value for r in deriver.derive(telegram.readings, when.timestamp())[0]}
        if "live:energy_import" in derived:
            live[when.timestamp() // HOUR] = derived["live:energy_import"]
    last, first = (source.household.at(when) for when in heard[-2:])
    straight = (last.active_import + first.active_import) / 2 * 80 / HOUR
    missed = straight - (first.energy_import - last.energy_import)
    assert round(missed) == unusual
    used = float(live[hour] - live[hour - 1]) * 1000
    true = energy(source, int(hour) + 1) - energy(source, int(hour))
    assert abs(used - true - missed) <= 5  # the last 10 s count in the next hour


def energy(source: Meter, hour: int) -> int:
    """Return the energy really imported until the beginning of an hour, Wh."""
    return source.household.at(datetime.fromtimestamp(hour * HOUR, OSLO)).energy_import


def test_quarter_hours_of_a_meter_that_tells_its_total_every_second_are_exact() -> None:
    source, quarters = meter("p1", datetime(2026, 3, 4, 17, 59, tzinfo=OSLO)), 8 if LONG else 2
    deriver = Deriver(15, OSLO)
    for when, telegram in telegrams(source, quarters / 4 + 0.02):
        deriver.derive(telegram.readings, when.timestamp())
    means = deriver.state.demand.means
    assert len(means) == quarters
    for begin, mean in means.items():
        ends = [source.household.at(datetime.fromtimestamp(t, OSLO)) for t in (begin, begin + 900)]
        assert mean == (ends[1].energy_import - ends[0].energy_import) * 4


def test_the_running_average_and_its_projection() -> None:
    demand = Demand(15, OSLO)
    assert demand.average(0) is None
    assert demand.projection(0, Decimal(1)) is None
    demand.energy(Decimal(1000), 900)
    demand.energy(Decimal(1050), 900 + 180)
    assert demand.average(900 + 180) == 1000
    assert demand.projection(900 + 180, Decimal(2000)) == 1800


def test_the_month_counts_the_highest_of_each_day_and_begins_anew() -> None:
    demand = Demand(60, OSLO)
    begin = datetime(2026, 3, 1, tzinfo=OSLO)
    total = Decimal(0)
    for hour in range(24 * 40):
        when = (begin + timedelta(hours=hour)).timestamp()
        demand.energy(total, when)
        total += hour % 24 * 100 + hour // 24
    at = datetime(2026, 3, 31, 23, tzinfo=OSLO).timestamp()
    april = (begin + timedelta(hours=24 * 40 - 1)).timestamp()
    peaks = demand.peaks(april)
    assert len(peaks) == 3
    assert peaks == sorted(peaks, reverse=True)
    assert peaks[0] == 23 * 100 + 38
    assert demand.peaks(at) == []
    assert len(demand.state.means) < 3 * 24
    assert len(demand.state.marks) <= 4


def test_a_boundary_between_two_totals_is_interpolated_unless_they_are_far_apart() -> None:
    demand = Demand(15, OSLO)
    demand.energy(Decimal(100), 890)
    demand.energy(Decimal(120), 910)
    assert demand.state.marks == {900: Decimal(110)}
    demand.energy(Decimal(500), 1900)
    assert list(demand.state.marks) == [900]
    demand.mark(1000, Decimal(1))  # no boundary
    assert list(demand.state.marks) == [900]


def test_a_meter_that_tells_its_own_demand_needs_no_other() -> None:
    readings = (("1-0:1.7.0", "1", "kW"), ("1-0:1.4.0", "1", "kW"), ("1-0:1.8.0", "1", "kWh"))
    assert found(Deriver(15, OSLO), 900, *readings) == {}


def test_what_belongs_to_a_period_or_month_that_is_over_is_withdrawn() -> None:
    deriver = Deriver(60, OSLO)
    begin = datetime(2026, 11, 28, tzinfo=OSLO)
    over: list[str] = []
    shown: set[str] = set()
    for minute in range(3 * 24 * 60 + 90):
        at = (begin + timedelta(minutes=minute)).timestamp()
        total = str(1000 * 1000 + minute * 20)
        readings = say(("1-0:1.7.0", "1200", "W"), ("1-0:1.8.0", total, "Wh"))
        found_now, over = deriver.derive(readings, at)
        shown = {str(reading.id) for reading in found_now}
        if minute == 3 * 24 * 60:
            assert {"demand:peak_1", "demand:peak_2", "demand:peak_3"} <= set(over)
    assert {"demand:peak_1", "demand:peak_mean"} <= shown
    assert "demand:peak_2" not in shown
    assert over == []
    after_gap = (begin + timedelta(minutes=3 * 24 * 60 + 305)).timestamp()
    _, over = deriver.derive(
        say(("1-0:1.7.0", "1", "W"), ("1-0:1.8.0", "2000000", "Wh")), after_gap
    )
    assert {"demand:average", "demand:projection"} <= set(over)


def test_an_absurd_power_is_not_added_and_an_estimate_far_ahead_is_given_up() -> None:
    deriver = Deriver(0, OSLO)
    deriver.state.sparse.append("import")
    total = ("1-0:1.8.0", "1000000", "Wh")
    assert found(deriver, 20 * HOUR + 300, total)["live:energy_import"] == "1000"
    for second in range(310, 400, 10):
        told = found(deriver, 20 * HOUR + second, ("1-0:1.7.0", "2147483648", "W"))
    assert told["live:energy_import"] == "1000"
    for second in range(400, 440, 10):
        told = found(deriver, 20 * HOUR + second, ("1-0:1.7.0", "900000", "W"))
    assert Decimal(told["live:energy_import"]) > 1005
    after = ("1-0:1.8.0", "1000011", "Wh")
    assert found(deriver, 20 * HOUR + 900, after)["live:energy_import"] == "1000.011"


def test_the_hour_that_happens_twice_is_no_repeat() -> None:
    live = LiveTotal()
    live.total(Decimal(5000), 20 * HOUR + 10, at(2, 0))
    assert live.total(Decimal(6000), 21 * HOUR + 10, at(2, 0)) is not None
    assert live.value == Decimal(6)


def test_a_replaced_meter_makes_no_peak_and_another_period_begins_anew() -> None:
    demand = Demand(60, OSLO)
    for hour, total in enumerate((1000, 2000, 50_000_000, 50_001_500, 10)):
        demand.energy(Decimal(total), hour * HOUR)
    assert list(demand.state.means.values()) == [1000, 1500]
    assert Demand(15, OSLO, demand.state).state.means == {}


@pytest.mark.parametrize(("name", "hours"), [("p1", 0.1), ("p1-be", 0.1), ("kaifa", 2.1)])
def test_the_shape_of_telegrams_changes_nothing(name: str, hours: float) -> None:
    """Laws: what is found once for a shape holds for all telegrams of it."""
    plain, shaped = (Guard(), Deriver(15, OSLO)), (Guard(), Deriver(15, OSLO))
    places, before = Places(), Telegram(())
    alike = totals = held = 0
    for when, telegram in telegrams(meter(name, at(17, 58)), hours):
        if places.hold(telegram, before):
            alike += 1
        else:
            places = find_places(telegram)
        before, now = telegram, when.timestamp()
        own = places.split(telegram)[0]
        totals += any(map(_is_total, own))
        if totals % 3 == 2:
            own = [replace(each, value=Decimal(1)) if _is_total(each) else each for each in own]
        kept = shaped[0].check(own, now, places)
        held += kept is not own
        assert list(kept) == list(plain[0].check(own, now))
        shape = places if kept is own else None
        assert shaped[1].derive(kept, now, shape) == plain[1].derive(kept, now)
    assert alike > 20
    assert held


def _is_total(reading: Reading) -> bool:
    return reading.unit in ("kWh", "Wh")
