"""The judge of booked hours sees each of them, that which comes twice in autumn too."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from benchmarks.home.booked import Hours, judge
from benchmarks.home.kept import Growth
from benchmarks.home.soak import CASES, Result
from benchmarks.home.street import Counted, Kind, Neighbour
from simulator.meters import meter
from tests.ha.conftest import entry_for

OSLO = ZoneInfo("Europe/Oslo")
BEGIN = datetime(2026, 10, 24, 20, 40, tzinfo=OSLO)
HOUR = timedelta(hours=1)


def neighbour() -> Neighbour:
    metered = meter("sml", BEGIN)
    counted = Counted(metered, timedelta(seconds=10))
    entry = entry_for("socket://localhost:1", "sml")
    return Neighbour("sml", Kind("sml", "energy_import"), counted, metered.household, entry)


def rows(each: Neighbour, *, too_much: int | None = None) -> list[tuple[float, float]]:
    """Return a day of sums, kWh; 5 kWh too much in the hour of a number."""
    starts = [datetime(2026, 10, 24, 18, tzinfo=UTC) + number * HOUR for number in range(24)]
    read = [each.energy((start + HOUR).astimezone(OSLO)) / 1000 for start in starts]
    return [
        (start.timestamp(), kwh + 5 * (too_much is not None and number >= too_much))
        for number, (start, kwh) in enumerate(zip(starts, read, strict=True))
    ]


def test_what_is_booked_rightly_is_right() -> None:
    found = judge(rows(neighbour()), neighbour(), OSLO)
    assert (found.hours, found.largest, found.whole) == (23, 0, 0)


@pytest.mark.parametrize("number", range(1, 24))
def test_every_hour_can_be_wrong(number: int) -> None:
    found = judge(rows(neighbour(), too_much=number), neighbour(), OSLO)
    assert (found.hours, found.largest, found.whole) == (23, 5000, 5000)
    assert found.worst > 1
    assert datetime.fromisoformat(found.worst_at).astimezone(UTC).hour == (18 + number) % 24


def test_an_hour_without_a_row_is_no_hour_of_two() -> None:
    some = rows(neighbour())
    assert judge(some[:5] + some[6:], neighbour(), OSLO).hours == 21
    assert judge([], neighbour(), OSLO) == Hours()


@pytest.mark.parametrize("hours", [0, 1, 22])
def test_a_case_with_hours_that_are_missing_is_not_good(hours: int) -> None:
    case = CASES["day to winter time"]
    whole = Hours(case.hours - 1, worst=0.5)
    meters = dict.fromkeys(case.meters, whole)
    flat = Growth(hours=12, blocks=1_000_000)
    assert Result(hours=meters, growth=flat).is_good(case)
    assert not Result(hours=meters | {"p1": Hours(hours)}, growth=flat).is_good(case)
    assert not Result(hours={"p1": whole}, growth=flat).is_good(case)
    assert not Result(growth=flat).is_good(case)
