"""Automations that command meters on a line: relay, clock, freezes, parameters, history."""

from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from homeassistant.auth.models import User
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events
import yaml

from custom_components.obis_meter.const import DOMAIN, EVENT_COMMAND
from simulator.dlt645wire import Asked

from .bussing import (
    FIRST,
    OPERATOR,
    PASSWORD,
    SECOND,
    SETTER,
    START,
    WRONG,
    act,
    brisk,
    bus,
    device_id,
    meter,
    serve,
    state,
)
from .conftest import Wire, entry_for, set_up, until

pytestmark = pytest.mark.usefixtures("brisk")
__all__ = ["brisk"]


async def test_the_relay_obeys_the_right_password_only_and_is_read_back(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    one = meter()
    await serve(stack, tmp_path / "line", one, meter(SECOND))
    entry = await set_up(hass, bus(tmp_path / "line", one, meter(SECOND), password=WRONG))
    await until(hass, lambda: state(hass, "binary_sensor.relay_open") == "off")
    said = async_capture_events(hass, EVENT_COMMAND)
    with pytest.raises(HomeAssistantError) as refusal:
        await act(hass, entry, "control_relay", operation="trip")
    assert refusal.value.translation_key == "refused"
    assert not one.state.relay_open
    (subentry, _) = entry.subentries.values()
    fitting = {**subentry.data, "password": PASSWORD, "operator": OPERATOR}
    hass.config_entries.async_update_subentry(entry, subentry, data=fitting)
    tripped = await act(hass, entry, "control_relay", operation="trip", valid_for={"minutes": 2})
    assert tripped.pop("duration") >= 0
    assert tripped == {"operation": "trip", "relay": "open", "commanded_open": True, "alarm": False}
    assert one.state.relay_open
    assert state(hass, "binary_sensor.relay_open") == "on"  # at once
    warned = await act(hass, entry, "control_relay", operation="alarm")
    assert warned["alarm"] is True
    closed = await act(hass, entry, "control_relay", operation="close")
    assert closed["relay"] == "closed"
    assert state(hass, "binary_sensor.relay_open") == "off"
    outcomes = [(event.data["parameter"], event.data["outcome"]) for event in said]
    assert outcomes == [("trip", "refused"), ("trip", "done"), ("alarm", "done"), ("close", "done")]


async def test_a_relay_that_obeys_and_cannot_be_looked_at_is_told_so(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = meter()
    await serve(stack, tmp_path / "line", one)
    entry = await set_up(hass, bus(tmp_path / "line", one, password=PASSWORD))
    await until(hass, lambda: state(hass, "binary_sensor.relay_open") == "off")
    answer = one.answer

    def obey_and_go(asked: Asked, when: datetime) -> bytes:
        said = answer(asked, when)
        one.away = one.away or asked.control == 0x1C
        return said

    monkeypatch.setattr(one, "answer", obey_and_go)
    with pytest.raises(HomeAssistantError) as unknown:
        await act(hass, entry, "control_relay", operation="trip")
    assert unknown.value.translation_key == "unconfirmed"
    assert one.state.relay_open


async def test_a_relay_that_stays_as_it_is_is_told_as_it_is(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    one = meter()
    await serve(stack, tmp_path / "line", one)
    entry = await set_up(hass, bus(tmp_path / "line", one, password=PASSWORD))
    await until(hass, lambda: state(hass, "binary_sensor.relay_open") == "off")
    await act(hass, entry, "control_relay", operation="trip")
    permitted = await act(hass, entry, "control_relay", operation="permit")
    assert permitted["relay"] == "open"  # until somebody pushes the button
    assert permitted["commanded_open"] is False


async def test_only_administrators_command_and_only_where_it_is_allowed(
    hass: HomeAssistant,
    stack: AsyncExitStack,
    tmp_path: Path,
    hass_read_only_user: User,
    hass_admin_user: User,
) -> None:
    one = meter()
    await serve(stack, tmp_path / "line", one)
    entry = await set_up(hass, bus(tmp_path / "line", one, password=PASSWORD))
    await until(hass, lambda: state(hass, "sensor.power_net") is not None)
    for action, fields in (
        ("control_relay", {"operation": "trip"}),
        ("set_clock", {}),
        ("freeze", {}),
        ("clear_demand", {}),
    ):
        with pytest.raises(Unauthorized):
            await act(hass, entry, action, user=hass_read_only_user, **fields)
    done = await act(hass, entry, "control_relay", user=hass_admin_user, operation="keep_power_end")
    assert done["relay"] == "closed"
    hass.config_entries.async_update_entry(entry, options={"write_interval": 0})
    for action, fields in (("control_relay", {"operation": "trip"}), ("freeze", {})):
        with pytest.raises(ServiceValidationError) as refusal:
            await act(hass, entry, action, **fields)
        assert refusal.value.translation_key == "commands_not_allowed"
    assert not one.state.relay_open
    read = await act(hass, entry, "get_parameter", user=hass_read_only_user, parameter="04000401")
    assert read["value"] == FIRST


async def test_a_meter_without_password_in_its_settings_is_not_commanded(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    one = meter()
    await serve(stack, tmp_path / "line", one)
    entry = await set_up(hass, bus(tmp_path / "line", one))
    await until(hass, lambda: state(hass, "sensor.power_net") is not None)
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, entry, "control_relay", operation="trip")
    assert refusal.value.translation_key == "password_missing"


async def test_a_clock_is_set_on_the_whole_line_and_read_back(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    now = dt_util.now().replace(tzinfo=None, microsecond=0)
    one, other = meter(start=now), meter(SECOND, start=now)
    one.state.clock_off = other.state.clock_off = timedelta(minutes=-2)
    await serve(stack, tmp_path / "line", one, other, start=now)
    entry = await set_up(hass, bus(tmp_path / "line", one, other))
    await until(hass, lambda: state(hass, "sensor.power_net") is not None)
    said = await act(hass, entry, "set_clock")
    assert dt_util.parse_datetime(said["after"]) > dt_util.parse_datetime(said["before"])
    assert abs(one.state.clock_off) < timedelta(seconds=30)
    assert abs(other.state.clock_off) < timedelta(seconds=30)


async def test_a_clock_that_is_far_off_is_left_to_the_utility(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    one = meter()
    await serve(stack, tmp_path / "line", one)
    entry = await set_up(hass, bus(tmp_path / "line", one))
    await until(hass, lambda: state(hass, "sensor.power_net") is not None)
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, entry, "set_clock")
    assert refusal.value.translation_key == "clock_too_far"
    assert one.state.clock_off == timedelta(0)


async def test_values_are_frozen_and_the_highest_demand_begins_anew(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    one = meter()
    await serve(stack, tmp_path / "line", one)
    entry = await set_up(hass, bus(tmp_path / "line", one, password=SETTER))
    await until(hass, lambda: state(hass, "sensor.power_net") is not None)
    assert await act(hass, entry, "freeze") == {"duration": pytest.approx(0, abs=2)}
    assert len(one.state.frozen_at) == 1
    await act(hass, entry, "clear_demand")
    assert one.state.demand_cleared


async def test_a_parameter_is_read_and_set_by_its_identifier(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    one = meter()
    await serve(stack, tmp_path / "line", one)
    rows = [{"parameter": "04000404", "name": "Rated", "interval": 10}]
    made = bus(tmp_path / "line", one, password=SETTER, options={"parameters": rows})
    entry = await set_up(hass, made)
    await until(hass, lambda: state(hass, "sensor.energy_import") is not None)
    said = await act(
        hass, entry, "set_parameter", parameter="04000802", type="bcd", value="01", read_back=True
    )
    assert said["read_back"]["value"] == "1"
    coded = await act(hass, entry, "get_parameter", parameter="1.8.0")
    assert coded["value"] == state(hass, "sensor.energy_import")
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, entry, "get_parameter", parameter="power")
    assert refusal.value.translation_key == "parameter_unknown"
    await until(hass, lambda: state(hass, "sensor.rated") == "220V")


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"kind": "daily", "count": 3}, 3),
        ({"kind": "hourly", "count": 2}, 2),
        ({"kind": "monthly"}, 2),
        ({"kind": "load", "begin": "2026-06-02 17:00:00", "end": "2026-06-02 18:00:00"}, 5),
    ],
    ids=["daily", "hourly", "monthly", "load"],
)
async def test_what_a_meter_has_kept_is_returned_with_its_times(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path, asked: dict[str, Any], count: int
) -> None:
    one = meter()
    await serve(stack, tmp_path / "line", one)
    entry = await set_up(hass, bus(tmp_path / "line", one))
    await until(hass, lambda: state(hass, "sensor.power_net") is not None)
    history = (await act(hass, entry, "get_history", **asked))["history"]
    assert len(history) == count
    times = [dt_util.parse_datetime(each["time"]) for each in history]
    assert times == sorted(filter(None, times))
    assert all(time.tzinfo for time in times if time)
    totals = [
        float(value["value"])
        for each in history
        for value in each["values"]
        if value["id"] == "1-0:1.8.0"
    ]
    assert len(totals) == count
    assert 0 < totals[0] <= totals[-1] <= one.home.at(START).energy_import / 1000


async def test_load_records_of_the_last_day_need_no_times(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    now = dt_util.now().replace(tzinfo=None, microsecond=0)
    one = meter(start=now)
    await serve(stack, tmp_path / "line", one, start=now)
    entry = await set_up(hass, bus(tmp_path / "line", one))
    await until(hass, lambda: state(hass, "sensor.power_net") is not None)
    records = await act(hass, entry, "get_history", kind="load", end=dt_util.now().isoformat())
    assert 95 <= len(records["history"]) <= 97


async def test_other_meters_have_no_relay_and_no_history(hass: HomeAssistant, wire: Wire) -> None:
    entry = await set_up(
        hass,
        entry_for(wire.url, "p1", unique_id=FIRST, options={"allow_commands": True}),
    )
    for action, fields in (("get_history", {"kind": "daily"}), ("freeze", {})):
        with pytest.raises(ServiceValidationError) as refusal:
            await act(hass, entry, action, **fields)
        assert refusal.value.translation_key == "not_supported"


async def test_a_line_that_is_only_listened_to_is_not_spoken_on(
    hass: HomeAssistant, wire: Wire
) -> None:
    made = entry_for(wire.url, "dlt645", unique_id=FIRST, options={"allow_commands": True})
    entry = await set_up(hass, made)
    await wire.send()
    for action, fields in (("get_parameter", {"parameter": "04000401"}), ("freeze", {})):
        with pytest.raises(ServiceValidationError) as refusal:
            await act(hass, entry, action, **fields)
        assert refusal.value.translation_key == "cannot_be_asked"
    assert entry.runtime_data.channels()[0].statistics.bytes_sent == 0
    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert form["step_id"] == "general"


async def test_the_automation_of_the_readme_sheds_a_charger_and_closes_it_again(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    one = meter()
    await serve(stack, tmp_path / "line", one)
    entry = await set_up(hass, bus(tmp_path / "line", one, password=PASSWORD))
    await until(hass, lambda: state(hass, "binary_sensor.relay_open") == "off")
    device = device_id(hass, entry)
    readme = (Path(__file__).parents[2] / "docs/rs485.md").read_text()
    text = readme.partition("```yaml\nautomation:")[2].partition("```")[0]
    text = text.replace("YOUR_CHARGERS_METER", device).replace("sensor.house_", "sensor.other_")
    text = text.replace("binary_sensor.charger_", f"binary_sensor.meter_{FIRST}_")
    automations = yaml.safe_load(text)
    hass.states.async_set("sensor.other_present_rate", "flat")
    told = async_capture_events(hass, "call_service")
    assert await async_setup_component(hass, "automation", {"automation": automations})
    await hass.async_block_till_done()
    hass.states.async_set("sensor.other_present_rate", "sharp")
    await until(hass, lambda: one.state.relay_open)
    hass.states.async_set("sensor.other_present_rate", "valley")
    await until(hass, lambda: not one.state.relay_open)
    await until(hass, lambda: state(hass, "binary_sensor.relay_open") == "off")
    assert not [event for event in told if event.data["domain"] == "persistent_notification"]
    assert DOMAIN in {event.data["domain"] for event in told}
