"""An entry that meters call: their communication modules, or modules of their own."""

from collections.abc import Awaitable, Callable
from typing import Any, override
from urllib.parse import urlsplit

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    SOURCE_INTEGRATION_DISCOVERY,
    ConfigEntry,
    ConfigEntryChange,
    ConfigSubentry,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers.discovery_flow import async_create_flow
from homeassistant.helpers.dispatcher import async_dispatcher_connect

from . import keyring
from .caller import Absence, Caller
from .channel import Channel
from .const import (
    CONF_ALLOWED,
    CONF_METER,
    CONF_PORT,
    CONF_TITLE,
    DOMAIN,
    LISTEN_UDP,
    LOGGER,
    SUBENTRY_METER,
)
from .coordinator import ObisMeterConfigEntry, ObisMeterCoordinator
from .datagrams import DatagramListener
from .listener import MOST_PEERS, Gate, Listener, networks
from .meter import Meter
from .metering.detect import Locked
from .metering.identity import Identity
from .metering.security import Security
from .tracker import Tracker
from .transport import Port, PortError


def gate(url: str, allowed: str, attend: Callable[[Port, str], Awaitable[None]]) -> Gate:
    """Return what waits for meters on a port; ValueError where who is allowed makes no sense."""
    address = urlsplit(url)
    kind = DatagramListener if address.scheme == LISTEN_UDP else Listener
    return kind(address.hostname or "", address.port or 0, networks(allowed), attend)


def _key(subentry: ConfigSubentry) -> str:
    return subentry.unique_id or subentry.subentry_id


def _is_of(subentry: ConfigSubentry, caller: Caller) -> bool:
    """Tell whether it is the meter of a subentry that calls."""
    return caller.meter in (_key(subentry), subentry.data.get(CONF_TITLE))


class ListenerCoordinator(ObisMeterCoordinator):
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
        for subentry in self._meters().values():
            await self._adopt(subentry)  # before they can call
        try:
            await self.listener.open()
        except PortError as err:
            raise ConfigEntryNotReady(
                translation_domain=DOMAIN,
                translation_key=err.key,
                translation_placeholders={"port": err.url},
            ) from err
        self.config_entry.async_on_unload(self._close)
        self.config_entry.async_on_unload(
            async_dispatcher_connect(self.hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._on_changed)
        )

    async def _close(self) -> None:
        await self.listener.close()
        for absence in self._absent.values():
            absence.end()

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
        for subentry in self._meters().values():
            tracker = self.trackers.get(_key(subentry))
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

    def _meters(self) -> dict[str, ConfigSubentry]:
        return {
            _key(subentry): subentry
            for subentry in self.config_entry.subentries.values()
            if subentry.subentry_type == SUBENTRY_METER
        }

    async def _adopt(self, subentry: ConfigSubentry) -> None:
        """Follow the meter of a subentry, on the call it may have made already."""
        key = _key(subentry)
        main = Meter(
            key,
            Identity(serial=key),
            name=subentry.title,
            subentry_id=subentry.subentry_id,
            available=False,
        )
        security = Security(keyring.stored(subentry.data))
        self._absent[key] = Absence(lambda: self._miss(tracker))
        tracker = await self.track(main, security)
        for caller in self._callers:
            if _is_of(subentry, caller) and not caller.tracker:
                caller.adopt(tracker)

    @callback
    def _on_changed(self, change: ConfigEntryChange, entry: ConfigEntry[Any]) -> None:
        """Follow meters that were added, and let go of those that were removed."""
        if entry is not self.config_entry or change is not ConfigEntryChange.UPDATED:
            return
        there = self._meters()
        for key in self.trackers.keys() - there.keys():
            if line := self._lines.pop(key, None):
                line.tracker = None
                line.hang_up()
            self._absent.pop(key).end()
            self.forget(key)
        for key in there.keys() - self.trackers.keys():
            entry.async_create_task(self.hass, self._adopt(there[key]), f"{DOMAIN} {key}")
