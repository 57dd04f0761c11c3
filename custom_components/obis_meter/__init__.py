"""OBIS Smart Meter: reads any wired electricity meter."""

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant

from .coordinator import ObisMeterConfigEntry, ObisMeterCoordinator

PLATFORMS = [Platform.BINARY_SENSOR, Platform.SENSOR]


async def async_setup_entry(hass: HomeAssistant, entry: ObisMeterConfigEntry) -> bool:
    """Open the port of an entry and begin to read."""
    coordinator = ObisMeterCoordinator(hass, entry)
    await coordinator.async_start()
    entry.runtime_data = coordinator
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: ObisMeterConfigEntry) -> bool:
    """Stop reading; the port closes with the entry's background task."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)
