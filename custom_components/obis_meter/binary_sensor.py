"""Whether the meter is heard."""

from typing import override

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import ObisMeterConfigEntry
from .entity import ObisMeterEntity

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ObisMeterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the connectivity of the port."""
    coordinator = entry.runtime_data
    async_add_entities([Connectivity(coordinator, coordinator.main, "connectivity", listens=False)])


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
        return self.coordinator.connection.up
