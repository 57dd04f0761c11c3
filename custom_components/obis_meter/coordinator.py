"""What the meters of one port have said, and who is told of it."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime
from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers.event import async_track_time_change
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .connection import Connection
from .const import (
    CONF_DEMAND_PERIOD,
    CONF_IDENTITY,
    CONF_LINE,
    CONF_LINK,
    CONF_PORT,
    CONF_WRITE_INTERVAL,
    DEFAULT_WRITE_INTERVAL,
    DEMAND_PERIODS,
    DOMAIN,
    LOGGER,
    usual_demand_period,
)
from .issues import Issues
from .memory import SOMETIME, SOON, Memory, content
from .meter import Meter, RegisterId
from .metering import identity
from .metering.catalogue import COUNTED
from .metering.derived import DerivedState, Deriver
from .metering.identity import Identity
from .metering.links import LINKS
from .metering.model import LineSettings, Reading, Telegram
from .metering.plausible import Guard
from .metering.session import Event
from .metering.submeters import SubMeter, split
from .notifier import Notifier
from .registries import register_device, remove_computed
from .transport import PortError

type ObisMeterConfigEntry = ConfigEntry[ObisMeterCoordinator]
type OnNew = Callable[[Meter, Iterable[RegisterId]], None]


def seconds_now() -> float:
    """Return the time in seconds since 1970."""
    return dt_util.utcnow().timestamp()


class ObisMeterCoordinator(DataUpdateCoordinator[dict[str, Meter]]):
    """Merges every telegram at once; tells only those whose reading changed, and not too often.

    data maps a meter's key to the meter; the first one is the port's own.
    """

    config_entry: ObisMeterConfigEntry

    def __init__(self, hass: HomeAssistant, entry: ObisMeterConfigEntry) -> None:
        """Read the settings; nothing is opened yet."""
        super().__init__(hass, LOGGER, config_entry=entry, name=entry.title)
        self.main = Meter(entry.unique_id or entry.entry_id, Identity(**entry.data[CONF_IDENTITY]))
        self.data = {self.main.key: self.main}
        self.connection = Connection(
            entry.data[CONF_PORT],
            LineSettings.parse(entry.data[CONF_LINE]),
            LINKS[entry.data[CONF_LINK]],
            on_events=self._on_events,
            on_up=self._on_up,
            on_down=self._on_down,
        )
        self.guards = defaultdict[str, Guard](lambda: Guard(seconds_now))
        self._stumbled: set[str] = set()
        self.memory = Memory(hass, entry.entry_id)
        interval = entry.options.get(CONF_WRITE_INTERVAL, DEFAULT_WRITE_INTERVAL)
        self._notifier = Notifier(hass, interval)
        self._device_id: str | None = None
        self._on_new: list[OnNew] = []
        self._issues = Issues(hass, entry)

    def _make_deriver(self, state: DerivedState) -> Deriver:
        usual = usual_demand_period(self.hass.config.country)
        period = self.config_entry.options.get(CONF_DEMAND_PERIOD, usual)
        return Deriver(DEMAND_PERIODS[period], dt_util.get_default_time_zone(), state)

    async def async_open(self) -> None:
        """Open the port, or raise ConfigEntryNotReady, and remember what was known before."""
        remembered = await self.memory.load()
        try:
            port = await self.connection.open()
        except PortError as err:
            raise ConfigEntryNotReady(
                translation_domain=DOMAIN,
                translation_key=err.key,
                translation_placeholders={"port": err.url},
            ) from err
        self.config_entry.async_on_unload(port.close)
        self._port = port
        self._deriver = self._make_deriver(remembered.derived)
        self._register(self.main)
        for meter in remembered.meters:
            self._recall(meter, remembered.saved)

    @callback
    def async_listen(self) -> None:
        """Begin to read, and keep live totals up to the second where statistics are cut."""
        cut = async_track_time_change(self.hass, self.tick, minute=range(4, 60, 5), second=59)
        self.config_entry.async_on_unload(cut)
        self.config_entry.async_create_background_task(
            self.hass, self.connection.run(self._port), f"{DOMAIN} {self.connection.url}"
        )
        self.config_entry.async_on_unload(self._stop)

    @callback
    def tick(self, _when: datetime | None = None) -> None:
        """Write live totals as they are just before statistics are cut."""
        self._merge(self.main, list(self._deriver.tick(seconds_now())), at_once=True)

    async def _stop(self) -> None:
        self._notifier.stop()
        self._issues.forget()
        await self.memory.save(self._content())

    def _content(self) -> dict[str, Any]:
        return content(list(self.data.values()), self._deriver.state, seconds_now())

    def _recall(self, meter: Meter, saved: float) -> None:
        """Take a meter over from before the restart, its totals as the last known."""
        if meter.sub_meter is None:
            self.main.registers, self.main.readings = meter.registers, meter.readings
            self.main.identity = self.main.identity.updated(meter.identity)
            meter = self.main
            if not self._deriver.knows_demand:
                remove_computed(self.hass, self.config_entry, meter, "demand:")
            self._deriver.know(meter.registers)
        else:
            self.data[meter.key] = meter
        self._register(meter)
        for reading in meter.readings.values():
            self.guards[meter.key].accept(reading, saved)

    def _register(self, meter: Meter) -> None:
        device_id = register_device(self.hass, self.config_entry, meter, self._device_id)
        self._device_id = self._device_id or device_id

    @callback
    def async_on_new_registers(self, report: OnNew) -> CALLBACK_TYPE:
        """Report each register once, those already known at once."""
        self._on_new.append(report)
        for meter in self.data.values():
            report(meter, list(meter.registers))
        return lambda: self._on_new.remove(report)

    @callback
    @override
    def async_add_listener(
        self, update_callback: CALLBACK_TYPE, context: Any = None
    ) -> Callable[[], None]:
        """Tell update_callback of changes: of one register where context is its address."""
        remove = super().async_add_listener(update_callback, context)
        if context is None:
            return remove
        both = ExitStack()
        both.callback(remove)
        both.callback(self._notifier.add(context, update_callback))
        return both.close

    @override
    async def _async_update_data(self) -> dict[str, Meter]:
        """Return what is known: meters push, there is nothing to ask for."""
        return self.data

    @callback
    def _on_events(self, events: Iterable[Event]) -> bool:
        """Take events in; tell whether our meter has spoken."""
        heard = [self._on_telegram(event) for event in events if isinstance(event, Telegram)]
        return any(heard)

    @callback
    def _on_up(self) -> None:
        if not self.last_update_success:
            LOGGER.info("%s is read again", self.name)
        self.async_set_updated_data(self.data)

    @callback
    def _on_down(self, err: Exception) -> None:
        """Say so once, and forget what is true only while the meter is heard."""
        if self.last_update_success:
            for meter in self.data.values():
                meter.forget(meter.passing())
        self.async_set_update_error(err)

    def _on_telegram(self, telegram: Telegram) -> bool:
        """Take a telegram in, unless it is another meter's; a fault of ours costs it alone."""
        if self._issues.is_foreign(telegram):
            return False
        try:
            self._take(telegram)
        except Exception as err:
            if (what := repr(err)) not in self._stumbled:
                self._stumbled.add(what)
                LOGGER.exception("Unexpected failure with a telegram of %s", self.name)
        return True

    def _take(self, telegram: Telegram) -> None:
        own, channels = split(telegram)
        own = self.guards[self.main.key].check(own)
        derived, over = self._deriver.derive(own, seconds_now())
        self._merge(self.main, [*own, *derived], identity.describe(telegram))
        self._notifier.changed(self.main.forget(over))
        for sub_meter, readings in channels.items():
            meter = self._sub_meter(sub_meter)
            self._merge(meter, self.guards[meter.key].check(readings))
        self.memory.save_later(self._content, SOMETIME)

    def _sub_meter(self, sub_meter: SubMeter) -> Meter:
        a, b = sub_meter.channel
        key = sub_meter.id or f"{self.main.key}_{a}-{b}"
        if (known := self.data.get(key)) is None:
            known = self.data[key] = Meter(key, Identity(serial=sub_meter.id), sub_meter)
            self._register(known)
        elif known.sub_meter and known.sub_meter.kind is COUNTED:
            known.sub_meter = sub_meter  # it may tell only now what it counts
        return known

    def _merge(
        self,
        meter: Meter,
        fresh: list[Reading],
        said: Identity | None = None,
        *,
        at_once: bool = False,
    ) -> None:
        """Take readings over; announce new registers, and tell of the changed ones."""
        if said and (who := meter.identity.updated(said)) != meter.identity:
            meter.identity = who
            self._register(meter)
        new, changed = meter.merge(fresh)
        if new:
            for report in self._on_new:
                report(meter, new)
            self.memory.save_later(self._content, SOON)
        self._notifier.changed(changed, at_once=at_once)
