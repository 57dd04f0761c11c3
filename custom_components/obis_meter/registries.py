"""What the registries of devices and entities are told."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.typing import UNDEFINED

from .const import CONF_PARAMETER, CONF_PARAMETERS, DOMAIN
from .meter import PARAMETER, Meter


@callback
def register_device(
    hass: HomeAssistant, entry: ConfigEntry, meter: Meter, behind: str | None
) -> str:
    """Say who a meter is; a sub-meter stands behind the device of its meter. Return its device."""
    who, sub_meter = meter.identity, meter.sub_meter
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        config_subentry_id=meter.subentry_id,
        identifiers={(DOMAIN, meter.key)},
        name=UNDEFINED if sub_meter else meter.name,
        translation_key=f"{sub_meter.kind.key}_meter" if sub_meter else None,
        manufacturer=who.maker,
        model=who.model,
        serial_number=who.serial,
        sw_version=who.firmware,
        via_device_id=behind if sub_meter else None,
    )
    return device.id


@callback
def remove_computed(hass: HomeAssistant, entry: ConfigEntry, meter: Meter, kind: str) -> None:
    """Take registers and entities of a kind of computed values away, such as "demand:"."""
    for name in [name for name in meter.registers if str(name).startswith(kind)]:
        del meter.registers[name]
        meter.readings.pop(name, None)
    registry = er.async_get(hass)
    for row in er.async_entries_for_config_entry(registry, entry.entry_id):
        if row.unique_id.startswith(f"{meter.key}_{kind}"):
            registry.async_remove(row.entity_id)


@callback
def remove_parameters(hass: HomeAssistant, entry: ConfigEntry, meter: Meter) -> None:
    """Take what is asked for no longer away."""
    asked = {f"{PARAMETER}{row[CONF_PARAMETER]}" for row in entry.options.get(CONF_PARAMETERS, ())}
    for name in [str(name) for name in meter.registers if str(name).startswith(PARAMETER)]:
        if name not in asked:
            remove_computed(hass, entry, meter, name)
