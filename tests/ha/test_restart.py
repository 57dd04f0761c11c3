"""After a restart totals and entities are there at once, and nothing stale is shown as live."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.obis_meter import tracker
from custom_components.obis_meter.const import DOMAIN
from simulator.meters import meter
from tests.days import Days, is_hourly
from tests.metering.hearing import LONG

from .conftest import Wire, entry_for, set_up, until
from .test_coordinator import ENERGY, POWER, said, telegram

OSLO = ZoneInfo("Europe/Oslo")


async def restart(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()


async def test_totals_and_entities_are_there_before_the_meter_speaks(
    hass: HomeAssistant, wire: Wire
) -> None:
    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter", unique_id="M1"))
    gas = ("0-1:24.1.0(003)", "0-1:96.1.0(G1)", "0-1:24.2.1(260304180000W)(4890.857*m3)")
    tariffs = ("1-0:2.8.1(1*kWh)", "1-0:2.8.2(2*kWh)")
    await wire.send(telegram("1-0:1.8.0(100.5*kWh)", *tariffs, "1-0:1.7.0(1*kW)", *gas))
    await until(hass, lambda: said(hass, POWER) == "1000")
    await restart(hass, entry)
    assert said(hass, ENERGY) == "100.5"
    assert said(hass, "sensor.gas_meter_gas_consumption") == "4890.857"
    assert said(hass, "sensor.meter_energy_export_total") == "3"
    assert said(hass, POWER) == STATE_UNKNOWN
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert {device.name for device in devices} == {"Meter", "Gas meter"}
    await wire.send(telegram("1-0:1.8.0(100.6*kWh)", "1-0:1.7.0(2*kW)", *gas))
    await until(hass, lambda: said(hass, POWER) == "2000")
    assert said(hass, ENERGY) == "100.6"
    names = hass.states.async_entity_ids("sensor")
    assert len(names) == 6, names  # none came twice


async def test_a_sub_meter_that_is_no_longer_passed_on_can_be_deleted(
    hass: HomeAssistant, wire: Wire, hass_ws_client: WebSocketGenerator
) -> None:
    assert await async_setup_component(hass, "config", {})
    websocket = await hass_ws_client()
    gas = ("0-1:24.1.0(003)", "0-1:96.1.0(G1)", "0-1:24.2.1(260304180000W)(4890.857*m3)")

    async def deleted(key: str) -> bool:
        """Do what the button on the page of a device does."""
        device = dr.async_get(hass).async_get_device_by_identifier((DOMAIN, key), entry.entry_id)
        assert device
        said = await websocket.remove_device(device.id)
        await hass.async_block_till_done()
        return bool(said["success"])

    def gases() -> list[str]:
        return [name for name in hass.states.async_entity_ids("sensor") if "gas" in name]

    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter", unique_id="M1"))
    await wire.send(telegram("1-0:1.7.0(1*kW)", *gas))
    await until(hass, lambda: bool(gases()))
    assert not await deleted("M1")
    assert not await deleted("G1")
    await restart(hass, entry)
    await wire.send(telegram("1-0:1.7.0(2*kW)"))
    await until(hass, lambda: said(hass, POWER) == "2000")
    assert gases()
    assert await deleted("G1")
    assert not gases()
    await restart(hass, entry)
    assert not gases()
    await wire.send(telegram("1-0:1.7.0(2*kW)", *gas))
    await until(hass, lambda: bool(gases()))  # it was passed on again


async def test_a_total_that_fell_during_the_restart_waits_too(
    hass: HomeAssistant, wire: Wire
) -> None:
    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter"))
    await wire.send(telegram("1-0:1.8.0(100*kWh)"))
    await until(hass, lambda: said(hass, ENERGY) == "100")
    await restart(hass, entry)
    await wire.send(telegram("1-0:1.8.0(1*kWh)", "1-0:1.7.0(1*kW)"))
    await until(hass, lambda: said(hass, POWER) == "1000")
    assert said(hass, ENERGY) == "100"


@pytest.mark.parametrize("damage", [{"version": 99}, {"data": {"meters": [{}]}}, {"data": []}])
async def test_a_memory_that_makes_no_sense_is_begun_anew(
    hass: HomeAssistant, wire: Wire, hass_storage: dict[str, Any], damage: dict
) -> None:
    entry = entry_for(wire.url, "p1", title="Meter")
    key = f"{DOMAIN}.{entry.entry_id}"
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": {}, **damage}
    await set_up(hass, entry)
    await wire.send(telegram("1-0:1.8.0(100*kWh)"))
    await until(hass, lambda: said(hass, ENERGY) == "100")


async def test_a_leap_during_a_restart_waits_unless_the_time_allows_it(
    hass: HomeAssistant, wire: Wire
) -> None:
    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter"))
    await wire.send(telegram("1-0:1.8.0(100000*Wh)"), telegram("1-0:1.8.0(100.0*kWh)"))
    await until(hass, lambda: said(hass, ENERGY) == "100.0")
    await restart(hass, entry)
    assert said(hass, ENERGY) == "100.0"
    await wire.send(telegram("1-0:1.8.0(8000000*kWh)"), telegram("1-0:1.8.0(100.1*kWh)"))
    await until(hass, lambda: said(hass, ENERGY) == "100.1")


async def test_a_capacity_tariff_switched_off_takes_its_sensors_away(
    hass: HomeAssistant, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"write_interval": 0, "demand_period": "hour"}
    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter", options=options))
    for at, total in ((3600, 100), (7200, 101)):
        monkeypatch.setattr(tracker, "seconds_now", lambda at=at: at)
        await wire.send(telegram(f"1-0:1.8.0({total}*kWh)", "1-0:1.7.0(1*kW)"))
    peak = "sensor.meter_highest_average_power_this_month"
    await until(hass, lambda: said(hass, peak) == "1000")
    await restart(hass, entry)
    assert said(hass, peak) == "1000"
    hass.config_entries.async_update_entry(entry, options={**options, "demand_period": "none"})
    await restart(hass, entry)
    assert hass.states.get(peak) is None


async def test_removing_an_entry_forgets_what_it_remembered(
    hass: HomeAssistant, wire: Wire, hass_storage: dict[str, Any]
) -> None:
    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter"))
    await wire.send(telegram("1-0:1.8.0(100*kWh)"))
    await until(hass, lambda: said(hass, ENERGY) == "100")
    await restart(hass, entry)
    assert f"{DOMAIN}.{entry.entry_id}" in hass_storage
    assert await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert f"{DOMAIN}.{entry.entry_id}" not in hass_storage


async def test_days_with_restarts_and_a_lost_list_are_booked_hour_by_hour(
    hass: HomeAssistant, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = meter("kamstrup-se", datetime(2026, 3, 4, 0, 30, tzinfo=OSLO))
    await hass.config.async_update(time_zone="Europe/Oslo", country="NO")
    entry = entry_for(wire.url, title="Meter", options={"write_interval": 3600})
    await set_up(hass, entry)
    by_hour: dict[datetime, Decimal] = {}
    at_lists: list[tuple[datetime, Decimal]] = []

    def hear(when: datetime, raw: bytes) -> None:
        monkeypatch.setattr(tracker, "seconds_now", when.timestamp)
        channel = entry.runtime_data.connection.channel
        channel.deliver(channel.session.feed(raw))
        true = source.household.at(when)
        numbers = {str(n): r.value for n, r in entry.runtime_data.main.readings.items()}
        assert numbers["computed:power_net"] == true.active_import - true.active_export
        if is_hourly(raw):
            assert numbers["1-1:1.8.0"] == true.energy_import
            assert numbers["1-1:2.8.0"] == true.energy_export
            if live_now():
                at_lists.append((when, live_now() * 1000))

    def cut(when: datetime) -> None:
        monkeypatch.setattr(tracker, "seconds_now", when.timestamp)
        entry.runtime_data.tick()
        by_hour[when.replace(minute=0, second=0)] = live_now()

    def live_now() -> Decimal:
        live = entry.runtime_data.main.readings.get("live:energy_import")
        return live.value if live else Decimal(0)

    days = Days(source, hear, cut)
    first_part, second_part, third_part = (10, 13.7, 24.4) if LONG else (4, 5.7, 5.4)
    days.pass_by(first_part)
    await restart(hass, entry)
    days.pass_by(second_part, lost=(7, 15))
    days.when += timedelta(seconds=50)  # Home Assistant takes a minute to restart
    await restart(hass, entry)
    days.pass_by(third_part)

    hours = [hour for hour, live in by_hour.items() if live][1:-1]
    booked = {b: by_hour[b] - by_hour[a] for a, b in pairwise(hours)}
    assert len(booked) >= first_part + second_part + third_part - 4
    for hour, energy in booked.items():
        true = days.used(hour)
        assert float(abs(energy * 1000 - true)) < true * 0.01, hour
    ahead = [live - source.household.at(when).energy_import for when, live in at_lists]
    assert min(ahead) == 0  # exact at each list, unless it waits for the meter to come up
    assert sum(each == 0 for each in ahead) > len(ahead) / 3
    assert max(ahead) <= 15
    exact = [(when, live) for (when, live), each in zip(at_lists, ahead, strict=True) if not each]
    (begin, first), (end, last) = exact[0], exact[-1]
    assert end - begin > timedelta(hours=36 if LONG else 12)
    used = [source.household.at(when).energy_import for when in (begin, end)]
    assert last - first == used[1] - used[0]  # nothing is lost over the days
    peaks = [r for n, r in entry.runtime_data.main.readings.items() if str(n) == "demand:peak_1"]
    daily = {hour.date(): 0 for hour in booked}
    for hour in booked:
        daily[hour.date()] = max(daily[hour.date()], days.used(hour))
    assert abs(int(peaks[0].value) - max(daily.values())) <= 1
