"""What the meters of one port have said, and who is told of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.typing import UNDEFINED
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator

from .connection import Connection
from .const import (
    CONF_IDENTITY,
    CONF_LINE,
    CONF_LINK,
    CONF_PORT,
    CONF_WRITE_INTERVAL,
    DEFAULT_WRITE_INTERVAL,
    DOMAIN,
    LOGGER,
)
from .metering import identity
from .metering.identity import Identity
from .metering.links import LINKS
from .metering.model import LineSettings, ObisCode, Reading, Telegram
from .metering.plausible import Guard
from .metering.session import Event
from .metering.submeters import SubMeter, split
from .transport import PortError

type ObisMeterConfigEntry = ConfigEntry[ObisMeterCoordinator]
type RegisterId = ObisCode | str
type Address = tuple[str, RegisterId]
"""A meter's key and a register: what an entity listens to."""


@dataclass(slots=True)
class Meter:
    """One meter: its key in unique ids, who it is, and the last reading of each register."""

    key: str
    identity: Identity
    sub_meter: SubMeter | None = None
    readings: dict[RegisterId, Reading] = field(default_factory=dict)


class ObisMeterCoordinator(DataUpdateCoordinator[dict[str, Meter]]):
    """Merges every telegram at once; tells only those whose reading changed, and not too often.

    data maps a meter's key to the meter; the first one is the port's own.
    """

    config_entry: ObisMeterConfigEntry

    def __init__(self, hass: HomeAssistant, entry: ObisMeterConfigEntry) -> None:
        """Read the settings; nothing is opened yet."""
        super().__init__(hass, LOGGER, config_entry=entry, name=entry.title)
        main = Meter(entry.unique_id or entry.entry_id, Identity(**entry.data[CONF_IDENTITY]))
        self.main = main
        self.data = {main.key: main}
        self._other_meter: str | None = None
        self._issue_id = f"other_meter_{entry.entry_id}"
        self.connection = Connection(
            entry.data[CONF_PORT],
            LineSettings.parse(entry.data[CONF_LINE]),
            LINKS[entry.data[CONF_LINK]],
            on_events=self._on_events,
            on_up=self._on_up,
            on_down=self._on_down,
        )
        self.guard = Guard(hass.loop.time)
        self._write_interval: float = entry.options.get(CONF_WRITE_INTERVAL, DEFAULT_WRITE_INTERVAL)
        self._readers: dict[Address, CALLBACK_TYPE] = {}
        self._written: dict[Address, float] = {}
        self._waiting: dict[Address, None] = {}
        self._cancel_flush: CALLBACK_TYPE | None = None
        self._device_id: str | None = None
        self._on_new: list[Callable[[Meter, list[Reading]], None]] = []

    @callback
    def _register_device(self, meter: Meter) -> None:
        """Tell the device registry who a meter is; a sub-meter stands behind its meter."""
        who, sub_meter = meter.identity, meter.sub_meter
        device = dr.async_get(self.hass).async_get_or_create(
            config_entry_id=self.config_entry.entry_id,
            identifiers={(DOMAIN, meter.key)},
            name=UNDEFINED if sub_meter else self.config_entry.title,
            translation_key=f"{sub_meter.kind.key}_meter" if sub_meter else None,
            manufacturer=who.maker,
            model=who.model,
            serial_number=who.serial,
            sw_version=who.firmware,
            via_device_id=self._device_id if sub_meter else None,
        )
        if sub_meter is None:
            self._device_id = device.id

    async def async_start(self) -> None:
        """Open the port and begin to read; ConfigEntryNotReady where it cannot be opened."""
        try:
            port = await self.connection.open()
        except PortError as err:
            raise ConfigEntryNotReady(
                translation_domain=DOMAIN,
                translation_key=err.key,
                translation_placeholders={"port": err.url},
            ) from err
        self._register_device(self.main)
        self.config_entry.async_create_background_task(
            self.hass, self.connection.run(port), f"{DOMAIN} {self.connection.url}"
        )
        self.config_entry.async_on_unload(self._stop)

    @callback
    def async_on_new_registers(
        self, report: Callable[[Meter, list[Reading]], None]
    ) -> CALLBACK_TYPE:
        """Report each register once, those already known at once."""
        self._on_new.append(report)
        for meter in self.data.values():
            report(meter, list(meter.readings.values()))
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
        self._readers[context] = update_callback

        def remove_reader() -> None:
            self._readers.pop(context, None)
            remove()

        return remove_reader

    @override
    async def _async_update_data(self) -> dict[str, Meter]:
        """Return what is known: meters push, there is nothing to ask for."""
        return self.data

    @callback
    def _on_events(self, events: Iterable[Event]) -> None:
        for event in events:
            match event:
                case Telegram():
                    self._on_telegram(event)

    @callback
    def _on_up(self) -> None:
        if not self.last_update_success:
            LOGGER.info("%s is read again", self.name)
            self.async_set_updated_data(self.data)

    @callback
    def _on_down(self, err: Exception) -> None:
        self.async_set_update_error(err)

    @callback
    def _on_telegram(self, telegram: Telegram) -> None:
        if self._is_foreign(telegram):
            return
        own, channels = split(self.guard.check(telegram))
        self._merge(self.main, identity.describe(telegram), own)
        for sub_meter, readings in channels.items():
            meter = self._sub_meter(sub_meter)
            self._merge(meter, meter.identity, readings)

    def _is_foreign(self, telegram: Telegram) -> bool:
        """Tell whether another meter speaks than the one set up; its owner is told once."""
        expected, found = self.config_entry.unique_id, telegram.meter
        if not expected or not found:
            return False
        if found == expected:
            if self._other_meter:
                ir.async_delete_issue(self.hass, DOMAIN, self._issue_id)
                self._other_meter = None
            return False
        if found != self._other_meter:
            self._other_meter = found
            self._tell_of_other_meter(expected, found)
        return True

    def _tell_of_other_meter(self, expected: str, found: str) -> None:
        ir.async_create_issue(
            self.hass,
            DOMAIN,
            self._issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key="other_meter",
            translation_placeholders={
                "name": self.config_entry.title,
                "expected": expected,
                "found": found,
            },
        )

    def _sub_meter(self, sub_meter: SubMeter) -> Meter:
        a, b = sub_meter.channel
        key = sub_meter.id or f"{self.main.key}_{a}-{b}"
        if (known := self.data.get(key)) is None:
            known = self.data[key] = Meter(key, Identity(serial=sub_meter.id), sub_meter)
            self._register_device(known)
        return known

    def _merge(self, meter: Meter, said: Identity, readings: list[Reading]) -> None:
        """Take readings over; announce new registers, and note the changed ones for writing."""
        if (who := meter.identity.updated(said)) != meter.identity:
            meter.identity = who
            self._register_device(meter)
        changed: list[Address] = []
        new: list[Reading] = []
        for reading in readings:
            before = meter.readings.get(reading.id)
            meter.readings[reading.id] = reading
            if before is None:
                new.append(reading)
            elif before.value != reading.value:
                changed.append((meter.key, reading.id))
        if new:
            for report in self._on_new:
                report(meter, new)
        self._write(changed)

    def _write(self, changed: list[Address]) -> None:
        """Tell at once what was not told within the interval, and the rest at its end."""
        now = self.hass.loop.time()
        for address in changed:
            if now - self._written.get(address, -self._write_interval) >= self._write_interval:
                self._tell(address, now)
            else:
                self._waiting[address] = None
        if self._waiting and not self._cancel_flush:
            due = min(self._written[address] for address in self._waiting) + self._write_interval
            self._cancel_flush = async_call_later(self.hass, max(due - now, 0), self._flush)

    @callback
    def _flush(self, _now: object) -> None:
        self._cancel_flush = None
        waiting, self._waiting = self._waiting, {}
        self._write(list(waiting))

    def _tell(self, address: Address, now: float) -> None:
        self._waiting.pop(address, None)
        if reader := self._readers.get(address):
            self._written[address] = now
            reader()

    @callback
    def _stop(self) -> None:
        if self._cancel_flush:
            self._cancel_flush()
        ir.async_delete_issue(self.hass, DOMAIN, self._issue_id)
