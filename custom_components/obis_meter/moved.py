"""Finds the port of an entry again whose cable was plugged in elsewhere."""

from homeassistant.components import usb
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from .const import CONF_PORT, LOGGER

_find = getattr(usb, "async_find_moved_serial_port", None)  # from Home Assistant 2026.11


@callback
def follow(hass: HomeAssistant, entry: ConfigEntry, why: str | None) -> bool:
    """Have an entry go by the name that its port has now; tell whether it has another one.

    why is the word for why the port could not be opened.
    """
    if _find is None or why != "port_not_found":
        return False
    port: str | None = _find(hass, entry.data[CONF_PORT])
    if port is None:
        return False
    LOGGER.info("%s has moved from %s to %s", entry.title, entry.data[CONF_PORT], port)
    return hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_PORT: port})
