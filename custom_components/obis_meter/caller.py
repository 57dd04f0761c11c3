"""One peer that has called: who it is, and what it says meanwhile."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from homeassistant.core import callback

from .channel import Channel
from .const import LOGGER
from .coordinator import caught
from .metering.detect import Locked
from .metering.errors import DecryptError, MeteringError, NoAnswer
from .metering.model import Module, Telegram
from .metering.session import Event, Session
from .pace import Pace
from .tracker import Tracker
from .transport import Port
from .vigil import SilenceError

if TYPE_CHECKING:
    from .dial_in import ListenerCoordinator

GREETING: Final = 30.0  # seconds in which a peer must have sent something intact
FIRST_ABSENCE: Final = 2 * 3600.0  # seconds; the slowest that call for each telegram do so hourly
_EARLY: Final = 64  # events kept until it is known whose they are


class Caller:
    """One peer: its channel, and the meter that it turns out to be."""

    def __init__(self, coordinator: ListenerCoordinator, address: str) -> None:
        """Know its address, and nothing else."""
        self.address = address
        self.meter: str | None = None
        self.tracker: Tracker | None = None
        self.channel = Channel(
            Session(coordinator.link),
            on_events=self._on_events,
            on_up=self._on_up,
            who=self._module,
        )
        self._coordinator = coordinator
        self._early: deque[Event] = deque(maxlen=_EARLY)
        self._is_nameless = coordinator.link.identify is None  # nor could it be asked
        self._error: DecryptError | None = None
        self._greeting: asyncio.Timeout | None = None
        self._task = asyncio.current_task()

    async def attend(self, port: Port) -> None:
        """Listen until it hangs up, falls silent, or a newer call of its meter takes its place."""
        asking = asyncio.create_task(self._ask_who(), name=f"who is at {self.address}")
        try:
            async with asyncio.timeout(GREETING) as self._greeting:
                await self.channel.listen(port)
        except (OSError, SilenceError) as err:  # a greeting that does not come is a TimeoutError
            LOGGER.debug("%s: %s", self.address, err or "nothing intact")
        finally:
            asking.cancel()
            self.channel.lost()
            self._coordinator.left(self)

    def hang_up(self) -> None:
        """End the call."""
        if self._task:
            self._task.cancel()

    def adopt(self, tracker: Tracker) -> None:
        """Belong to a meter, and tell it what was said before that was known."""
        self.tracker = tracker
        session, early = self.channel.session, list(self._early)
        session.trust(tracker.security)
        if self._error:
            early = [event for payload in session.payloads for event in session.read(payload)]
        self._early.clear()
        if self.channel.up:
            self._coordinator.came(self)
        self._coordinator.take(tracker, early)

    async def _ask_who(self) -> None:
        """Ask who it is, or take the first telegram's word where it does not say."""
        identify = self.channel.session.link.identify
        while identify:
            try:
                said = await self.channel.converse(identify())
            except NoAnswer:
                continue
            except MeteringError:
                return
            self._is_nameless = said is None
            self._is(said or self._said_early())
            return

    def _said_early(self) -> str | None:
        return next((e.meter for e in self._early if isinstance(e, Telegram) and e.meter), None)

    def _is(self, meter: str | None) -> None:
        if meter and not self.meter:
            self.meter = meter
            self._coordinator.identified(self)

    def _on_events(self, events: Sequence[Event]) -> bool:
        if self.tracker:
            return self._coordinator.take(self.tracker, events)
        intact = [event for event in events if not isinstance(event, MeteringError)]
        self._early.extend(intact)
        sealed = [event for event in events if isinstance(event, DecryptError)]
        self._error = sealed[-1] if sealed else self._error
        if self._is_nameless:
            self._is(self._said_early() or self._signed() or self._address_of(intact))
        return bool(intact or sealed)

    def _signed(self) -> str | None:
        """Return the system title with which it signs telegrams that need a key."""
        return str(self.locked.ciphered) if self.locked else None

    def _address_of(self, intact: Sequence[Event]) -> str | None:
        """Return where it calls from, if it has told everything and never its name."""
        asked = self.channel.session.link.identify
        return self.address if intact and not asked else None

    @property
    def locked(self) -> Locked | None:
        """Return its last telegrams where they need a key."""
        return caught(self.channel.session, self._error) if self._error else None

    @callback
    def _on_up(self) -> None:
        if self._greeting:
            self._greeting.reschedule(None)
        if self.tracker:
            self._coordinator.came(self)

    def _module(self) -> Module:
        return self.tracker.module() if self.tracker else Module(name="Home Assistant")


class Absence:
    """How long a meter stays away that calls for each telegram, and when that is too long."""

    def __init__(self, on_missed: Callable[[], None]) -> None:
        """Know no pace yet."""
        self._pace = Pace(FIRST_ABSENCE)
        self._on_missed = on_missed
        self._since: float | None = None
        self._limit: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """It has hung up."""
        loop = asyncio.get_running_loop()
        self._since = loop.time()
        self._limit = loop.call_later(self._pace.patience, self._on_missed)

    def end(self) -> None:
        """It calls again, or is expected no longer."""
        if self._limit:
            self._limit.cancel()
        if self._since is not None:
            self._pace.note(asyncio.get_running_loop().time() - self._since)
        self._since = self._limit = None
