"""Meters that share an RS-485 line: each is read, and comes and goes alone."""

from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest

from custom_components.obis_meter import reader
from simulator.dlt645 import Meter2007
from simulator.dlt645data import Happened
from simulator.dlt645wire import bcd, frame

from .bussing import (
    FIRST,
    OLD,
    SECOND,
    START,
    brisk,
    bus,
    device_id,
    meter,
    old_meter,
    serve,
    state,
    subentry,
)
from .conftest import set_up, until

pytestmark = pytest.mark.usefixtures("brisk")
__all__ = ["brisk"]

EVENT = f"event.meter_{FIRST}_event"


async def test_what_the_meters_say_are_sensors_of_each(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    one, other, old = meter(), meter(SECOND, longest=60), old_meter()
    one.state.written |= {
        "040501FF": b"".join(bcd(price, 4) for price in (12000, 9000, 6000, 3000)),
        "040600FF": bcd(100000, 4) + bcd(200000, 4),
        "000B0000": bcd(150000, 4),
        "0280000B": bcd(5500, 4),
    }
    await serve(stack, tmp_path / "line", one, other, old)
    entry = await set_up(hass, bus(tmp_path / "line", one, other, old))
    await until(hass, lambda: state(hass, "sensor.present_step") is not None)
    await until(hass, lambda: state(hass, "sensor.energy_export", OLD) is not None)
    await until(hass, lambda: state(hass, "sensor.present_rate", SECOND) is not None)
    total = f"{one.home.at(START).energy_import // 10 / 100:.2f}"
    assert state(hass, "sensor.energy_import") == total
    expected = {
        "energy_import_tariff_2": ("kWh", "energy", "total_increasing"),
        "power_net": ("W", "power", "measurement"),
        "peak_demand_import": ("W", "power", "measurement"),
        "temperature": ("°C", "temperature", "measurement"),
        "credit": ("CNY", "monetary", "total"),
        "energy_credit": ("kWh", None, "measurement"),
        "price_of_the_present_step": ("CNY/kWh", None, "measurement"),
        "present_rate": (None, "enum", None),
    }
    for name, meaning in expected.items():
        found = hass.states.get(f"sensor.meter_{FIRST}_{name}")
        assert found, name
        names = ("unit_of_measurement", "device_class", "state_class")
        assert tuple(found.attributes.get(each) for each in names) == meaning, name
    assert state(hass, "sensor.temperature") == "-3.5"
    assert state(hass, "sensor.present_step") == "2"
    rate = state(hass, "sensor.present_rate")
    assert rate in ("peak", "valley")
    assert (
        state(hass, "sensor.price_of_the_present_rate")
        == {"peak": "0.9000", "valley": "0.3000"}[rate]
    )
    assert state(hass, "binary_sensor.relay_open") == "off"
    peak = hass.states.get(f"sensor.meter_{FIRST}_peak_demand_import")
    assert peak
    assert peak.attributes["time"].startswith("2026-")
    assert entry.runtime_data.channels()[0].statistics.outages == 0


async def test_tables_are_one_text_each_and_their_items_none(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    await serve(stack, tmp_path / "line", meter())
    entry = await set_up(hass, bus(tmp_path / "line", meter()))
    registry = er.async_get(hass)
    name = ("sensor", "obis_meter", f"{FIRST}_table:day_1")
    await until(hass, lambda: registry.async_get_entity_id(*name) is not None)
    assert not registry.async_get_entity_id("sensor", "obis_meter", f"{FIRST}_04010001.1")
    registry.async_update_entity(registry.async_get_entity_id(*name) or "", disabled_by=None)
    await hass.config_entries.async_reload(entry.entry_id)
    await until(hass, lambda: state(hass, "sensor.day_table_1") == "07:00 2, 23:00 4")

    def model() -> str | None:
        device = dr.async_get(hass).async_get(device_id(hass, entry))
        return device and device.model

    await until(hass, lambda: model() == "SIM645")


async def test_a_meter_goes_alone_and_returns_by_itself(
    hass: HomeAssistant,
    stack: AsyncExitStack,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    one, other = meter(), meter(SECOND)
    await serve(stack, tmp_path / "line", one, other)
    await set_up(hass, bus(tmp_path / "line", one, other))
    await until(hass, lambda: state(hass, "sensor.present_rate") is not None)
    one.away = True
    await until(hass, lambda: state(hass, "sensor.power_net") == STATE_UNAVAILABLE)
    assert state(hass, "binary_sensor.connection") == "off"
    assert state(hass, "sensor.power_net", SECOND) not in (STATE_UNAVAILABLE, STATE_UNKNOWN)
    one.away = False
    await until(hass, lambda: state(hass, "sensor.present_rate") in ("peak", "valley"))
    assert state(hass, "binary_sensor.connection") == "on"
    assert caplog.text.count(f"Meter {FIRST} does not answer") == 1
    assert caplog.text.count(f"Meter {FIRST} answers again") == 1
    assert f"Meter {SECOND} does not answer" not in caplog.text


async def test_a_meter_that_was_never_there_is_unavailable_until_it_comes(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    one, other = meter(), meter(SECOND)
    one.away = True
    await serve(stack, tmp_path / "line", one, other)
    await set_up(hass, bus(tmp_path / "line", one, other))
    await until(hass, lambda: state(hass, "sensor.power_net", SECOND) is not None)
    await until(hass, lambda: state(hass, "event.event") == STATE_UNAVAILABLE)
    one.away = False
    await until(hass, lambda: state(hass, "sensor.power_net") is not None)


async def test_a_line_that_is_lost_takes_all_meters_along_and_brings_them_back(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = meter(), meter(SECOND)
    server = await serve(stack, tmp_path / "line", one, other)
    await set_up(hass, bus(tmp_path / "line", one, other))
    for address in (FIRST, SECOND):
        await until(hass, lambda a=address: state(hass, "sensor.power_net", a) is not None)
    await server.hang_up()
    for address in (FIRST, SECOND):
        await until(
            hass, lambda a=address: state(hass, "sensor.power_net", a) == STATE_UNAVAILABLE, 10
        )
    await server.resume()
    for address in (FIRST, SECOND):
        await until(
            hass,
            lambda a=address: (
                state(hass, "sensor.power_net", a) not in (STATE_UNAVAILABLE, STATE_UNKNOWN)
            ),
            10,
        )
    assert caplog.text.count("RS-485 line is read again") == 1


async def test_a_question_that_a_meter_lets_fall_is_put_no_more(
    hass: HomeAssistant,
    stack: AsyncExitStack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, asked = meter(), list[str]()

    def deaf(self: Meter2007, request: Any, when: Any) -> bytes:
        di = request.data[:4][::-1].hex().upper()
        asked.append(di)
        return b"" if di == "0202FF00" else answer(self, request, when)

    answer = Meter2007.answer
    monkeypatch.setattr(Meter2007, "answer", deaf)
    await serve(stack, tmp_path / "line", one)
    await set_up(hass, bus(tmp_path / "line", one))
    await until(hass, lambda: "02020100" in asked, 15)  # what stands instead
    before = asked.count("0202FF00")
    await until(hass, lambda: asked.count("0001FF00") > 1, 15)
    assert before == 2 * 3  # three attempts each time
    assert asked.count("0202FF00") == before
    assert state(hass, "binary_sensor.connection") == "on"


async def test_a_fault_of_ours_is_logged_and_the_meter_is_asked_on(
    hass: HomeAssistant,
    stack: AsyncExitStack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    take, faults = reader.Reader._take, [ZeroDivisionError("nobody thought of this")]

    async def faulty(self: reader.Reader, telegram: Any) -> None:
        if faults:
            raise faults.pop()
        await take(self, telegram)

    monkeypatch.setattr(reader.Reader, "_take", faulty)
    await serve(stack, tmp_path / "line", meter())
    await set_up(hass, bus(tmp_path / "line", meter()))
    await until(hass, lambda: state(hass, "sensor.power_net") is not None)
    assert "Unexpected failure while asking" in caplog.text


async def test_a_meter_that_refuses_everything_is_asked_anew_later(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = meter()
    monkeypatch.setattr(reader, "_NOTHING_LEFT", 0.05)
    monkeypatch.setattr(Meter2007, "_read", lambda self, data, now: (0x40, b"\x02"))
    await serve(stack, tmp_path / "line", one)
    await set_up(hass, bus(tmp_path / "line", one))
    await until(hass, lambda: state(hass, "binary_sensor.connection") == "on")
    monkeypatch.undo()
    await until(hass, lambda: state(hass, "sensor.power_net") is not None)


async def test_a_new_event_is_told_once_and_old_ones_never(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    one = meter(longest=40)
    happened, hour = one.state.happened, timedelta(hours=1)
    happened.append(Happened("1100", START - hour, START))
    await serve(stack, tmp_path / "line", one)
    entry = await set_up(hass, bus(tmp_path / "line", one))
    await until(hass, lambda: state(hass, "sensor.power_failures") == "1")
    assert state(hass, "event.event") == STATE_UNKNOWN
    happened.append(Happened("1100", START, START + hour, bytes(119)))  # read on in three frames
    await until(hass, lambda: state(hass, "event.event") != STATE_UNKNOWN, 15)
    told = hass.states.get(EVENT)
    assert told
    assert told.attributes["event_type"] == "power_failure"
    assert told.attributes["begin"] == START.isoformat()
    assert told.attributes["end"] == (START + hour).isoformat()
    await until(hass, lambda: state(hass, "sensor.present_rate") is not None)
    await hass.config_entries.async_reload(entry.entry_id)
    await until(hass, lambda: state(hass, "sensor.present_rate") in ("peak", "valley"))
    again = hass.states.get(EVENT)
    assert again
    assert again.state == told.state  # it is the last one still, not a new one
    assert await hass.config_entries.async_unload(entry.entry_id)
    happened.append(Happened("0102", START + hour, START + 2 * hour))  # while nobody was there
    await hass.config_entries.async_setup(entry.entry_id)

    def last() -> dict[str, Any]:
        found = hass.states.get(EVENT)
        return dict(found.attributes) if found else {}

    await until(hass, lambda: last().get("event_type") == "voltage_loss")
    assert last()["phase"] == 2
    assert last()["begin"] == (START + hour).isoformat()


async def test_meters_come_and_go_with_their_subentries(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    one, other = meter(), meter(SECOND)
    await serve(stack, tmp_path / "line", one, other)
    entry = await set_up(hass, bus(tmp_path / "line", one))
    await until(hass, lambda: state(hass, "sensor.power_net") is not None)
    added = er.async_get(hass)
    made = ConfigSubentry(**{**subentry(other), "data": subentry(other)["data"]})
    hass.config_entries.async_add_subentry(entry, made)
    await until(hass, lambda: state(hass, "sensor.power_net", SECOND) is not None)
    hass.config_entries.async_update_subentry(entry, made, title="Charger")
    await hass.async_block_till_done()
    device = dr.async_get(hass).async_get(device_id(hass, entry, SECOND))
    assert device
    assert device.name == "Charger"
    hass.config_entries.async_remove_subentry(entry, made.subentry_id)
    await hass.async_block_till_done()
    assert SECOND not in entry.runtime_data.trackers
    assert not added.async_get_entity_id("sensor", "obis_meter", f"{SECOND}_1-0:16.7.0")
    assert state(hass, "sensor.power_net") is not None


async def test_a_late_answer_is_taken_for_what_it_is(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    one = meter()
    server = await serve(stack, tmp_path / "line", one)
    await set_up(hass, bus(tmp_path / "line", one))
    await until(hass, lambda: state(hass, "sensor.power_net") is not None)
    for address in (FIRST, SECOND):  # the other is nobody's
        await server.say(
            frame(address, 0x91, bytes.fromhex("0280000A")[::-1] + bcd(7, 4))
            + frame(address, 0x91, bytes.fromhex("02800020")[::-1] + bcd(4321, 4))
        )
    await until(hass, lambda: state(hass, "sensor.present_price") == "0.4321")
    assert state(hass, "sensor.present_price", SECOND) is None
