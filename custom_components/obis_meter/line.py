"""An entry whose port leads to one meter: a serial line, or a bridge in the network."""

from collections.abc import Sequence
from typing import override

from homeassistant.core import HomeAssistant, callback

from . import keyring
from .channel import Channel
from .connection import Connection, not_ready
from .const import CONF_IDENTITY, CONF_LINE, CONF_PORT, LOGGER
from .coordinator import ObisMeterConfigEntry, ObisMeterCoordinator
from .meter import Meter
from .metering.identity import Identity
from .metering.model import LineSettings, Module
from .metering.security import Security
from .metering.session import Event, Session
from .transport import Port, PortError


class LineCoordinator(ObisMeterCoordinator):
    """A port with one meter at its other end."""

    _port: Port

    def __init__(self, hass: HomeAssistant, entry: ObisMeterConfigEntry) -> None:
        """Read the settings; nothing is opened yet."""
        super().__init__(hass, entry)
        self._security = Security(keyring.stored(entry.data))
        who = Identity(**entry.data[CONF_IDENTITY])
        self.main = Meter(entry.unique_id or entry.entry_id, who, name=entry.title)
        self.connection = Connection(
            entry.data[CONF_PORT],
            self.opening_line(),
            Channel(
                Session(self.link, self._security),
                on_events=self._on_events,
                on_up=self._on_up,
                who=self._module,
            ),
            on_down=self._on_down,
        )

    def opening_line(self) -> LineSettings:
        """Return the settings with which the port is opened."""
        return LineSettings.parse(self.config_entry.data[CONF_LINE])

    @override
    async def async_open(self) -> None:
        try:
            self._port = await self.connection.open()
        except PortError as err:
            raise not_ready(err) from err
        self.config_entry.async_on_unload(self._port.close)
        self._tracker = await self.track(self.main, self._security)

    @override
    async def async_run(self) -> None:
        await self.connection.run(self._port)

    @override
    def channels(self) -> list[Channel]:
        return [self.connection.channel]

    @override
    def channel(self, meter: str) -> Channel | None:
        known = any(meter in tracker.meters for tracker in self.trackers.values())
        return self.connection.channel if known else None

    def _module(self) -> Module:
        return self._tracker.module()

    def _on_events(self, events: Sequence[Event]) -> bool:
        return self.take(self._tracker, events)

    @callback
    def _on_up(self) -> None:
        if not self.last_update_success:
            LOGGER.info("%s is read again", self.name)
        self._tracker.up()
        self.async_set_updated_data(self.data)

    @callback
    def _on_down(self, err: Exception) -> None:
        """Say so once."""
        self._tracker.down()
        self.async_set_update_error(err)
        self.follow_port(err)
