"""An entry whose port is a line that several meters share: they are asked, one at a time."""

from collections.abc import Mapping, Sequence
from typing import Any, override

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback

from .channel import Channel
from .connection import Connection, not_ready
from .const import (
    BUS_LINK,
    CONF_ADDRESS,
    CONF_ASK,
    CONF_DIALECT,
    CONF_LINE,
    CONF_LINK,
    CONF_OPERATOR,
    CONF_PASSWORD,
    CONF_PORT,
    LOGGER,
)
from .coordinator import ObisMeterConfigEntry
from .metering.model import Access, LineSettings, Module, Telegram
from .metering.session import Event, Session
from .subentries import SubentriesCoordinator
from .transport import Port, PortError


def is_bus(entry: ConfigEntry) -> bool:
    """Tell whether the meters of an entry share a line on which they are asked."""
    return bool(entry.data.get(CONF_ASK)) and entry.data[CONF_LINK] == BUS_LINK


def access(data: Mapping[str, Any]) -> Access:
    """Return how the meter of a subentry is addressed, and what opens it."""
    return Access(
        address=data[CONF_ADDRESS],
        password=data.get(CONF_PASSWORD, ""),
        operator=data.get(CONF_OPERATOR, ""),
        dialect=data.get(CONF_DIALECT, ""),
    )


class BusCoordinator(SubentriesCoordinator):
    """A line with meters that answer to their addresses; each known one is a subentry."""

    _port: Port

    def __init__(self, hass: HomeAssistant, entry: ObisMeterConfigEntry) -> None:
        """Read the settings; nothing is opened yet."""
        super().__init__(hass, entry)
        self.connection = Connection(
            entry.data[CONF_PORT],
            LineSettings.parse(entry.data[CONF_LINE]),
            Channel(
                Session(self.link),
                on_events=self._on_events,
                on_up=self._on_up,
                who=lambda: Module(""),
            ),
            on_down=self._on_down,
        )

    @override
    async def async_open(self) -> None:
        try:
            self._port = await self.connection.open()
        except PortError as err:
            raise not_ready(err) from err
        self.config_entry.async_on_unload(self._port.close)
        await self.adopt_all()

    @override
    async def async_run(self) -> None:
        await self.connection.run(self._port)

    @override
    def channels(self) -> list[Channel]:
        return [self.connection.channel]

    @override
    def channel(self, meter: str) -> Channel | None:
        return self.connection.channel if meter in self.trackers else None

    @override
    def access(self, meter: str) -> Access:
        return access(self.meters()[meter].data)

    @override
    async def adopt(self, key: str, subentry: ConfigSubentry) -> None:
        await self.follow(key, subentry, available=True)

    def _on_events(self, events: Sequence[Event]) -> bool:
        """Take what was not waited for: late answers, and those that another master asked for."""
        spoke = False
        for event in events:
            tracker = self.trackers.get(event.meter or "") if isinstance(event, Telegram) else None
            if tracker:
                spoke = self.take(tracker, [event]) or spoke
        return spoke

    @callback
    def _on_up(self) -> None:
        if not self.last_update_success:
            LOGGER.info("%s is read again", self.name)
        self.async_set_updated_data(self.data)

    @callback
    def _on_down(self, err: Exception) -> None:
        """Say so once: no meter on the line can be heard."""
        for tracker in self.trackers.values():
            tracker.down()
        self.async_set_update_error(err)
        self.follow_port(err)
