"""Who comes next where only one at a time can."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Final

COMMAND, POLL = 0, 1
"""How urgent it is: what an owner asks for comes before what is asked for regularly."""

_MOST_WAITING: Final = 64


class CrowdedError(Exception):
    """So many wait already that nobody else is let in."""


class Turns:
    """Lets one at a time in: the most urgent next, of equals who came first."""

    def __init__(self) -> None:
        """Let the first one in at once."""
        self._busy = False
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = count()

    @asynccontextmanager
    async def take(self, urgency: int = COMMAND) -> AsyncIterator[None]:
        """Wait for a turn, and give it back at the end."""
        if self._busy:
            await self._wait(urgency)
        self._busy = True
        try:
            yield
        finally:
            self._next()

    async def _wait(self, urgency: int) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            raise CrowdedError
        turn = asyncio.get_running_loop().create_future()
        place = (urgency, next(self._arrivals), turn)
        heappush(self._waiting, place)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(ValueError):  # passed over already, by who gave a turn back just now
                    self._waiting.remove(place)
                heapify(self._waiting)
            else:
                self._next()  # the turn came, and nobody was left to take it
            raise

    def _next(self) -> None:
        self._busy = False
        while self._waiting and not self._busy:
            turn = heappop(self._waiting)[2]
            if not turn.done():
                self._busy = True
                turn.set_result(None)
