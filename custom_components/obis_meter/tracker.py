"""Follows one meter: takes its telegrams in, computes what it does not say, remembers."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from time import time as seconds_now
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from .const import (
    BEST_QUALITY,
    CONF_DEMAND_PERIOD,
    CONF_LINK,
    CONF_MODULE_NAME,
    CONF_MODULE_QUALITY,
    DEMAND_PERIODS,
    LOGGER,
    usual_demand_period,
)
from .issues import Issues
from .memory import SOMETIME, SOON, Memory, Remembered, content
from .meter import PARAMETER, Meter, RegisterId
from .metering import identity
from .metering.catalogue import COUNTED
from .metering.derived import Deriver
from .metering.errors import DecryptError
from .metering.follow import Follower
from .metering.identity import Identity
from .metering.links import LINKS
from .metering.model import Module, Reading, Reply, Telegram
from .metering.plausible import Guard
from .metering.security import Security
from .metering.submeters import Places, SubMeter, places
from .notifier import Notifier
from .registries import register_device, remove_computed, remove_parameters

LINK_QUALITY: Final = "module:link_quality"

type OnNew = Callable[[Meter, Iterable[RegisterId]], None]


class Tracker:
    """One meter of an entry, with the sub-meters whose readings it passes on."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        main: Meter,
        *,
        security: Security,
        notifier: Notifier,
        on_new: OnNew,
    ) -> None:
        """Begin with its keys; error says why its last intact telegram was not opened."""
        self.hass = hass
        self.entry = entry
        self.main = main
        self.security = security
        self.error: DecryptError | None = None
        self.meters = {main.key: main}
        self.follower = Follower()
        self.guards = defaultdict[str, Guard](Guard)
        self._memory = Memory(hass, main.subentry_id or entry.entry_id)
        self._notifier = notifier
        self._on_new = on_new
        self._issues = Issues(hass, entry, main)
        self._stumbled: set[str] = set()
        self._device_id: str | None = None
        tables = LINKS[entry.data[CONF_LINK]].tables
        self._tables = tables() if tables else None
        self._before: Telegram | None = None
        self._places = Places()
        self._deriver = self._make_deriver(Remembered())

    async def load(self) -> None:
        """Take over what was known before the restart."""
        remembered = await self._memory.load()
        self._deriver = self._make_deriver(remembered)
        self.follower = Follower(remembered.events)
        self.security.recall(remembered.counters)
        self._register(self.main)
        for meter in remembered.meters:
            self._recall(meter, remembered.saved)

    async def save(self) -> None:
        """Write what is known to disk, and let go of what the owner was told."""
        self._issues.forget()
        await self._memory.save(self._content())

    def remember(self) -> None:
        """Have what is known written soon."""
        self._memory.save_later(self._content, SOON)

    async def forget(self) -> None:
        """Take away what is remembered."""
        self._issues.forget()
        await self._memory.remove()

    def _make_deriver(self, remembered: Remembered) -> Deriver:
        usual = usual_demand_period(self.hass.config.country)
        period = self.entry.options.get(CONF_DEMAND_PERIOD, usual)
        zone = dt_util.get_default_time_zone()
        return Deriver(DEMAND_PERIODS[period], zone, remembered.derived)

    def _content(self) -> dict[str, Any]:
        meters, counters = list(self.meters.values()), self.security.counters
        events = {"events": self.follower.counts}
        return content(meters, self._deriver.state, counters, seconds_now()) | events

    def _recall(self, meter: Meter, saved: float) -> None:
        """Take a meter over from before the restart, its totals as the last known."""
        if meter.sub_meter is None:
            self.main.registers, self.main.readings = meter.registers, meter.readings
            self.main.identity = self.main.identity.updated(meter.identity)
            meter = self.main
            if not self._deriver.knows_demand:
                remove_computed(self.hass, self.entry, meter, "demand:")
            remove_parameters(self.hass, self.entry, meter)
            self._deriver.know(meter.registers)
        else:
            meter.subentry_id = self.main.subentry_id
            meter.available = self.main.available
            self.meters[meter.key] = meter
        self._register(meter)
        for reading in meter.readings.values():
            self.guards[meter.key].accept(reading, saved)

    def _register(self, meter: Meter) -> None:
        device_id = register_device(self.hass, self.entry, meter, self._device_id)
        self._device_id = self._device_id or device_id

    def introduce(self, said: Identity) -> None:
        """Learn who the meter is from elsewhere than its telegrams."""
        if (who := self.main.identity.updated(said)) != self.main.identity:
            self.main.identity = who
            self._register(self.main)

    def rename(self, name: str) -> None:
        """Go by another name from here on."""
        self.main.name = name
        self._register(self.main)

    def take(self, telegram: Telegram) -> bool:
        """Take a telegram in, unless it is another meter's; a fault of ours costs it alone."""
        self.error = None
        if self._issues.is_foreign(telegram):
            return False
        try:
            self._take(telegram)
        except Exception as err:
            if (what := repr(err)) not in self._stumbled:
                self._stumbled.add(what)
                LOGGER.exception("Unexpected failure with a telegram of %s", self.main.name)
        return True

    def shut(self, error: DecryptError) -> None:
        """Note that an intact telegram was not opened, and why."""
        self.error = error
        self._issues.shut(error.lock)

    def module(self) -> Module:
        """Return who answers this meter when it asks its communication module."""
        options = self.entry.options
        name = options.get(CONF_MODULE_NAME) or self.main.name or ""
        return Module(
            name=name.encode("ascii", "ignore").decode("ascii"),
            meter=self.main.identity.serial,
            link_quality=options.get(CONF_MODULE_QUALITY, BEST_QUALITY),
        )

    def note_quality(self, quality: int | None) -> None:
        """Show how well the module in the meter hears its network, where it says so."""
        if quality:
            self._merge(self.main, [Reading(LINK_QUALITY, Decimal(quality))])

    def note_parameter(self, parameter: str, reply: Reply) -> None:
        """Show what the meter answered when it was asked for a parameter."""
        value = Decimal(reply.value) if isinstance(reply.value, int) else reply.value
        if value is not None:
            self._merge(self.main, [Reading(f"{PARAMETER}{parameter}", value)])

    @callback
    def tick(self) -> None:
        """Write live totals as they are just before statistics are cut."""
        self._merge(self.main, list(self._deriver.tick(seconds_now())), at_once=True)

    def up(self) -> None:
        """The meter speaks on this connection."""
        for meter in self.meters.values():
            meter.heard = meter.available = True

    def down(self) -> None:
        """The connection is lost: let go of what is true only while the meter is heard."""
        for meter in self.meters.values():
            if meter.available:
                meter.forget(meter.passing())
            meter.heard = meter.available = False

    def _take(self, telegram: Telegram) -> None:
        if not (self._before and self._places.hold(telegram, self._before)):
            self.introduce(identity.describe(telegram))
            self._places = places(telegram)
        self._before = telegram
        own, channels = self._places.split(telegram)
        now, shape = seconds_now(), None if self._tables else self._places.own
        if self._tables:
            own = self._tables.sift(own, dt_util.now().replace(tzinfo=None))
        kept = self.guards[self.main.key].check(own, now, shape)
        derived, over = self._deriver.derive(kept, now, shape if kept is own else None)
        self._merge(self.main, [*kept, *derived])
        self._notifier.changed(self.main.forget(over))
        for sub_meter, readings in channels.items():
            meter = self._sub_meter(sub_meter)
            shape = self._places.channels[sub_meter]  # several may be of one meter
            self._merge(meter, self.guards[meter.key].check(readings, now, shape))
        self._memory.save_later(self._content, SOMETIME)

    def drop(self, key: str) -> None:
        """Let go of a sub-meter that is no longer passed on."""
        del self.meters[key]
        self.guards.pop(key, None)
        self.remember()

    def _sub_meter(self, sub_meter: SubMeter) -> Meter:
        a, b = sub_meter.channel
        key = sub_meter.id or f"{self.main.key}_{a}-{b}"
        if (known := self.meters.get(key)) is None:
            who = Identity(serial=sub_meter.id)
            known = Meter(key, who, sub_meter, subentry_id=self.main.subentry_id, heard=True)
            self.meters[key] = known
            self._register(known)
        elif known.sub_meter and known.sub_meter.kind is COUNTED:
            known.sub_meter = sub_meter  # it may tell only now what it counts
        return known

    def _merge(self, meter: Meter, fresh: Sequence[Reading], *, at_once: bool = False) -> None:
        """Take readings over; announce new registers, and tell of the changed ones."""
        new, changed = meter.merge(fresh)
        if new:
            self._on_new(meter, new)
            self.remember()
        self._notifier.changed(changed, at_once=at_once)
