"""OBIS Smart Meter: reads any wired electricity meter."""

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant

from .coordinator import ObisMeterConfigEntry
from .line import LineCoordinator
from .memory import Memory

PLATFORMS = [Platform.BINARY_SENSOR, Platform.SENSOR]


async def async_setup_entry(hass: HomeAssistant, entry: ObisMeterConfigEntry) -> bool:
    """Open the port of an entry, bring back what was known, and begin to read."""
    coordinator = LineCoordinator(hass, entry)
    await coordinator.async_open()
    entry.runtime_data = coordinator
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    coordinator.async_listen()
    return True


async def async_unload_entry(hass: HomeAssistant, entry: ObisMeterConfigEntry) -> bool:
    """Stop reading; the port closes with the entry's background task."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: ObisMeterConfigEntry) -> None:
    """Forget what the entry remembered."""
    await Memory(hass, entry.entry_id).remove()
