"""What the meters of one entry have said, and who is told of it."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, override

from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntry, ConfigEntryState
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_change
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator

from .bridge import Bridge
from .channel import Channel
from .const import (
    CONF_ASK,
    CONF_LINK,
    CONF_PORT,
    CONF_WRITE_INTERVAL,
    DEFAULT_WRITE_INTERVAL,
    DOMAIN,
    LOGGER,
)
from .errands import errands
from .meter import Meter, RegisterId
from .metering.detect import Locked
from .metering.errors import DecryptError
from .metering.follow import Happening
from .metering.links import LINKS
from .metering.model import ANYONE, Access, Message, Notice, Telegram
from .metering.security import Security
from .metering.session import Event, Session
from .notifier import Notifier
from .reader import Reader
from .tracker import OnNew, Tracker

type ObisMeterConfigEntry = ConfigEntry[ObisMeterCoordinator]
type OnNewMeter = Callable[[Meter], None]
type OnNotice = Callable[[Notice | Happening], None]


class ObisMeterCoordinator(DataUpdateCoordinator[dict[str, Meter]], ABC):
    """The meters of an entry: merges every telegram at once, and tells those whose reading changed.

    data maps a meter's key to the meter, sub-meters among them; trackers has
    those that speak for themselves.
    """

    config_entry: ObisMeterConfigEntry

    def __init__(self, hass: HomeAssistant, entry: ObisMeterConfigEntry) -> None:
        """Read the settings; nothing is opened yet."""
        super().__init__(hass, LOGGER, config_entry=entry, name=entry.title)
        self.link = LINKS[entry.data[CONF_LINK]]
        self.trackers: dict[str, Tracker] = {}
        self.data = {}
        interval = entry.options.get(CONF_WRITE_INTERVAL, DEFAULT_WRITE_INTERVAL)
        self.notifier = Notifier(hass, interval)
        self._on_new: list[OnNew] = []
        self.bridges: dict[str, Bridge] = {}
        self.readers: dict[str, Reader] = {}
        self._companions: dict[str, list[asyncio.Task[None]]] = {}
        self._on_new_meter: list[OnNewMeter] = []
        self._on_notice: dict[str, OnNotice] = {}

    @abstractmethod
    async def async_open(self) -> None:
        """Open what is listened to, or ConfigEntryNotReady, and bring back what was known."""

    @abstractmethod
    async def async_run(self) -> None:
        """Listen until cancelled."""

    @abstractmethod
    def channels(self) -> list[Channel]:
        """Return the connections there are."""

    @abstractmethod
    def channel(self, meter: str) -> Channel | None:
        """Return the connection to a meter; None where there is none at present."""

    def access(self, meter: str) -> Access:
        """Return how a meter is addressed, and what opens it."""
        return ANYONE

    @property
    def may_ask(self) -> bool:
        """Tell whether anything may be sent: to a module's port, or where the owner agreed."""
        return bool(self.link.answer or self.config_entry.data.get(CONF_ASK))

    def locked(self, meter: str) -> Locked | None:
        """Return the telegrams of a meter that no key opens at present."""
        tracker, channel = self.trackers.get(meter), self.channel(meter)
        if not (tracker and tracker.error and channel):
            return None
        return caught(channel.session, tracker.error)

    @callback
    def async_listen(self) -> None:
        """Begin to read, and keep live totals up to the second where statistics are cut."""
        entry = self.config_entry
        cut = async_track_time_change(self.hass, self.tick, minute=range(4, 60, 5), second=59)
        entry.async_on_unload(cut)
        name = f"{DOMAIN} {entry.data[CONF_PORT]}"
        entry.async_create_background_task(self.hass, self.async_run(), name)
        entry.async_on_unload(self._stop)

    @callback
    def tick(self, _when: datetime | None = None) -> None:
        """Write live totals as they are just before statistics are cut."""
        for tracker in self.trackers.values():
            tracker.tick()

    async def _stop(self) -> None:
        self.notifier.stop()
        for tracker in self.trackers.values():
            await tracker.save()

    async def track(self, main: Meter, security: Security) -> Tracker:
        """Follow a meter, beginning with what was known of it before."""
        tracker = Tracker(
            self.hass,
            self.config_entry,
            main,
            security=security,
            notifier=self.notifier,
            on_new=self._announce,
        )
        self.trackers[main.key] = tracker
        await tracker.load()
        self._companions[main.key] = [
            self.config_entry.async_create_background_task(self.hass, work, f"{DOMAIN} {main.key}")
            for work in errands(self, tracker)
        ]
        self.data |= tracker.meters
        for join in self._on_new_meter:
            join(main)
        for meter in tracker.meters.values():
            self._announce(meter, list(meter.registers))
        return tracker

    @callback
    def forget(self, key: str) -> None:
        """Follow a meter no longer: its owner removed it."""
        tracker = self.trackers.pop(key)
        self.bridges.pop(key, None)
        self.readers.pop(key, None)
        for task in self._companions.pop(key):
            task.cancel()
        for name in tracker.meters:
            self.data.pop(name, None)
        self.config_entry.async_create_task(self.hass, tracker.forget(), f"{DOMAIN} {key}")

    def _announce(self, meter: Meter, names: Iterable[RegisterId]) -> None:
        self.data[meter.key] = meter
        for report in self._on_new:
            report(meter, names)

    @callback
    def async_on_new_registers(self, report: OnNew) -> CALLBACK_TYPE:
        """Report each register once, those already known at once."""
        self._on_new.append(report)
        for meter in self.data.values():
            report(meter, list(meter.registers))
        return lambda: self._on_new.remove(report)

    @callback
    def async_on_new_meters(self, report: OnNewMeter) -> CALLBACK_TYPE:
        """Report each meter that speaks for itself once, those already known at once."""
        self._on_new_meter.append(report)
        for tracker in self.trackers.values():
            report(tracker.main)
        return lambda: self._on_new_meter.remove(report)

    @callback
    def async_on_notice(self, meter: str, report: OnNotice) -> CALLBACK_TYPE:
        """Report what a meter says has happened."""
        self._on_notice[meter] = report
        return lambda: self._on_notice.pop(meter, None) and None

    @callback
    @override
    def async_add_listener(
        self, update_callback: CALLBACK_TYPE, context: Any = None
    ) -> Callable[[], None]:
        """Tell update_callback of changes: of one register where context is its address."""
        remove = super().async_add_listener(update_callback, context)
        if context is None:
            return remove
        leave = self.notifier.add(context, update_callback)

        def both() -> None:
            leave()
            remove()

        return both

    @override
    async def _async_update_data(self) -> dict[str, Meter]:
        """Return what is known: meters push, there is nothing to ask for."""
        return self.data

    def take(self, tracker: Tracker, events: Iterable[Event]) -> bool:
        """Take the events of one meter in; tell whether it has spoken."""
        spoke = False
        for event in events:
            match event:
                case Telegram():
                    spoke = tracker.take(event) or spoke
                case DecryptError():
                    tracker.shut(event)
                case Message():
                    self._take_message(tracker, event)
                    spoke = True
        return spoke

    def _take_message(self, tracker: Tracker, message: Message) -> None:
        tracker.note_quality(message.quality)
        if self.link.tunnelled and (bridge := self.bridges.get(tracker.main.key)):
            bridge.forward(self.link.tunnelled(message))
        if self.link.notice and (notice := self.link.notice(message)):
            self.tell(tracker, notice)

    @callback
    def tell(self, tracker: Tracker, notice: Notice | Happening) -> None:
        """Tell what has happened at a meter."""
        if report := self._on_notice.get(tracker.main.key):
            report(notice)


def caught(session: Session, error: DecryptError) -> Locked | None:
    """Return what a session heard last and could not open."""
    sealed = session.security.ciphered
    return Locked(session.link, sealed, error, tuple(session.payloads)) if sealed else None


def is_missed(entry: ConfigEntry[Any]) -> bool:
    """Tell whether an entry is to read its meter, and does not hear it where it was set up."""
    if entry.source == SOURCE_IGNORE or entry.disabled_by:
        return False
    if entry.state is not ConfigEntryState.LOADED:
        return True
    return not any(channel.up for channel in entry.runtime_data.channels())
