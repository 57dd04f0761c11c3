"""An owner picks a port, and nothing else: the line settings are found by listening."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any

from homeassistant.config_entries import SOURCE_USER, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.obis_meter import asker, finder, listen_flow, port_flow, wire as wires
from custom_components.obis_meter.const import DOMAIN
from custom_components.obis_meter.finder import Found, NotFoundError, Progress
from custom_components.obis_meter.metering.chances import chances
from custom_components.obis_meter.metering.detect import Locked
from custom_components.obis_meter.metering.links import LINKS
from custom_components.obis_meter.metering.links.rfc1662 import talk
from custom_components.obis_meter.metering.model import LineSettings
from custom_components.obis_meter.port_error import PortError
from custom_components.obis_meter.transport import open_port
from simulator.pusher import pusher
from simulator.serve import PtyServer
from tests.metering.captures import EVERY, Capture
from tests.metering.hearing import LONG, tells

from .conftest import Serve, Wire, place, reason
from .rfc2217 import STOPSIZE, AccessServer

pytestmark = pytest.mark.usefixtures("short_waits")


@pytest.fixture
async def access(stack: AsyncExitStack) -> AccessServer:
    server = AccessServer()
    await server.open()
    stack.push_async_callback(server.close)
    return server


async def begun(hass: HomeAssistant, step: str, **where: Any) -> ConfigFlowResult:
    flows = hass.config_entries.flow
    menu = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    form = await flows.async_configure(menu["flow_id"], {"next_step_id": step})
    return await flows.async_configure(form["flow_id"], place(**where))


async def ended(hass: HomeAssistant, result: ConfigFlowResult) -> ConfigFlowResult:
    async with asyncio.timeout(40):
        while result["type"] is FlowResultType.SHOW_PROGRESS:
            await asyncio.sleep(0.02)
            result = await hass.config_entries.flow.async_configure(result["flow_id"])
    return result


def remote(server: AccessServer) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": server.port, "protocol": "rfc2217"}


async def pushing(server: AccessServer, name: str, *, eager: bool) -> None:
    """Send telegrams for ever, at the meter's settings, to who may have set others."""
    sent, turn = pusher(name), 0
    while True:
        await asyncio.sleep(0.12)
        octets, turn = sent.telegrams[turn % len(sent.telegrams)], turn + 1
        if server.writers and STOPSIZE in server.settings:
            server.hear(octets, sent.line, eager=eager)


@pytest.fixture
async def pushers(stack: AsyncExitStack) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks: list[asyncio.Task[None]] = []
    yield tasks
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(
    ("name", "country"),
    [("aidon", "NO"), ("aidon", "DE"), ("p1", "NO"), ("p1-v2", "DE"), ("sml", "NL")],
)
async def test_the_settings_of_a_meter_are_found(
    hass: HomeAssistant,
    access: AccessServer,
    pushers: list[asyncio.Task[None]],
    name: str,
    country: str,
) -> None:
    hass.config.country = country
    pushers.append(asyncio.create_task(pushing(access, name, eager=country == "DE")))
    found = await ended(hass, await begun(hass, "network", **remote(access)))
    assert found["step_id"] == "confirm"
    assert not access.heard
    added = await hass.config_entries.flow.async_configure(found["flow_id"], {})
    await hass.async_block_till_done()
    assert added["data"]["line"] == pusher(name).line
    evidence = added["data"]["evidence"]
    assert evidence[-1]["line"] == pusher(name).line
    assert {each["verdict"] for each in evidence[:-1]} <= {"garbled", "silent", "broken"}


async def test_evidence_is_in_the_download(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    pty_meter: Serve[PtyServer],
) -> None:
    server = await pty_meter("aidon")
    found = await ended(hass, await begun(hass, "serial", port=server.url))
    added = await hass.config_entries.flow.async_configure(found["flow_id"], {})
    await hass.async_block_till_done()
    download = await get_diagnostics_for_config_entry(hass, hass_client, added["result"])
    assert download["evidence"] == added["data"]["evidence"]
    assert set(download["evidence"][0]) == {"line", "seconds", "bytes", "verdict", "errors"}


async def test_progress_names_each_attempt(
    hass: HomeAssistant,
    access: AccessServer,
    pushers: list[asyncio.Task[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listen_flow, "_GLANCE", 0)
    hass.config.country = "DE"
    shown = await begun(hass, "network", **remote(access))
    assert shown["progress_action"] == "waiting"
    assert shown["description_placeholders"]["attempt"] == "1"
    told: dict[str, str] = {}
    pushers.append(asyncio.create_task(pushing(access, "aidon", eager=True)))
    async with asyncio.timeout(40):
        while shown["type"] is FlowResultType.SHOW_PROGRESS:
            told[str(shown["progress_action"])] = shown["description_placeholders"]["line"]
            await asyncio.sleep(0.005)
            shown = await hass.config_entries.flow.async_configure(shown["flow_id"])
    assert {"waiting", "trying_speed"} <= set(told)
    assert told["trying_speed"].startswith("2400")


async def test_a_bridge_that_is_set_wrongly_is_told_how(hass: HomeAssistant, wire: Wire) -> None:
    listening = await begun(hass, "network", host="127.0.0.1", port=wire.port, protocol="socket")
    for _ in range(3):
        await wire.send(b"\x78\xf8\x80\x78\x00\xf8" * 10)
    menu = await ended(hass, listening)
    assert "They look like 2400 8N1 heard at 9600 8N1" in reason(menu)
    assert menu["menu_options"] == ["again", "network"]


async def test_settings_that_were_typed_wrongly_are_told(
    hass: HomeAssistant, access: AccessServer, pushers: list[asyncio.Task[None]]
) -> None:
    pushers.append(asyncio.create_task(pushing(access, "aidon", eager=False)))
    menu = await ended(hass, await begun(hass, "network", **remote(access), line="9600 8N1"))
    assert "They look like 2400 8" in reason(menu)
    flows = hass.config_entries.flow
    form = await flows.async_configure(menu["flow_id"], {"next_step_id": "network"})
    typed = place(**remote(access), line="1200 8N1")
    again = await ended(hass, await flows.async_configure(form["flow_id"], typed))
    assert "at 1200 8N1 no telegram that can be read. Choose Automatic" in reason(again)


@pytest.mark.parametrize("option", ["optical_tcp", "module", "network"])
async def test_leave_is_asked_before_anything_is_sent(
    hass: HomeAssistant, wire: Wire, option: str
) -> None:
    where = {"host": "127.0.0.1", "port": wire.port, "protocol": "socket"}
    menu = await ended(hass, await begun(hass, "network", **where))
    form = await hass.config_entries.flow.async_configure(
        menu["flow_id"], {"next_step_id": option.removesuffix("_tcp")}
    )
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, option)


async def test_a_port_that_was_taken_meanwhile_is_named(
    hass: HomeAssistant, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = {"host": "127.0.0.1", "port": wire.port, "protocol": "socket"}
    menu = await ended(hass, await begun(hass, "network", **where))

    async def busy(url: str, line: object) -> None:
        raise PortError("port_busy", url, OSError())

    monkeypatch.setattr(port_flow, "open_port", busy)
    flows = hass.config_entries.flow
    form = await flows.async_configure(menu["flow_id"], {"next_step_id": "bus"})
    assert (form["step_id"], form["errors"]) == ("network", {"base": "port_busy"})


async def test_a_module_port_is_asked_at_both_usual_speeds(
    access: AccessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk, "ANSWER", 0.1)
    monkeypatch.setattr(talk, "LONGEST", 0.1)
    lines = listen_flow._MODULE
    port = await open_port(f"rfc2217://127.0.0.1:{access.port}", lines[0])
    with pytest.raises(NotFoundError, match="not_answering"):
        await asker.ask(port, "rfc1662", lines)
    assert access.line() == "9600 8N1"
    assert access.heard


async def test_settings_that_a_port_refuses_are_passed_over(
    pty_meter: Serve[PtyServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pseudo terminal takes no parity."""
    server = await pty_meter("kaifa-at")
    port = await open_port(server.url, LineSettings(2400))
    found = await finder.search(port, chances("AT"), lambda progress: None)
    assert isinstance(found, Locked)
    assert found.line == LineSettings(2400)


async def test_a_port_that_takes_no_settings_any_more_is_lost(
    pty_meter: Serve[PtyServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(url: str, line: object) -> None:
        raise PortError("port_not_found", url, OSError())

    server = await pty_meter("aidon")
    port = await open_port(server.url, LineSettings(9600))

    async def refuse(line: LineSettings) -> None:
        raise OSError

    monkeypatch.setattr(port, "set_line", refuse)
    monkeypatch.setattr(wires, "open_port", gone)
    with pytest.raises(NotFoundError, match="port_lost"):
        await finder.search(port, {LineSettings(2400): 1.0}, lambda progress: None)


@pytest.mark.parametrize(
    "capture",
    [c for c in EVERY if tells(c) and c.name != "p1/enc_garbage_contains_db"]
    if LONG
    else [next(c for c in reversed(EVERY) if c.link == link and tells(c)) for link in LINKS],
    ids=lambda capture: capture.name,
)
async def test_the_link_of_every_capture_is_found_at_a_port(wire: Wire, capture: Capture) -> None:
    told: list[Progress] = []
    port = await open_port(wire.url, LINKS[capture.link].lines[0])
    searching = asyncio.create_task(
        finder.search(port, {LINKS[capture.link].lines[0]: 1.0}, told.append)
    )
    while not searching.done():
        with suppress(ConnectionError):  # it is found, and the port closed
            await wire.send(capture.raw)  # in chunks it would take longer than patience here lasts
        await asyncio.sleep(0.3)
    found = searching.result()
    assert isinstance(found, Found | Locked)
    assert found.link.name == capture.link
    assert any(progress.received for progress in told)
