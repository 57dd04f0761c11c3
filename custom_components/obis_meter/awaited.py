"""What a dialogue waits for, and how long."""

import asyncio
from contextlib import suppress

from .metering.errors import NoAnswer


class Awaited:
    """An answer that has yet to come."""

    def __init__(self, within: float, *, from_each_byte: bool) -> None:
        """Give it so many seconds, counted anew from each byte of it or not."""
        self._within = within
        self._from_each_byte = from_each_byte
        self._limit: asyncio.Timeout | None = None
        self._answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def met(self, data: bytes) -> None:
        """Note that this is it."""
        if not self._answer.done():
            self._answer.set_result(data)

    def lost(self, why: Exception) -> None:
        """Note that it will not come."""
        if not self._answer.done():
            self._answer.set_exception(why)
            self._answer.exception()  # is known, even if who waits has just been cancelled

    def prolong(self) -> None:
        """Note that bytes came, and in time."""
        if self._from_each_byte and self._limit and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time() + self._within)

    async def wait(self) -> bytes:
        """Return it; NoAnswer when its time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._within) as self._limit:
                await asyncio.wait([self._answer])  # which does not cancel it
        if not self._answer.done():  # else it came in time, and the loop was too busy to see it
            raise NoAnswer(f"no answer within {self._within:g} s")
        return self._answer.result()
