"""Meters behind an optical head: found by asking, read at intervals, and asked for registers."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from itertools import islice
import json
from pathlib import Path
import sys
from typing import Any

from homeassistant.config_entries import SOURCE_USER, ConfigFlowResult
from homeassistant.const import STATE_UNAVAILABLE, EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.obis_meter import head, reader, transport
from custom_components.obis_meter.const import DOMAIN
from custom_components.obis_meter.metering.links import iec62056_21
from simulator import optical as simulated
from simulator.lines import home
from simulator.optical import OpticalMeter
from simulator.serve import PtyServer, serve_pty, serve_tcp
from tests.steady import clock

from .conftest import START, Serve, place, reason, set_up, until
from .test_diagnostics import decode

LINK = iec62056_21.__name__
SERIAL = "97734234"
ADVANCED: dict[str, Any] = {
    "start_baud": "300",
    "fixed_baud": False,
    "eight_bits": True,  # a pseudo terminal opens only once with parity
    "wake": False,
    "checksum": True,
    "query": "?",
    "address": "",
    "answer_timeout": 1,
    "listen_only": False,
}
OPTIONS = {**ADVANCED, "start_baud": 300, "interval": 60, "write_interval": 0}
HOME = home(START, 1)


def behind_head(**peculiar: Any) -> OpticalMeter:
    return replace(OpticalMeter(HOME, START, wire=0.1, clock=clock), **peculiar)


async def served(stack: AsyncExitStack, link: Path, **peculiar: Any) -> PtyServer:
    server = await serve_pty(behind_head(**peculiar), link, start=START)
    stack.push_async_callback(server.close)
    return server


def entry_at(url: str, **options: Any) -> MockConfigEntry:
    identity = {"serial": SERIAL, "maker": "Landis+Gyr", "model": "ZMD", "firmware": None}
    return MockConfigEntry(
        domain=DOMAIN,
        title="Meter",
        unique_id=SERIAL,
        data={
            "port": url,
            "line": "300 8N1",
            "link": "iec62056-21",
            "ask": True,
            "readout": 2.0,
            "identity": identity,
        },
        options={**OPTIONS, **options},
    )


def energy(hass: HomeAssistant) -> str | None:
    state = hass.states.get("sensor.meter_energy_import")
    return state and state.state


async def chosen(hass: HomeAssistant, url: str, line: str = "300 7E1") -> ConfigFlowResult:
    """Open the dialog, and say that an optical head is at a port."""
    flows = hass.config_entries.flow
    menu = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    if url.startswith("socket://"):
        host, _, port = url.removeprefix("socket://").rpartition(":")
        form = await flows.async_configure(menu["flow_id"], {"next_step_id": "network"})
        where: dict[str, Any] = {"host": host, "port": int(port), "protocol": "socket"}
    else:
        form = await flows.async_configure(menu["flow_id"], {"next_step_id": "serial"})
        where = {"port": url}
    return await flows.async_configure(form["flow_id"], place(**where, line=line, what="optical"))


async def asked(hass: HomeAssistant, form: ConfigFlowResult, **advanced: Any) -> ConfigFlowResult:
    """Agree that the meter is asked, and wait for what comes of it."""
    flows = hass.config_entries.flow
    typed = {"advanced": {**ADVANCED, **advanced}}
    result = await flows.async_configure(form["flow_id"], typed)
    async with asyncio.timeout(40):
        while result["type"] is FlowResultType.SHOW_PROGRESS:
            await asyncio.sleep(0.05)
            result = await flows.async_configure(form["flow_id"])
    return result


async def act(hass: HomeAssistant, entry: MockConfigEntry, action: str, **fields: Any) -> Any:
    device = dr.async_get(hass).async_get_device_by_identifier((DOMAIN, SERIAL), entry.entry_id)
    assert device
    typed = {"device_id": device.id, **fields}
    return await hass.services.async_call(
        DOMAIN, action, typed, blocking=True, return_response=True
    )


@pytest.fixture(autouse=True)
def _instant_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    """Change the speed soon, for on a pseudo terminal a byte takes no time, and in time."""
    monkeypatch.setattr(transport, "_BITS", 3)
    monkeypatch.setattr(simulated, "_LEAST", 0.25)
    monkeypatch.setattr(simulated, "_PATIENCE", 5.0)


@pytest.fixture
def one_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask in one way only, where an owner waits for several."""
    monkeypatch.setattr(sys.modules[f"{LINK}.read"], "_ways", lambda first: iter((first,)))


async def test_a_meter_is_found_by_asking_and_read(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    server = await served(stack, tmp_path / "head")
    form = await chosen(hass, server.url)
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "optical")
    found = await asked(hass, form)
    assert found["step_id"] == "readout"
    told = found["description_placeholders"]
    assert told["meter"] == SERIAL
    assert "Landis+Gyr" in told["name"]
    assert "Energy import" in told["readings"]
    (suggested,) = (key.description for key in found["data_schema"].schema)
    assert suggested == {"suggested_value": 60}
    flows = hass.config_entries.flow
    again = await flows.async_configure(found["flow_id"], {"interval": 10})
    assert again["errors"] == {"interval": "interval_short"}
    added = await flows.async_configure(found["flow_id"], {"interval": 90})
    assert added["type"] is FlowResultType.CREATE_ENTRY
    assert added["options"]["interval"] == 90
    assert (added["data"]["link"], added["data"]["ask"]) == ("iec62056-21", True)
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    assert entry.unique_id == SERIAL
    await until(hass, lambda: any("energy_import" in e for e in hass.states.async_entity_ids()))
    assert server.source.speeds == [300, 9600, 300, 9600]


async def test_a_port_of_one_speed_is_asked_at_that(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    server = await serve_tcp(behind_head(letter="0"), start=START)
    stack.push_async_callback(server.close)
    form = await chosen(hass, server.url)
    assert form["step_id"] == "optical_tcp"
    assert form["description_placeholders"] == {"line": "300 7E1"}
    found = await asked(hass, form)
    assert found["step_id"] == "readout"
    added = await hass.config_entries.flow.async_configure(found["flow_id"], {"interval": 60})
    assert (added["options"]["start_baud"], added["options"]["eight_bits"]) == (300, False)
    await until(hass, lambda: any("energy_import" in e for e in hass.states.async_entity_ids()))


@pytest.mark.parametrize(
    ("peculiar", "text"),
    [({"sleeps": True}, "No meter answered"), ({"spoils": 9}, "was damaged twice")],
    ids=["asleep", "damaged"],
)
@pytest.mark.usefixtures("one_way")
async def test_why_no_meter_was_found_is_told(
    hass: HomeAssistant,
    stack: AsyncExitStack,
    tmp_path: Path,
    peculiar: dict[str, Any],
    text: str,
) -> None:
    server = await served(stack, tmp_path / "head", **peculiar)
    menu = await asked(hass, await chosen(hass, server.url))
    assert text in reason(menu)


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ({"query": "a b"}, "query_form"),
        ({"address": "12(3"}, "address_form"),
        ({"password": "P2(1)"}, "password_computed"),
        ({"password": "a(b"}, "password_not_text"),
    ],
)
async def test_settings_that_make_no_sense_are_refused(
    hass: HomeAssistant, tmp_path: Path, typed: dict[str, str], error: str
) -> None:
    form = await chosen(hass, str(tmp_path / "head"))
    again = await asked(hass, form, **typed)
    assert (again["step_id"], again["errors"]) == ("optical", {"base": error})
    fields = again["data_schema"].schema["advanced"].schema.schema
    shown = {str(field): field.description for field in fields}
    assert shown["password"] is None
    assert shown["query"] == {"suggested_value": typed.get("query", "?")}


async def test_a_port_that_cannot_be_opened_is_said_so(hass: HomeAssistant, tmp_path: Path) -> None:
    form = await asked(hass, await chosen(hass, str(tmp_path / "nothing")))
    assert (form["step_id"], form["errors"]) == ("serial", {"base": "port_not_found"})


async def test_a_port_may_be_listened_to_only(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path, short_waits: None
) -> None:
    server = await served(stack, tmp_path / "head")
    menu = await asked(hass, await chosen(hass, server.url), listen_only=True)
    assert reason(menu).startswith("Nothing came")
    assert not server.source.speeds


async def test_a_meter_of_mode_d_is_listened_to(
    hass: HomeAssistant, pty_meter: Serve[PtyServer], short_waits: None
) -> None:
    server = await pty_meter("p1-v2")
    form = await chosen(hass, server.url)
    found = await asked(hass, form, listen_only=True, start_baud="9600")
    assert found["step_id"] == "confirm"
    added = await hass.config_entries.flow.async_configure(found["flow_id"], {})
    assert (added["data"]["link"], added["data"]["line"]) == ("p1", "9600 8N1")
    assert "ask" not in added["data"]


async def test_progress_says_at_which_speed_and_how_much_has_come(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(head, "_GLANCE", 0.05)
    server = await served(stack, tmp_path / "head", letter="0", wire=0.2)
    form = await chosen(hass, server.url)
    flows = hass.config_entries.flow
    result = await flows.async_configure(form["flow_id"], {"advanced": ADVANCED})
    seen = set()
    async with asyncio.timeout(40):
        while result["type"] is FlowResultType.SHOW_PROGRESS:
            told = result["description_placeholders"]
            seen.add((result["progress_action"], told["speed"], told["count"] != "0"))
            await asyncio.sleep(0.05)
            result = await flows.async_configure(form["flow_id"])
    assert {("asking_head", "300", False), ("reading_head", "300", True)} <= seen


async def test_a_meter_is_read_at_its_interval_and_once_at_the_start(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    server = await served(stack, tmp_path / "head")
    entry = await set_up(hass, entry_at(server.url, interval=4))
    await until(hass, lambda: energy(hass) is not None)
    channel = entry.runtime_data.connection.channel
    sign_ons = server.source.speeds.count
    assert channel.statistics.faults == {}
    first = sign_ons(300)
    await asyncio.sleep(1.0)
    assert sign_ons(300) == first
    await until(hass, lambda: sign_ons(300) > first)


async def test_history_is_there_for_those_who_ask_and_errors_for_everybody(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    server = await served(stack, tmp_path / "head")
    await set_up(hass, entry_at(server.url))
    await until(hass, lambda: energy(hass) is not None, 10)
    registry = er.async_get(hass)
    known = {e.unique_id.removeprefix(f"{SERIAL}_"): e for e in registry.entities.values()}
    assert known["1-0:1.8.0*1"].disabled_by is er.RegistryEntryDisabler.INTEGRATION
    assert known["F.F"].entity_category is EntityCategory.DIAGNOSTIC
    assert hass.states.get("sensor.meter_error_code").state == "00000000"
    demand = hass.states.get(known["1-0:1.6.0"].entity_id)
    assert datetime.fromisoformat(demand.attributes["time"])


@pytest.mark.parametrize(("unit", "shown"), [("MWh", "MWh"), ("GJ", "GJ")])
async def test_a_heat_meter_shows_heat_and_volume_as_its_display_does(
    hass: HomeAssistant,
    stack: AsyncExitStack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    unit: str,
    shown: str,
) -> None:
    rows = (f"6.8(0029.055*{unit})6.26(01589.28*m3)6.26*01(01563.92*m3)\r\n",)
    monkeypatch.setattr(OpticalMeter, "table", lambda self, now: iter(rows))
    server = await served(stack, tmp_path / "head")
    await set_up(hass, entry_at(server.url))
    await until(hass, lambda: hass.states.get("sensor.meter_heat") is not None, 10)
    heat = hass.states.get("sensor.meter_heat")
    assert (heat.state, heat.attributes["unit_of_measurement"]) == ("29.055", shown)
    assert heat.attributes["device_class"] == "energy"
    assert hass.states.get("sensor.meter_volume_of_heating_water").state == "1589.28"


async def test_a_download_has_the_readout_without_names(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    stack: AsyncExitStack,
    tmp_path: Path,
) -> None:
    server = await served(stack, tmp_path / "head", password="24681357")
    entry = await set_up(hass, entry_at(server.url, password="24681357"))
    await until(hass, lambda: energy(hass) is not None, 10)
    server.source.parameters["0.1.4"] = "24681357"
    assert (await act(hass, entry, "get_parameter", parameter="0.1.4"))["value"] == "24681357"
    download = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert download["asked"] == [["readout"]]
    assert download["options"]["interval"] == entry.options["interval"]
    readout, parameter = map(bytes.fromhex, download["payloads"])
    assert b"1.8.0(" in readout
    assert b"0.0.0(00000000)" in readout
    assert b"0.1.4(00000000)" in parameter
    for secret in (SERIAL, "24681357"):
        assert secret not in json.dumps(download)
        assert secret.encode() not in readout + parameter
    file = tmp_path / "download.json"
    file.write_text(json.dumps({"home_assistant": {}, "data": download}))
    decoded = await hass.async_add_executor_job(decode, file)
    assert {"1-0:1.8.0", "F.F"} <= {r["id"] for r in decoded["telegrams"][0]["readings"]}
    assert not decoded["faults"]


async def test_read_now_reads_out_of_turn(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    server = await served(stack, tmp_path / "head")
    entry = await set_up(hass, entry_at(server.url))
    await until(hass, lambda: energy(hass) is not None)
    said = await act(hass, entry, "read_now")
    assert said["readings"] == 14
    assert 0 < said["duration"] < 10
    server.silence()
    with pytest.raises(HomeAssistantError) as refusal:
        await act(hass, entry, "read_now")
    assert refusal.value.translation_key == "no_answer"


async def test_last_values_hold_for_a_while_and_the_meter_returns(
    hass: HomeAssistant,
    stack: AsyncExitStack,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    short_waits: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.modules[f"{LINK}.head"], "_ATTEMPTS", 1)
    monkeypatch.setattr(reader, "_MISSED", 3)
    server = await served(stack, tmp_path / "head")
    await set_up(hass, entry_at(server.url, interval=2))
    await until(hass, lambda: energy(hass) is not None)
    server.silence()
    await until(hass, lambda: "Meter does not answer" in caplog.text)
    assert energy(hass) not in (None, STATE_UNAVAILABLE)
    await until(hass, lambda: energy(hass) == STATE_UNAVAILABLE)
    await server.resume()
    await until(hass, lambda: energy(hass) not in (None, STATE_UNAVAILABLE))
    assert caplog.text.count("Meter answers again") == 1
    assert caplog.text.count("Meter does not answer") == 1


async def test_a_meter_that_is_damaged_from_the_start_is_told_so(
    hass: HomeAssistant,
    stack: AsyncExitStack,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = await served(stack, tmp_path / "head", spoils=10_000)
    entry = await set_up(hass, entry_at(server.url, interval=1))
    meter = entry.runtime_data.data[SERIAL]
    await until(hass, lambda: not meter.available, 20)
    assert "Meter does not answer: what the meter answered is damaged" in caplog.text
    server.source.spoils = 0
    await until(hass, lambda: energy(hass) not in (None, STATE_UNAVAILABLE), 20)
    assert caplog.text.count("Meter answers again") == 1


async def test_a_meter_that_moved_is_read_as_it_is_found_now(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path, one_way: None
) -> None:
    entry = entry_at(str(tmp_path / "gone"), interval=7, password="12345678")
    data = {name: value for name, value in entry.data.items() if name not in ("ask", "readout")}
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data=data)
    server = await serve_tcp(behind_head(), start=START)
    stack.push_async_callback(server.close)
    result = await asked(hass, await chosen(hass, server.url, "300 7E1"), start_baud="9600")
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "moved")
    assert (entry.data["port"], entry.data["ask"]) == (server.url, True)
    assert entry.options["interval"] == max(7, head.shortest(entry.data["readout"]))
    assert (entry.options["eight_bits"], entry.options["password"]) == (False, "12345678")
    await until(hass, lambda: energy(hass) is not None, 15)


@pytest.mark.parametrize(("wake", "longest"), [(True, 3600.0), (False, 60.0)])
async def test_a_battery_is_spared_while_its_meter_is_away(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path, wake: bool, longest: float
) -> None:
    server = await served(stack, tmp_path / "head")
    entry = await set_up(hass, entry_at(server.url, wake=wake, interval=3600))
    pauses = list(islice(entry.runtime_data.readers[SERIAL]._pauses(), 20))
    assert max(pauses) == pytest.approx(longest, rel=0.26)
    assert sum(pauses[:6]) < 2 * 63


async def test_a_head_that_is_unplugged_in_a_readout_and_plugged_in_again(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path, short_waits: None
) -> None:
    server = await served(stack, tmp_path / "head", letter="0", wire=0.3)
    entry = await set_up(hass, entry_at(server.url, interval=2))
    session = entry.runtime_data.connection.channel.session
    await until(hass, lambda: session.pending > 50)
    await server.hang_up()
    await until(hass, lambda: not entry.runtime_data.last_update_success)
    await server.resume()
    await until(hass, lambda: energy(hass) not in (None, STATE_UNAVAILABLE))


async def test_registers_are_read_and_written_in_programming_mode(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    server = await served(stack, tmp_path / "head", password="12345678")
    entry = await set_up(hass, entry_at(server.url, password="12345678"))
    await until(hass, lambda: energy(hass) is not None)
    read_one = await act(hass, entry, "get_parameter", parameter="0.1.3")
    assert read_one["value"] == "0000"
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, entry, "set_parameter", parameter="0.9.1", value="120000")
    assert refusal.value.translation_key == "commands_not_allowed"
    options = {**entry.options, "allow_commands": True}
    hass.config_entries.async_update_entry(entry, options=options)
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, entry, "invoke_action", parameter="0.9.1")
    assert refusal.value.translation_key == "not_supported"
    with pytest.raises(HomeAssistantError) as refused:
        await act(hass, entry, "set_parameter", parameter="99.99.9", value="1")
    assert refused.value.translation_key == "refused"


async def test_a_wrong_password_is_not_sent_again_and_again(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = await served(stack, tmp_path / "head", password="12345678")
    row = {"parameter": "0.1.3", "name": "Address", "interval": 1}
    await set_up(hass, entry_at(server.url, password="87654321", parameters=[row]))
    await until(hass, lambda: "refuses 0.1.3, which is asked no more" in caplog.text)
    await until(hass, lambda: energy(hass) is not None)
    assert "87654321" not in caplog.text
    assert caplog.text.count("which is asked no more") == 1


async def options_page(hass: HomeAssistant, entry: MockConfigEntry) -> ConfigFlowResult:
    flows = hass.config_entries.options
    menu = await flows.async_init(entry.entry_id)
    assert "head" in menu["menu_options"]
    return await flows.async_configure(menu["flow_id"], {"next_step_id": "head"})


async def test_settings_can_be_changed_and_the_password_never_goes_back(
    hass: HomeAssistant, tmp_path: Path
) -> None:
    entry = entry_at(str(tmp_path / "head"), password="12345678")
    entry.add_to_hass(hass)
    form = await options_page(hass, entry)
    assert "12345678" not in str(form)
    assert form["description_placeholders"] == {"least": "13"}
    flows = hass.config_entries.options
    open_ones = {name: OPTIONS[name] for name in ADVANCED if name != "listen_only"}
    open_ones |= {"start_baud": "9600", "interval": 12}
    again = await flows.async_configure(form["flow_id"], open_ones)
    assert again["errors"] == {"interval": "interval_short"}
    again = await flows.async_configure(form["flow_id"], {**open_ones, "interval": 60, "query": ""})
    assert again["errors"] == {"base": "query_form"}
    typed = {**open_ones, "interval": 60, "password": ""}
    done = await flows.async_configure(form["flow_id"], typed)
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert (entry.options["start_baud"], entry.options["password"]) == (9600, "12345678")
    await hass.async_block_till_done()  # the entry is set up again
    form = await options_page(hass, entry)
    await flows.async_configure(form["flow_id"], {**typed, "password": "24681357"})
    assert entry.options["password"] == "24681357"
    await hass.async_block_till_done()
