"""An entry with one port of its own: opened with the entry, and kept open."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import override

from homeassistant.core import HomeAssistant, callback

from .channel import Channel
from .connection import Connection, not_ready
from .const import CONF_LINE, CONF_PORT, LOGGER
from .coordinator import ObisMeterConfigEntry, ObisMeterCoordinator
from .metering.model import LineSettings, Module
from .metering.security import Security
from .metering.session import Event, Session
from .moved import follow
from .port_error import PortError
from .transport import Port
from .watch import Watch, missing


class OnePortCoordinator(ObisMeterCoordinator):
    """Reads what comes in on one port, from one meter or from several."""

    _port: Port

    def __init__(
        self, hass: HomeAssistant, entry: ObisMeterConfigEntry, security: Security | None = None
    ) -> None:
        """Read the settings; nothing is opened yet."""
        super().__init__(hass, entry)
        self.connection = Connection(
            entry.data[CONF_PORT],
            self.opening_line(),
            Channel(
                Session(self.link, security),
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
            missing(self.hass, self.config_entry)
            raise not_ready(err) from err
        self.config_entry.async_on_unload(self._port.close)
        await self._load()

    @abstractmethod
    async def _load(self) -> None:
        """Bring back what was known of the meters."""

    @callback
    @override
    def async_listen(self) -> None:
        super().async_listen()
        watch = Watch(self.hass, self.config_entry, self.connection)
        self.config_entry.async_on_unload(watch.begin())

    @override
    async def async_run(self) -> None:
        await self.connection.run(self._port)

    @override
    def channels(self) -> list[Channel]:
        return [self.connection.channel]

    @abstractmethod
    def _on_events(self, events: Sequence[Event]) -> bool:
        """Take in what was heard; tell whether a meter has spoken."""

    def _module(self) -> Module:
        """Return who answers a meter that asks its communication module."""
        return Module("")

    @callback
    def _on_up(self) -> None:
        if not self.last_update_success:
            LOGGER.info("%s is read again", self.name)
        self.async_set_updated_data(self.data)

    @callback
    def _on_down(self, err: Exception) -> None:
        """Say so once: nothing at this port can be heard."""
        for tracker in self.trackers.values():
            tracker.down()
        self.async_set_update_error(err)
        if follow(self.hass, self.config_entry, getattr(err, "key", None)):
            self.hass.config_entries.async_schedule_reload(self.config_entry.entry_id)
