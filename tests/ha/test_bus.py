"""Meters that share an RS-485 line: they are asked, commanded, and each comes and goes alone."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime, timedelta
import logging
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events

from custom_components.obis_meter import connection, reader
from custom_components.obis_meter.const import DOMAIN
from custom_components.obis_meter.metering.links.dlt645 import commands, talk
from custom_components.obis_meter.metering.schedule import Poll, Schedule
from simulator.dlt645 import Bus, Meter2007, Talker
from simulator.dlt645data import Happened
from simulator.dlt645old import Meter1997
from simulator.lines import home
from simulator.serve import serve_pty

from .conftest import set_up, until

START = datetime(2026, 6, 2, 18, 30, 10)
FIRST, SECOND, OLD = "202107072529", "202107072530", "000000063295"
PASSWORD, OPERATOR = "02123456", "87654321"


@pytest.fixture(autouse=True)
def _brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask ten times as often, and wait for answers for tenths of a second."""
    monkeypatch.setattr(talk, "ANSWER", 0.15)
    monkeypatch.setattr(talk, "LONGEST", 0.2)
    monkeypatch.setattr(connection, "FIRST_DELAY", 0.1)
    monkeypatch.setattr(connection, "LONGEST_DELAY", 0.2)
    monkeypatch.setattr(reader, "_LOOK", 0.05)
    monkeypatch.setattr(commands, "_REACTION", 0.05)
    monkeypatch.setattr(reader, "Schedule", hasty)


def hasty(polls: Iterable[Poll], now: float) -> Schedule:
    """Return a schedule in which everything is due a hundred times as often."""
    return Schedule([replace(poll, every=poll.every / 100) for poll in polls], now)


def meter(address: str = FIRST, longest: int = 200) -> Meter2007:
    return Meter2007(address, home(START, 1), longest)


async def serve(stack: AsyncExitStack, link: Path, meters: Sequence[Talker]) -> None:
    server = await serve_pty(Bus(meters, START), link)
    stack.push_async_callback(server.close)


def bus(link: Path, *meters: Talker, **secrets: str) -> MockConfigEntry:
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
        options={"write_interval": 0, "allow_commands": True},
        subentries_data=[
            {
                "data": {
                    "address": each.address,
                    "dialect": "1997" if isinstance(each, Meter1997) else "",
                    **secrets,
                },
                "subentry_type": "meter",
                "title": f"Meter {each.address}",
                "unique_id": each.address,
            }
            for each in meters
        ],
    )


def state(hass: HomeAssistant, name: str, address: str = FIRST) -> str | None:
    found = hass.states.get(f"sensor.meter_{address}_{name}")
    return found and found.state


async def test_smoke(hass: HomeAssistant, stack: AsyncExitStack, tmp_path: Path) -> None:
    meters = (meter(), meter(SECOND, 60), Meter1997(OLD, home(START, 3)))
    await serve(stack, tmp_path / "line", meters)
    entry = await set_up(hass, bus(tmp_path / "line", *meters))
    await until(hass, lambda: bool(state(hass, "energy_import")), 10)
    import asyncio

    await asyncio.sleep(3)
    for s in hass.states.async_all():
        print(s.entity_id, s.state, s.attributes.get("unit_of_measurement"))
    assert 0
