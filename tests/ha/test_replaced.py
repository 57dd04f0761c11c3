"""A meter is replaced: history goes on, or begins anew; or somebody swapped the cables."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntryDisabler,
    ConfigEntryState,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import AbortFlow, FlowResultType
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.obis_meter.const import CONF_TOTALS, DOMAIN
from custom_components.obis_meter.memory import Memory, inherited
from custom_components.obis_meter.repairs import async_create_fix_flow
from custom_components.obis_meter.succession import Successor, async_hand_over

from . import bussing
from .bussing import brisk
from .calling import OTHER, SERIAL, Module, is_on, listening
from .conftest import Wire, entry_for, free_port, set_up, until
from .test_config_flow import listen, network
from .test_coordinator import ENERGY, POWER, said, telegram
from .test_reconfigure import begin, ids

__all__ = ["brisk"]

GAS = ("0-1:24.1.0(003)", "0-1:96.1.0(G1)", "0-1:24.2.1(260304180000W)(4890.857*m3)")
WATER = ("0-2:24.1.0(007)", "0-2:24.2.1(260304180000W)(12.5*m3)")  # without an id of its own


def issue_of(hass: HomeAssistant, entry: MockConfigEntry) -> ir.IssueEntry | None:
    return ir.async_get(hass).async_get_issue(DOMAIN, f"other_meter_{entry.entry_id}")


@pytest.fixture
async def replaced(hass: HomeAssistant, wire: Wire) -> MockConfigEntry:
    """Return an entry on whose port another meter has begun to speak."""
    entry = entry_for(wire.url, "p1", title="Meter", unique_id="M1", options={"write_interval": 0})
    await set_up(hass, entry)
    await wire.send(telegram("1-0:1.8.0(100*kWh)", "1-0:1.7.0(1*kW)", *GAS, *WATER))
    await until(hass, lambda: said(hass, POWER) == "1000")
    await wire.send(telegram("1-0:1.8.0(7*kWh)", "1-0:1.7.0(3*kW)", meter="M2"))
    await until(hass, lambda: issue_of(hass, entry) is not None)
    return entry


def heirs(before: dict[str, str], old: str, new: str) -> dict[str, str]:
    """Return the unique ids that entities have once a meter took the place of another."""
    return {name: inherited(unique_id, old, new) for name, unique_id in before.items()}


async def fix(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: MockConfigEntry, *steps: str
) -> dict[str, Any]:
    """Open the dialog of the message, make a choice, and return what is shown."""
    assert await async_setup_component(hass, "repairs", {})
    client = await hass_client()
    url = "/api/repairs/issues/fix"
    asked = {"handler": DOMAIN, "issue_id": f"other_meter_{entry.entry_id}"}
    answer = await client.post(url, json=asked)
    assert answer.status == HTTPStatus.OK
    shown: dict[str, Any] = await answer.json()
    for step in steps:
        assert shown["menu_options"] == ["replaced", "anew", "ignore"]
        answer = await client.post(f"{url}/{shown['flow_id']}", json={"next_step_id": step})
        shown = await answer.json()
    await hass.async_block_till_done()
    return shown


async def test_a_successor_has_all_that_the_old_meter_had(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    wire: Wire,
    replaced: MockConfigEntry,
) -> None:
    entities, devices = er.async_get(hass), dr.async_get(hass)
    entities.async_update_entity(POWER, new_entity_id="sensor.house", name="The house")
    before, options = ids(entities), dict(replaced.options)
    known = {device.id for device in devices.devices}
    wire.connected.clear()
    done = await fix(hass, hass_client, replaced, "replaced")
    assert done["type"] == "create_entry"
    assert issue_of(hass, replaced) is None
    await until(hass, lambda: replaced.state is ConfigEntryState.LOADED)
    assert (replaced.unique_id, replaced.options) == ("M2", options)
    assert ids(entities) == {
        name: inherited(unique_id, "M1", "M2") for name, unique_id in before.items()
    }
    assert not [unique_id for unique_id in ids(entities).values() if unique_id.startswith("M1")]
    assert {device.id for device in devices.devices} == known
    device = devices.async_get_device_by_identifier((DOMAIN, "M2"), replaced.entry_id)
    assert device
    assert device.serial_number == "M2"
    assert devices.async_get_device_by_identifier((DOMAIN, "G1"), replaced.entry_id)
    assert devices.async_get_device_by_identifier((DOMAIN, "M2_0-2"), replaced.entry_id)
    assert said(hass, ENERGY) == "unknown"  # the old total is not the new meter's
    assert said(hass, "sensor.gas_meter_gas_consumption") == "4890.857"
    await wire.send(telegram("1-0:1.8.0(8*kWh)", "1-0:1.7.0(3*kW)", meter="M2"))
    await until(hass, lambda: said(hass, "sensor.house") == "3000")
    assert said(hass, ENERGY) == "8"  # at once, without a doubt
    assert ids(entities).keys() - before.keys() == set()


async def test_who_is_added_anew_leaves_the_old_history_alone(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    wire: Wire,
    replaced: MockConfigEntry,
) -> None:
    before = ids(er.async_get(hass))
    wire.connected.clear()
    done = await fix(hass, hass_client, replaced, "anew")
    assert done["type"] == "create_entry"
    assert issue_of(hass, replaced) is None
    assert replaced.disabled_by is ConfigEntryDisabler.USER
    [new] = [each for each in hass.config_entries.async_entries(DOMAIN) if each is not replaced]
    assert (new.unique_id, new.title, new.state) == ("M2", "Meter M2", ConfigEntryState.LOADED)
    assert new.data["port"] == wire.url
    await wire.send(telegram("1-0:1.8.0(8*kWh)", meter="M2"))
    await until(hass, lambda: said(hass, "sensor.meter_m2_energy_import") == "8")
    assert before.items() <= ids(er.async_get(hass)).items()
    assert said(hass, ENERGY) in (None, "unavailable")
    flow = hass.config_entries.flow
    changing = {"source": SOURCE_RECONFIGURE, "entry_id": new.entry_id}
    menu = await flow.async_init(DOMAIN, context=changing)
    await flow.async_configure(menu["flow_id"], {"next_step_id": "network"})
    shown = await flow.async_configure(menu["flow_id"], network(wire))
    assert shown["type"] is FlowResultType.SHOW_PROGRESS  # the port is its own
    flow.async_abort(menu["flow_id"])
    await until(hass, lambda: new.state is ConfigEntryState.LOADED)


async def test_a_swapped_cable_is_not_spoken_of_again(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    wire: Wire,
    replaced: MockConfigEntry,
) -> None:
    wire.connected.clear()
    done = await fix(hass, hass_client, replaced, "ignore")
    assert done["type"] == "create_entry"
    await wire.send(telegram("1-0:1.8.0(9*kWh)", meter="M2"))
    await wire.send(telegram("1-0:1.8.0(101*kWh)"))
    await until(hass, lambda: said(hass, ENERGY) == "101")
    assert issue_of(hass, replaced) is None
    await wire.send(telegram("1-0:1.8.0(9*kWh)", meter="M3"))
    await until(hass, lambda: issue_of(hass, replaced) is not None)
    shown = await fix(hass, hass_client, replaced)
    assert shown["description_placeholders"]["found"] == "M3"


async def test_a_meter_that_has_an_entry_takes_no_other_place(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, replaced: MockConfigEntry
) -> None:
    entry_for("socket://127.0.0.1:1", "p1", unique_id="M2").add_to_hass(hass)
    shown = await fix(hass, hass_client, replaced)
    assert (shown["type"], shown["reason"]) == ("abort", "already_configured")


@pytest.mark.parametrize("step", ["replaced", "anew"])
async def test_a_meter_that_got_an_entry_meanwhile_takes_no_other_place(
    hass: HomeAssistant, replaced: MockConfigEntry, step: str
) -> None:
    """The dialog may stand open for days."""
    told = {"entry_id": replaced.entry_id, "found": "M2"}
    flow = await async_create_fix_flow(hass, "any", told)
    flow.hass = hass
    listener = listening(free_port(), "M2")  # as one of several
    listener.add_to_hass(hass)
    with pytest.raises(AbortFlow) as refused:
        await getattr(flow, f"async_step_{step}")()
    assert refused.value.reason == "already_configured"
    assert (replaced.unique_id, replaced.disabled_by) == ("M1", None)


@pytest.mark.parametrize("step", ["init", "replaced", "anew", "ignore"])
async def test_an_entry_that_is_gone_cannot_be_mended(hass: HomeAssistant, step: str) -> None:
    flow = await async_create_fix_flow(hass, "any", {"entry_id": "none", "found": "M2"})
    flow.hass = hass
    with pytest.raises(AbortFlow) as refused:
        await getattr(flow, f"async_step_{step}")()
    assert refused.value.reason == "gone"


@pytest.mark.parametrize("step", ["replaced", "anew", "wrong"])
async def test_the_same_is_asked_where_the_entry_is_changed(
    hass: HomeAssistant, wire: Wire, step: str
) -> None:
    entry = await set_up(
        hass, entry_for("socket://127.0.0.1:1", "p1", title="Meter", unique_id="M1")
    )
    flow_id = await begin(hass, entry, "network")
    await hass.config_entries.flow.async_configure(flow_id, network(wire))
    await wire.send(telegram("1-0:1.8.0(8*kWh)", meter="M2"))
    shown = await listen(hass, flow_id, {})
    assert shown["menu_options"] == ["replaced", "anew", "wrong"]
    assert shown["description_placeholders"]["expected"] == "M1"
    assert shown["description_placeholders"]["meter"] == "M2"
    result = await hass.config_entries.flow.async_configure(flow_id, {"next_step_id": step})
    await hass.async_block_till_done()
    if step == "wrong":
        assert result["step_id"] == "network"
        assert (entry.unique_id, entry.data["port"]) == ("M1", "socket://127.0.0.1:1")
        return
    assert result["reason"] == step
    new = hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, "M2")
    assert new
    assert (new is entry) == (step == "replaced")
    assert new.data["port"] == wire.url


@pytest.mark.parametrize("step", ["replaced", "anew"])
async def test_an_entry_is_not_given_the_meter_of_another_that_came_meanwhile(
    hass: HomeAssistant, wire: Wire, step: str
) -> None:
    entry = await set_up(hass, entry_for("socket://127.0.0.1:1", "p1", unique_id="M1"))
    flow_id = await begin(hass, entry, "network")
    await hass.config_entries.flow.async_configure(flow_id, network(wire))
    await wire.send(telegram("1-0:1.8.0(8*kWh)", meter="M2"))
    assert (await listen(hass, flow_id, {}))["step_id"] == "other"
    entry_for("socket://127.0.0.1:2", "p1", unique_id="M2").add_to_hass(hass)
    result = await hass.config_entries.flow.async_configure(flow_id, {"next_step_id": step})
    assert result["reason"] == "already_configured"
    assert (entry.unique_id, entry.disabled_by) == ("M1", None)


async def test_a_meter_added_meanwhile_is_not_added_anew(hass: HomeAssistant) -> None:
    entry_for("socket://127.0.0.1:1", "p1", unique_id="M2").add_to_hass(hass)
    found = {"title": "Meter", "meter": "M2", "data": {}, "options": {}}
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": "import"}, data=found
    )
    assert result["reason"] == "already_configured"


async def test_nothing_remembered_is_handed_over_as_nothing(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    await Memory(hass, "none").hand_over("M1", "M2")
    assert f"{DOMAIN}.none" not in hass_storage


async def test_without_a_recorder_nothing_is_settled(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    wire: Wire,
    replaced: MockConfigEntry,
) -> None:
    wire.connected.clear()
    await fix(hass, hass_client, replaced, "replaced")
    assert replaced.data[CONF_TOTALS]["M2_1-0:1.8.0"]["last"] == 100.0
    await wire.send(telegram("1-0:1.8.0(8*kWh)", *WATER, meter="M2"))
    await until(hass, lambda: said(hass, ENERGY) == "8")
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=11))
    await until(hass, lambda: CONF_TOTALS not in replaced.data)


async def test_a_sensor_that_is_gone_is_not_waited_for(hass: HomeAssistant, wire: Wire) -> None:
    entry = entry_for(wire.url, "p1", unique_id="M2")
    entry.add_to_hass(hass)
    data = {**entry.data, CONF_TOTALS: {"M2_gone": {"last": 1.0, "unit": "kWh"}}}
    hass.config_entries.async_update_entry(entry, data=data)
    await hass.config_entries.async_setup(entry.entry_id)
    assert CONF_TOTALS not in entry.data


async def test_a_total_in_quite_another_unit_is_left_to_the_recorder(
    hass: HomeAssistant, wire: Wire
) -> None:
    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter", unique_id="M1"))
    await wire.send(telegram("1-0:1.8.0(100*kWh)"))
    await until(hass, lambda: said(hass, ENERGY) == "100")
    settled = {**entry.data, CONF_TOTALS: {"M1_1-0:1.8.0": {"last": 7.0, "unit": "m³"}}}
    hass.config_entries.async_update_entry(entry, data=settled)
    await hass.config_entries.async_reload(entry.entry_id)
    assert CONF_TOTALS not in entry.data


async def change(
    hass: HomeAssistant, entry: MockConfigEntry, typed: dict[str, str]
) -> dict[str, Any]:
    """Change the first meter of an entry, and return what is shown."""
    [subentry, *_] = entry.subentries.values()
    form = await entry.start_subentry_reconfigure_flow(hass, subentry.subentry_id)
    shown = await hass.config_entries.subentries.async_configure(form["flow_id"], typed)
    await hass.async_block_till_done()
    return dict(shown)


@pytest.mark.usefixtures("brisk")
async def test_a_meter_on_a_line_is_replaced(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    old, new = bussing.meter(), bussing.meter(bussing.SECOND)
    await bussing.serve(stack, tmp_path / "line", old, new)
    entry = await set_up(hass, bussing.bus(tmp_path / "line", old))
    await until(hass, lambda: bussing.state(hass, "sensor.energy_import") not in (None, "unknown"))
    before = ids(er.async_get(hass))
    [subentry] = entry.subentries.values()
    missing = await change(hass, entry, {"address": "999999999999", "name": ""})
    assert missing["errors"] == {"address": "not_answering"}
    done = await change(hass, entry, {"address": bussing.SECOND, "name": ""})
    assert done["reason"] == "replaced"
    await until(hass, lambda: entry.state is ConfigEntryState.LOADED)
    [kept] = entry.subentries.values()
    assert (kept.subentry_id, kept.unique_id) == (subentry.subentry_id, bussing.SECOND)
    assert (kept.data["address"], kept.title) == (bussing.SECOND, f"Meter {bussing.SECOND}")
    after = ids(er.async_get(hass))
    assert heirs(before, bussing.FIRST, bussing.SECOND).items() <= after.items()
    assert not [name for name in after.values() if name.startswith(bussing.FIRST)]
    await until(hass, lambda: bussing.state(hass, "sensor.energy_import") not in (None, "unknown"))


async def test_a_successor_that_another_entry_has_is_refused(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    entry_for("socket://127.0.0.1:1", "rfc1662", unique_id=OTHER).add_to_hass(hass)
    entry = await set_up(hass, listening(free_port(), SERIAL))
    before = ids(er.async_get(hass))
    refused = await change(hass, entry, {"meter": OTHER, "name": ""})
    assert refused["errors"] == {"meter": "meter_known"}
    assert ids(er.async_get(hass)) == before


async def test_an_entry_has_its_port_again_when_it_cannot_be_unloaded(
    hass: HomeAssistant, replaced: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    unload = hass.config_entries.async_unload

    async def cancelled(entry_id: str, **more: bool) -> bool:
        monkeypatch.undo()
        await unload(entry_id)
        raise asyncio.CancelledError

    monkeypatch.setattr(hass.config_entries, "async_unload", cancelled)
    with pytest.raises(asyncio.CancelledError):
        await async_hand_over(hass, replaced, Successor("M2", replaced.data, replaced.options))
    await until(hass, lambda: replaced.state is ConfigEntryState.LOADED, 5)
    assert replaced.unique_id == "M1"


async def test_a_meter_that_calls_is_replaced(hass: HomeAssistant, stack: AsyncExitStack) -> None:
    port = free_port()
    entry = await set_up(hass, listening(port, SERIAL, "77"))
    before = ids(er.async_get(hass))
    known = await change(hass, entry, {"meter": "77", "name": ""})
    assert known["errors"] == {"meter": "meter_known"}
    named = await change(hass, entry, {"meter": SERIAL, "name": "Cabin"})
    assert named["reason"] == "reconfigure_successful"
    done = await change(hass, entry, {"meter": OTHER, "name": "Cabin"})
    assert done["reason"] == "replaced"
    await until(hass, lambda: entry.state is ConfigEntryState.LOADED)
    assert {each.unique_id: each.title for each in entry.subentries.values()} == {
        OTHER: "Cabin",
        "77": "Meter 77",
    }
    after = ids(er.async_get(hass))
    assert after == heirs(before, SERIAL, OTHER)
    await Module(port, OTHER).call(stack)
    await until(hass, lambda: is_on(hass))  # under the entity ids that there were
