"""An entry that meters call: their communication modules, or modules of their own."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final, override
from urllib.parse import urlsplit

from homeassistant.config_entries import SOURCE_INTEGRATION_DISCOVERY, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.discovery_flow import async_create_flow

from .channel import Channel, SilenceError
from .connection import not_ready
from .const import CONF_ALLOWED, CONF_METER, CONF_PORT, DOMAIN, LOGGER
from .coordinator import ObisMeterConfigEntry
from .listener import Listener, networks
from .metering.errors import MeteringError, NoAnswer
from .metering.model import Module, Telegram
from .metering.session import Event, Session
from .subentries import SubentriesCoordinator
from .tracker import Tracker
from .transport import Port, PortError

GREETING: Final = 30.0  # seconds in which a peer must have sent something intact
_EARLY: Final = 64  # events kept until it is known whose they are


class Caller:
    """One peer: its channel, and the meter that it turns out to be."""

    def __init__(self, coordinator: ListenerCoordinator, address: str) -> None:
        """Know its address, and nothing else."""
        self.address = address
        self.meter: str | None = None
        self.tracker: Tracker | None = None
        self.channel = Channel(
            Session(coordinator.link, coordinator.security),
            on_events=self._on_events,
            on_up=self._on_up,
            who=self._module,
        )
        self._coordinator = coordinator
        self._early: deque[Event] = deque(maxlen=_EARLY)
        self._is_nameless = False  # it does not say who it is when it is asked
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
        early, self._early = list(self._early), deque()
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
        if self._is_nameless:
            self._is(self._said_early())
        return bool(intact)

    @callback
    def _on_up(self) -> None:
        if self._greeting:
            self._greeting.reschedule(None)
        if self.tracker:
            self._coordinator.came(self)

    def _module(self) -> Module:
        return self.tracker.module() if self.tracker else Module(name="Home Assistant")


class ListenerCoordinator(SubentriesCoordinator):
    """A TCP port that meters call; each known one is a subentry."""

    def __init__(self, hass: HomeAssistant, entry: ObisMeterConfigEntry) -> None:
        """Read the settings; nobody can call yet."""
        super().__init__(hass, entry)
        address = urlsplit(entry.data[CONF_PORT])
        allowed = networks(entry.data[CONF_ALLOWED])
        self.listener = Listener(address.hostname or "", address.port or 0, allowed, self._attend)
        self._callers: list[Caller] = []
        self._lines: dict[str, Caller] = {}

    @override
    async def async_open(self) -> None:
        await self.adopt_all()  # before they can call
        try:
            await self.listener.open()
        except PortError as err:
            raise not_ready(err) from err
        self.config_entry.async_on_unload(self.listener.close)

    @override
    async def async_run(self) -> None:
        """Do nothing: each call has a task of its own."""

    @override
    def channels(self) -> list[Channel]:
        return [caller.channel for caller in self._callers]

    @override
    def channel(self, meter: str) -> Channel | None:
        for key, tracker in self.trackers.items():
            if meter in tracker.meters and (line := self._lines.get(key)):
                return line.channel
        return None

    async def _attend(self, port: Port, address: str) -> None:
        caller = Caller(self, address)
        self._callers.append(caller)
        await caller.attend(port)

    def identified(self, caller: Caller) -> None:
        """Give a call to its meter; offer the owner a meter that is not known."""
        assert caller.meter
        if tracker := self.trackers.get(caller.meter):
            caller.adopt(tracker)
            return
        async_create_flow(
            self.hass,
            DOMAIN,
            context={"source": SOURCE_INTEGRATION_DISCOVERY},
            data={
                "entry_id": self.config_entry.entry_id,
                CONF_METER: caller.meter,
                "address": caller.address,
            },
        )

    def came(self, caller: Caller) -> None:
        """A meter speaks; an older call of it ends."""
        assert caller.tracker
        key = caller.tracker.main.key
        if (older := self._lines.get(key)) and older is not caller:
            older.hang_up()
        self._lines[key] = caller
        if not caller.tracker.main.heard:
            LOGGER.info("%s has called from %s", caller.tracker.main.name, caller.address)
        caller.tracker.up()
        self.async_update_listeners()

    def left(self, caller: Caller) -> None:
        """A call has ended."""
        self._callers.remove(caller)
        if caller.tracker and self._lines.get(caller.tracker.main.key) is caller:
            del self._lines[caller.tracker.main.key]
            caller.tracker.down()
            LOGGER.info("%s has hung up", caller.tracker.main.name)
            self.async_update_listeners()

    @override
    async def adopt(self, key: str, subentry: ConfigSubentry) -> None:
        """Follow the meter of a subentry, on the call it may have made already."""
        tracker = await self.follow(key, subentry, available=False)
        for caller in self._callers:
            if caller.meter == key and not caller.tracker:
                caller.adopt(tracker)

    @override
    def dropped(self, key: str) -> None:
        if line := self._lines.pop(key, None):
            line.tracker = None
            line.hang_up()
