"""The dialogs for meters with a module, for meters that call, and for what may be asked."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import pytest_socket

from custom_components.obis_meter import port_flow
from custom_components.obis_meter.const import DOMAIN
from custom_components.obis_meter.metering.links.rfc1662 import talk
from custom_components.obis_meter.port_error import PortError
from simulator.meters import ModuleMeter, meter
from simulator.module import COMMANDS, GET, SERIAL as SERIAL_NUMBER, frame
from simulator.serve import PtyServer, TcpServer, serve_pty, serve_tcp

from .calling import OTHER, SERIAL, Module, is_on, listening
from .conftest import START, Wire, entry_for, free_port, place, reason, set_up, until

WHO = frame(COMMANDS, GET, b"\x05\x80")


async def begin(hass: HomeAssistant, step: str) -> str:
    """Open the dialog, choose how the meter is reached, and return the flow's id."""
    menu = await hass.config_entries.flow.async_init(DOMAIN, context={"source": "user"})
    assert menu["menu_options"] == ["serial", "network", "listener"]
    form = await hass.config_entries.flow.async_configure(menu["flow_id"], {"next_step_id": step})
    assert form["step_id"] == step
    return form["flow_id"]


async def fill(hass: HomeAssistant, flow_id: str, typed: dict[str, Any]) -> ConfigFlowResult:
    """Fill a form in and wait while the meter is listened to or asked."""
    result = await hass.config_entries.flow.async_configure(flow_id, typed)
    async with asyncio.timeout(40):
        while result["type"] is FlowResultType.SHOW_PROGRESS:
            await asyncio.sleep(0.02)
            result = await hass.config_entries.flow.async_configure(flow_id)
    return result


def network(server: TcpServer | Wire, *, what: str = "module") -> dict[str, Any]:
    return place(host="127.0.0.1", port=server.port, protocol="socket", what=what)


@pytest.fixture
async def on_pty(stack: AsyncExitStack, tmp_path: Path) -> PtyServer:
    """A meter with a module at the end of a serial line."""
    server = await serve_pty(meter("module", START), tmp_path / "line", start=START, speed=20)
    stack.push_async_callback(server.close)
    return server


def talk_of(server: PtyServer | TcpServer) -> Any:
    assert isinstance(server.source, ModuleMeter)
    return server.source.talk


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for an answer for tenths of a second."""
    monkeypatch.setattr(talk, "ANSWER", 0.2)
    monkeypatch.setattr(talk, "LONGEST", 0.3)


async def test_the_meter_at_a_module_port_is_asked_who_it_is(
    hass: HomeAssistant, on_pty: PtyServer
) -> None:
    typed = place(port=str(on_pty.path), what="module")
    found = await fill(hass, await begin(hass, "serial"), typed)
    assert found["step_id"] == "confirm"
    assert found["description_placeholders"]["meter"] == SERIAL
    assert bytes(talk_of(on_pty).received).count(WHO) == 1
    added = await hass.config_entries.flow.async_configure(found["flow_id"], {})
    await hass.async_block_till_done()
    assert added["result"].unique_id == SERIAL
    assert added["data"]["link"] == "rfc1662"
    await until(hass, lambda: added["result"].runtime_data.main.heard)


async def test_a_meter_that_refuses_to_say_who_it_is_is_added_all_the_same(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    source = meter("module", START)
    assert isinstance(source, ModuleMeter)
    del source.talk.parameters[SERIAL_NUMBER]
    server = await serve_tcp(source, start=START, speed=1)
    stack.push_async_callback(server.close)
    found = await fill(hass, await begin(hass, "network"), network(server))
    assert found["step_id"] == "confirm"


@pytest.mark.usefixtures("brisk")
async def test_a_meter_that_does_not_answer_is_named(hass: HomeAssistant, wire: Wire) -> None:
    menu = await fill(hass, await begin(hass, "network"), network(wire))
    assert reason(menu).startswith(f"The meter at {wire.url} does not answer")
    assert menu["menu_options"] == ["again", "optical", "bus", "module", "network"]


async def test_a_port_that_is_lost_while_it_is_asked_is_named(
    hass: HomeAssistant, wire: Wire
) -> None:
    flow_id = await begin(hass, "network")
    asking = await hass.config_entries.flow.async_configure(flow_id, network(wire))
    assert asking["progress_action"] == "asking"
    await wire.send()
    await wire.hang_up()
    assert "was lost" in reason(await fill(hass, flow_id, {}))


async def test_closing_the_dialog_while_the_meter_is_asked_lets_the_port_go(
    hass: HomeAssistant, wire: Wire
) -> None:
    flow_id = await begin(hass, "network")
    await hass.config_entries.flow.async_configure(flow_id, network(wire))
    hass.config_entries.flow.async_abort(flow_id)
    await wire.send()
    await until(hass, wire.writers[0].is_closing)


async def test_a_meter_that_is_heard_to_want_its_module_is_asked_with_leave(
    hass: HomeAssistant, on_pty: PtyServer
) -> None:
    typed = place(port=str(on_pty.path))
    heard = await fill(hass, await begin(hass, "serial"), typed)
    assert heard["step_id"] == "module"
    assert not talk_of(on_pty).received  # nothing was sent before its owner agreed
    found = await fill(hass, heard["flow_id"], {})
    assert found["step_id"] == "confirm"
    assert found["description_placeholders"]["meter"] == SERIAL
    assert WHO in talk_of(on_pty).received


async def test_a_port_taken_before_its_owner_agreed_is_named(
    hass: HomeAssistant, on_pty: PtyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = place(port=str(on_pty.path))
    heard = await fill(hass, await begin(hass, "serial"), typed)
    assert heard["step_id"] == "module"

    async def busy(url: str, line: object) -> None:
        raise PortError("port_busy", url, OSError())

    monkeypatch.setattr(port_flow, "open_port", busy)
    form = await fill(hass, heard["flow_id"], {})
    assert form["step_id"] == "serial"
    assert form["errors"] == {"base": "port_busy"}


async def test_a_port_for_calls_is_added(hass: HomeAssistant) -> None:
    typed = {"port": free_port(), "allowed": "127.0.0.1, 10.0.0.0/8", "host": ""}
    added = await fill(hass, await begin(hass, "listener"), typed)
    await hass.async_block_till_done()
    assert added["type"] is FlowResultType.CREATE_ENTRY
    assert added["data"] == {
        "port": f"listen://:{typed['port']}",
        "link": "rfc1662",
        "allowed": typed["allowed"],
        "identity": {},
    }
    assert added["result"].state is ConfigEntryState.LOADED
    again = await fill(hass, await begin(hass, "listener"), typed)
    assert again["reason"] == "already_configured"


@pytest.mark.parametrize("allowed", ["192.168.1.300", "everybody", "10.0.0.0/33", " , "])
async def test_networks_that_are_none_can_be_mended(hass: HomeAssistant, allowed: str) -> None:
    typed = {"port": free_port(), "allowed": allowed, "host": "127.0.0.1"}
    flow_id = await begin(hass, "listener")
    form = await fill(hass, flow_id, typed)
    assert form["errors"] == {"allowed": "allowed_invalid"}
    suggested = {str(key): key.description for key in form["data_schema"].schema}
    assert suggested["allowed"] == {"suggested_value": allowed}
    added = await fill(hass, flow_id, {**typed, "allowed": "127.0.0.1"})
    assert added["data"]["port"] == f"listen://127.0.0.1:{typed['port']}"


async def test_an_address_of_version_6_is_listened_on(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1"])
    typed = {"port": free_port(), "allowed": "::1", "host": "[::1]"}
    added = await fill(hass, await begin(hass, "listener"), typed)
    await hass.async_block_till_done()
    assert added["data"]["port"] == f"listen://[::1]:{typed['port']}"
    _, writer = await asyncio.open_connection("::1", typed["port"])
    await until(hass, lambda: len(added["result"].runtime_data.channels()) == 1)
    writer.transport.abort()


async def offered(hass: HomeAssistant, entry: MockConfigEntry, stack: AsyncExitStack) -> str:
    """Have an unknown meter call, and return the flow that offers it."""
    await Module(int(entry.data["port"].rpartition(":")[2])).call(stack)
    flows: Callable[[], Any] = hass.config_entries.flow.async_progress
    await until(hass, lambda: bool(flows()))
    return str(flows()[0]["flow_id"])


async def test_a_meter_that_was_added_meanwhile_is_not_added_twice(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    entry = await set_up(hass, listening(free_port()))
    flow_id = await offered(hass, entry, stack)
    known = ConfigSubentry(
        data=MappingProxyType({}), subentry_type="meter", title="Flat", unique_id=SERIAL
    )
    hass.config_entries.async_add_subentry(entry, known)
    await hass.async_block_till_done()
    done = await hass.config_entries.flow.async_configure(flow_id, {"name": "Other"})
    assert done["reason"] == "meter_added"
    assert [each.title for each in entry.subentries.values()] == ["Flat"]


async def test_a_meter_whose_entry_is_gone_cannot_be_added(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    entry = await set_up(hass, listening(free_port()))
    flow_id = await offered(hass, entry, stack)
    form = await hass.config_entries.flow.async_configure(flow_id)
    assert form["step_id"] == "called"
    assert form["description_placeholders"]["meter"] == SERIAL
    assert form["description_placeholders"]["address"] == "127.0.0.1"
    await hass.config_entries.async_remove(entry.entry_id)
    gone = await hass.config_entries.flow.async_configure(flow_id, {"name": ""})
    assert gone["reason"] == "listener_gone"


async def test_a_meter_can_be_added_before_it_calls(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    entry = await set_up(hass, listening(free_port()))
    subentries, kind = hass.config_entries.subentries, (entry.entry_id, "meter")
    form = await subentries.async_init(kind, context={"source": "user"})
    assert form["step_id"] == "user"
    added = await subentries.async_configure(
        form["flow_id"], {"meter": f" {SERIAL} ", "name": f"Meter {SERIAL}"}
    )
    assert added["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    state = hass.states.get(f"binary_sensor.meter_{SERIAL}_connection")
    assert state
    assert state.state == "off"
    await Module(int(entry.data["port"].rpartition(":")[2])).call(stack)
    await until(hass, lambda: is_on(hass))
    twice = await subentries.async_init(kind, context={"source": "user"}, data={"meter": SERIAL})
    assert twice["reason"] == "already_configured"
    nameless = await subentries.async_init(kind, context={"source": "user"}, data={"meter": OTHER})
    assert nameless["title"] == OTHER


async def page(
    hass: HomeAssistant, entry: MockConfigEntry, step: str, typed: dict[str, Any]
) -> ConfigFlowResult:
    """Open a page of the options and fill it in."""
    menu = await hass.config_entries.options.async_init(entry.entry_id)
    assert menu["menu_options"] == ["general", "commands", "polling", "bridge"]
    form = await hass.config_entries.options.async_configure(
        menu["flow_id"], {"next_step_id": step}
    )
    assert form["step_id"] == step
    done = await hass.config_entries.options.async_configure(form["flow_id"], typed)
    await hass.async_block_till_done()
    return done


async def test_each_page_of_the_options_keeps_the_others(hass: HomeAssistant) -> None:
    entry = await set_up(hass, listening(free_port(), SERIAL))
    pages: dict[str, dict[str, Any]] = {
        "general": {"write_interval": 5, "demand_period": "none"},
        "commands": {"allow_commands": False, "module_name": "Flat 3", "module_quality": 17},
        "bridge": {"bridge_host": "127.0.0.1", "bridge_port": free_port()},
        "polling": {"parameters": [{"parameter": "0x2801", "name": "APN", "interval": 20}]},
    }
    for step, typed in pages.items():
        assert (await page(hass, entry, step, typed))["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == {key: v for typed in pages.values() for key, v in typed.items()}
    assert entry.state is ConfigEntryState.LOADED
    await page(hass, entry, "bridge", {})
    assert "bridge_host" not in entry.options
    assert not entry.runtime_data.bridges


async def test_a_meter_that_only_pushes_has_one_page(hass: HomeAssistant, wire: Wire) -> None:
    entry = await set_up(hass, entry_for(wire.url, "p1"))
    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert form["step_id"] == "general"


@pytest.mark.parametrize(
    "typed",
    [{"bridge_host": "head.end"}, {"bridge_port": 4000}, {"bridge_host": " ", "bridge_port": 1}],
)
async def test_half_a_head_end_is_none(hass: HomeAssistant, typed: dict[str, Any]) -> None:
    entry = await set_up(hass, listening(free_port(), SERIAL))
    before = dict(entry.options)
    form = await page(hass, entry, "bridge", typed)
    assert form["errors"] == {"base": "bridge_half"}
    assert dict(entry.options) == before


async def test_blanks_around_a_head_end_are_not_its_name(hass: HomeAssistant) -> None:
    entry = await set_up(hass, listening(free_port(), SERIAL))
    port = free_port()
    await page(hass, entry, "bridge", {"bridge_host": " 127.0.0.1 ", "bridge_port": port})
    assert entry.options["bridge_host"] == "127.0.0.1"
    await page(hass, entry, "bridge", {"bridge_host": " "})
    assert "bridge_host" not in entry.options
    assert entry.state is ConfigEntryState.LOADED


@pytest.mark.parametrize(
    ("parameter", "why"), [("apn", "parameter_unknown"), ("0x10000", "parameter_range")]
)
async def test_a_parameter_that_cannot_be_asked_for_is_named(
    hass: HomeAssistant, parameter: str, why: str
) -> None:
    entry = await set_up(hass, listening(free_port(), SERIAL))
    rows = [{"parameter": "0x2801"}, {"parameter": parameter}]
    form = await page(hass, entry, "polling", {"parameters": rows})
    assert form["errors"] == {"base": why}
    (field,) = form["data_schema"].schema
    assert field.description == {"suggested_value": rows}


async def test_a_polled_parameter_is_a_sensor_until_it_is_removed(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    entry = await set_up(hass, listening(free_port(), SERIAL))
    rows = [
        {"parameter": " 0x2802 ", "name": "Retry limit", "interval": 10},
        {"parameter": "0x2801"},
        {"parameter": "0x7777", "name": "Refused"},
    ]
    await page(hass, entry, "polling", {"parameters": rows})
    assert entry.options["parameters"] == [
        {"parameter": "0x2802", "name": "Retry limit", "interval": 10},
        {"parameter": "0x2801", "name": "0x2801", "interval": 300},
        {"parameter": "0x7777", "name": "Refused", "interval": 300},
    ]
    module = Module(int(entry.data["port"].rpartition(":")[2]))
    await module.call(stack)
    limit = f"sensor.meter_{SERIAL}_retry_limit"
    await until(hass, lambda: bool(hass.states.get(limit)))
    state = hass.states.get(limit)
    assert state
    assert (state.state, state.name) == ("15", f"Meter {SERIAL} Retry limit")
    await until(hass, lambda: bool(hass.states.get(f"sensor.meter_{SERIAL}_0x2801")))
    assert not hass.states.get(f"sensor.meter_{SERIAL}_refused")
    await page(hass, entry, "polling", {"parameters": rows[1:]})
    assert hass.states.get(limit) is None
    assert er.async_get(hass).async_get(limit) is None
    assert er.async_get(hass).async_get(f"sensor.meter_{SERIAL}_0x2801")
