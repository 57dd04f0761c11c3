"""Whether the meter is heard."""

from typing import override

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import ObisMeterConfigEntry
from .entity import ObisMeterEntity
from .meter import Meter

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ObisMeterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the connectivity of each meter, now and whenever one joins."""
    coordinator = entry.runtime_data

    @callback
    def add(main: Meter) -> None:
        entity = Connectivity(coordinator, main, "connectivity", listens=False)
        async_add_entities([entity], config_subentry_id=main.subentry_id)

    entry.async_on_unload(coordinator.async_on_new_meters(add))


class Connectivity(ObisMeterEntity, BinarySensorEntity):
    """On while telegrams come; never unavailable itself."""

    _attr_device_class = BinarySensorDeviceClass.CONNECTIVITY
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_translation_key = "connectivity"

    @property
    @override
    def available(self) -> bool:
        """Return True: that nothing comes is what this tells."""
        return True

    @property
    @override
    def is_on(self) -> bool:
        """Return whether the meter is heard."""
        return self.meter.heard
