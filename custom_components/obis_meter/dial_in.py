"""An entry that meters call: their communication modules, or modules of their own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import override
from urllib.parse import urlsplit

from homeassistant.config_entries import SOURCE_INTEGRATION_DISCOVERY, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.discovery_flow import async_create_flow

from .caller import Absence, Caller
from .channel import Channel
from .connection import not_ready
from .const import CONF_ALLOWED, CONF_METER, CONF_PORT, CONF_TITLE, DOMAIN, LISTEN_UDP, LOGGER
from .coordinator import ObisMeterConfigEntry
from .datagrams import DatagramListener
from .listener import MOST_PEERS, Gate, Listener, networks
from .metering.detect import Locked
from .port_error import PortError
from .subentries import SubentriesCoordinator, key_of
from .tracker import Tracker
from .transport import Port


def gate(url: str, allowed: str, attend: Callable[[Port, str], Awaitable[None]]) -> Gate:
    """Return what waits for meters on a port; ValueError where who is allowed makes no sense."""
    address = urlsplit(url)
    kind = DatagramListener if address.scheme == LISTEN_UDP else Listener
    return kind(address.hostname or "", address.port or 0, networks(allowed), attend)


def _is_of(subentry: ConfigSubentry, caller: Caller) -> bool:
    """Tell whether it is the meter of a subentry that calls."""
    return caller.meter in (key_of(subentry), subentry.data.get(CONF_TITLE))


class ListenerCoordinator(SubentriesCoordinator):
    """A TCP or UDP port that meters call; each known one is a subentry."""

    def __init__(self, hass: HomeAssistant, entry: ObisMeterConfigEntry) -> None:
        """Read the settings; nobody can call yet."""
        super().__init__(hass, entry)
        self.listener = gate(entry.data[CONF_PORT], entry.data[CONF_ALLOWED], self._attend)
        self._callers: list[Caller] = []
        self._lines: dict[str, Caller] = {}
        self._absent: dict[str, Absence] = {}
        self._sealed: dict[str, Locked] = {}

    @override
    async def async_open(self) -> None:
        await self.adopt_all()  # before they can call
        try:
            await self.listener.open()
        except PortError as err:
            raise not_ready(err) from err
        self.config_entry.async_on_unload(self._close)

    async def _close(self) -> None:
        await self.listener.close()
        for absence in self._absent.values():
            absence.end()

    @override
    async def async_run(self) -> None:
        """Be there for callers; each has a task of its own, and all end with this one."""
        try:
            await asyncio.Event().wait()
        finally:
            await self._close()

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
        for subentry in self.meters().values():
            tracker = self.trackers.get(key_of(subentry))
            if tracker and _is_of(subentry, caller):
                caller.adopt(tracker)
                return
        if caller.locked:
            self._keep(caller.meter, caller.locked)
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
        self._absent[key].end()
        if not caller.tracker.main.heard:
            LOGGER.info("%s has called from %s", caller.tracker.main.name, caller.address)
        caller.tracker.up()
        self.async_update_listeners()

    def left(self, caller: Caller) -> None:
        """A call has ended."""
        self._callers.remove(caller)
        if caller.tracker and self._lines.get(caller.tracker.main.key) is caller:
            del self._lines[caller.tracker.main.key]
            if self.link.request:
                self._miss(caller.tracker)
            else:  # whoever only pushes may hang up behind each telegram
                self._absent[caller.tracker.main.key].begin()

    def _miss(self, tracker: Tracker) -> None:
        tracker.down()
        LOGGER.info("%s has hung up", tracker.main.name)
        self.async_update_listeners()

    @override
    def locked(self, meter: str) -> Locked | None:
        return super().locked(meter) or self._sealed.get(meter)

    def _keep(self, meter: str, locked: Locked) -> None:
        """Keep what a meter sent that is not known, until its owner has typed its key in."""
        if meter in self._sealed or len(self._sealed) < MOST_PEERS:
            self._sealed[meter] = locked

    @override
    async def adopt(self, key: str, subentry: ConfigSubentry) -> None:
        """Follow the meter of a subentry, on the call it may have made already."""
        self._absent[key] = Absence(lambda: self._miss(tracker))
        tracker = await self.follow(key, subentry, available=False)
        for caller in self._callers:
            if _is_of(subentry, caller) and not caller.tracker:
                caller.adopt(tracker)

    @override
    def dropped(self, key: str) -> None:
        if line := self._lines.pop(key, None):
            line.tracker = None
            line.hang_up()
        self._absent.pop(key).end()
