"""An entry with several meters: each is a subentry, and may come and go meanwhile."""

from abc import abstractmethod
from typing import Any, override

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
    ConfigSubentry,
)
from homeassistant.core import callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect

from . import keyring
from .const import DOMAIN, SUBENTRY_METER
from .coordinator import ObisMeterCoordinator
from .meter import Meter
from .metering.identity import Identity
from .metering.security import Security
from .tracker import Tracker


def key_of(subentry: ConfigSubentry) -> str:
    """Return the key under which the meter of a subentry is known."""
    return subentry.unique_id or subentry.subentry_id


class SubentriesCoordinator(ObisMeterCoordinator):
    """Follows the meters of the subentries there are, as their owner adds and removes them."""

    async def adopt_all(self) -> None:
        """Follow every meter there is."""
        for key, subentry in self.meters().items():
            await self.adopt(key, subentry)

    @abstractmethod
    async def adopt(self, key: str, subentry: ConfigSubentry) -> None:
        """Follow the meter of a subentry."""

    @callback
    def dropped(self, key: str) -> None:
        """Let go of what a meter has, whose owner removed it."""

    def meters(self) -> dict[str, ConfigSubentry]:
        """Return the subentries of meters by their keys."""
        return {
            key_of(subentry): subentry
            for subentry in self.config_entry.subentries.values()
            if subentry.subentry_type == SUBENTRY_METER
        }

    async def follow(self, key: str, subentry: ConfigSubentry, *, available: bool) -> Tracker:
        """Follow a meter under the name that its owner gave it."""
        main = Meter(
            key,
            Identity(serial=key),
            name=subentry.title,
            subentry_id=subentry.subentry_id,
            available=available,
        )
        return await self.track(main, Security(keyring.stored(subentry.data)))

    @callback
    @override
    def async_listen(self) -> None:
        super().async_listen()
        self.config_entry.async_on_unload(
            async_dispatcher_connect(self.hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._on_changed)
        )

    @callback
    def _on_changed(self, change: ConfigEntryChange, entry: ConfigEntry[Any]) -> None:
        """Follow meters that were added or renamed, and let go of those that were removed."""
        if entry is not self.config_entry or change is not ConfigEntryChange.UPDATED:
            return
        there = self.meters()
        for key in self.trackers.keys() - there.keys():
            self.dropped(key)
            self.forget(key)
        for key, subentry in there.items():
            if key not in self.trackers:
                entry.async_create_task(self.hass, self.adopt(key, subentry), f"{DOMAIN} {key}")
            elif subentry.title != (tracker := self.trackers[key]).main.name:
                tracker.rename(subentry.title)
