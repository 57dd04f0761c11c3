"""Readers are told at most once in a time, and the last change always."""

from collections.abc import Callable

from homeassistant.core import HomeAssistant
import pytest

from custom_components.obis_meter import notifier

ADDRESS = ("M1", "F.F")
SPAN = 10.0


@pytest.mark.parametrize("early", [0.0, 1e-12, 1e-6])
def test_a_timer_that_ends_early_by_a_rounding_is_not_set_anew(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch, early: float
) -> None:
    now, told = 1000.1, []
    flushes: list[tuple[float, Callable[[object], None]]] = []

    def call_later(_: HomeAssistant, delay: float, job: object) -> Callable[[], None]:
        flushes.append((delay, job.target))
        return lambda: None

    monkeypatch.setattr(notifier, "async_call_later", call_later)
    monkeypatch.setattr(hass.loop, "time", lambda: now)
    subject = notifier.Notifier(hass, SPAN)
    subject.add(ADDRESS, lambda: told.append(now))
    subject.changed([ADDRESS])
    now = 1003.3
    subject.changed([ADDRESS])
    assert told == [1000.1]
    [(delay, flush)] = flushes
    now += delay - early
    flush(None)
    assert len(told) == 2
    assert len(flushes) == 1
