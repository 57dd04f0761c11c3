"""The port of an entry, let go of while a dialog searches on it, and always taken back."""

from contextlib import suppress
import os
from typing import Final

from homeassistant.config_entries import ConfigEntry, ConfigEntryState, OperationNotAllowed
from homeassistant.core import HomeAssistant, callback

from .const import CONF_PORT, LISTEN, LISTEN_UDP, RAW, RFC2217

_HOLDING: Final = (ConfigEntryState.LOADED, ConfigEntryState.SETUP_RETRY)
"""States in which an entry has its port, or may open it at any moment."""


async def place_of(hass: HomeAssistant, url: str) -> str:
    """Return what a port is, by whatever name: the device behind links, host and TCP port."""
    scheme, parted, rest = url.partition("://")
    if not parted:
        return await hass.async_add_executor_job(os.path.realpath, url)
    if scheme in (RAW, RFC2217):
        return rest.lower()
    if scheme in (LISTEN, LISTEN_UDP):  # an address of this machine overlaps with all of them
        return f"{scheme}:{rest.rpartition(':')[2]}"
    return url


class Loan:
    """Has an entry let go of its port, and set it up again whatever came of that."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Take nothing yet."""
        self._hass = hass
        self._entry = entry
        self._taken = False

    async def take(self, url: str) -> None:
        """Have the entry let go of a port, where that is its own."""
        own = await place_of(self._hass, self._entry.data[CONF_PORT])
        if own == await place_of(self._hass, url):
            await self.take_all()

    async def take_all(self) -> None:
        """Have the entry let go of whatever it has."""
        async with self._entry.setup_lock:
            pass  # it is just being set up: that ends first
        if self._entry.state in _HOLDING:
            self._taken = True
            with suppress(OperationNotAllowed):  # then the port is busy, and that is said
                await self._hass.config_entries.async_unload(self._entry.entry_id)

    @callback
    def give_back(self) -> None:
        """Have the entry take its port again, where it still exists."""
        taken, self._taken = self._taken, False
        if taken and self._hass.config_entries.async_get_entry(self._entry.entry_id):
            self._hass.config_entries.async_schedule_reload(self._entry.entry_id)
