"""What a meter says has happened."""

from typing import override

from homeassistant.components.event import EventEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import ObisMeterConfigEntry
from .entity import ObisMeterEntity
from .meter import Meter
from .metering.model import METER_EVENT, Notice

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ObisMeterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add an event entity for each meter that reports events, now and whenever one joins."""
    coordinator = entry.runtime_data

    @callback
    def add(main: Meter) -> None:
        entity = MeterEvent(coordinator, main, "event", listens=False)
        async_add_entities([entity], config_subentry_id=main.subentry_id)

    if coordinator.link.notice:
        entry.async_on_unload(coordinator.async_on_new_meters(add))


class MeterEvent(ObisMeterEntity, EventEntity):
    """The last event: its parameter, its value and its octets."""

    _attr_translation_key = "meter_event"

    @property
    @override
    def event_types(self) -> list[str]:
        """Return the kinds of notices that there are."""
        return [METER_EVENT]

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_on_notice(self.meter.key, self._report))

    @callback
    def _report(self, notice: Notice) -> None:
        value = notice.value
        told = value if isinstance(value, int | str | None) else value.isoformat()
        attributes = {"parameter": notice.parameter, "value": told, "hex": notice.data.hex()}
        self._trigger_event(notice.kind, attributes)
        self.async_write_ha_state()
