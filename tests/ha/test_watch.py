"""What an owner is told of a port that has been of no use for an hour."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_meter import pace, watch
from custom_components.obis_meter.const import DOMAIN
from simulator.serve import PtyServer
from simulator.uart import Uart

from .conftest import Serve, Wire, entry_for, p1, set_up, until

TELEGRAM = p1("1-0:1.7.0(00.500*kW)")


@pytest.fixture(autouse=True)
def _hours_of_half_a_second(monkeypatch: pytest.MonkeyPatch, short_waits: None) -> None:
    monkeypatch.setattr(watch, "TOO_LONG", 0.5)
    monkeypatch.setattr(watch, "LOOK", timedelta(seconds=0.05))
    monkeypatch.setattr(pace, "FIRST_PATIENCE", 0.4)


def told(hass: HomeAssistant, entry: MockConfigEntry) -> str | None:
    """Return which message on the port of an entry is shown."""
    issue = ir.async_get(hass).async_get_issue(DOMAIN, f"port_{entry.entry_id}")
    return issue.translation_key if issue else None


async def send_until(
    hass: HomeAssistant, wire: Wire, entry: MockConfigEntry, data: bytes, word: str | None
) -> None:
    """Send something until that, or nothing any more, is told of the port."""
    async with asyncio.timeout(20):
        while told(hass, entry) != word:
            with suppress(ConnectionError):  # the port is opened anew where no telegram comes
                await wire.send(data)


async def test_a_meter_that_says_nothing_is_told_of_until_it_speaks(
    hass: HomeAssistant, wire: Wire
) -> None:
    entry = await set_up(hass, entry_for(wire.url, "p1"))
    assert told(hass, entry) is None
    await until(hass, lambda: told(hass, entry) == "no_bytes")
    await send_until(hass, wire, entry, TELEGRAM, None)


async def test_a_meter_that_does_not_answer_is_told_of_as_such(
    hass: HomeAssistant, wire: Wire
) -> None:
    listened = entry_for(wire.url, "p1")
    asked = MockConfigEntry(domain=DOMAIN, data={**listened.data, "ask": True})
    entry = await set_up(hass, asked)
    await until(hass, lambda: told(hass, entry) == "no_answer")


async def test_bytes_without_a_telegram_are_told_of_until_one_is_read(
    hass: HomeAssistant, wire: Wire
) -> None:
    entry = await set_up(hass, entry_for(wire.url, "p1"))

    await send_until(hass, wire, entry, bytes(range(256)), "no_telegram_tcp")
    await send_until(hass, wire, entry, TELEGRAM, None)


async def test_garbled_bytes_tell_how_the_bridge_is_set_wrongly(
    hass: HomeAssistant, wire: Wire
) -> None:
    noise = Uart(9600).hear(TELEGRAM, Uart(2400))
    hass.config.country = "NO"
    entry = await set_up(hass, entry_for(wire.url, "p1"))
    await send_until(hass, wire, entry, noise, "no_telegram_like_tcp")
    issue = ir.async_get(hass).async_get_issue(DOMAIN, f"port_{entry.entry_id}")
    assert issue
    assert issue.translation_placeholders
    likely = issue.translation_placeholders
    assert (likely["sent"], likely["heard"]) == ("2400 8N1", "9600 8N1")


async def test_garbled_bytes_of_a_serial_line_lead_to_its_settings(
    hass: HomeAssistant, pty_meter: Serve[PtyServer]
) -> None:
    server = await pty_meter("aidon")
    entry = await set_up(hass, entry_for(server.url, "p1"))  # not what the meter speaks
    await until(hass, lambda: told(hass, entry) == "no_telegram")
    issue = ir.async_get(hass).async_get_issue(DOMAIN, f"port_{entry.entry_id}")
    assert issue
    assert issue.translation_placeholders == {
        "name": "Aidon 6534",
        "port": str(server.path),
        "line": "2400 8N1",
    }


async def test_a_port_that_goes_is_told_of_until_it_is_back(
    hass: HomeAssistant, pty_meter: Serve[PtyServer]
) -> None:
    server = await pty_meter("aidon")
    entry = await set_up(hass, entry_for(server.url))
    await server.hang_up()
    await until(hass, lambda: told(hass, entry) == "missing_port")
    await server.resume()
    await until(hass, lambda: told(hass, entry) is None)


async def test_a_port_that_is_missing_from_the_start_is_told_of(
    hass: HomeAssistant, tmp_path: Path, pty_meter: Serve[PtyServer]
) -> None:
    entry = await set_up(hass, entry_for(str(tmp_path / "meter-aidon")))
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert told(hass, entry) is None

    async def missing_still() -> None:
        while told(hass, entry) is None:
            await hass.config_entries.async_reload(entry.entry_id)

    await missing_still()
    assert told(hass, entry) == "missing_port"
    await pty_meter("aidon")
    await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.LOADED
    assert told(hass, entry) is None


async def test_the_message_goes_with_the_entry(
    hass: HomeAssistant, pty_meter: Serve[PtyServer]
) -> None:
    server = await pty_meter("aidon")
    entry = await set_up(hass, entry_for(server.url))
    await server.hang_up()
    await until(hass, lambda: told(hass, entry) == "missing_port")
    await hass.config_entries.async_unload(entry.entry_id)
    assert told(hass, entry) is None
    while told(hass, entry) is None:
        await hass.config_entries.async_reload(entry.entry_id)
    await hass.config_entries.async_remove(entry.entry_id)
    assert told(hass, entry) is None


async def test_the_message_goes_when_its_owner_gives_up(hass: HomeAssistant) -> None:
    entry = await set_up(hass, entry_for("socket://127.0.0.1:1"))
    while told(hass, entry) is None:
        await hass.config_entries.async_reload(entry.entry_id)
    await hass.config_entries.async_set_disabled_by(entry.entry_id, ConfigEntryDisabler.USER)
    assert entry.state is ConfigEntryState.NOT_LOADED
    await until(hass, lambda: told(hass, entry) is None, 5)
