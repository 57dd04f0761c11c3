"""Cables that are pulled, bridges that hang, meters that fall silent: all comes back by itself."""

import asyncio
from collections.abc import Sequence
import errno
import logging
import socket
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers.entity_component import async_update_entity
import pytest
from serialx import SerialException
from serialx.common import UnknownUriScheme

from custom_components.obis_meter import connection, transport
from custom_components.obis_meter.connection import LONGEST_DELAY, delays
from custom_components.obis_meter.const import DOMAIN
from custom_components.obis_meter.metering.errors import DecodeError, MeteringError
from custom_components.obis_meter.metering.model import LineSettings, Reading
from custom_components.obis_meter.metering.plausible import Guard
from custom_components.obis_meter.pace import FIRST_PATIENCE, LEAST_PATIENCE, Pace, Statistics
from custom_components.obis_meter.port_error import PortError
from simulator.serve import PtyServer, TcpServer

from .conftest import METER, Serve, Wire, entry_for, p1, set_up, until

POWER = "sensor.meter_power_import"
CONNECTION = "binary_sensor.meter_connection"


def is_in(hass: HomeAssistant, entity_id: str, state: str) -> bool:
    found = hass.states.get(entity_id)
    return found is not None and found.state == state


def heard(hass: HomeAssistant) -> bool:
    found = hass.states.get(POWER)
    return found is not None and found.state != STATE_UNAVAILABLE


async def outage_and_return(
    hass: HomeAssistant, server: PtyServer | TcpServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Cut the line and bring it back; each is told once."""
    caplog.set_level(logging.INFO)
    await until(hass, lambda: heard(hass))
    assert is_in(hass, CONNECTION, STATE_ON)
    await server.hang_up()
    await until(hass, lambda: is_in(hass, POWER, STATE_UNAVAILABLE))
    assert is_in(hass, CONNECTION, STATE_OFF)
    await asyncio.sleep(0.5)
    await server.resume()
    await until(hass, lambda: heard(hass), 10)
    assert is_in(hass, CONNECTION, STATE_ON)
    ours = [r for r in caplog.records if "obis_meter" in r.name and r.levelno >= logging.INFO]
    assert [r.levelname for r in ours] == ["ERROR", "INFO"]


@pytest.mark.usefixtures("short_waits")
async def test_a_cable_that_is_pulled_and_plugged_in_again(
    hass: HomeAssistant, pty_meter: Serve[PtyServer], caplog: pytest.LogCaptureFixture
) -> None:
    server = await pty_meter("aidon")
    await set_up(hass, entry_for(server.url, unique_id=METER, title="Meter"))
    await outage_and_return(hass, server, caplog)


@pytest.mark.usefixtures("short_waits")
async def test_a_bridge_that_restarts(
    hass: HomeAssistant, tcp_meter: Serve[TcpServer], caplog: pytest.LogCaptureFixture
) -> None:
    server = await tcp_meter("p1")
    await set_up(hass, entry_for(server.url, "p1", title="Meter"))
    await outage_and_return(hass, server, caplog)


@pytest.mark.usefixtures("short_waits")
async def test_a_connection_that_is_half_open_is_opened_again(
    hass: HomeAssistant, tcp_meter: Serve[TcpServer]
) -> None:
    server = await tcp_meter("p1")
    entry = await set_up(hass, entry_for(server.url, "p1", title="Meter"))
    channel = entry.runtime_data.connection.channel
    await until(hass, lambda: heard(hass) and channel.statistics.telegrams > 2)  # a pace is known
    server.silence()
    await until(hass, lambda: is_in(hass, POWER, STATE_UNAVAILABLE))
    await server.resume()
    await until(hass, lambda: heard(hass), 10)
    assert channel.statistics.outages == 1


@pytest.mark.usefixtures("short_waits")
async def test_nothing_is_left_of_an_entry_unloaded_during_an_outage(
    hass: HomeAssistant, tcp_meter: Serve[TcpServer]
) -> None:
    server = await tcp_meter("p1")
    entry = await set_up(hass, entry_for(server.url, "p1", title="Meter"))
    await until(hass, lambda: heard(hass))
    await server.hang_up()
    await until(hass, lambda: is_in(hass, POWER, STATE_UNAVAILABLE))
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.NOT_LOADED
    await server.resume()
    await asyncio.sleep(0.5)
    assert server.peers == 0
    assert not [task for task in asyncio.all_tasks() if DOMAIN in task.get_name()]


async def test_unloading_closes_the_port(
    hass: HomeAssistant, tcp_meter: Serve[TcpServer], pty_meter: Serve[PtyServer]
) -> None:
    server, line = await tcp_meter("p1"), await pty_meter("aidon")
    network = await set_up(hass, entry_for(server.url, "p1", title="Meter"))
    serial = await set_up(hass, entry_for(line.url))
    await until(hass, lambda: server.peers == 1)
    for entry in (network, serial):
        assert await hass.config_entries.async_unload(entry.entry_id)
    await until(hass, lambda: server.peers == 0)
    port = await transport.open_port(line.url, LineSettings(2400))  # nobody holds it
    await port.close()


async def test_a_port_that_is_not_there_is_tried_again_later(
    hass: HomeAssistant, tcp_meter: Serve[TcpServer]
) -> None:
    entry = await set_up(hass, entry_for("/dev/serial/by-id/none"))
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "port_not_found"


async def test_a_fault_of_ours_costs_one_telegram_and_is_logged_once(
    hass: HomeAssistant,
    wire: Wire,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await set_up(hass, entry_for(wire.url, "p1", title="Meter"))
    check, stumbles = Guard.check, [True, True, False]

    def stumble(guard: Guard, readings: list[Reading], *how: Any) -> Sequence[Reading]:
        if stumbles.pop(0):
            raise KeyError("stumbled")
        return check(guard, readings, *how)

    monkeypatch.setattr(Guard, "check", stumble)
    await wire.send(*(p1(f"1-0:1.7.0({n}*kW)") for n in (1, 2, 3)))
    await until(hass, lambda: is_in(hass, POWER, "3000"))
    assert len(wire.writers) == 1
    assert caplog.text.count("Unexpected failure") == 1


async def test_what_is_heard_no_longer_is_not_shown_when_the_meter_returns(
    hass: HomeAssistant, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "FIRST_DELAY", 0.1)
    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter", unique_id="M1"))
    await wire.send(p1("0-0:96.1.0(M1)", "1-0:1.7.0(8*kW)", "1-0:32.7.0(111*V)"))
    await until(hass, lambda: is_in(hass, POWER, "8000"))
    await wire.hang_up()
    await until(hass, lambda: is_in(hass, POWER, STATE_UNAVAILABLE))
    await async_update_entity(hass, POWER)  # brings nothing back
    assert is_in(hass, POWER, STATE_UNAVAILABLE)
    await wire.send(p1("0-0:96.1.0(M2)", "1-0:1.7.0(3*kW)"))
    await wire.send(p1("1-0:1.7.0(4*kW)"))  # of the other one, too
    await hass.async_block_till_done()
    assert is_in(hass, CONNECTION, STATE_OFF)
    assert is_in(hass, POWER, STATE_UNAVAILABLE)
    await wire.send(p1("0-0:96.1.0(M1)", "1-0:1.7.0(0.5*kW)"))
    await until(hass, lambda: is_in(hass, POWER, "500"))
    assert is_in(hass, "sensor.meter_voltage_l1", STATE_UNKNOWN)
    assert entry.runtime_data.main.heard


def test_delays_double_up_to_a_minute_and_are_scattered() -> None:
    backoff = delays()
    found = [next(backoff) for _ in range(12)]
    assert 0.7 < found[0] < 1.3
    assert all(0.7 * LONGEST_DELAY < delay < 1.3 * LONGEST_DELAY for delay in found[7:])
    assert len(set(found)) == len(found)


def test_patience_follows_the_slowest_pace_seen() -> None:
    pace = Pace()
    assert pace.patience == FIRST_PATIENCE
    pace.note(2.5)
    assert pace.patience == LEAST_PATIENCE
    pace.note(3600)
    assert pace.patience == 4 * 3600
    for _ in range(20):
        pace.note(10)
    assert pace.patience == 40


def test_faults_are_counted_by_what_they_say_within_a_bound() -> None:
    statistics = Statistics()
    for number in range(100):
        statistics.note(DecodeError(f"APDU {number}"))
    assert sum(statistics.faults.values()) == 100
    assert len(statistics.faults) == 33
    statistics.note(MeteringError("one more"))
    assert statistics.faults["MeteringError"] == 1


@pytest.mark.parametrize(
    ("cause", "key"),
    [
        (FileNotFoundError(), "port_not_found"),
        (PermissionError(), "port_denied"),
        (OSError(errno.EBUSY, "busy"), "port_busy"),
        (OSError(errno.ENXIO, "gone"), "port_not_found"),
        (OSError(errno.EHOSTUNREACH, "no route"), "port_unreachable"),
        (OSError(errno.EIO, "broken"), "port_failed"),
        (TimeoutError(), "port_timeout"),
        (socket.gaierror(-2, "no such name"), "host_not_found"),
        (ConfigEntryNotReady(), "port_not_ready"),
        (UnknownUriScheme("odd"), "port_invalid"),
        (SerialException("odd"), "port_failed"),
        (ValueError("odd"), "port_invalid"),
    ],
)
async def test_every_way_a_port_can_fail_has_its_word(
    cause: Exception, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise cause

    monkeypatch.setattr(transport.serialx, "create_serial_connection", fail)
    with pytest.raises(PortError) as caught:
        await transport.open_port("/dev/ttyUSB0", LineSettings(2400))
    assert caught.value.key == key
    assert str(caught.value).startswith("/dev/ttyUSB0: ")


@pytest.mark.usefixtures("short_waits")
async def test_a_bridge_that_takes_the_call_but_never_answers_is_a_timeout(
    monkeypatch: pytest.MonkeyPatch, wire: Wire
) -> None:
    monkeypatch.setattr(transport, "CONNECT_TIMEOUT", 0.3)
    with pytest.raises(PortError) as caught:
        await transport.open_port(wire.url.replace("socket", "rfc2217"), LineSettings(2400))
    assert caught.value.key == "port_timeout"
    await asyncio.sleep(0.1)
    assert wire.writers[0].is_closing()  # the socket is closed, not leaked
