"""A few readings in the owner's words, for the moment before a meter is added."""

from collections.abc import Iterable
from decimal import Decimal
from operator import itemgetter
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from .const import DOMAIN
from .metering.catalogue import Quantity, Register
from .metering.model import ObisCode, Reading, Telegram
from .metering.submeters import places, register_of
from .metering.units import convert

_SHOWN: Final = 8
_ORDER: Final = (
    *(Quantity.ENERGY, Quantity.POWER, Quantity.GAS, Quantity.WATER, Quantity.HEAT),
    *(Quantity.VOLTAGE, Quantity.CURRENT),
)
_DISPLAYED: Final = {"Wh": "kWh"}
"""Units as sent -> those of the display with which an owner compares."""
_SPELLED: Final = {"m3": "m³", "l": "L"}


async def preview(hass: HomeAssistant, readings: Iterable[Reading]) -> str:
    """Return the most telling readings as a Markdown list, in the language of the system.

    A dash where there are none: some meters tell them only when asked.
    """
    names = await async_get_translations(hass, hass.config.language, "entity", [DOMAIN])
    telegram = Telegram(tuple(readings))
    own, channels = places(telegram).split(telegram)
    rows = [
        (reading, register_of(reading.id)) for reading in own if isinstance(reading.id, ObisCode)
    ]
    for meter, said in channels.items():
        rows += [(r, register_of(r.id, meter)) for r in said]
    lines = [
        (_ORDER.index(row.quantity), _line(names, reading, row))
        for reading, row in rows
        if row and _tells(row) and isinstance(reading.value, Decimal)
    ]
    shown = [line for _, line in sorted(lines, key=itemgetter(0))[:_SHOWN]]
    return "\n".join(shown) or "\N{EM DASH}"


def _tells(row: Register) -> bool:
    return row.quantity in _ORDER and not row.phase and not row.past


def _line(names: dict[str, str], reading: Reading, row: Register) -> str:
    name = names.get(f"component.{DOMAIN}.entity.sensor.{row.key}.name", row.key)
    name = name.replace("{phase}", str(row.phase)).replace("{tariff}", str(row.tariff))
    value, unit = reading.value, reading.unit or ""
    assert isinstance(value, Decimal)
    if (displayed := _DISPLAYED.get(unit)) and (converted := convert(value, unit, displayed)):
        value, unit = converted, displayed
    return f"- {name}: {value:f} {_SPELLED.get(unit, unit)}".rstrip()
