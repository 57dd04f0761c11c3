"""What a meter says has happened."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, override

from homeassistant.components.event import EventEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import ObisMeterConfigEntry
from .entity import ObisMeterEntity
from .meter import Meter
from .metering.follow import Happening
from .metering.model import METER_EVENT, Notice

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ObisMeterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add an event entity for each meter that reports events, now and whenever one joins."""
    coordinator = entry.runtime_data
    link = coordinator.link
    kind: type[NoticeEvent | CountedEvent] = NoticeEvent if link.notice else CountedEvent

    @callback
    def add(main: Meter) -> None:
        entity = kind(coordinator, main, "event", listens=False)
        async_add_entities([entity], config_subentry_id=main.subentry_id)

    if link.notice or (link.events and coordinator.may_ask):
        entry.async_on_unload(coordinator.async_on_new_meters(add))


class MeterEvent(ObisMeterEntity, EventEntity):
    """The last event of a meter."""

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_on_notice(self.meter.key, self._report))

    @callback
    def _report(self, notice: Notice | Happening) -> None:
        kind, attributes = self._told(notice)
        self._trigger_event(kind, dict(attributes))
        self.async_write_ha_state()

    @abstractmethod
    def _told(self, notice: Notice | Happening) -> tuple[str, Mapping[str, Any]]:
        """Return the kind of an event, and its attributes."""


class NoticeEvent(MeterEvent):
    """What a meter reports by itself: a parameter, its value and its octets."""

    _attr_translation_key = "meter_event"

    @property
    @override
    def event_types(self) -> list[str]:
        """Return the kinds of notices that there are."""
        return [METER_EVENT]

    @override
    def _told(self, notice: Notice | Happening) -> tuple[str, Mapping[str, Any]]:
        assert isinstance(notice, Notice)
        value = notice.value
        told = value if isinstance(value, int | str | None) else value.isoformat()
        attributes = {"parameter": notice.parameter, "value": told, "hex": notice.data.hex()}
        return notice.kind, attributes


class CountedEvent(MeterEvent):
    """What a meter counts and records: the phase, and when it began and ended, its local time."""

    _attr_translation_key = "counted_event"

    @property
    @override
    def event_types(self) -> list[str]:
        """Return the kinds of events that its link knows."""
        events = self.coordinator.link.events
        return sorted({kind.key for kind in events.kinds.values()}) if events else []

    @override
    def _told(self, notice: Notice | Happening) -> tuple[str, Mapping[str, Any]]:
        events = self.coordinator.link.events
        assert events
        assert isinstance(notice, Happening)
        kind = events.kinds[notice.counter]
        phase = {"phase": kind.phase} if kind.phase else {}
        times = {"begin": notice.begin, "end": notice.end}
        return kind.key, phase | {name: time and time.isoformat() for name, time in times.items()}
