"""Local time of meters, and the moments at which they speak."""

from datetime import datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from simulator.clock import from_standard, instants, is_summer, later, standard, wall

OSLO = ZoneInfo("Europe/Oslo")


def test_standard_time_is_an_hour_behind_the_wall_in_summer() -> None:
    summer = datetime(2026, 7, 1, 12, tzinfo=OSLO)
    assert is_summer(summer)
    assert wall(summer) == datetime(2026, 7, 1, 12)
    assert standard(summer) == datetime(2026, 7, 1, 11)


@pytest.mark.parametrize("zone", [None, OSLO])
@pytest.mark.parametrize("month", [1, 7])
def test_standard_time_and_back(zone: ZoneInfo | None, month: int) -> None:
    when = datetime(2026, month, 1, 12, 34, 56, tzinfo=zone)
    assert from_standard(standard(when), when) == when


def test_naive_time_has_no_summer() -> None:
    when = datetime(2026, 7, 1, 12)
    assert not is_summer(when)
    assert standard(when) == when


def test_instants_are_multiples_of_the_pace_also_when_the_clock_changes() -> None:
    start = datetime(2026, 3, 29, 1, 59, 51, tzinfo=OSLO)
    moments = list(islice(instants(start, timedelta(seconds=2.5)), 6))
    assert moments[0] == start.replace(second=52, microsecond=500_000)
    assert moments[3].strftime("%H:%M:%S %z") == "03:00:00 +0200"
    steps = {standard(after) - standard(before) for before, after in pairwise(moments)}
    assert steps == {timedelta(seconds=2.5)}


def test_later_counts_real_time() -> None:
    before = datetime(2026, 3, 29, 1, 30, tzinfo=OSLO)
    assert wall(later(before, timedelta(hours=1))) == datetime(2026, 3, 29, 3, 30)
