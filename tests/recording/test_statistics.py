"""The recorder, which feeds the energy dashboard, books what the home used."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)

from simulator.meters import meter
from tests.days import Days
from tests.ha.conftest import Wire, entry_for, set_up

OSLO = ZoneInfo("Europe/Oslo")


@pytest.fixture
async def wire(
    recorder_mock: Recorder,
    enable_custom_integrations: None,
    socket_enabled: None,
) -> AsyncIterator[Wire]:
    """Serve what a test sends; the recorder wants to be there before Home Assistant."""
    server = Wire()
    await server.open()
    yield server
    await server.close()


async def test_the_recorder_books_each_hour_in_its_own(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    wire: Wire,
    freezer: FrozenDateTimeFactory,
) -> None:
    source = meter("kamstrup", datetime(2026, 3, 4, 16, 50, tzinfo=OSLO))
    freezer.move_to(source.start)
    settings = {"write_interval": 60}  # what is cut is written all the same
    entry = await set_up(hass, entry_for(wire.url, title="Meter", options=settings))

    def hear(when: datetime, raw: bytes) -> None:
        freezer.move_to(when)
        channel = entry.runtime_data.connection.channel
        channel.deliver(channel.session.feed(raw))

    def cut(when: datetime) -> None:
        freezer.move_to(when)
        entry.runtime_data.tick()

    days = Days(source, hear, cut)
    for _ in range(20):
        days.pass_by(1 / 6)
        await hass.async_block_till_done()
    await async_wait_recording_done(hass)
    begin = dt_util.as_utc(source.start.replace(minute=0))
    for step in range(4 * 12):
        do_adhoc_statistics(hass, start=begin + timedelta(minutes=5 * step))
    await async_wait_recording_done(hass)
    sensor = "sensor.meter_energy_import_live"
    rows = await recorder_mock.async_add_executor_job(
        statistics_during_period, hass, begin, None, {sensor}, "hour", None, {"sum"}
    )
    sums = {row["start"]: row["sum"] for row in rows[sensor]}
    booked = {b: sums[b] - sums[a] for a, b in pairwise(sums)}
    assert len(booked) >= 2
    for start, energy in booked.items():
        true = days.used(datetime.fromtimestamp(start, OSLO))
        assert abs(energy * 1000 - true) < true * 0.01
