"""A meter takes another's place: history, names and entity ids stay; or it begins anew."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from homeassistant.config_entries import (
    SOURCE_IMPORT,
    ConfigEntry,
    ConfigEntryDisabler,
    ConfigSubentry,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

from .const import CONF_IDENTITY, CONF_TOTALS, DOMAIN
from .loan import Loan
from .memory import Memory, inherited
from .metering.identity import Identity
from .settlement import last_totals


@dataclass(frozen=True, slots=True)
class Successor:
    """A meter by its id, and what an entry keeps of how it is read."""

    meter: str
    data: Mapping[str, Any]
    options: Mapping[str, Any]

    @property
    def settings(self) -> dict[str, Any]:
        """Return the data of its entry: nothing is known yet of who it is but its id."""
        return {**self.data, CONF_IDENTITY: asdict(Identity(serial=self.meter))}


@dataclass(frozen=True, slots=True)
class Named:
    """A meter of a subentry by its id and its name, and what the subentry keeps of it."""

    meter: str
    title: str
    data: Mapping[str, Any]


def named(subentry: ConfigSubentry, meter: str, typed: str) -> str:
    """Return how the meter of a subentry is called; by its own id, where the old one was by its."""
    title = typed.strip() or subentry.title
    return title.replace(subentry.unique_id or title, meter) if title == subentry.title else title


async def async_hand_over(hass: HomeAssistant, entry: ConfigEntry, new: Successor) -> None:
    """Have a meter take the place of the one of an entry, which is set up again then."""
    old = entry.unique_id or entry.entry_id
    async with _succession(hass, entry, entry.entry_id, old, new.meter) as totals:
        data = {**new.settings, CONF_TOTALS: totals}
        hass.config_entries.async_update_entry(
            entry, unique_id=new.meter, data=data, options=new.options
        )


async def async_hand_over_subentry(
    hass: HomeAssistant,
    entry: ConfigEntry,
    subentry: ConfigSubentry,
    new: Named,
) -> None:
    """Have a meter take the place of the one of a subentry; the entry is set up again then."""
    old = subentry.unique_id or subentry.subentry_id
    async with _succession(hass, entry, subentry.subentry_id, old, new.meter) as totals:
        hass.config_entries.async_update_subentry(
            entry, subentry, unique_id=new.meter, title=new.title, data=new.data
        )
        kept = {**entry.data.get(CONF_TOTALS, {}), **totals}
        hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_TOTALS: kept})


async def async_start_anew(hass: HomeAssistant, entry: ConfigEntry, new: Successor) -> None:
    """Add a meter that was found on the port of an entry, which is switched off for it.

    It is not removed: its entities keep their ids, so that nothing new takes
    them, and with them the history that was to end; its owner may delete it.
    """
    await hass.config_entries.async_set_disabled_by(entry.entry_id, ConfigEntryDisabler.USER)
    await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_IMPORT},
        data={
            "title": f"{entry.title} {new.meter}",
            "meter": new.meter,
            "data": new.settings,
            "options": dict(new.options),
        },
    )


def is_known(hass: HomeAssistant, meter: str) -> bool:
    """Tell whether a meter has an entry of its own, or a subentry: its names are taken then."""
    entries = hass.config_entries.async_entries(DOMAIN)
    return any(
        meter in (entry.unique_id, *(each.unique_id for each in entry.subentries.values()))
        for entry in entries
    )


@asynccontextmanager
async def _succession(
    hass: HomeAssistant, entry: ConfigEntry, memory: str, old: str, new: str
) -> AsyncIterator[dict[str, dict[str, Any]]]:
    """Pass everything of a meter on to another while nobody reads; yield its last totals."""
    loan = Loan(hass, entry)
    totals = await last_totals(hass, entry, old, new)
    try:
        await loan.take_all()
        await Memory(hass, memory).hand_over(old, new)
        _rename(hass, entry, old, new)
        yield totals
    finally:
        loan.give_back()


@callback
def _rename(hass: HomeAssistant, entry: ConfigEntry, old: str, new: str) -> None:
    """Have devices and entities of a meter, and of those behind it, go by the new one's id."""
    entities = er.async_get(hass)
    for entity in er.async_entries_for_config_entry(entities, entry.entry_id):
        if (unique_id := inherited(entity.unique_id, old, new)) != entity.unique_id:
            entities.async_update_entity(entity.entity_id, new_unique_id=unique_id)
    devices = dr.async_get(hass)
    for device in dr.async_entries_for_config_entry(devices, entry.entry_id):
        names = {(domain, inherited(name, old, new)) for domain, name in device.identifiers}
        if names != device.identifiers:
            devices.async_update_device(device.id, new_identifiers=names)
