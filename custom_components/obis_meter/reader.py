"""Asks one meter again and again for what its link says is worth asking."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Final

from .channel import Channel, DisconnectedError
from .connection import delays
from .const import LOGGER
from .metering.dialogue import Dialogue
from .metering.errors import DecodeError, FrameError, MeteringError, NoAnswer, NoSuchData, Refused
from .metering.model import Telegram
from .metering.schedule import Poll, Schedule
from .turns import COMMAND, POLL, CrowdedError

if TYPE_CHECKING:
    from .coordinator import ObisMeterCoordinator
    from .tracker import Tracker

_LOOK: Final = 1.0  # seconds between two looks whether the port is open
_IGNORED: Final = 2  # times that a meter which is there lets a question fall
_MISSED: Final = 2.5  # turns of what is asked most often whose absence is an outage
_NOTHING_LEFT: Final = 900.0  # seconds until a meter that refused everything is asked anew


class Reader:
    """Keeps the readings of one meter fresh. Cancelling `run` is the only way to stop it.

    What the meter does not have, or never answers, is not asked for again until
    it was away: then everything is, for what was known is forgotten. While it
    is away it is asked one thing, ever more rarely.
    """

    def __init__(self, coordinator: ObisMeterCoordinator, tracker: Tracker) -> None:
        """Prepare; nothing is asked yet."""
        self._coordinator = coordinator
        self._tracker = tracker
        self._schedule = Schedule((), 0.0)
        self._ignored = Counter[str]()
        self._known: Poll | None = None  # it was answered before: by this the meter is seen
        self._is_there = False
        self._heard_at = self._began_at = -inf
        self._is_told = False  # the owner knows that it does not answer
        self._grace = 0.0  # seconds without an answer that are no outage yet

    @property
    def asked(self) -> tuple[str, ...]:
        """Return what the meter is asked for by turns."""
        return self._schedule.keys

    async def run(self) -> None:
        """Ask for ever."""
        self._began_at = _now()
        self._begin()
        backoff = self._pauses()
        while True:
            try:
                await self._step()
            except DisconnectedError:
                self._is_there = False
                await asyncio.sleep(_LOOK)
                continue
            except NoAnswer as err:
                self._is_there = False
                self._went(err)
            except Exception:
                self._is_there = False
                LOGGER.exception("Unexpected failure while asking %s", self._tracker.main.name)
            if self._is_there:
                backoff = self._pauses()
            else:
                await asyncio.sleep(next(backoff))

    def _pauses(self) -> Iterator[float]:
        """Yield the pauses while the meter is away; to be woken costs a battery each time."""
        access = self._coordinator.access(self._tracker.main.key)
        return delays(access.sign_on.interval if access.sign_on.wake else 0.0)

    def _begin(self) -> None:
        """Have everything to ask."""
        link, key = self._coordinator.link, self._tracker.main.key
        assert link.polls
        self._schedule = Schedule(link.polls(self._coordinator.access(key)), _now())
        self._grace = _MISSED * min((poll.every for poll in self._schedule.polls), default=0.0)
        self._ignored.clear()

    async def _step(self) -> None:
        """Ask what is due, or wait until something is; NoAnswer where the meter is gone."""
        self._channel()  # before a turn of the schedule is used up
        if not self._is_there and self._known:
            await self._ask(self._known)
        elif poll := self._schedule.take(_now()):
            await self._ask(poll)
        elif (pause := self._schedule.wait(_now())) is None:
            await asyncio.sleep(_NOTHING_LEFT)
            self._begin()
        else:
            await asyncio.sleep(pause)

    async def _ask(self, poll: Poll) -> None:
        try:
            telegram = await self._converse(poll.dialogue())
        except NoSuchData:
            self._heard_at = _now()
            self._present(poll)
            self._schedule.retire(poll.key, _now())
        except NoAnswer as err:
            await self._doubt(poll, err)
        except (DecodeError, FrameError, Refused) as err:  # it is there
            LOGGER.debug("%s: %s: %s", self._tracker.main.name, poll.key, err)
            if self._is_overdue(self._began_at):
                self._went(err)
            else:
                self._present(poll)
        except CrowdedError:
            LOGGER.debug("%s: %s: too many wait", self._tracker.main.name, poll.key)
        else:
            await self._told(poll, telegram)

    async def _told(self, poll: Poll, telegram: Telegram) -> None:
        self._known, self._heard_at = poll, _now()
        self._present(poll)
        await self._take(telegram)

    async def read_now(self) -> int:
        """Ask everything out of turn; return how many readings came. Raises why none did."""
        count = 0
        for poll in self._schedule.polls:
            with suppress(NoSuchData):
                telegram = await self._channel().converse(poll.dialogue(), COMMAND)
                count += len(telegram.readings)
                await self._told(poll, telegram)
        return count

    async def _doubt(self, poll: Poll, silence: NoAnswer) -> None:
        """See whether a meter let one question fall, or is gone: NoAnswer."""
        if not (self._is_there and self._known):
            raise silence
        known = self._known
        try:
            await self._told(known, await self._converse(known.dialogue()))
        except (DecodeError, FrameError, Refused) as said:  # it is there
            LOGGER.debug("%s: %s: %s", self._tracker.main.name, known.key, said)
        self._ignored[poll.key] += poll.key != known.key
        if self._ignored[poll.key] >= _IGNORED:
            self._schedule.retire(poll.key, _now())

    def _present(self, poll: Poll) -> None:
        """Take note that the meter answers; ask for everything else where it was away."""
        if not self._is_there:
            self._begin()
            self._is_there = True
        self._schedule.done(poll.key, _now())
        main = self._tracker.main
        if self._is_told:
            LOGGER.info("%s answers again", main.name)
            self._is_told = False
        if not main.heard:
            self._tracker.up()
            self._coordinator.async_update_listeners()

    def _is_overdue(self, since: float = -inf) -> bool:
        """Tell whether the meter has told nothing for too long; since: when it first could."""
        return _now() - max(self._heard_at, since) > self._grace

    def _went(self, err: Exception) -> None:
        """Say once that the meter does not answer; its last values hold for a while."""
        if not self._is_told:
            LOGGER.warning("%s does not answer: %s", self._tracker.main.name, err)
            self._is_told = True
        if self._is_overdue() and self._tracker.main.available:
            self._tracker.down()
            self._coordinator.async_update_listeners()

    async def _take(self, telegram: Telegram) -> None:
        """Take in what the meter says, and look into what it says has happened."""
        self._coordinator.take(self._tracker, [telegram])
        if not (events := self._coordinator.link.events):
            return
        access = self._coordinator.access(self._tracker.main.key)
        before = dict(self._tracker.follower.counts)
        try:
            news = await self._converse(
                events.follow(access, self._tracker.follower, telegram.readings)
            )
        except (MeteringError, CrowdedError) as err:
            LOGGER.debug("%s: events: %s", self._tracker.main.name, err)
            return
        if self._tracker.follower.counts != before:
            self._tracker.remember()
        for happening in news:
            self._coordinator.tell(self._tracker, happening)

    async def _converse[T](self, dialogue: Dialogue[T]) -> T:
        return await self._channel().converse(dialogue, POLL)

    def _channel(self) -> Channel:
        """Return the connection; DisconnectedError where there is none at present."""
        channel = self._coordinator.channel(self._tracker.main.key)
        if channel is None or not channel.is_open:
            raise DisconnectedError("there is no connection to the meter")
        return channel


def _now() -> float:
    return asyncio.get_running_loop().time()
