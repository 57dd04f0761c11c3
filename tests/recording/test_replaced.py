"""Statistics go on across the exchange of a meter: by what the new one measures, and no more."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)

from custom_components.obis_meter.const import CONF_TOTALS
from custom_components.obis_meter.succession import Successor, async_hand_over
from tests.ha.conftest import Wire, entry_for, set_up
from tests.ha.test_coordinator import ENERGY, telegram

START = datetime(2026, 3, 4, 16, 50, tzinfo=dt_util.UTC)
STEP = timedelta(minutes=5)


@pytest.fixture
async def wire(
    recorder_mock: Recorder, enable_custom_integrations: None, socket_enabled: None
) -> AsyncIterator[Wire]:
    """Serve what a test sends; the recorder wants to be there before Home Assistant."""
    server = Wire()
    await server.open()
    yield server
    await server.close()


class Home:
    """A home whose meter says its total in the middle of each of the recorder's periods."""

    def __init__(
        self, hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
    ) -> None:
        self.hass, self.entry, self.freezer = hass, entry, freezer
        self.at = START

    async def pass_by(self, meter: str, *totals: float) -> None:
        for total in totals:
            self.freezer.move_to(self.at + STEP / 2)
            self.hear(meter, total)
            await self.hass.async_block_till_done()
            await self.end_period()

    def hear(self, meter: str, total: float) -> None:
        channel = self.entry.runtime_data.connection.channel
        raw = telegram(f"1-0:1.8.0({total}*kWh)", "1-0:1.7.0(1*kW)", meter=meter)
        channel.deliver(channel.session.feed(raw))

    async def end_period(self) -> None:
        """Have the recorder book a period, and a minute pass."""
        await async_wait_recording_done(self.hass)
        do_adhoc_statistics(self.hass, start=self.at)
        self.at += STEP
        self.freezer.move_to(self.at + timedelta(seconds=70))
        async_fire_time_changed(self.hass, self.at + timedelta(seconds=70))
        await async_wait_recording_done(self.hass)

    async def replace(self, meter: str) -> None:
        self.freezer.move_to(self.at + STEP / 4)
        successor = Successor(meter, self.entry.data, self.entry.options)
        await async_hand_over(self.hass, self.entry, successor)
        await self.hass.async_block_till_done()
        assert self.entry.state is ConfigEntryState.LOADED

    async def sums(self, period: str) -> list[float]:
        rows = await self.hass.async_add_executor_job(
            statistics_during_period,
            self.hass,
            START.replace(minute=0),
            None,
            {ENERGY},
            period,
            {"energy": "kWh"},
            {"sum"},
        )
        return [round(row["sum"], 3) for row in rows[ENERGY]]


@pytest.fixture
async def home(
    recorder_mock: Recorder, hass: HomeAssistant, wire: Wire, freezer: FrozenDateTimeFactory
) -> Home:
    freezer.move_to(START)
    options = {"write_interval": 0}
    entry = entry_for(wire.url, "p1", title="Meter", unique_id="M1", options=options)
    return Home(hass, await set_up(hass, entry), freezer)


@pytest.mark.parametrize("first", [0.5, 95.0, 100.25, 7000.0], ids=str)
async def test_the_first_total_of_the_new_meter_is_no_consumption(home: Home, first: float) -> None:
    """It may be far below the last one of the old meter, just below it, or above."""
    await home.pass_by("M1", 100, 101)
    await home.replace("M2")
    await home.pass_by("M2", first, first + 1, first + 3)
    assert await home.sums("5minute") == [0, 1, 1, 2, 4]
    assert await home.sums("hour") == [1]
    assert CONF_TOTALS not in home.entry.data


async def test_an_hour_that_was_booked_already_is_put_right(home: Home) -> None:
    await home.pass_by("M1", 100)
    await home.replace("M2")
    await home.pass_by("M2", 7)
    assert await home.sums("hour") == [0]
    await home.pass_by("M2", 8)
    assert await home.sums("5minute") == [0, 0, 1]


async def test_what_came_in_the_same_period_is_booked(home: Home) -> None:
    await home.pass_by("M1", 100)
    home.freezer.move_to(home.at + timedelta(seconds=30))
    home.hear("M1", 100.5)
    await home.hass.async_block_till_done()
    await home.replace("M2")
    for second, total in ((80, 3.0), (280, 3.25)):
        home.freezer.move_to(home.at + timedelta(seconds=second))
        home.hear("M2", total)
        await home.hass.async_block_till_done()
    await home.end_period()
    await home.pass_by("M2", 4)
    assert await home.sums("5minute") == [0, 0.75, 1.5]


async def test_a_restart_in_between_changes_nothing(home: Home) -> None:
    await home.pass_by("M1", 100, 101)
    await home.replace("M2")
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    home.freezer.move_to(home.at + STEP / 2)
    home.hear("M2", 5)
    await home.hass.async_block_till_done()
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.end_period()
    await home.pass_by("M2", 6)
    assert await home.sums("5minute") == [0, 1, 1, 2]
    assert CONF_TOTALS not in home.entry.data


async def test_a_meter_that_was_dead_for_long_is_known_from_the_statistics(
    home: Home, wire: Wire
) -> None:
    await home.pass_by("M1", 100, 101)
    home.entry.runtime_data._on_down(ConnectionResetError())
    await home.hass.async_block_till_done()
    assert home.hass.states.get(ENERGY).state == "unavailable"
    await home.end_period()
    await home.replace("M2")
    await home.pass_by("M2", 7, 8)
    assert (await home.sums("5minute"))[-2:] == [1, 2]


async def test_what_was_booked_only_after_a_restart_is_taken_back(home: Home) -> None:
    """The recorder catches up on what it has missed after the entry was set up again."""
    await home.pass_by("M1", 100, 101)
    await home.replace("M2")
    home.freezer.move_to(home.at + STEP / 2)
    home.hear("M2", 5)
    await home.hass.async_block_till_done()
    missed = home.at
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    home.freezer.move_to(missed + 2 * STEP)
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    async_fire_time_changed(home.hass, dt_util.utcnow())  # whatever is overdue
    await async_wait_recording_done(home.hass)
    do_adhoc_statistics(home.hass, start=missed)
    home.at = missed + 2 * STEP
    await home.end_period()
    assert await home.sums("5minute") == [0, 1, 1, 1]
    assert CONF_TOTALS not in home.entry.data


@pytest.mark.parametrize("when", ["before", "behind"])
@pytest.mark.parametrize("first", [0.5, 0, 7000], ids=str)
async def test_its_owner_may_choose_another_unit_meanwhile(
    home: Home, first: float, when: str
) -> None:
    """Before the new meter has said its first total, or before that was booked."""
    await home.pass_by("M1", 100, 101)
    await home.replace("M2")
    home.freezer.move_to(home.at + STEP / 2)
    if when == "before":
        show_in(home.hass, "Wh")
        await home.hass.async_block_till_done()
    home.hear("M2", first)
    await home.hass.async_block_till_done()
    if when == "behind":
        show_in(home.hass, "Wh")
        await home.hass.async_block_till_done()
    await home.end_period()
    await home.pass_by("M2", first + 1)
    assert await home.sums("5minute") == [0, 1, 1, 2]


def show_in(hass: HomeAssistant, unit: str | None) -> None:
    """Have the sensor show its total in a unit that its owner chose."""
    options = {"unit_of_measurement": unit}
    er.async_get(hass).async_update_entity_options(ENERGY, "sensor", options)
