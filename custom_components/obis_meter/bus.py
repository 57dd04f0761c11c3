"""An entry whose port is a line that several meters share: they are asked, one at a time."""

from collections.abc import Mapping, Sequence
from typing import Any, override

from homeassistant.config_entries import ConfigEntry, ConfigSubentry

from .channel import Channel
from .const import (
    BUS_LINK,
    CONF_ADDRESS,
    CONF_ASK,
    CONF_DIALECT,
    CONF_LINK,
    CONF_OPERATOR,
    CONF_PASSWORD,
)
from .metering.model import Access, Telegram
from .metering.session import Event
from .one_port import OnePortCoordinator
from .subentries import SubentriesCoordinator


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


class BusCoordinator(OnePortCoordinator, SubentriesCoordinator):
    """A line with meters that answer to their addresses; each known one is a subentry."""

    @override
    async def _load(self) -> None:
        await self.adopt_all()

    @override
    def channel(self, meter: str) -> Channel | None:
        return self.connection.channel if meter in self.trackers else None

    @override
    def access(self, meter: str) -> Access:
        return access(self.meters()[meter].data)

    @override
    async def adopt(self, key: str, subentry: ConfigSubentry) -> None:
        await self.follow(key, subentry, available=True)

    @override
    def _on_events(self, events: Sequence[Event]) -> bool:
        """Take what was not waited for: late answers, and those that another master asked for."""
        spoke = False
        for event in events:
            tracker = self.trackers.get(event.meter or "") if isinstance(event, Telegram) else None
            if tracker:
                spoke = self.take(tracker, [event]) or spoke
        return spoke
