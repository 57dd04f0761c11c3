"""The download helps to find out what is wrong, and names nobody."""

import json
from pathlib import Path
import subprocess
import sys

from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.obis_meter.diagnostics import blank
from custom_components.obis_meter.metering.links import LINKS
from custom_components.obis_meter.metering.security import Security
from custom_components.obis_meter.metering.session import Session
from simulator.meters import meter
from simulator.module import ModuleDevice, frame, usual
from simulator.serve import PtyServer, TcpServer

from .conftest import METER, START, Serve, entry_for, set_up, until

ROOT = Path(__file__).parents[2]


def decode(file: Path) -> dict:
    """Read a file with the project's own decoder, as an owner would."""
    command = [sys.executable, ROOT / "scripts" / "decode.py", file]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


async def test_a_download_says_what_was_heard_but_not_from_whom(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, pty_meter: Serve[PtyServer]
) -> None:
    server = await pty_meter("aidon", speed=10)  # its hourly list comes after 3 s
    entry = await set_up(hass, entry_for(server.url, unique_id=METER, title="Meter"))
    await until(hass, lambda: hass.states.get("sensor.meter_energy_import") is not None, 15)
    download = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert download["link"] == "hdlc"
    assert download["channels"][0]["statistics"]["telegrams"] > 0
    registers = download["meters"][0]["registers"]
    assert registers["1-0:1.8.0"]["unit"] == "Wh"
    assert registers["0-0:96.1.0"]["value"] == "**REDACTED**"
    text = json.dumps(download)
    assert METER not in text
    assert METER.encode().hex() not in text
    assert str(server.path) not in text


async def test_payloads_of_a_download_still_decode(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    tcp_meter: Serve[TcpServer],
    tmp_path: Path,
) -> None:
    server = await tcp_meter("p1")
    entry = await set_up(hass, entry_for(server.url, "p1", title="Meter"))
    await until(hass, lambda: hass.states.get("sensor.meter_power_import") is not None)
    download = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    file = tmp_path / "config_entry-obis_meter.json"
    file.write_text(json.dumps({"home_assistant": {}, "data": download}))
    decoded = await hass.async_add_executor_job(decode, file)
    assert decoded["link"] == "p1"
    assert len(decoded["telegrams"]) == len(download["payloads"]) > 0
    assert not decoded["faults"]
    ids = {r["id"] for r in decoded["telegrams"][0]["readings"]}
    assert {"1-0:1.8.1", "0-1:24.2.1"} <= ids
    serials = {m.identity.serial for m in entry.runtime_data.data.values()}
    for payload in download["payloads"]:
        readings = LINKS["p1"].decode(bytes.fromhex(payload), Security())[0].readings
        assert not serials & {str(r.value) for r in readings}


async def test_payloads_of_another_meter_and_ones_nobody_reads_name_nobody() -> None:
    octets = (
        bytes.fromhex("0f40000000000201020209060000600100ff0908")
        + b"\x12\x34\x56\x78\x90\xab\xcd\xef"
    )
    readable, unreadable = (
        b"/ISk5\\2MT123456\r\n\r\n0-0:96.1.0(E9876543)\r\n",
        b"\x0f E9876543 \x7f",
    )
    assert b"\x12\x34" not in bytes.fromhex(blank(octets, LINKS["hdlc"]))
    text = bytes.fromhex(blank(readable, LINKS["p1"]))
    assert b"E9876543" not in text
    assert b"123456" not in text
    assert b"E9876543" not in bytes.fromhex(blank(unreadable, LINKS["hdlc"]))


def test_what_a_module_hears_names_nobody() -> None:
    source = meter("module", START)
    device = source.model.device
    assert isinstance(device, ModuleDevice)
    answer = frame(0x2200, 0xC4, b"\x05\x80" + usual(device.serial)[0x8005].answer(1))
    session = Session(LINKS["rfc1662"])
    list(session.feed(b"".join(source.telegrams(START)) + answer))
    assert len(session.payloads) > 1
    for payload in session.payloads:
        blanked = bytes.fromhex(blank(payload, LINKS["rfc1662"]))
        assert len(blanked) == len(payload)
        assert device.serial.encode() in payload
        assert device.serial.encode() not in blanked
