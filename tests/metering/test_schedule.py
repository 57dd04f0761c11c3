"""What is due: the late first, nobody starved, nothing made up for."""

from collections import Counter

from hypothesis import given, strategies as st
import pytest

from custom_components.obis_meter.metering.dialogue import Dialogue
from custom_components.obis_meter.metering.model import Telegram
from custom_components.obis_meter.metering.schedule import Poll, Schedule


def nothing() -> Dialogue[Telegram]:
    return Telegram(())
    yield


def poll(key: str, every: float, *instead: Poll) -> Poll:
    return Poll(key, every, nothing, instead)


FAST, SLOW = poll("power", 10), poll("energy", 60)


def taken(schedule: Schedule, now: float) -> list[str]:
    """Return all that is due, as if each took no time."""
    keys = []
    while found := schedule.take(now):
        keys.append(found.key)
    return keys


def test_everything_is_due_at_once_in_its_order() -> None:
    assert taken(Schedule([FAST, SLOW], 5), 5) == ["power", "energy"]


def test_each_comes_at_its_pace() -> None:
    schedule = Schedule([FAST, SLOW], 0)
    asked = Counter(key for now in range(601) for key in taken(schedule, now))
    assert asked == {"power": 61, "energy": 11}


def test_turns_that_were_missed_are_dropped_and_the_pace_is_kept() -> None:
    schedule = Schedule([FAST], 0)
    assert taken(schedule, 0) == ["power"]
    assert taken(schedule, 1003) == ["power"]
    assert schedule.wait(1003) == pytest.approx(7)


def test_a_line_that_is_too_slow_for_all_starves_nobody() -> None:
    polls = [poll(f"fast {n}", 5) for n in range(5)] + [poll("slow", 60), poll("daily", 3600)]
    schedule = Schedule(polls, 0)
    asked: Counter[str] = Counter()
    for turn in range(2000):
        if found := schedule.take(turn * 2.0):  # two seconds a question
            asked[found.key] += 1
    fast = [asked[f"fast {n}"] for n in range(5)]
    assert min(fast) > 0.9 * max(fast)
    assert asked["slow"] >= 30
    assert asked["daily"] >= 1


@given(st.lists(st.floats(0.1, 1000), min_size=1, max_size=8), st.lists(st.floats(0, 500)))
def test_after_a_turn_nothing_is_due_before_its_time(
    paces: list[float], waits: list[float]
) -> None:
    schedule = Schedule([poll(str(n), every) for n, every in enumerate(paces)], 0)
    now = 0.0
    for wait in waits:
        now += wait
        taken(schedule, now)
        left = schedule.wait(now)
        assert left is not None
        assert 0 <= left <= max(paces) + 1e-6


def test_what_a_meter_does_not_have_gives_way() -> None:
    schedule = Schedule([poll("block", 10, poll("one", 10), poll("two", 10)), SLOW], 0)
    taken(schedule, 0)
    schedule.retire("block", 1)
    assert schedule.keys == ("energy", "one", "two")
    assert taken(schedule, 1) == ["one", "two"]
    for key in schedule.keys:
        schedule.retire(key, 2)
    schedule.retire("block", 2)
    assert schedule.take(1000) is None
    assert schedule.wait(1000) is None
