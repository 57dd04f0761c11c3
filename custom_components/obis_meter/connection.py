"""A port kept open: comes back after every outage."""

import asyncio
from collections.abc import Callable, Iterator
import random
from typing import Final

from homeassistant.exceptions import ConfigEntryNotReady

from .channel import Channel
from .const import DOMAIN, LOGGER
from .metering.model import LineSettings
from .port_error import PortError
from .transport import Port, open_port
from .vigil import SilenceError

STABLE: Final = 60.0  # seconds after which a connection counts as stable
FIRST_DELAY: Final = 1.0
LONGEST_DELAY: Final = 60.0
_JITTER: Final = 0.25


def delays(longest: float = 0.0) -> Iterator[float]:
    """Yield the pauses before attempts to reconnect, in seconds: doubling, bounded, scattered.

    The bound is a minute, or longest where that is more.
    """
    delay = FIRST_DELAY
    while True:
        yield delay * random.uniform(1 - _JITTER, 1 + _JITTER)
        delay = min(2 * delay, max(LONGEST_DELAY, longest))


def not_ready(err: PortError) -> ConfigEntryNotReady:
    """Return what Home Assistant is told about a port that cannot be opened yet."""
    return ConfigEntryNotReady(
        translation_domain=DOMAIN,
        translation_key=err.key,
        translation_placeholders={"port": err.url},
    )


class Connection:
    """One entry's port. Cancelling `run` is the only way to stop it, and enough."""

    def __init__(
        self,
        url: str,
        line: LineSettings,
        channel: Channel,
        on_down: Callable[[Exception], None],
    ) -> None:
        """Prepare; nothing is opened yet. on_down is called at the end of each connection."""
        self.url = url
        self.line = line
        self.channel = channel
        self.is_there = False  # the port could be opened when that was tried last
        self._on_down = on_down

    async def open(self) -> Port:
        """Open the port once; PortError says why not."""
        self.is_there = False
        port = await open_port(self.url, self.line)
        self.is_there = True
        return port

    async def run(self, port: Port | None = None) -> None:
        """Listen for ever, beginning with a port that is open already."""
        backoff = delays()
        clock = asyncio.get_running_loop().time
        while True:
            opened_at = clock()
            try:
                await self.channel.listen(port or await self.open())
            except (PortError, OSError, SilenceError) as err:
                self._lost(err)
            except Exception as err:
                LOGGER.exception("Unexpected failure while reading %s", self.url)
                self._lost(err)
            port = None
            if clock() - opened_at > STABLE:
                backoff = delays()
            await asyncio.sleep(next(backoff))

    def _lost(self, err: Exception) -> None:
        self.channel.lost()
        self._on_down(err)
