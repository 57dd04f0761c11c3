"""Adding a meter, as its owner does it."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
import random
import re
import socket

from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_USER,
    ConfigEntryDisabler,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
import pytest_socket

from custom_components.obis_meter import listen_flow
from custom_components.obis_meter.const import DOMAIN
from simulator.serve import PtyServer, TcpServer

from .conftest import METER, Serve, Wire, entry_for, p1, place, reason, set_up, until
from .rfc2217 import BAUDRATE, DATASIZE, PARITY, AccessServer


async def begin(hass: HomeAssistant, step: str) -> str:
    """Open the dialog, choose where the meter is connected, and return the flow's id."""
    menu = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert menu["type"] is FlowResultType.MENU
    assert menu["menu_options"] == ["serial", "network", "listener"]
    form = await hass.config_entries.flow.async_configure(menu["flow_id"], {"next_step_id": step})
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == step
    assert not form["errors"]
    return form["flow_id"]


async def listen(hass: HomeAssistant, flow_id: str, typed: dict) -> ConfigFlowResult:
    """Fill the form in and wait while the meter is being found."""
    result = await hass.config_entries.flow.async_configure(flow_id, typed)
    async with asyncio.timeout(40):
        while result["type"] is FlowResultType.SHOW_PROGRESS:
            await asyncio.sleep(0.05)
            result = await hass.config_entries.flow.async_configure(flow_id)
    return result


def network(server: TcpServer | Wire, **more: str) -> dict:
    return place(**{"host": "127.0.0.1", "port": server.port, "protocol": "socket", **more})


async def test_a_serial_meter_is_found_shown_and_added(
    hass: HomeAssistant, pty_meter: Serve[PtyServer]
) -> None:
    server = await pty_meter("aidon")
    flow_id = await begin(hass, "serial")
    found = await listen(hass, flow_id, place(port=server.url, line="2400_8n1"))
    assert found["step_id"] == "confirm"
    shown = found["description_placeholders"]
    assert shown["name"] == "Aidon 6534"
    assert shown["meter"] == METER
    assert "- Power import: " in shown["readings"]
    added = await hass.config_entries.flow.async_configure(flow_id, {})
    await hass.async_block_till_done()
    assert added["type"] is FlowResultType.CREATE_ENTRY
    assert added["title"] == "Aidon 6534"
    assert added["result"].unique_id == METER
    kept = dict(added["data"])
    (attempt,) = kept.pop("evidence")
    assert (attempt["line"], attempt["verdict"]) == ("2400 8N1", "understood")
    assert attempt["bytes"] > 100
    assert kept == {
        "port": server.url,
        "line": "2400 8N1",
        "link": "hdlc",
        "identity": {"serial": METER, "maker": "Aidon", "model": "6534", "firmware": None},
    }
    await until(hass, lambda: hass.states.get("sensor.aidon_6534_power_import") is not None)


async def test_a_meter_in_the_network_is_found_with_its_gas_meter(
    hass: HomeAssistant, tcp_meter: Serve[TcpServer]
) -> None:
    server = await tcp_meter("p1")
    flow_id = await begin(hass, "network")
    found = await listen(hass, flow_id, network(server, line="9600 7e1"))
    assert found["step_id"] == "confirm"
    readings = found["description_placeholders"]["readings"]
    assert re.search(r"- Gas consumption: [\d.]+ m³", readings)
    assert re.search(r"- Energy import tariff 1: [\d.]+ kWh", readings)
    added = await hass.config_entries.flow.async_configure(flow_id, {})
    await hass.async_block_till_done()
    assert added["data"]["port"] == f"socket://127.0.0.1:{server.port}"
    assert added["data"]["line"] == "9600 7E1"
    assert added["data"]["link"] == "p1"
    assert added["result"].state is ConfigEntryState.LOADED


async def test_a_german_meter_is_known_by_the_number_on_its_plate(
    hass: HomeAssistant, pty_meter: Serve[PtyServer]
) -> None:
    server = await pty_meter("sml")
    flow_id = await begin(hass, "serial")
    found = await listen(hass, flow_id, place(port=server.url, line="9600_8n1"))
    shown = found["description_placeholders"]
    assert (shown["name"], shown["meter"]) == ("Iskraemeco", "1ISK0070001234")
    assert "- Power net: " in shown["readings"]
    added = await hass.config_entries.flow.async_configure(flow_id, {})
    await hass.async_block_till_done()
    assert (added["data"]["link"], added["data"]["line"]) == ("sml", "9600 8N1")


@pytest.mark.usefixtures("short_waits")
async def test_a_meter_without_an_id_is_added_under_the_entry(
    hass: HomeAssistant, tcp_meter: Serve[TcpServer]
) -> None:
    server = await tcp_meter("p1-se")
    flow_id = await begin(hass, "network")
    found = await listen(hass, flow_id, network(server))
    assert found["description_placeholders"]["meter"] == "\N{EM DASH}"
    added = await hass.config_entries.flow.async_configure(flow_id, {})
    await hass.async_block_till_done()
    assert added["result"].unique_id is None
    await until(hass, lambda: len(hass.states.async_entity_ids("sensor")) > 10)


@pytest.mark.usefixtures("short_waits")
async def test_progress_tells_what_is_heard(
    hass: HomeAssistant, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen_flow, "_GLANCE", 0)
    flow_id = await begin(hass, "network")
    waiting = await hass.config_entries.flow.async_configure(flow_id, network(wire))
    assert waiting["progress_action"] == "waiting"
    whole = p1("1-0:1.8.0(1.5*kWh)", ident="KFM5")
    await wire.send(whole[:21])
    await asyncio.sleep(0.1)
    hearing = await hass.config_entries.flow.async_configure(flow_id)
    assert hearing["progress_action"] == "hearing"
    assert hearing["description_placeholders"]["count"] == "21"
    await wire.send(whole[21:])
    understood = await hass.config_entries.flow.async_configure(flow_id)
    assert understood["progress_action"] == "understood"
    found = await listen(hass, flow_id, {})
    assert found["description_placeholders"]["readings"] == "- Energy import: 1.5 kWh"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/dev/serial/by-id/none", "port_not_found"),
        ("/dev/null", "port_not_serial"),
        ("quantum://meter", "port_invalid"),
        ("socket://127.0.0.1", "port_invalid"),
    ],
)
async def test_a_port_that_cannot_be_opened_is_named_with_its_remedy(
    hass: HomeAssistant, path: str, error: str
) -> None:
    flow_id = await begin(hass, "serial")
    form = await listen(hass, flow_id, place(port=path, line="2400_8n1"))
    assert form["errors"] == {"base": error}
    assert form["description_placeholders"] == {"port": path}


async def test_a_refused_connection_can_be_mended_in_the_same_dialog(
    hass: HomeAssistant, tcp_meter: Serve[TcpServer]
) -> None:
    flow_id = await begin(hass, "network")
    closed = place(host="127.0.0.1", port=free_port(), protocol="socket")
    form = await listen(hass, flow_id, closed)
    assert form["errors"] == {"base": "port_refused"}
    refused = await listen(hass, flow_id, {**closed, "protocol": "rfc2217"})
    assert refused["errors"] == {"base": "port_refused"}
    found = await listen(hass, flow_id, network(await tcp_meter("p1")))
    assert found["step_id"] == "confirm"


async def test_an_ipv6_address_is_written_with_brackets(hass: HomeAssistant) -> None:
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1"])
    flow_id = await begin(hass, "network")
    typed = place(host="::1", port=free_port(), protocol="socket")
    form = await listen(hass, flow_id, typed)
    assert form["description_placeholders"]["port"] == f"socket://[::1]:{typed['port']}"


@pytest.mark.parametrize("host", ["192.168.1.5:3000", "tcp://meter", "a/b"])
async def test_a_host_with_more_than_a_host_is_refused(hass: HomeAssistant, host: str) -> None:
    flow_id = await begin(hass, "network")
    typed = place(host=host, port=3000, protocol="socket")
    form = await listen(hass, flow_id, typed)
    assert form["errors"] == {"host": "host_invalid"}


async def test_a_meter_that_moved_to_another_port_keeps_its_entry(
    hass: HomeAssistant, tcp_meter: Serve[TcpServer]
) -> None:
    entry = await set_up(hass, entry_for("/dev/serial/by-id/gone", unique_id=METER))
    assert entry.state is ConfigEntryState.SETUP_RETRY
    server = await tcp_meter("aidon")
    result = await listen(hass, await begin(hass, "network"), network(server))
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "moved"
    assert entry.data["port"] == server.url
    assert entry.state is ConfigEntryState.LOADED


async def test_an_entry_that_is_switched_off_is_not_said_to_be_read_again(
    hass: HomeAssistant, tcp_meter: Serve[TcpServer]
) -> None:
    off = ConfigEntryDisabler.USER
    entry = entry_for("/dev/serial/by-id/gone", unique_id=METER, disabled_by=off)
    entry.add_to_hass(hass)
    server = await tcp_meter("aidon")
    result = await listen(hass, await begin(hass, "network"), network(server))
    assert result["reason"] == "already_configured"
    assert entry.data["port"] == "/dev/serial/by-id/gone"


async def test_a_meter_that_was_ignored_can_be_added(
    hass: HomeAssistant, tcp_meter: Serve[TcpServer]
) -> None:
    """One that called may be, and is known by its id then."""
    ignored = {"unique_id": METER, "title": METER}
    await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_IGNORE}, data=ignored
    )
    server = await tcp_meter("aidon")
    result = await listen(hass, await begin(hass, "network"), network(server))
    assert result["step_id"] == "confirm"


async def test_a_port_in_use_is_named(hass: HomeAssistant, pty_meter: Serve[PtyServer]) -> None:
    server = await pty_meter("aidon")
    await set_up(hass, entry_for(str(server.path.resolve())))
    flow_id = await begin(hass, "serial")
    form = await listen(hass, flow_id, place(port=server.url, line="2400_8n1"))
    assert form["errors"] == {"base": "port_busy"}


async def test_line_settings_can_be_typed_and_are_checked(
    hass: HomeAssistant, pty_meter: Serve[PtyServer]
) -> None:
    server = await pty_meter("p1")
    flow_id = await begin(hass, "serial")
    form = await listen(hass, flow_id, place(port=server.url, line="fast"))
    assert form["errors"] == {"base": "line_invalid"}
    found = await listen(hass, flow_id, place(port=server.url, line="9600 8n1 xonxoff"))
    assert found["step_id"] == "confirm"


@pytest.mark.usefixtures("short_waits")
async def test_a_silent_line_and_one_that_makes_no_sense_are_told_apart(
    hass: HomeAssistant, wire: Wire
) -> None:
    flow_id = await begin(hass, "network")
    silent = await listen(hass, flow_id, network(wire))
    assert reason(silent).startswith(f"Nothing came from {wire.url}")
    assert silent["menu_options"] == ["again", "optical", "bus", "module", "network"]
    waiting = await hass.config_entries.flow.async_configure(flow_id, {"next_step_id": "again"})
    assert waiting["type"] is FlowResultType.SHOW_PROGRESS
    await wire.send(random.Random(1).randbytes(500))
    noise = await listen(hass, flow_id, {})
    assert "Over raw TCP the serial server sets the speed" in reason(noise)
    assert noise["menu_options"] == ["again", "network"]  # nobody is asked who speaks unasked


async def test_a_line_that_breaks_while_listening_is_named(hass: HomeAssistant, wire: Wire) -> None:
    flow_id = await begin(hass, "network")
    await hass.config_entries.flow.async_configure(flow_id, network(wire))
    await wire.send(b"7")
    await wire.hang_up()
    assert "was lost" in reason(await listen(hass, flow_id, {}))


async def test_the_same_port_is_not_added_twice(
    hass: HomeAssistant, tcp_meter: Serve[TcpServer]
) -> None:
    server = await tcp_meter("p1")
    await set_up(hass, entry_for(server.url, "p1"))
    result = await listen(hass, await begin(hass, "network"), network(server))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


async def test_the_same_meter_is_not_added_twice(
    hass: HomeAssistant, pty_meter: Serve[PtyServer], tcp_meter: Serve[TcpServer]
) -> None:
    server = await pty_meter("aidon")
    entry = await set_up(hass, entry_for(server.url, unique_id=METER))
    await until(hass, lambda: entry.runtime_data.main.heard)
    other_way = await tcp_meter("aidon")
    result = await listen(hass, await begin(hass, "network"), network(other_way))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


async def test_two_dialogs_do_not_fight_for_one_port(hass: HomeAssistant, wire: Wire) -> None:
    first = await begin(hass, "network")
    await hass.config_entries.flow.async_configure(first, network(wire))
    second = await listen(hass, await begin(hass, "network"), network(wire))
    assert second["type"] is FlowResultType.ABORT
    assert second["reason"] == "already_in_progress"


async def test_closing_the_dialog_lets_the_port_go(
    hass: HomeAssistant, pty_meter: Serve[PtyServer], tmp_path: Path
) -> None:
    server = await pty_meter("aidon", speed=1)
    server.silence()
    flow_id = await begin(hass, "serial")
    typed = place(port=server.url, line="2400_8n1")
    await hass.config_entries.flow.async_configure(flow_id, typed)
    await asyncio.sleep(0.1)
    hass.config_entries.flow.async_abort(flow_id)
    await asyncio.sleep(0.1)
    entry = await set_up(hass, entry_for(server.url))
    assert entry.state is ConfigEntryState.LOADED


async def test_options_say_how_often_sensors_are_written(
    hass: HomeAssistant, tcp_meter: Serve[TcpServer]
) -> None:
    entry = await set_up(hass, entry_for((await tcp_meter("p1")).url, "p1"))
    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert form["step_id"] == "general"
    done = await hass.config_entries.options.async_configure(
        form["flow_id"], {"write_interval": 30, "demand_period": "hour"}
    )
    await hass.async_block_till_done()
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == {"write_interval": 30, "demand_period": "hour"}
    assert entry.state is ConfigEntryState.LOADED


async def test_rfc_2217_sets_the_remote_line(hass: HomeAssistant, stack: AsyncExitStack) -> None:
    server = AccessServer()
    await server.open()
    stack.push_async_callback(server.close)
    typed = network(server, protocol="rfc2217", line="9600_7e1")
    flow_id = await begin(hass, "network")
    listening = await hass.config_entries.flow.async_configure(flow_id, typed)
    assert listening["type"] is FlowResultType.SHOW_PROGRESS
    assert server.settings[BAUDRATE] == 9600
    assert server.settings[DATASIZE] == 7
    assert server.settings[PARITY] == 3  # even
    server.send(p1("0-0:96.1.0(\xff)", "0-0:96.1.1(E1234567)", "1-0:1.7.0(1*kW)"))
    found = await listen(hass, flow_id, {})
    assert found["description_placeholders"]["meter"] == "E1234567"
