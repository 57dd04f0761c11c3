"""What all entities share: their device and their unique id."""

from typing import override

from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN
from .coordinator import ObisMeterCoordinator
from .meter import Meter, RegisterId


class ObisMeterEntity(CoordinatorEntity[ObisMeterCoordinator]):
    """An entity of one meter, listening to one register or, without one, to the connection."""

    _attr_has_entity_name = True

    def __init__(
        self,
        coordinator: ObisMeterCoordinator,
        meter: Meter,
        name: RegisterId,
        *,
        listens: bool = True,
    ) -> None:
        """Belong to a meter under a name that is unique there."""
        super().__init__(coordinator, (meter.key, name) if listens else None)
        self.meter = meter
        self._attr_unique_id = f"{meter.key}_{name}"

    @property
    @override
    def device_info(self) -> DeviceInfo:
        """Return the device, which is asked for once: thousands of sensors need not keep it."""
        return DeviceInfo(identifiers={(DOMAIN, self.meter.key)})

    @property
    @override
    def available(self) -> bool:
        """Return whether the meter has been heard ever since the start, or is again."""
        return self.meter.available

    @override
    async def async_update(self) -> None:
        """Do nothing: the meter pushes, and nobody can ask it."""
