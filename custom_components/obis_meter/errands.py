"""What goes on for a meter beside listening: its head end, and what it is asked again and again."""

from collections.abc import Coroutine, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from .bridge import Bridge
from .channel import DisconnectedError
from .const import (
    CONF_BRIDGE_HOST,
    CONF_BRIDGE_PORT,
    CONF_INTERVAL,
    CONF_PARAMETER,
    CONF_PARAMETERS,
)
from .polling import poll
from .reader import Reader

if TYPE_CHECKING:
    from .coordinator import ObisMeterCoordinator
    from .tracker import Tracker


def errands(
    coordinator: ObisMeterCoordinator, tracker: Tracker
) -> Iterator[Coroutine[Any, Any, None]]:
    """Yield what is to go on, as the link allows and the options have it."""
    key, link, options = tracker.main.key, coordinator.link, coordinator.config_entry.options
    if (host := options.get(CONF_BRIDGE_HOST)) and link.carry:
        bridge = Bridge(host, options[CONF_BRIDGE_PORT], partial(_pass_on, coordinator, key))
        coordinator.bridges[key] = bridge
        yield bridge.run()
    if not coordinator.may_ask:
        return
    if link.polls:
        coordinator.readers[key] = reader = Reader(coordinator, tracker)
        yield reader.run()
    for row in options.get(CONF_PARAMETERS, ()):
        yield poll(coordinator, tracker, row[CONF_PARAMETER], row[CONF_INTERVAL])


async def _pass_on(coordinator: ObisMeterCoordinator, meter: str, octets: bytes) -> None:
    """Take what a head end sends to the meter; it is lost where the meter is away."""
    carry = coordinator.link.carry
    if carry and (channel := coordinator.channel(meter)):
        with suppress(OSError, DisconnectedError):
            await channel.send(carry(octets))
