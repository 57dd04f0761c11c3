"""What is asked of a meter regularly."""

import asyncio
from typing import TYPE_CHECKING, Final

from .const import LOGGER
from .metering.errors import MeteringError, Refused
from .metering.model import Command
from .turns import POLL, CrowdedError

if TYPE_CHECKING:
    from .coordinator import ObisMeterCoordinator
    from .tracker import Tracker

_LOOK: Final = 1.0  # seconds between two looks whether the meter is there


async def poll(
    coordinator: ObisMeterCoordinator, tracker: Tracker, parameter: str, interval: float
) -> None:
    """Ask for a parameter every so many seconds, for ever; a question that is late is dropped."""
    ask = coordinator.link.request
    assert ask
    clock = asyncio.get_running_loop().time
    while True:
        began = clock()
        channel = coordinator.channel(tracker.main.key)
        if channel is None or not channel.is_open:
            await asyncio.sleep(_LOOK)
            continue
        access = coordinator.access(tracker.main.key)
        try:
            reply = await channel.converse(ask(Command("get", parameter), access), POLL)
            tracker.note_parameter(parameter, reply)
        except Refused as err:
            if access.password:  # a wrong one that is sent again and again locks meters
                LOGGER.warning(
                    "%s refuses %s, which is asked no more: %s", tracker.main.name, parameter, err
                )
                return
        except (MeteringError, CrowdedError) as err:
            LOGGER.debug("%s: parameter %s: %s", tracker.main.name, parameter, err)
        await asyncio.sleep(max(began + interval - clock(), _LOOK))
