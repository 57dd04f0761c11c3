"""How long the silence of a meter has lasted, and what is done about it."""

import asyncio
from collections.abc import Awaitable, Callable

from .const import LOGGER
from .metering.dialogue import Dialogue
from .metering.errors import MeteringError
from .metering.links import Link
from .pace import Pace
from .turns import CrowdedError

type Ask = Callable[[Dialogue[str | None]], Awaitable[str | None]]


class SilenceError(MeteringError):
    """The port is open, but nothing intact came for much longer than usual."""


class Vigil:
    """Becomes impatient with a meter that is silent, and asks it for a sign where one can ask.

    ask has a dialogue with the meter; it is given anew each time, or whoever keeps a vigil
    would be kept by it.
    """

    def __init__(self) -> None:
        """Know nothing of the meter's pace yet."""
        self.pace = Pace()
        self._heard_at = 0.0
        self._probe: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Count from now on."""
        self._heard_at, self._probe = _now(), None

    def end(self) -> None:
        """Ask no more."""
        if self._probe:
            self._probe.cancel()

    def heard(self, *, again: bool) -> None:
        """Take note that the meter has said something intact, and how long after the last."""
        now = _now()
        if again:
            self.pace.note(now - self._heard_at)
        self._heard_at, self._probe = now, None

    def check(self, link: Link, ask: Ask) -> None:
        """Ask for a sign when it was silent for too long; SilenceError where none came."""
        if _now() - self._heard_at <= self.pace.patience:
            return
        identify = link.identify if link.answer else None  # a bus is not ours to speak on
        if identify is None or (self._probe and self._probe.done()):
            raise SilenceError(f"nothing for {self.pace.patience:.0f} s")
        if not self._probe:
            self._probe = asyncio.create_task(_ask_for_a_sign(ask, identify()))


async def _ask_for_a_sign(ask: Ask, dialogue: Dialogue[str | None]) -> None:
    try:
        await ask(dialogue)
    except (MeteringError, CrowdedError) as err:
        LOGGER.debug("no sign of the meter: %s", err)


def _now() -> float:
    return asyncio.get_running_loop().time()
