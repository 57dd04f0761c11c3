"""An entry whose port has moved is changed in a dialog; whatever comes of that, it goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

from homeassistant.config_entries import (
    ConfigEntryDisabler,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, UnknownFlow, section
from homeassistant.helpers import entity_registry as er
import probatio
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_meter import listen_flow, port_flow
from custom_components.obis_meter.const import DOMAIN
from custom_components.obis_meter.loan import place_of
from simulator.serve import PtyServer, TcpServer

from . import bussing, test_head, test_keys
from .bussing import brisk
from .calling import SERIAL, Module, is_on, listening
from .conftest import (
    METER,
    WRONG_KEY,
    Serve,
    Wire,
    entry_for,
    free_port,
    p1,
    place,
    reason,
    set_up,
    until,
)
from .test_config_flow import listen, network
from .test_coordinator import ENERGY, said, telegram

__all__ = ["brisk"]


@pytest.fixture(autouse=True)
async def _settled(hass: HomeAssistant) -> AsyncIterator[None]:
    """Let an entry that is being set up again come to its end."""
    yield
    await hass.async_block_till_done()


async def begin(hass: HomeAssistant, entry: MockConfigEntry, step: str | None = None) -> str:
    """Open the dialog of an entry, choose where it is connected now, and return the flow's id."""
    shown = await entry.start_reconfigure_flow(hass)
    if step:
        assert shown["type"] is FlowResultType.MENU
        flow_id = shown["flow_id"]
        shown = await hass.config_entries.flow.async_configure(flow_id, {"next_step_id": step})
    assert shown["type"] is FlowResultType.FORM
    return shown["flow_id"]


async def is_read(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Wait until an entry is set up and its meter heard."""
    loaded = ConfigEntryState.LOADED
    await until(hass, lambda: entry.state is loaded and entry.runtime_data.main.heard)


def changed(result: ConfigFlowResult) -> bool:
    return result["type"] is FlowResultType.ABORT and result["reason"] == "reconfigured"


def suggested(form: ConfigFlowResult) -> dict[str, Any]:
    """Return what a form has filled in, that of its section too."""
    assert form["data_schema"]
    return filled_in(form["data_schema"])


def filled_in(schema: probatio.Schema) -> dict[str, Any]:
    return {
        str(field): filled_in(kind.schema)
        if isinstance(kind, section)
        else (field.description or {}).get("suggested_value")
        for field, kind in schema.schema.items()
    }


def ids(registry: er.EntityRegistry) -> dict[str, str]:
    return {row.entity_id: row.unique_id for row in registry.entities.values()}


async def test_a_meter_moves_from_a_cable_to_the_network_and_back(
    hass: HomeAssistant, pty_meter: Serve[PtyServer], tcp_meter: Serve[TcpServer]
) -> None:
    cable, bridge = await pty_meter("aidon"), await tcp_meter("aidon")
    entry = entry_for(cable.url, unique_id=METER, title="Mine", options={"write_interval": 7})
    await is_read(hass, await set_up(hass, entry))
    registry = er.async_get(hass)
    names = ids(registry)
    result = await listen(hass, await begin(hass, entry, "network"), network(bridge))
    assert changed(result)
    await is_read(hass, entry)
    assert (entry.data["port"], entry.data["line"]) == (bridge.url, "115200 8N1")
    typed = place(port=cable.url, line="2400 8N1", what="listened")
    assert changed(await listen(hass, await begin(hass, entry, "serial"), typed))
    await is_read(hass, entry)
    assert entry.data["port"] == cable.url
    assert (entry.title, entry.options, entry.unique_id) == ("Mine", {"write_interval": 7}, METER)
    assert names.items() <= ids(registry).items()


async def test_the_forms_are_filled_in_with_how_the_entry_is_read(hass: HomeAssistant) -> None:
    entry = entry_for("rfc2217://[fe80::1]:2000", "rfc1662")
    entry.add_to_hass(hass)
    shown = await entry.start_reconfigure_flow(hass)
    told = shown["description_placeholders"]
    assert told == {"name": "Aidon 6534", "port": "rfc2217://[fe80::1]:2000"}
    flow = hass.config_entries.flow
    form = await flow.async_configure(shown["flow_id"], {"next_step_id": "network"})
    where = {"host": "fe80::1", "port": 2000, "protocol": "rfc2217"}
    assert suggested(form) == place(**where, what="module")
    shown = await entry.start_reconfigure_flow(hass)
    form = await flow.async_configure(shown["flow_id"], {"next_step_id": "serial"})
    assert suggested(form) == place(port=None, what="module")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ({"link": "iec62056-21", "ask": True, "readout": 2.0}, "optical"),
        ({"link": "dlt645", "ask": True}, "dlt645"),
        ({"link": "sml"}, "listened"),
    ],
)
async def test_the_form_knows_what_is_connected(
    hass: HomeAssistant, data: dict[str, Any], what: str
) -> None:
    entry = entry_for("/dev/ttyUSB0")
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, **data})
    shown = await entry.start_reconfigure_flow(hass)
    flow = hass.config_entries.flow
    form = await flow.async_configure(shown["flow_id"], {"next_step_id": "serial"})
    assert suggested(form) == place(port="/dev/ttyUSB0", what=what)


async def test_a_port_is_known_by_any_name(hass: HomeAssistant, tmp_path: Path) -> None:
    (tmp_path / "by-id").symlink_to(tmp_path / "ttyUSB0")
    same = [
        (str(tmp_path / "by-id"), str(tmp_path / "ttyUSB0")),
        ("socket://Pi:2000", "rfc2217://pi:2000"),
        ("listen://:9000", "listen://127.0.0.1:9000"),
        ("esphome-hass://a/b", "esphome-hass://a/b"),
    ]
    for one, other in same:
        assert await place_of(hass, one) == await place_of(hass, other)
    places = {await place_of(hass, one) for one, _ in same}
    others = ("/dev/ttyUSB1", "socket://pi:2001", "listen+udp://:9000", "esphome-hass://a/c")
    assert places.isdisjoint([await place_of(hass, other) for other in others])


async def test_an_entry_that_is_switched_off_stays_so(
    hass: HomeAssistant, tcp_meter: Serve[TcpServer]
) -> None:
    server = await tcp_meter("aidon")
    off = ConfigEntryDisabler.USER
    entry = await set_up(hass, entry_for(server.url, unique_id=METER, disabled_by=off))
    assert changed(await listen(hass, await begin(hass, entry, "network"), network(server)))
    await hass.async_block_till_done()
    assert (entry.state, entry.data["line"]) == (ConfigEntryState.NOT_LOADED, "115200 8N1")


@pytest.mark.parametrize("fits", [True, False])
async def test_an_encrypted_meter_is_opened_with_the_keys_that_the_entry_has(
    hass: HomeAssistant, tcp_meter: Serve[TcpServer], fits: bool
) -> None:
    cipher = test_keys.cipher("e450-ch")
    known = cipher.key.hex() if fits else WRONG_KEY
    entry = entry_for("socket://127.0.0.1:1", unique_id=test_keys.E450_NUMBER)
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, "key": known})
    typed = network(await tcp_meter("e450-ch"))
    flow_id = await begin(hass, entry, "network")
    result = await listen(hass, flow_id, typed)
    if not fits:
        assert result["step_id"] == "key"
        key = {"key": cipher.key.hex()}
        result = await hass.config_entries.flow.async_configure(flow_id, key)
    assert changed(result)
    assert entry.data["key"] == cipher.key.hex()


async def test_an_authentication_key_that_was_not_typed_again_is_gone(
    hass: HomeAssistant, tcp_meter: Serve[TcpServer]
) -> None:
    """With that of the meter before, no telegram would be believed."""
    entry = entry_for("socket://127.0.0.1:1", unique_id=test_keys.E450_NUMBER)
    entry.add_to_hass(hass)
    wrong = {"key": WRONG_KEY, "auth_key": WRONG_KEY}
    hass.config_entries.async_update_entry(entry, data={**entry.data, **wrong})
    flow_id = await begin(hass, entry, "network")
    assert (await listen(hass, flow_id, network(await tcp_meter("e450-ch"))))["step_id"] == "key"
    typed = {"key": test_keys.cipher("e450-ch").key.hex()}
    assert changed(await hass.config_entries.flow.async_configure(flow_id, typed))
    assert entry.data["key"] == typed["key"]
    assert "auth_key" not in entry.data


async def test_a_meter_behind_a_head_moves_with_how_it_is_asked(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    server = await test_head.served(stack, tmp_path / "meter")
    entry = test_head.entry_at("/dev/none", interval=600, password="secret", answer_timeout=2)
    entry.add_to_hass(hass)
    flow_id = await begin(hass, entry, "serial")
    typed = place(port=server.url, line="300 8N1", what="optical")
    form = await hass.config_entries.flow.async_configure(flow_id, typed)
    assert form["step_id"] == "optical"
    [section] = form["data_schema"].schema.values()
    values = {str(key): key.description for key in section.schema.schema}
    assert values["answer_timeout"] == {"suggested_value": 2}
    assert "secret" not in str(values)
    result = await test_head.asked(hass, form)
    assert changed(result)
    assert (entry.data["port"], entry.data["ask"]) == (server.url, True)
    assert (entry.options["interval"], entry.options["password"]) == (600, "secret")


async def test_who_agreed_to_be_listened_to_only_is_not_asked_any_more(
    hass: HomeAssistant, wire: Wire
) -> None:
    entry = test_head.entry_at("/dev/none")
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, unique_id="M1")
    flow_id = await begin(hass, entry, "network")
    await hass.config_entries.flow.async_configure(flow_id, network(wire, what="listened"))
    await wire.send(telegram("1-0:1.8.0(1*kWh)"))
    assert changed(await listen(hass, flow_id, {}))
    assert {"ask", "readout"}.isdisjoint(entry.data)


async def test_new_settings_for_the_port_that_the_entry_holds(
    hass: HomeAssistant, pty_meter: Serve[PtyServer]
) -> None:
    server = await pty_meter("aidon")
    entry = await set_up(hass, entry_for(str(server.path.resolve()), unique_id=METER))
    await is_read(hass, entry)
    typed = place(port=server.url, line="9600 8N1", what="listened")  # its name, not its path
    assert changed(await listen(hass, await begin(hass, entry, "serial"), typed))
    await is_read(hass, entry)
    assert (entry.data["port"], entry.data["line"]) == (server.url, "9600 8N1")


@pytest.fixture
async def lent(hass: HomeAssistant, wire: Wire) -> tuple[MockConfigEntry, str]:
    """Return an entry that has let go of its port for a search, and the flow that searches."""
    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter", unique_id="M1"))
    await wire.send(telegram("1-0:1.8.0(1*kWh)"))
    await is_read(hass, entry)
    wire.connected.clear()
    flow_id = await begin(hass, entry, "network")
    shown = await hass.config_entries.flow.async_configure(flow_id, network(wire, what="listened"))
    assert shown["type"] is FlowResultType.SHOW_PROGRESS
    assert entry.state is ConfigEntryState.NOT_LOADED
    await wire.connected.wait()
    return entry, flow_id


async def reads_on(hass: HomeAssistant, entry: MockConfigEntry, wire: Wire) -> None:
    """Wait until the entry has its port back, and takes a telegram."""
    await until(hass, lambda: entry.state is ConfigEntryState.LOADED)
    await asyncio.sleep(0.1)
    await wire.send(telegram("1-0:1.8.0(9*kWh)"))
    await until(hass, lambda: said(hass, ENERGY) == "9")
    assert entry.data["port"] == wire.url


async def test_the_entry_goes_on_when_the_dialog_is_closed(
    hass: HomeAssistant, wire: Wire, lent: tuple[MockConfigEntry, str]
) -> None:
    entry, flow_id = lent
    hass.config_entries.flow.async_abort(flow_id)
    await reads_on(hass, entry, wire)


@pytest.mark.usefixtures("short_waits")
async def test_the_entry_goes_on_when_nothing_is_found(
    hass: HomeAssistant, wire: Wire, lent: tuple[MockConfigEntry, str]
) -> None:
    entry, flow_id = lent
    assert "Nothing came from" in reason(await listen(hass, flow_id, {}))
    await reads_on(hass, entry, wire)


async def test_the_entry_goes_on_when_the_search_breaks(
    hass: HomeAssistant, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(port: Any, shares: Any, report: Any) -> None:
        await port.close()
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(listen_flow, "search", broken)
    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter", unique_id="M1"))
    with pytest.raises(RuntimeError):
        await listen(hass, await begin(hass, entry, "network"), network(wire))
    await reads_on(hass, entry, wire)


@pytest.mark.parametrize("fault", [RuntimeError, asyncio.CancelledError])
async def test_the_entry_goes_on_when_opening_breaks(
    hass: HomeAssistant, wire: Wire, monkeypatch: pytest.MonkeyPatch, fault: type[BaseException]
) -> None:
    async def broken(url: str, line: Any) -> None:
        assert entry.state is ConfigEntryState.NOT_LOADED
        raise fault

    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter", unique_id="M1"))
    monkeypatch.setattr(port_flow, "open_port", broken)
    with pytest.raises(fault):
        await listen(hass, await begin(hass, entry, "network"), network(wire))
    await reads_on(hass, entry, wire)


async def test_the_entry_goes_on_when_the_dialog_is_closed_while_the_port_opens(
    hass: HomeAssistant, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = port_flow.open_port

    async def slow(url: str, line: Any) -> Any:
        hass.config_entries.flow.async_abort(flow_id)
        return await opening(url, line)

    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter", unique_id="M1"))
    flow_id = await begin(hass, entry, "network")
    monkeypatch.setattr(port_flow, "open_port", slow)
    with pytest.raises(UnknownFlow):
        await hass.config_entries.flow.async_configure(flow_id, network(wire))
    await until(hass, lambda: entry.state is ConfigEntryState.LOADED, 5)  # and searches no longer
    await reads_on(hass, entry, wire)


async def test_the_entry_goes_on_when_the_other_port_cannot_be_opened(
    hass: HomeAssistant, wire: Wire
) -> None:
    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter", unique_id="M1"))
    typed = {**network(wire), "port": free_port()}
    form = await listen(hass, await begin(hass, entry, "network"), typed)
    assert form["errors"] == {"base": "port_refused"}
    assert entry.state is ConfigEntryState.LOADED  # all the time
    await reads_on(hass, entry, wire)


async def test_an_entry_removed_meanwhile_is_not_brought_back(
    hass: HomeAssistant, lent: tuple[MockConfigEntry, str]
) -> None:
    entry, flow_id = lent
    await hass.config_entries.async_remove(entry.entry_id)
    assert not hass.config_entries.async_entries(DOMAIN)
    hass.config_entries.flow.async_abort(flow_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.NOT_LOADED


async def test_an_entry_that_waits_for_its_port_does_not_come_in_between(
    hass: HomeAssistant, wire: Wire
) -> None:
    await wire.close()
    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter", unique_id="M1"))
    assert entry.state is ConfigEntryState.SETUP_RETRY
    await wire.open()
    flow_id = await begin(hass, entry, "network")
    await hass.config_entries.flow.async_configure(flow_id, network(wire))
    assert entry.state is ConfigEntryState.NOT_LOADED
    await wire.send(telegram("1-0:1.8.0(1*kWh)"))
    assert changed(await listen(hass, flow_id, {}))
    await reads_on(hass, entry, wire)


@pytest.mark.usefixtures("short_waits")
@pytest.mark.parametrize("unique_id", [None, "M1"])
async def test_a_meter_that_does_not_say_who_it_is_is_shown_first(
    hass: HomeAssistant, wire: Wire, unique_id: str | None
) -> None:
    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter", unique_id=unique_id))
    flow_id = await begin(hass, entry, "network")
    await hass.config_entries.flow.async_configure(flow_id, network(wire))
    await wire.send(p1("1-0:1.8.0(1.5*kWh)"))
    shown = await listen(hass, flow_id, {})
    assert shown["step_id"] == "same"
    assert shown["description_placeholders"]["readings"] == "- Energy import: 1.5 kWh"
    assert changed(await hass.config_entries.flow.async_configure(flow_id, {}))
    await until(hass, lambda: entry.state is ConfigEntryState.LOADED)
    assert entry.unique_id == unique_id


async def test_a_meter_of_another_entry_is_left_to_that(hass: HomeAssistant, wire: Wire) -> None:
    entry_for("socket://127.0.0.1:1", "p1", unique_id="M2").add_to_hass(hass)
    entry = await set_up(hass, entry_for(wire.url, "p1", unique_id="M1"))
    flow_id = await begin(hass, entry, "network")
    await hass.config_entries.flow.async_configure(flow_id, network(wire))
    await wire.send(telegram("1-0:1.8.0(1*kWh)", meter="M2"))
    result = await listen(hass, flow_id, {})
    assert result["reason"] == "already_configured"


async def test_the_port_of_another_entry_is_refused(hass: HomeAssistant, wire: Wire) -> None:
    entry_for(wire.url, "p1", unique_id="M2").add_to_hass(hass)
    entry = entry_for("socket://127.0.0.1:1", "p1", unique_id="M1")
    entry.add_to_hass(hass)
    result = await listen(hass, await begin(hass, entry, "network"), network(wire))
    assert result["reason"] == "already_configured"


@pytest.mark.usefixtures("bus_brisk")
async def test_a_line_moves_where_one_of_its_meters_answers(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    first, second = bussing.meter(), bussing.meter(bussing.SECOND)
    await bussing.serve(stack, tmp_path / "old", first)
    await bussing.serve(stack, tmp_path / "new", first, second)
    await bussing.serve(stack, tmp_path / "foreign", second)
    entry = await set_up(hass, bussing.bus(tmp_path / "old", first))
    typed = place(port=str(tmp_path / "foreign"), line="2400 8N1", what="dlt645")
    flow_id = await begin(hass, entry, "serial")
    form = await listen(hass, flow_id, typed)
    assert form["errors"] == {"base": "other_line"}
    result = await listen(hass, flow_id, {**typed, "port": str(tmp_path / "new")})
    assert changed(result)
    await until(hass, lambda: entry.state is ConfigEntryState.LOADED)
    assert entry.data["port"] == str(tmp_path / "new")
    assert [each.unique_id for each in entry.subentries.values()] == [bussing.FIRST]


@pytest.mark.usefixtures("bus_brisk")
async def test_what_hangs_on_a_port_stays_of_one_kind(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path, tcp_meter: Serve[TcpServer]
) -> None:
    first = bussing.meter()
    await bussing.serve(stack, tmp_path / "line", first)
    line = bussing.bus(tmp_path / "line", first)
    line.add_to_hass(hass)
    typed = network(await tcp_meter("aidon"), what="listened")
    result = await listen(hass, await begin(hass, line, "network"), typed)
    assert result["reason"] == "other_kind"
    single = entry_for("socket://127.0.0.1:1", "p1", unique_id="M1")
    single.add_to_hass(hass)
    typed = place(port=str(tmp_path / "line"), line="2400 8N1", what="dlt645")
    hass.config_entries.async_update_entry(line, data={**line.data, "port": "/dev/none"})
    result = await listen(hass, await begin(hass, single, "serial"), typed)
    assert result["reason"] == "other_kind"


@pytest.fixture
def bus_brisk(brisk: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for answers for hundredths of a second."""
    finding = import_module("custom_components.obis_meter.metering.links.dlt645.find")
    monkeypatch.setattr(finding, "ANSWER", 0.02)


async def test_a_listener_moves_to_another_port(hass: HomeAssistant, stack: AsyncExitStack) -> None:
    old, new = free_port(), free_port()
    entry = await set_up(hass, listening(old, SERIAL))
    flow_id = await begin(hass, entry)
    typed = {"port": new, "host": "127.0.0.1", "allowed": "127.0.0.1"}
    assert changed(await hass.config_entries.flow.async_configure(flow_id, typed))
    await until(hass, lambda: entry.state is ConfigEntryState.LOADED)
    assert entry.data["port"] == f"listen://127.0.0.1:{new}"
    assert entry.title == f"Meters calling on port {new}"
    await Module(new).call(stack)
    await until(hass, lambda: is_on(hass))


async def test_a_listener_keeps_its_port_and_its_name(hass: HomeAssistant) -> None:
    port = free_port()
    entry = await set_up(hass, listening(port, SERIAL))
    hass.config_entries.async_update_entry(entry, title="Cabins")
    flow_id = await begin(hass, entry)
    typed = {"port": port, "host": "127.0.0.1", "allowed": "127.0.0.0/8"}
    assert changed(await hass.config_entries.flow.async_configure(flow_id, typed))
    await until(hass, lambda: entry.state is ConfigEntryState.LOADED)
    assert (entry.title, entry.data["allowed"]) == ("Cabins", "127.0.0.0/8")


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"allowed": "neighbours"}, {"allowed": "allowed_invalid"}),
        ({"host": "192.0.2.1"}, {"base": "listen_not_ours"}),
    ],
)
async def test_a_listener_that_cannot_be_changed_goes_on(
    hass: HomeAssistant, stack: AsyncExitStack, change: dict[str, str], errors: dict[str, str]
) -> None:
    port = free_port()
    entry = await set_up(hass, listening(port, SERIAL))
    flow_id = await begin(hass, entry)
    typed = {"port": port, "host": "127.0.0.1", "allowed": "127.0.0.1", **change}
    form = await hass.config_entries.flow.async_configure(flow_id, typed)
    assert form["errors"] == errors
    await until(hass, lambda: entry.state is ConfigEntryState.LOADED)
    await Module(port).call(stack)
    await until(hass, lambda: is_on(hass))
