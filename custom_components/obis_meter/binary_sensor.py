"""Whether the meter is heard, and what the bits of its status words say."""

from collections.abc import Iterable
from typing import Final, override

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import ObisMeterConfigEntry, ObisMeterCoordinator
from .entity import ObisMeterEntity
from .meter import Meter, RegisterId
from .metering.flags import FLAGS, Flag, is_set

PARALLEL_UPDATES = 0

_PROBLEMS: Final = (
    *("fatal_error", "phase_sequence", "voltage_sequence", "current_sequence"),
    *("voltage_unbalance", "current_unbalance", "power_down", "demand_exceeded"),
    *("power_factor_low", "battery_supply", "voltage_loss_phase", "undervoltage_phase"),
    *("overvoltage_phase", "current_loss_phase", "overcurrent_phase", "overload_phase"),
    *("reverse_flow_phase", "phase_loss_phase", "current_break_phase"),
)
_DEVICE_CLASSES: Final = {
    **dict.fromkeys(_PROBLEMS, BinarySensorDeviceClass.PROBLEM),
    "clock_battery_low": BinarySensorDeviceClass.BATTERY,
    "magnetic_field": BinarySensorDeviceClass.TAMPER,
    "reading_battery_low": BinarySensorDeviceClass.BATTERY,
    "terminal_cover": BinarySensorDeviceClass.TAMPER,
    "voltage_present_phase": BinarySensorDeviceClass.POWER,
}
"""Key of a flag -> what it is to Home Assistant, where that has a class for it."""
_OF_USE: Final = ("relay_open", "relay_alarm")  # to everybody, not only to installers


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ObisMeterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the connectivity of each meter, and the flags of each status word that is named."""
    coordinator = entry.runtime_data

    @callback
    def add(main: Meter) -> None:
        entity = Connectivity(coordinator, main, "connectivity", listens=False)
        async_add_entities([entity], config_subentry_id=main.subentry_id)

    entry.async_on_unload(coordinator.async_on_new_meters(add))

    @callback
    def add_flags(meter: Meter, names: Iterable[RegisterId]) -> None:
        flags = [(name, flag) for name in names for flag in FLAGS.get(name, ())]
        sensors = [FlagSensor(coordinator, meter, name, flag) for name, flag in flags]
        async_add_entities(sensors, config_subentry_id=meter.subentry_id)

    entry.async_on_unload(coordinator.async_on_new_registers(add_flags))


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


class FlagSensor(ObisMeterEntity, BinarySensorEntity):
    """One bit of a status word."""

    def __init__(
        self, coordinator: ObisMeterCoordinator, meter: Meter, name: RegisterId, flag: Flag
    ) -> None:
        """Take name and meaning from the flag's row."""
        super().__init__(coordinator, meter, name)
        self._name, self._bit = name, flag.bit
        self._attr_unique_id = f"{meter.key}_{name}_{flag.bit}"
        self._attr_translation_key = flag.key
        self._attr_device_class = _DEVICE_CLASSES.get(flag.key)
        self._attr_entity_registry_enabled_default = not flag.hidden
        if flag.key not in _OF_USE:
            self._attr_entity_category = EntityCategory.DIAGNOSTIC
        if flag.phase:
            self._attr_translation_placeholders = {"phase": str(flag.phase)}

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether the bit is set; None for unknown."""
        reading = self.meter.readings.get(self._name)
        return is_set(self._name, reading.value, self._bit) if reading else None
