"""OBIS Smart Meter: reads any wired electricity meter."""

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.device_registry import DeviceEntry
from homeassistant.helpers.typing import ConfigType

from .asked import HeadCoordinator
from .bus import BusCoordinator, is_bus
from .const import CONF_PORT, DOMAIN, is_listener
from .coordinator import ObisMeterConfigEntry, ObisMeterCoordinator
from .dial_in import ListenerCoordinator
from .head import is_head
from .line import LineCoordinator
from .memory import Memory
from .services import async_setup_services
from .watch import found

PLATFORMS = [Platform.BINARY_SENSOR, Platform.EVENT, Platform.SENSOR]
CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the actions, which are there whether or not a meter is."""
    async_setup_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: ObisMeterConfigEntry) -> bool:
    """Open the port of an entry, bring back what was known, and begin to read."""
    coordinator = _coordinator(hass, entry)
    await coordinator.async_open()
    entry.runtime_data = coordinator
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    coordinator.async_listen()
    return True


def _coordinator(hass: HomeAssistant, entry: ObisMeterConfigEntry) -> ObisMeterCoordinator:
    if is_listener(entry.data[CONF_PORT]):
        return ListenerCoordinator(hass, entry)
    if is_bus(entry):
        return BusCoordinator(hass, entry)
    return HeadCoordinator(hass, entry) if is_head(entry.data) else LineCoordinator(hass, entry)


async def async_unload_entry(hass: HomeAssistant, entry: ObisMeterConfigEntry) -> bool:
    """Stop reading; the port closes with the entry's background task."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: ObisMeterConfigEntry) -> None:
    """Forget what the entry remembered."""
    found(hass, entry)
    for name in (entry.entry_id, *entry.subentries):
        await Memory(hass, name).remove()


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: ObisMeterConfigEntry, device: DeviceEntry
) -> bool:
    """Let the owner delete the device of a sub-meter that is no longer passed on."""
    return all(_drop(entry.runtime_data, key) for _, key in device.identifiers)


def _drop(coordinator: ObisMeterCoordinator, key: str) -> bool:
    """Let go of a sub-meter that is silent since the start; tell whether nothing of it is left."""
    if (meter := coordinator.data.get(key)) is None:
        return True
    if meter.sub_meter is None or meter.spoke:
        return False
    for tracker in coordinator.trackers.values():
        if key in tracker.meters:
            tracker.drop(key)
    del coordinator.data[key]
    return True
