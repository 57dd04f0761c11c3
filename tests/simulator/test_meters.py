"""The registry: every meter speaks, frames well and tells the truth of its home."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice

import pytest

from simulator.clock import instants
from simulator.meters import METERS, UnknownMeterError, meter

from .reading import assert_frames_well, is_talk

START = datetime(2026, 1, 15, 17, 59, 50)


@pytest.mark.parametrize("name", METERS)
def test_every_meter_sends_frames_around_the_hour(name: str) -> None:
    simulated = meter(name, START)
    moments = list(islice(instants(START, simulated.pace), 20))
    sent = [said for when in moments for said in simulated.telegrams(when)]
    telegrams = [said for said in sent if not is_talk(said)]
    truths = [truth for when in moments for truth in simulated.truths(when)]
    assert len(telegrams) == len(truths) >= 3
    assert all(truths)
    for telegram in telegrams:
        assert_frames_well(telegram)


def test_every_meter_is_described() -> None:
    for name in METERS:
        simulated = meter(name)
        assert simulated.name == name
        assert simulated.line.endswith(("8N1", "8E1", "7E1"))
        assert simulated.model.about
        assert timedelta(seconds=1) <= simulated.pace <= timedelta(seconds=10)


def test_same_time_same_telegram() -> None:
    when = START + timedelta(seconds=10)
    for name in METERS:
        first, again = (list(meter(name, START).telegrams(when)) for _ in range(2))
        assert first == again
        assert first != list(meter(name, START, seed=2).telegrams(when))


def test_the_hourly_list_of_aidon_shows_the_full_hour() -> None:
    simulated = meter("aidon", START)
    (truth,) = simulated.truths(START + timedelta(seconds=20))
    hour = START + timedelta(seconds=10)
    assert truth["0-0:1.0.0"] == (hour.isoformat(), None)
    wh = simulated.household.at(hour).energy_import
    assert truth["1-0:1.8.0"] == (Decimal(wh // 10 * 10), "Wh")


def test_a_meter_starts_now_in_its_own_zone() -> None:
    simulated = meter("p1")
    assert str(simulated.start.tzinfo) == "Europe/Amsterdam"
    assert abs(datetime.now().astimezone() - simulated.start) < timedelta(minutes=1)


def test_an_unknown_meter_is_an_error() -> None:
    with pytest.raises(UnknownMeterError, match="'nonesuch'"):
        meter("nonesuch")
