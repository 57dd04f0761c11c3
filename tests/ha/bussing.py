"""DL/T 645 meters on a pseudo terminal, and the entry that reads them."""

from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from homeassistant.auth.models import User
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_meter import connection, reader
from custom_components.obis_meter.const import DOMAIN
from custom_components.obis_meter.metering.links.dlt645 import commands, talk
from custom_components.obis_meter.metering.schedule import Poll, Schedule
from simulator.dlt645 import Bus, Meter2007, Talker
from simulator.dlt645old import Meter1997
from simulator.lines import home
from simulator.serve import PtyServer, serve_pty

START = datetime(2026, 6, 2, 18, 30, 10)
FIRST, SECOND, OLD = "202107072529", "202107072530", "000000063295"
PASSWORD, WRONG, SETTER, OPERATOR = "02123456", "02918273", "04654321", "87654321"


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask twenty times as often, and wait for answers for tenths of a second."""
    monkeypatch.setattr(talk, "ANSWER", 0.15)
    monkeypatch.setattr(talk, "LONGEST", 0.2)
    monkeypatch.setattr(connection, "FIRST_DELAY", 0.1)
    monkeypatch.setattr(connection, "LONGEST_DELAY", 0.2)
    monkeypatch.setattr(reader, "_LOOK", 0.05)
    monkeypatch.setattr(reader, "Schedule", _hasty)
    monkeypatch.setattr(commands, "_REACTION", 0.05)


def _hasty(polls: Iterable[Poll], now: float) -> Schedule:
    return Schedule([replace(poll, every=poll.every / 20) for poll in polls], now)


def meter(address: str = FIRST, longest: int = 200, start: datetime = START) -> Meter2007:
    return Meter2007(address, home(start, 1), longest)


def old_meter() -> Meter1997:
    return Meter1997(OLD, home(START, 3))


async def serve(
    stack: AsyncExitStack, link: Path, *meters: Talker, start: datetime = START
) -> PtyServer:
    """Serve a line with meters at a path."""
    server = await serve_pty(Bus(meters, start), link)
    stack.push_async_callback(server.close)
    return server


def bus(
    link: Path,
    *meters: Meter2007 | Meter1997,
    options: dict[str, Any] | None = None,
    **secrets: str,
) -> MockConfigEntry:
    """Return an entry as the flow makes it; its meters are named after their addresses."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="RS-485 line",
        data={
            "port": str(link),
            "line": "2400 8N1",  # a pseudo terminal has no parity
            "link": "dlt645",
            "ask": True,
            "identity": {},
        },
        options={"write_interval": 0, "allow_commands": True, **(options or {})},
        subentries_data=[subentry(each, **secrets) for each in meters],
    )


def subentry(each: Meter2007 | Meter1997, **secrets: str) -> dict[str, Any]:
    dialect = "1997" if isinstance(each, Meter1997) else ""
    return {
        "data": {"address": each.address, "dialect": dialect, **secrets},
        "subentry_type": "meter",
        "title": f"Meter {each.address}",
        "unique_id": each.address,
    }


def state(hass: HomeAssistant, name: str, address: str = FIRST) -> str | None:
    """Return the state of an entity, such as sensor.energy_import, of a meter."""
    platform, _, key = name.partition(".")
    found = hass.states.get(f"{platform}.meter_{address}_{key}")
    return found and found.state


def device_id(hass: HomeAssistant, entry: MockConfigEntry, address: str = FIRST) -> str:
    device = dr.async_get(hass).async_get_device_by_identifier((DOMAIN, address), entry.entry_id)
    assert device
    return device.id


async def act(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    action: str,
    *,
    user: User | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Call an action on the first meter, and return what it says."""
    said = await hass.services.async_call(
        DOMAIN,
        action,
        {"device_id": device_id(hass, entry), **fields},
        blocking=True,
        return_response=True,
        context=Context(user_id=user.id) if user else None,
    )
    assert isinstance(said, dict)
    return said
