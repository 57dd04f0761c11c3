"""Cables that Home Assistant finds, here or at a ser2net, are offered where nothing uses them."""

from collections.abc import Iterator
from ipaddress import ip_address
import json
from pathlib import Path
from unittest.mock import patch

from homeassistant.components import usb
from homeassistant.components.zeroconf.discovery import _match_against_props
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_USB,
    SOURCE_ZEROCONF,
    ConfigEntryDisabler,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.service_info.usb import UsbServiceInfo
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from homeassistant.loader import async_get_usb
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_meter import moved
from custom_components.obis_meter.cables import CABLES
from custom_components.obis_meter.const import DOMAIN
from simulator.serve import PtyServer, TcpServer

from . import test_config_flow
from .conftest import METER, Serve, entry_for, free_port, place, set_up, until
from .test_config_flow import listen
from .test_reconfigure import is_read

MANIFEST = Path(moved.__file__).with_name("manifest.json")
NAME = "P1 Converter Cable"
SER2NET = "p1._iostream._tcp.local."


def cable(
    device: str = "/dev/ttyUSB7", description: str | None = NAME, vid: str = "0403"
) -> usb.USBDevice:
    return usb.USBDevice(
        device=device,
        vid=vid,
        pid="6001",
        serial_number="P1XZ6U1M",
        manufacturer="FTDI",
        description=description,
    )


def test_the_manifest_has_the_rows_of_the_table() -> None:
    manifest = json.loads(MANIFEST.read_text())
    assert manifest["usb"] == [each.usb for each in CABLES]
    assert manifest["zeroconf"] == [each.zeroconf for each in CABLES]
    assert all(each.source for each in CABLES)


@pytest.mark.parametrize(
    ("device", "ours"),
    [
        (cable(), True),
        (cable(description="P1 CABLE"), True),
        (cable(description="FT232R USB UART"), False),
        (cable(description=None), False),
        (cable(description="USB2.0-Serial", vid="1A86"), False),
        (cable(description="CP2102 USB to UART Bridge Controller", vid="10C4"), False),
    ],
)
async def test_a_bare_converter_chip_is_not_claimed(
    hass: HomeAssistant, device: usb.USBDevice, ours: bool
) -> None:
    rows = [row for row in await async_get_usb(hass) if row["domain"] == DOMAIN]
    assert any(usb.usb_device_matches_matcher(device, row) for row in rows) == ours


@pytest.fixture
async def ports(hass: HomeAssistant) -> Iterator[list[usb.USBDevice]]:
    """The serial ports that this machine is said to have."""
    there: list[usb.USBDevice] = []
    assert await async_setup_component(hass, "usb", {})
    with patch("homeassistant.components.usb.scan_serial_ports", lambda: there):
        yield there


async def plug_in(hass: HomeAssistant, ports: list[usb.USBDevice], device: str) -> ConfigFlowResult:
    ports.append(cable(device))
    said: UsbServiceInfo = usb.usb_service_info_from_device(ports[-1])
    context = {"source": SOURCE_USB}
    return await hass.config_entries.flow.async_init(DOMAIN, context=context, data=said)


async def test_a_cable_is_named_and_its_meter_found_and_added(
    hass: HomeAssistant, ports: list[usb.USBDevice], pty_meter: Serve[PtyServer]
) -> None:
    server = await pty_meter("p1")
    offered = await plug_in(hass, ports, server.url)
    assert (offered["type"], offered["step_id"]) == (FlowResultType.FORM, "cable")
    [flow] = hass.config_entries.flow.async_progress()
    assert flow["context"]["title_placeholders"] == {"name": f"{NAME}, FTDI, P1XZ6U1M"}
    found = await listen(hass, offered["flow_id"], {})
    assert found["step_id"] == "confirm"
    added = await hass.config_entries.flow.async_configure(offered["flow_id"], {})
    await hass.async_block_till_done()
    assert added["data"]["port"] == server.url
    assert added["data"]["line"] == "115200 8N1"
    assert added["result"].unique_id == found["description_placeholders"]["meter"]
    again = await plug_in(hass, ports, str(server.path.resolve()))
    assert again["reason"] == "already_configured"


@pytest.mark.usefixtures("short_waits")
async def test_a_meter_without_an_id_is_not_known_by_its_cable(
    hass: HomeAssistant, ports: list[usb.USBDevice], pty_meter: Serve[PtyServer]
) -> None:
    offered = await plug_in(hass, ports, (await pty_meter("p1-se")).url)
    found = await listen(hass, offered["flow_id"], {})
    assert found["step_id"] == "confirm"
    added = await hass.config_entries.flow.async_configure(offered["flow_id"], {})
    await hass.async_block_till_done()
    assert added["result"].unique_id is None


async def test_a_cable_that_cannot_be_opened_can_be_mended_in_the_form(
    hass: HomeAssistant, ports: list[usb.USBDevice]
) -> None:
    offered = await plug_in(hass, ports, "/dev/ttyUSB77")
    form = await listen(hass, offered["flow_id"], {})
    assert (form["step_id"], form["errors"]) == ("serial", {"base": "port_not_found"})


@pytest.mark.parametrize("domain", ["dsmr", "edl21"])
async def test_a_cable_of_another_integration_is_left_to_it(
    hass: HomeAssistant, ports: list[usb.USBDevice], tmp_path: Path, domain: str
) -> None:
    link, device = tmp_path / "by-id", tmp_path / "ttyUSB0"
    device.touch()
    link.symlink_to(device)
    key = {"dsmr": "port", "edl21": "serial_port"}[domain]
    with patch("homeassistant.components.usb.consumers.UNSCANNABLE_PORT_SCHEMES", (str(tmp_path),)):
        MockConfigEntry(domain=domain, data={key: str(link)}).add_to_hass(hass)
        refused = await plug_in(hass, ports, str(device))
    assert refused["reason"] == "already_configured"


async def test_a_cable_is_offered_once_and_not_when_it_is_ignored(
    hass: HomeAssistant, ports: list[usb.USBDevice]
) -> None:
    offered = await plug_in(hass, ports, "/dev/ttyUSB7")
    assert offered["step_id"] == "cable"
    assert (await plug_in(hass, ports, "/dev/ttyUSB7"))["reason"] == "already_in_progress"
    flow = hass.config_entries.flow
    unique_id = flow.async_get(offered["flow_id"])["context"]["unique_id"]
    ignored = {"unique_id": unique_id, "title": NAME}
    await flow.async_init(DOMAIN, context={"source": SOURCE_IGNORE}, data=ignored)
    assert (await plug_in(hass, ports, "/dev/ttyUSB7"))["reason"] == "already_configured"


async def test_a_port_that_is_being_set_up_is_not_offered(
    hass: HomeAssistant, ports: list[usb.USBDevice], pty_meter: Serve[PtyServer]
) -> None:
    server = await pty_meter("p1", speed=1)
    server.silence()
    flow_id = await test_config_flow.begin(hass, "serial")
    typed = place(port=server.url, line="2400_8n1")
    await hass.config_entries.flow.async_configure(flow_id, typed)
    refused = await plug_in(hass, ports, server.url)
    assert refused["reason"] == "already_in_progress"
    hass.config_entries.flow.async_abort(flow_id)


def announced(
    port: int | None, stack: str = "tcp", host: str = "127.0.0.1", product: str = NAME
) -> ZeroconfServiceInfo:
    address = ip_address(host)
    return ZeroconfServiceInfo(
        ip_address=address,
        ip_addresses=[address],
        port=port,
        hostname="pi.local.",
        type="_iostream._tcp.local.",
        name=SER2NET,
        properties={
            "provider": "ser2net",
            "devicetype": "serialusb",
            "gensiostack": stack,
            "idVendor": "0403",
            "idProduct": "6001",
            "manufacturer": "FTDI",
            "product": product,
        },
    )


async def hear_of(hass: HomeAssistant, said: ZeroconfServiceInfo) -> ConfigFlowResult:
    context = {"source": SOURCE_ZEROCONF}
    return await hass.config_entries.flow.async_init(DOMAIN, context=context, data=said)


@pytest.mark.parametrize(("product", "ours"), [(NAME, True), ("FT232R USB UART", False)])
def test_only_cables_for_meters_are_claimed_of_a_ser2net(product: str, ours: bool) -> None:
    [row] = json.loads(MANIFEST.read_text())["zeroconf"]
    said = announced(2000, product=product)
    assert row["type"] == said.type
    assert _match_against_props(row["properties"], said.properties) == ours


async def test_a_cable_at_a_ser2net_is_added_and_followed(
    hass: HomeAssistant, tcp_meter: Serve[TcpServer]
) -> None:
    first = await tcp_meter("p1")
    offered = await hear_of(hass, announced(first.port))
    assert offered["description_placeholders"] == {"name": f"{NAME}, FTDI, 127.0.0.1"}
    found = await listen(hass, offered["flow_id"], {})
    assert found["step_id"] == "confirm"
    added = await hass.config_entries.flow.async_configure(offered["flow_id"], {})
    await hass.async_block_till_done()
    assert added["data"]["port"] == first.url
    assert (await hear_of(hass, announced(first.port)))["reason"] == "already_configured"
    second = await tcp_meter("p1")
    moved_on = await hear_of(hass, announced(second.port))
    assert moved_on["reason"] == "already_configured"
    entry = added["result"]
    await is_read(hass, entry)
    assert entry.data["port"] == second.url


async def test_a_ser2net_that_was_typed_in_is_followed_too(
    hass: HomeAssistant, tcp_meter: Serve[TcpServer]
) -> None:
    server = await tcp_meter("p1")
    old = free_port()
    entry_for("listen://:9000", "rfc1662").add_to_hass(hass)
    entry = await set_up(hass, entry_for(f"rfc2217://127.0.0.1:{old}", "p1"))
    assert (await hear_of(hass, announced(old)))["reason"] == "already_configured"
    assert (await hear_of(hass, announced(server.port)))["reason"] == "already_configured"
    await is_read(hass, entry)
    assert entry.data["port"] == server.url


async def test_an_entry_that_is_switched_off_is_no_obstacle_to_following(
    hass: HomeAssistant, tcp_meter: Serve[TcpServer]
) -> None:
    """That of a meter that was replaced knows the same ser2net."""
    server = await tcp_meter("p1")
    both = [entry_for("socket://127.0.0.1:1", "p1", unique_id=name) for name in ("M1", "M2")]
    off, entry = both
    for each in both:
        each.add_to_hass(hass)
        hass.config_entries.async_update_entry(each, data={**each.data, "service": SER2NET})
    await hass.config_entries.async_set_disabled_by(off.entry_id, ConfigEntryDisabler.USER)
    assert (await hear_of(hass, announced(server.port)))["reason"] == "already_configured"
    await hass.async_block_till_done()
    assert entry.data["port"] == server.url


@pytest.mark.parametrize(
    ("stack", "host", "url"),
    [
        ("tcp", "192.0.2.7", "socket://192.0.2.7:2000"),
        ("telnet(rfc2217),tcp", "fd00::7", "rfc2217://[fd00::7]:2000"),
    ],
)
async def test_a_ser2net_says_how_it_is_reached(
    hass: HomeAssistant, stack: str, host: str, url: str
) -> None:
    offered = await hear_of(hass, announced(2000, stack, host))
    assert offered["step_id"] == "cable"
    flow = hass.config_entries.flow._progress[offered["flow_id"]]
    assert flow._url == url


@pytest.mark.parametrize(("port", "stack"), [(2000, "ssl,tcp"), (2000, ""), (None, "tcp")])
async def test_a_ser2net_that_cannot_be_reached_is_not_offered(
    hass: HomeAssistant, port: int | None, stack: str
) -> None:
    assert (await hear_of(hass, announced(port, stack)))["reason"] == "bridge_unusable"


async def test_a_ser2net_of_another_integration_is_left_to_it(hass: HomeAssistant) -> None:
    data = {"host": "127.0.0.1", "port": "2000"}
    MockConfigEntry(domain="dsmr", data=data).add_to_hass(hass)
    assert (await hear_of(hass, announced(2000)))["reason"] == "already_configured"


@pytest.mark.parametrize("found", [True, False])
async def test_an_entry_follows_its_cable_to_another_port(
    hass: HomeAssistant,
    pty_meter: Serve[PtyServer],
    monkeypatch: pytest.MonkeyPatch,
    found: bool,
) -> None:
    """From Home Assistant 2026.11, which knows where the device of a vanished path is."""
    server = await pty_meter("aidon")
    monkeypatch.setattr(moved, "_find", lambda hass, path: server.url if found else None)
    entry = await set_up(hass, entry_for("/dev/serial/by-id/gone", unique_id=METER))
    if not found:
        assert entry.state is ConfigEntryState.SETUP_RETRY
        return
    assert entry.state is ConfigEntryState.LOADED
    assert entry.data["port"] == server.url


@pytest.mark.usefixtures("short_waits")
async def test_an_entry_follows_a_cable_that_is_plugged_in_elsewhere_meanwhile(
    hass: HomeAssistant,
    pty_meter: Serve[PtyServer],
    tcp_meter: Serve[TcpServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, new = await pty_meter("aidon"), await tcp_meter("aidon")
    entry = await set_up(hass, entry_for(old.url, unique_id=METER))
    monkeypatch.setattr(moved, "_find", lambda hass, path: new.url)
    await old.close()
    await until(hass, lambda: entry.data["port"] == new.url)
    await is_read(hass, entry)


async def test_before_2026_11_an_entry_waits_for_its_cable(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moved, "_find", None)
    entry = await set_up(hass, entry_for("/dev/serial/by-id/gone"))
    assert entry.state is ConfigEntryState.SETUP_RETRY
