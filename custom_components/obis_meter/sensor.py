"""Registers as sensors: they appear as the meter names them."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple, override

from homeassistant.components.sensor import (
    SensorDeviceClass as Device,
    SensorEntity,
    SensorStateClass as State,
)
from homeassistant.const import (
    DEGREE,
    EntityCategory,
    UnitOfApparentPower,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfFrequency,
    UnitOfPower,
    UnitOfReactiveEnergy,
    UnitOfReactivePower,
    UnitOfTemperature,
    UnitOfTime,
    UnitOfVolume,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import StateType
from homeassistant.util import dt as dt_util

from .const import CONF_NAME, CONF_PARAMETER, CONF_PARAMETERS
from .coordinator import ObisMeterConfigEntry, ObisMeterCoordinator
from .entity import ObisMeterEntity
from .meter import PARAMETER, Meter, RegisterId
from .metering.catalogue import Quantity, Register
from .metering.model import Value
from .metering.submeters import register_of
from .metering.units import convert

PARALLEL_UPDATES = 0


class Meaning(NamedTuple):
    """What a quantity is to Home Assistant."""

    device_class: Device | None
    state_class: State | None
    unit: str | None = None


MEANINGS: Final = {
    Quantity.POWER: Meaning(Device.POWER, State.MEASUREMENT, UnitOfPower.WATT),
    Quantity.REACTIVE_POWER: Meaning(
        Device.REACTIVE_POWER, State.MEASUREMENT, UnitOfReactivePower.VOLT_AMPERE_REACTIVE
    ),
    Quantity.APPARENT_POWER: Meaning(
        Device.APPARENT_POWER, State.MEASUREMENT, UnitOfApparentPower.VOLT_AMPERE
    ),
    Quantity.ENERGY: Meaning(Device.ENERGY, State.TOTAL_INCREASING, UnitOfEnergy.KILO_WATT_HOUR),
    Quantity.REACTIVE_ENERGY: Meaning(
        Device.REACTIVE_ENERGY,
        State.TOTAL_INCREASING,
        UnitOfReactiveEnergy.KILO_VOLT_AMPERE_REACTIVE_HOUR,
    ),
    Quantity.APPARENT_ENERGY: Meaning(None, State.TOTAL_INCREASING, "kVAh"),
    Quantity.VOLTAGE: Meaning(Device.VOLTAGE, State.MEASUREMENT, UnitOfElectricPotential.VOLT),
    Quantity.CURRENT: Meaning(Device.CURRENT, State.MEASUREMENT, UnitOfElectricCurrent.AMPERE),
    Quantity.FREQUENCY: Meaning(Device.FREQUENCY, State.MEASUREMENT, UnitOfFrequency.HERTZ),
    Quantity.POWER_FACTOR: Meaning(Device.POWER_FACTOR, State.MEASUREMENT),
    Quantity.ANGLE: Meaning(None, State.MEASUREMENT_ANGLE, DEGREE),
    Quantity.GAS: Meaning(Device.GAS, State.TOTAL_INCREASING, UnitOfVolume.CUBIC_METERS),
    Quantity.WATER: Meaning(Device.WATER, State.TOTAL_INCREASING, UnitOfVolume.CUBIC_METERS),
    Quantity.VOLUME: Meaning(None, State.TOTAL_INCREASING, UnitOfVolume.CUBIC_METERS),
    Quantity.HEAT: Meaning(Device.ENERGY, State.TOTAL_INCREASING, UnitOfEnergy.GIGA_JOULE),
    Quantity.LIMIT: Meaning(None, None),  # in W, VA or A, as the grid company pleases
    Quantity.SIGNAL: Meaning(None, State.MEASUREMENT),
    Quantity.COUNT: Meaning(None, State.TOTAL_INCREASING),
    Quantity.TARIFF: Meaning(Device.ENUM, None),
    Quantity.CLOCK: Meaning(Device.TIMESTAMP, None),
    Quantity.TEXT: Meaning(None, None),
    Quantity.TEMPERATURE: Meaning(Device.TEMPERATURE, State.MEASUREMENT, UnitOfTemperature.CELSIUS),
    Quantity.DURATION: Meaning(Device.DURATION, State.MEASUREMENT, UnitOfTime.MINUTES),
    Quantity.BALANCE: Meaning(None, State.MEASUREMENT, UnitOfEnergy.KILO_WATT_HOUR),
    Quantity.MONEY: Meaning(Device.MONETARY, State.TOTAL, "CNY"),
    Quantity.PRICE: Meaning(None, State.MEASUREMENT, "CNY/kWh"),
    Quantity.RATE: Meaning(Device.ENUM, None),
}

TARIFFS: Final = [str(number) for number in range(10)]
RATES: Final = ["sharp", "peak", "flat", "valley", *(str(number) for number in range(5, 64))]
"""The rates of Chinese meters in their order, the first of which bear names."""
_LONGEST_STATE: Final = 255  # characters, Home Assistant's limit
_OURS: Final = {"m³": "m3"}  # units that metering writes otherwise
_THEIRS: Final = {"m3": "m³", "l": "L"}


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ObisMeterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a sensor for each register, now and whenever a new one is named."""
    coordinator = entry.runtime_data

    @callback
    def add(meter: Meter, names: Iterable[RegisterId]) -> None:
        sensors = [_sensor(coordinator, meter, name) for name in names]
        async_add_entities(sensors, config_subentry_id=meter.subentry_id)

    entry.async_on_unload(coordinator.async_on_new_registers(add))


def _sensor(coordinator: ObisMeterCoordinator, meter: Meter, name: RegisterId) -> SensorEntity:
    if row := register_of(name, meter.sub_meter):
        return RegisterSensor(coordinator, meter, name, row)
    if str(name).startswith(PARAMETER):
        return ParameterSensor(coordinator, meter, name)
    return UnknownRegisterSensor(coordinator, meter, name)


class ReadingSensor(ObisMeterEntity, SensorEntity):
    """The last reading of one register."""

    def __init__(self, coordinator: ObisMeterCoordinator, meter: Meter, name: RegisterId) -> None:
        """Listen to a register."""
        super().__init__(coordinator, meter, name)
        self._name = name

    @property
    @override
    def native_value(self) -> StateType | datetime:
        """Return the last value; None for unknown."""
        reading = self.meter.readings.get(self._name)
        return None if reading is None else self._state(reading.value, reading.unit)

    def _state(self, value: Value, unit: str | None) -> StateType | datetime:
        """Return a value as Home Assistant wants it: numbers without an exponent."""
        match value:
            case Decimal():
                return f"{value:f}"
            case datetime():
                return (
                    value if value.tzinfo else value.replace(tzinfo=dt_util.get_default_time_zone())
                )
        return value[:_LONGEST_STATE]


class RegisterSensor(ReadingSensor):
    """A register that the catalogue knows."""

    def __init__(
        self,
        coordinator: ObisMeterCoordinator,
        meter: Meter,
        name: RegisterId,
        register: Register,
    ) -> None:
        """Take name and meaning from the register's row."""
        super().__init__(coordinator, meter, name)
        meaning = MEANINGS[register.quantity]
        self._quantity = register.quantity
        self._attr_translation_key = register.key
        self._attr_translation_placeholders = _placeholders(register)
        self._attr_device_class = meaning.device_class
        self._attr_state_class = _state_class(register, meaning)
        self._attr_native_unit_of_measurement = meaning.unit
        self._attr_entity_registry_enabled_default = not register.hidden
        if register.diagnostic:
            self._attr_entity_category = EntityCategory.DIAGNOSTIC
        if register.quantity in (Quantity.LIMIT, Quantity.HEAT):  # as its display shows it
            self._attr_native_unit_of_measurement = meter.registers[name] or meaning.unit
        if register.quantity is Quantity.TARIFF:
            self._attr_options = TARIFFS
        if register.quantity is Quantity.RATE:
            self._attr_options = RATES

    @property
    @override
    def extra_state_attributes(self) -> dict[str, str] | None:
        """Return when the meter noted a highest demand, its local time, where it says so."""
        reading = self.meter.readings.get(self._name)
        if self._quantity is not Quantity.POWER or reading is None or reading.time is None:
            return None
        return {"time": reading.time.isoformat()}

    @override
    def _state(self, value: Value, unit: str | None) -> StateType | datetime:
        match self._quantity, value:
            case Quantity.TARIFF, str():
                tariff = value.lstrip("0") or "0"
                return tariff if tariff in TARIFFS else None
            case Quantity.RATE, Decimal():
                return RATES[int(value) - 1] if 1 <= value <= len(RATES) else None
            case Quantity.TEXT, _:
                return super()._state(value, unit)
            case Quantity.CLOCK, datetime():
                return super()._state(value, unit)
            case _, Decimal():
                wanted = self._attr_native_unit_of_measurement
                number = convert(value, unit, _OURS.get(wanted or "", wanted))
                return None if number is None else super()._state(number, unit)
        return None


class UnknownRegisterSensor(ReadingSensor):
    """A register that the catalogue does not know, or one of history: for those who ask for it."""

    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_entity_registry_enabled_default = False

    def __init__(self, coordinator: ObisMeterCoordinator, meter: Meter, name: RegisterId) -> None:
        """Take the OBIS code for a name and the unit as sent."""
        super().__init__(coordinator, meter, name)
        self._attr_name = str(name)
        if unit := meter.registers[name]:
            self._attr_native_unit_of_measurement = _THEIRS.get(unit, unit)


class ParameterSensor(ReadingSensor):
    """A parameter that its owner has the meter asked for regularly."""

    def __init__(self, coordinator: ObisMeterCoordinator, meter: Meter, name: RegisterId) -> None:
        """Take the name that its owner gave it."""
        super().__init__(coordinator, meter, name)
        parameter = str(name).removeprefix(PARAMETER)
        rows = coordinator.config_entry.options.get(CONF_PARAMETERS, ())
        names = {row[CONF_PARAMETER]: row[CONF_NAME] for row in rows}
        self._attr_name = names.get(parameter, parameter)


def _state_class(register: Register, meaning: Meaning) -> State | None:
    if register.past:
        return None
    return State.TOTAL if register.signed else meaning.state_class


def _placeholders(register: Register) -> dict[str, str]:
    filled = {"phase": register.phase, "tariff": register.tariff}
    return {name: str(number) for name, number in filled.items() if number is not None}
