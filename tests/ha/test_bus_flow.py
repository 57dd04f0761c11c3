"""The dialogs for an RS-485 line: finding its meters, adding more, and what opens them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from importlib import import_module
import json
import logging
from pathlib import Path
import re
from typing import Any

from homeassistant.config_entries import SOURCE_USER, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.obis_meter import listen_flow
from custom_components.obis_meter.const import DOMAIN
from simulator.dlt645 import Meter2007
from simulator.dlt645data import Happened

from .bussing import (
    FIRST,
    OLD,
    OPERATOR,
    PASSWORD,
    SECOND,
    START,
    WRONG,
    act,
    brisk,
    bus,
    meter,
    old_meter,
    serve,
    state,
)
from .conftest import Wire, place, reason, set_up, until

pytestmark = pytest.mark.usefixtures("brisk")
__all__ = ["brisk"]

finding = import_module("custom_components.obis_meter.metering.links.dlt645.find")

THIRD = "260305510031"
SECRETS = (PASSWORD, WRONG, OPERATOR, PASSWORD[2:], WRONG[2:])
ELSEWHERE = ("core.config_entries", "auth")  # where they are kept, and where all is random
RANDOM_ID = re.compile(r"\b[0-9a-f]{32}\b")


@pytest.fixture(autouse=True)
def _short_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Meters made of software answer at once, or never."""
    monkeypatch.setattr(finding, "ANSWER", 0.02)


@pytest.fixture(autouse=True)
async def _secrets_stay_in_the_subentry(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    hass_client: ClientSessionGenerator,
) -> AsyncIterator[None]:
    """Search for every password wherever it must not be, after each test."""
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "custom_components.obis_meter")
    yield
    stored = {name: kept for name, kept in hass_storage.items() if name not in ELSEWHERE}
    downloads = [
        await get_diagnostics_for_config_entry(hass, hass_client, entry)
        for entry in hass.config_entries.async_loaded_entries(DOMAIN)
    ]
    states = [state.as_dict() for state in hass.states.async_all()]
    downloaded = json.dumps(downloads, default=str)
    everything = caplog.text + downloaded + json.dumps([stored, states], default=str)
    everything = RANDOM_ID.sub("", everything)  # that by chance has six digits of a secret
    for secret in SECRETS:
        assert secret not in everything
        assert bytes.fromhex(secret)[::-1].hex() not in everything
        assert repr(secret.encode()) not in everything
    for address in (FIRST, SECOND, THIRD, OLD):
        assert address not in downloaded
        assert bytes.fromhex(address)[::-1].hex() not in downloaded


async def begin(hass: HomeAssistant, step: str = "serial") -> str:
    menu = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    form = await hass.config_entries.flow.async_configure(menu["flow_id"], {"next_step_id": step})
    return str(form["flow_id"])


async def wait(hass: HomeAssistant, result: ConfigFlowResult) -> ConfigFlowResult:
    """Watch until something else than progress is shown."""
    async with asyncio.timeout(40):
        while result["type"] is FlowResultType.SHOW_PROGRESS:
            await asyncio.sleep(0.02)
            result = await hass.config_entries.flow.async_configure(result["flow_id"])
    return result


async def search(hass: HomeAssistant, path: Path, line: str = "2400 8N1") -> ConfigFlowResult:
    typed = place(port=str(path), line=line, what="dlt645")
    flow_id = await begin(hass)
    return await wait(hass, await hass.config_entries.flow.async_configure(flow_id, typed))


def labels(form: ConfigFlowResult, field: str) -> dict[str, str]:
    schema = {str(key): value for key, value in (form["data_schema"] or {}).schema.items()}
    return {each["value"]: each["label"] for each in schema[field].config["options"]}


async def test_a_line_with_three_meters_is_scanned_and_its_owner_chooses(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen_flow, "_GLANCE", 0)
    meters = (meter(), meter(SECOND), meter(THIRD))
    await serve(stack, tmp_path / "line", *meters)
    typed = place(port=str(tmp_path / "line"), line="2400 8N1", what="dlt645")
    flow_id = await begin(hass)
    result = await hass.config_entries.flow.async_configure(flow_id, typed)
    assert result["progress_action"] == "searching"
    told: set[str] = set()
    async with asyncio.timeout(40):
        while result["type"] is FlowResultType.SHOW_PROGRESS:
            told.add(f"{result['progress_action']} {result['description_placeholders']['count']}")
            await asyncio.sleep(0.02)
            result = await hass.config_entries.flow.async_configure(flow_id)
    assert {"scanning 0", "scanning 3"} <= told
    assert result["step_id"] == "meters"
    assert result["description_placeholders"] == {"count": "3", "line": "2400 8N1"}
    total = f"{meters[0].home.at(START).energy_import // 10 / 100:.2f}"
    offered = labels(result, "meters")
    assert offered[FIRST] == f"{FIRST}: {total} kWh"
    assert set(offered) == {FIRST, SECOND, THIRD}
    none = await hass.config_entries.flow.async_configure(flow_id, {"meters": []})
    assert none["errors"] == {"meters": "meters_none"}
    added = await hass.config_entries.flow.async_configure(flow_id, {"meters": [FIRST, THIRD]})
    await hass.async_block_till_done()
    assert added["type"] is FlowResultType.CREATE_ENTRY
    assert added["data"] == {
        "port": str(tmp_path / "line"),
        "line": "2400 8N1",
        "link": "dlt645",
        "ask": True,
        "identity": {},
    }
    entry = added["result"]
    assert [each.unique_id for each in entry.subentries.values()] == [FIRST, THIRD]
    await until(hass, lambda: state(hass, "sensor.power_net", THIRD) is not None, 10)
    assert state(hass, "sensor.power_net", SECOND) is None
    again = await hass.config_entries.flow.async_configure(await begin(hass), typed)
    assert again["reason"] == "already_configured"


async def test_an_old_meter_that_is_alone_is_found_at_once(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    one = old_meter()
    one.home.at(START)  # reckoned beforehand
    await serve(stack, tmp_path / "line", one)
    found = await search(hass, tmp_path / "line")
    assert list(labels(found, "meters")) == [OLD]
    added = await hass.config_entries.flow.async_configure(found["flow_id"], {"meters": [OLD]})
    (subentry,) = added["result"].subentries.values()
    assert dict(subentry.data) == {"address": OLD, "dialect": "1997"}
    await hass.async_block_till_done()


async def test_a_meter_that_keeps_its_total_to_itself_is_offered_by_its_address(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Meter2007._read

    def secretive(self: Meter2007, data: bytes, now: Any) -> tuple[int, bytes]:
        return (0x40, b"\x02") if data[:4] == b"\x00\x00\x01\x00" else read(self, data, now)

    monkeypatch.setattr(Meter2007, "_read", secretive)
    await serve(stack, tmp_path / "line", meter())
    found = await search(hass, tmp_path / "line")
    assert labels(found, "meters") == {FIRST: FIRST}


async def test_a_line_on_which_nobody_answers_is_named(hass: HomeAssistant, wire: Wire) -> None:
    typed = place(host="127.0.0.1", port=wire.port, protocol="socket", what="dlt645")
    flows = hass.config_entries.flow
    asked = await flows.async_configure(await begin(hass, "network"), typed)
    menu = await wait(hass, asked)
    assert "No meter answers" in reason(menu)
    lost = await flows.async_configure(menu["flow_id"], {"next_step_id": "bus"})
    await wire.send()
    await wire.hang_up()
    assert "was lost" in reason(await wait(hass, lost))


async def test_answers_that_nobody_understands_are_named(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            writer.write(bytes(range(50, 80)))

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    stack.push_async_callback(server.wait_closed)
    stack.callback(server.close)
    stack.callback(server.close_clients)
    port = server.sockets[0].getsockname()[1]
    typed = place(host="127.0.0.1", port=port, protocol="socket", what="dlt645")
    flow_id = await begin(hass, "network")
    menu = await wait(hass, await hass.config_entries.flow.async_configure(flow_id, typed))
    assert "nothing that can be understood" in reason(menu)


async def test_a_line_that_moved_to_another_port_keeps_its_entry(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    entry = await set_up(hass, bus(tmp_path / "gone", meter(), meter(SECOND)))
    await serve(stack, tmp_path / "line", meter(), meter(SECOND))
    moved = await search(hass, tmp_path / "line")
    assert moved["reason"] == "moved"
    await hass.async_block_till_done()
    assert entry.data["port"] == str(tmp_path / "line")
    await until(hass, lambda: state(hass, "sensor.power_net") is not None, 10)


async def test_meters_that_are_read_elsewhere_are_not_offered_again(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    await serve(stack, tmp_path / "one", meter())
    await set_up(hass, bus(tmp_path / "one", meter()))
    await until(hass, lambda: state(hass, "sensor.power_net") is not None, 10)
    await serve(stack, tmp_path / "other", meter())
    known = await search(hass, tmp_path / "other")
    assert known["reason"] == "already_configured"


# --- more meters, and what opens them ---


async def more(hass: HomeAssistant, entry: MockConfigEntry, how: str) -> ConfigFlowResult:
    """Open the dialog for one more meter and say how it is to be found."""
    flows = hass.config_entries.subentries
    menu = await flows.async_init((entry.entry_id, "meter"), context={"source": SOURCE_USER})
    assert menu["menu_options"] == ["scan", "typed"]
    result = await flows.async_configure(menu["flow_id"], {"next_step_id": how})
    async with asyncio.timeout(40):
        while result["type"] is FlowResultType.SHOW_PROGRESS:
            assert result["progress_action"] == "scanning"
            await asyncio.sleep(0.02)
            result = await flows.async_configure(result["flow_id"])
    return result


async def test_one_more_meter_is_found_on_the_line(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    await serve(stack, tmp_path / "line", meter(), meter(SECOND))
    entry = await set_up(hass, bus(tmp_path / "line", meter()))
    await until(hass, lambda: state(hass, "sensor.power_net") is not None, 10)
    found = await more(hass, entry, "scan")
    assert list(labels(found, "address")) == [SECOND]
    flows = hass.config_entries.subentries
    typed = {"address": SECOND, "name": "", "password": "12 34", "operator": ""}
    wrong = await flows.async_configure(found["flow_id"], typed)
    assert wrong["errors"] == {"password": "password_form"}
    added = await flows.async_configure(found["flow_id"], {**typed, "password": PASSWORD})
    assert added["title"] == f"Meter {SECOND}"
    await until(hass, lambda: state(hass, "sensor.power_net", SECOND) is not None, 10)


async def test_a_line_without_other_meters_offers_none(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    await serve(stack, tmp_path / "line", meter())
    entry = await set_up(hass, bus(tmp_path / "line", meter()))
    await until(hass, lambda: state(hass, "sensor.power_net") is not None, 10)
    nothing = await more(hass, entry, "scan")
    assert nothing["reason"] == "nothing_new"


async def test_a_meter_is_added_by_its_address_once_it_answers(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    await serve(stack, tmp_path / "line", meter(), old_meter())
    entry = await set_up(hass, bus(tmp_path / "line", meter()))
    await until(hass, lambda: state(hass, "sensor.power_net") is not None, 10)
    flows, form = hass.config_entries.subentries, await more(hass, entry, "typed")
    typed = {"name": "Attic", "password": "", "operator": OPERATOR}
    for wrong, errors in (
        ({"address": "no address"}, {"address": "address_invalid"}),
        ({"address": ""}, {"address": "address_invalid"}),
        ({"address": FIRST}, {"address": "address_known"}),
        ({"address": SECOND}, {"address": "not_answering"}),
        ({"address": OLD, "operator": "123456789"}, {"operator": "operator_form"}),
        ({"address": OLD, "password": "98123456"}, {"password": "password_cipher"}),
    ):
        form = await flows.async_configure(form["flow_id"], {**typed, **wrong})
        assert form["errors"] == errors
        shown = {str(key): key.description for key in form["data_schema"].schema}
        assert shown["password"] is None or "suggested_value" not in shown["password"]
    added = await flows.async_configure(form["flow_id"], {**typed, "address": "63295"})
    assert added["title"] == "Attic"
    (_, subentry) = entry.subentries.values()
    assert subentry.unique_id == OLD
    assert dict(subentry.data) == {"address": OLD, "dialect": "1997", "operator": OPERATOR}
    await hass.async_block_till_done()


async def test_name_and_password_are_changed_and_what_is_left_empty_stays(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    one = meter()
    await serve(stack, tmp_path / "line", one)
    entry = await set_up(hass, bus(tmp_path / "line", one, password=WRONG, operator=OPERATOR))
    await until(hass, lambda: state(hass, "sensor.power_net") is not None, 10)
    flows, (subentry,) = hass.config_entries.subentries, entry.subentries.values()
    form = await entry.start_subentry_reconfigure_flow(hass, subentry.subentry_id)
    assert form["step_id"] == "reconfigure"
    shown = {str(key): key.description for key in form["data_schema"].schema}
    assert shown["name"] == {"suggested_value": f"Meter {FIRST}"}
    assert not shown["password"]
    typed = {"name": "", "password": "1", "operator": ""}
    wrong = await flows.async_configure(form["flow_id"], typed)
    assert wrong["errors"] == {"password": "password_form"}
    done = await flows.async_configure(form["flow_id"], {**typed, "password": PASSWORD})
    assert done["reason"] == "reconfigure_successful"
    (subentry,) = entry.subentries.values()
    assert subentry.title == f"Meter {FIRST}"
    assert subentry.data["operator"] == OPERATOR
    opened = await act(hass, entry, "control_relay", operation="trip")
    assert opened["relay"] == "open"
    follower = entry.runtime_data.trackers[FIRST].follower
    await until(hass, lambda: "03300000" in follower.counts)
    one.state.happened.append(
        Happened("3000", START, noted=bytes.fromhex(OPERATOR)[::-1] + bytes(40))
    )
    await until(hass, lambda: state(hass, "event.event") not in (None, "unknown"), 10)


async def test_a_line_that_is_not_open_cannot_be_asked(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    server = await serve(stack, tmp_path / "line", meter())
    entry = await set_up(hass, bus(tmp_path / "line", meter()))
    await until(hass, lambda: state(hass, "sensor.power_net") is not None, 10)
    flows, kind = hass.config_entries.subentries, (entry.entry_id, "meter")
    form = await more(hass, entry, "typed")
    menu = await flows.async_init(kind, context={"source": SOURCE_USER})
    await server.hang_up()
    await until(hass, lambda: not entry.runtime_data.connection.channel.is_open)
    typed = {"address": SECOND, "name": "", "password": "", "operator": ""}
    named = await flows.async_configure(form["flow_id"], typed)
    assert named["errors"] == {"base": "line_not_open"}
    gone = await flows.async_configure(menu["flow_id"], {"next_step_id": "scan"})
    assert gone["reason"] == "line_not_open"
    await hass.config_entries.async_unload(entry.entry_id)
    closed = await flows.async_init(kind, context={"source": SOURCE_USER})
    assert closed["reason"] == "line_not_open"


async def test_a_line_that_is_lost_meanwhile_ends_the_search(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await serve(stack, tmp_path / "line", meter(), meter(SECOND))
    entry = await set_up(hass, bus(tmp_path / "line", meter()))
    await until(hass, lambda: state(hass, "sensor.power_net") is not None, 10)
    monkeypatch.setattr(finding, "ANSWER", 0.2)
    flows, kind = hass.config_entries.subentries, (entry.entry_id, "meter")
    menu = await flows.async_init(kind, context={"source": SOURCE_USER})
    result = await flows.async_configure(menu["flow_id"], {"next_step_id": "scan"})
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    form = await flows.async_init(kind, context={"source": SOURCE_USER})
    await flows.async_configure(form["flow_id"], {"next_step_id": "typed"})
    typed = {"address": SECOND, "name": "", "password": "", "operator": ""}
    looking = hass.async_create_task(flows.async_configure(form["flow_id"], typed))
    await asyncio.sleep(0.1)
    await server.hang_up()
    async with asyncio.timeout(40):
        while result["type"] is FlowResultType.SHOW_PROGRESS:
            await asyncio.sleep(0.02)
            result = await flows.async_configure(result["flow_id"])
    assert result["reason"] == "line_not_open"
    said = await looking
    assert said["errors"] == {"base": "line_not_open"}


async def test_closing_the_dialog_ends_the_search(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await serve(stack, tmp_path / "line", meter(), meter(SECOND))
    entry = await set_up(hass, bus(tmp_path / "line", meter()))
    await until(hass, lambda: state(hass, "sensor.power_net") is not None, 10)
    monkeypatch.setattr(finding, "ANSWER", 0.2)
    flows = hass.config_entries.subentries
    menu = await flows.async_init((entry.entry_id, "meter"), context={"source": SOURCE_USER})
    await flows.async_configure(menu["flow_id"], {"next_step_id": "scan"})
    flows.async_abort(menu["flow_id"])
    channel = entry.runtime_data.connection.channel
    before = channel.statistics.telegrams + channel.statistics.messages
    await until(
        hass, lambda: channel.statistics.telegrams + channel.statistics.messages > before + 3
    )


async def test_a_scan_holds_home_assistant_up_in_nothing(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await serve(stack, tmp_path / "line", meter())
    entry = await set_up(hass, bus(tmp_path / "line", meter()))
    monkeypatch.setattr(finding, "ANSWER", 60)
    flows = hass.config_entries.subentries
    menu = await flows.async_init((entry.entry_id, "meter"), context={"source": SOURCE_USER})
    await flows.async_configure(menu["flow_id"], {"next_step_id": "scan"})
    async with asyncio.timeout(20):
        await hass.async_block_till_done()  # as a stop does
    scan = await flows.async_configure(menu["flow_id"])
    assert scan["type"] is FlowResultType.SHOW_PROGRESS
    flows.async_abort(menu["flow_id"])


async def test_the_options_of_a_line_are_those_that_fit(
    hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path
) -> None:
    await serve(stack, tmp_path / "line", meter())
    entry = await set_up(hass, bus(tmp_path / "line", meter()))
    options = hass.config_entries.options
    menu = await options.async_init(entry.entry_id)
    assert menu["menu_options"] == ["general", "commands", "polling"]
    form = await options.async_configure(menu["flow_id"], {"next_step_id": "commands"})
    assert [str(key) for key in form["data_schema"].schema] == ["allow_commands"]
    await options.async_configure(form["flow_id"], {"allow_commands": False})
    await hass.async_block_till_done()
    assert entry.options["allow_commands"] is False
