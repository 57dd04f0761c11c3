"""What the system's page tells of all meters."""

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import get_system_health_info

from custom_components.obis_meter.const import DOMAIN

from .conftest import Wire, entry_for, p1, set_up, until


@pytest.mark.usefixtures("short_waits")
async def test_meters_telegrams_and_outages_are_counted(hass: HomeAssistant, wire: Wire) -> None:
    assert await async_setup_component(hass, "system_health", {})
    entry = await set_up(hass, entry_for(wire.url, "p1"))
    entry_for("/dev/serial/by-id/unplugged").add_to_hass(hass)
    await wire.send(
        p1("1-0:1.7.0(00.500*kW)"), b"/damaged\r\n\r\n1-0:1.7.0(00.600*kW)\r\n!0000\r\n"
    )
    statistics = entry.runtime_data.connection.channel.statistics
    await until(hass, lambda: statistics.faults != {})
    info = await get_system_health_info(hass, DOMAIN)
    assert info == {
        "ports": 2,
        "ports_open": 1,
        "meters": 1,
        "meters_heard": 1,
        "links": "p1",
        "telegrams": 1,
        "faults": sum(statistics.faults.values()),
        "outages": 0,
    }
    wire.connected.clear()
    await wire.hang_up()
    await wire.send(p1("1-0:1.7.0(00.700*kW)"))
    await until(hass, lambda: statistics.telegrams == 2)
    info = await get_system_health_info(hass, DOMAIN)
    assert (info["outages"], info["meters_heard"]) == (1, 1)
