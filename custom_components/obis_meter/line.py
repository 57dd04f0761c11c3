"""An entry whose port leads to one meter: a serial line, or a bridge in the network."""

from collections.abc import Sequence
from typing import override

from homeassistant.core import HomeAssistant, callback

from . import keyring
from .channel import Channel
from .const import CONF_IDENTITY
from .coordinator import ObisMeterConfigEntry
from .meter import Meter
from .metering.identity import Identity
from .metering.model import Module
from .metering.security import Security
from .metering.session import Event
from .one_port import OnePortCoordinator


class LineCoordinator(OnePortCoordinator):
    """A port with one meter at its other end."""

    def __init__(self, hass: HomeAssistant, entry: ObisMeterConfigEntry) -> None:
        """Read the settings; nothing is opened yet."""
        self._security = Security(keyring.stored(entry.data))
        super().__init__(hass, entry, self._security)
        who = Identity(**entry.data[CONF_IDENTITY])
        self.main = Meter(entry.unique_id or entry.entry_id, who, name=entry.title)

    @override
    async def _load(self) -> None:
        self._tracker = await self.track(self.main, self._security)

    @override
    def channel(self, meter: str) -> Channel | None:
        known = any(meter in tracker.meters for tracker in self.trackers.values())
        return self.connection.channel if known else None

    @override
    def _module(self) -> Module:
        return self._tracker.module()

    @override
    def _on_events(self, events: Sequence[Event]) -> bool:
        return self.take(self._tracker, events)

    @callback
    @override
    def _on_up(self) -> None:
        self._tracker.up()
        super()._on_up()
