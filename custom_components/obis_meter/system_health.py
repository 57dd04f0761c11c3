"""What the system's page tells about meters: how many are heard, and how well."""

from typing import Any

from homeassistant.components.system_health import SystemHealthRegistration
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .coordinator import ObisMeterConfigEntry


@callback
def async_register(hass: HomeAssistant, register: SystemHealthRegistration) -> None:
    """Register what is told."""
    register.async_register_info(_info)


async def _info(hass: HomeAssistant) -> dict[str, Any]:
    """Return counts over all entries, since each was loaded."""
    loaded: list[ObisMeterConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    coordinators = [entry.runtime_data for entry in loaded]
    mains = [tracker.main for each in coordinators for tracker in each.trackers.values()]
    counts = [channel.statistics for each in coordinators for channel in each.channels()]
    return {
        "ports": len(hass.config_entries.async_entries(DOMAIN)),
        "ports_open": sum(each.last_update_success for each in coordinators),
        "meters": len(mains),
        "meters_heard": sum(meter.heard for meter in mains),
        "links": ", ".join(sorted({each.link.name for each in coordinators})),
        "telegrams": sum(each.intact for each in counts),
        "faults": sum(sum(each.faults.values()) for each in counts),
        "outages": sum(each.outages for each in counts),
    }
