"""A Home Assistant core in this process: registries, states and storage are real, no web server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
import logging
from pathlib import Path
from types import MappingProxyType
from typing import Any

from homeassistant import bootstrap, loader
from homeassistant.config_entries import SOURCE_USER, ConfigEntries, ConfigEntry
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.helpers.recorder import async_initialize_recorder
from homeassistant.setup import async_setup_component

DOMAIN = "obis_meter"
_HOME = {
    "name": "Bench",
    "country": "NL",
    "currency": "EUR",
    "latitude": 52.09,
    "longitude": 5.12,
    "elevation": 3,
    "unit_system": "metric",
}
_ABSENT = ("usb", "http", "websocket_api")  # the web server, and what stands on it
_STOPPED = "_shutdown_run_callback_threadsafe"  # Home Assistant's mark on its loop
type Json = dict[str, Any]


@asynccontextmanager
async def core(
    folder: Path,
    *,
    recorder: bool = False,
    commits: int = 5,
    zone: str = "Europe/Amsterdam",
    country: str = "NL",
) -> AsyncIterator[HomeAssistant]:
    """Run a core on a configuration folder, whose storage it finds and leaves; stop it at the end.

    Entries that are stored there are known but not set up: `set_up` does that. commits are
    the seconds between two of the recorder's, 5 unless its owner says otherwise.
    """
    hass = HomeAssistant(str(folder))
    hass.config.skip_pip = True
    loader.async_setup(hass)
    hass.config_entries = ConfigEntries(hass, {})
    await loader.async_get_custom_components(hass)
    await bootstrap.async_load_base_functionality(hass)
    hass.config.components.update(_ABSENT)
    for domain in bootstrap.CORE_INTEGRATIONS:
        await async_setup_component(hass, domain, {})
    home = {**_HOME, "time_zone": zone, "country": country}
    await async_process_ha_core_config(hass, home)
    hass.set_state(CoreState.running)  # the recorder waits for it
    if recorder:
        async_initialize_recorder(hass)
        settings = {"recorder": {"commit_interval": commits}}
        assert await async_setup_component(hass, "recorder", settings)
    try:
        yield hass
    finally:
        await hass.async_stop(force=True)
        if hasattr(hass.loop, _STOPPED):
            delattr(hass.loop, _STOPPED)  # another core may run in this loop


def quiet() -> None:
    """Print nothing but errors."""
    logging.basicConfig(level=logging.ERROR)


def entry_for(url: str, link: str, title: str, **more: Any) -> ConfigEntry:
    """Return an entry of ours as the flow makes it."""
    identity: Json = {"serial": None, "maker": None, "model": None, "firmware": None}
    data = {"port": url, "line": "115200 8N1", "link": link, "identity": identity}
    return entry(DOMAIN, {**data, **more.pop("data", {})}, title=title, **more)


def entry(domain: str, data: Json, **more: Any) -> ConfigEntry:
    """Return an entry of any integration."""
    settings: Json = {
        "title": domain,
        "options": {},
        "unique_id": None,
        "version": 1,
        "minor_version": 1,
        "source": SOURCE_USER,
        "discovery_keys": MappingProxyType({}),
        "subentries_data": (),
    }
    return ConfigEntry(domain=domain, data=data, **{**settings, **more})


def keep(hass: HomeAssistant, *entries: ConfigEntry) -> None:
    """Store entries, to be set up by `set_up`."""
    for each in entries:
        hass.config_entries._entries[each.entry_id] = each
    hass.config_entries._async_schedule_save()


async def set_up(hass: HomeAssistant, domain: str = DOMAIN) -> None:
    """Set up all stored entries of an integration, as a start does."""
    assert await async_setup_component(hass, domain, {})
    await hass.async_block_till_done()


async def until(true: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until something is true; TimeoutError when it does not become so."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.05)
