"""One P1 meter read by core's dsmr and by ours, in turns, in one core: see scripts/load.

python -m benchmarks.home.versus ROUNDS [recorder]: prints JSON. Runs in an environment with
dsmr-parser. The meter's second is accelerated, and with it the spans between state writes, and
how often ours looks for a silence.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
import json
from pathlib import Path
import sys
from tempfile import TemporaryDirectory
import time
from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity, entity_registry as er

from custom_components.obis_meter import channel
from custom_components.obis_meter.metering.checksum import crc16_arc

from .core import core, entry, entry_for, keep, quiet, set_up
from .fleet import Fleet, unique_id

SPEED = 50.0  # times real pace
_WINDOW = 150  # telegrams: whole spans of both
_WRITER, _WRITE = entity.Entity, "async_write_ha_state"
_OURS, _CORE = "ours", "dsmr"
SPANS = {
    "default": (10, 30),
    "30 s": (30, 30),
    "30 s, same sensors": (30, 30),
    "10 s": (10, 10),
    "every telegram": (0, 0),
    "every telegram, same sensors": (0, 0),
}
"""Seconds between the state writes of one sensor: ours, and core's dsmr."""
_SAME = (
    *("power_import", "power_export", "tariff", "gas_consumption"),
    *(f"energy_{way}_tariff_{tariff}" for way in ("import", "export") for tariff in (1, 2)),
)
"""Those of ours that say what the sensors say that core's dsmr has enabled."""


def _entries(url: str, ours: float, theirs: float) -> dict[str, ConfigEntry]:
    dsmr = {
        "port": url,
        "dsmr_version": "5",
        "protocol": "dsmr_protocol",
        "serial_id": unique_id(0),
        "serial_id_gas": "G" + unique_id(0)[1:],
    }
    span = {"time_between_update": theirs / SPEED}
    return {
        _OURS: entry_for(url, "p1", "Meter", options={"write_interval": ours / SPEED}),
        _CORE: entry("dsmr", dsmr, options=span),
    }


@contextmanager
def _counting(hass: HomeAssistant) -> Iterator[Counter[str]]:
    """Count calls of async_write_ha_state, and the states that changed."""
    counts: Counter[str] = Counter()
    write = entity.Entity.async_write_ha_state

    def counted(self: entity.Entity) -> None:
        counts["writes"] += 1
        write(self)

    @callback
    def changed(_: Any) -> None:
        counts["changes"] += 1

    setattr(_WRITER, _WRITE, counted)
    stop = hass.bus.async_listen(EVENT_STATE_CHANGED, changed)
    try:
        yield counts
    finally:
        stop()
        setattr(_WRITER, _WRITE, write)


def _disable_others(hass: HomeAssistant, ours: ConfigEntry) -> None:
    """Leave of our sensors what core's dsmr has, as an owner may."""
    registry = er.async_get(hass)
    for row in er.async_entries_for_config_entry(registry, ours.entry_id):
        if not row.entity_id.endswith(_SAME):
            registry.async_update_entity(row.entity_id, disabled_by=er.RegistryEntryDisabler.USER)


def _shown(hass: HomeAssistant, each: ConfigEntry) -> int:
    """Return how many entities of an entry have a state."""
    rows = er.async_entries_for_config_entry(er.async_get(hass), each.entry_id)
    enabled = (row for row in rows if not row.disabled)
    return sum(hass.states.get(row.entity_id) is not None for row in enabled)


async def _window(hass: HomeAssistant) -> dict[str, float]:
    """Return what a telegram costs: µs of the loop's thread, writes and changes of states."""
    with _counting(hass) as counts:
        begin, cpu = time.monotonic(), time.thread_time()
        await asyncio.sleep(_WINDOW / SPEED)
        used, passed = time.thread_time() - cpu, time.monotonic() - begin
    telegrams = passed * SPEED
    return (
        {"us": used / telegrams * 1e6}
        | {name: counts[name] / telegrams for name in ("writes", "changes")}
        | {"entities": 0.0}
    )


async def _read_by(hass: HomeAssistant, each: ConfigEntry) -> dict[str, float]:
    """Set an entry up, let it settle, and look at a window."""
    await hass.config_entries.async_setup(each.entry_id)
    await asyncio.sleep(60 / SPEED)
    found = await _window(hass) | {"entities": _shown(hass, each)}
    await hass.config_entries.async_unload(each.entry_id)
    await hass.async_block_till_done()
    return found


class _Nobody(asyncio.Protocol):
    """Takes bytes as they arrive, computes their check, and throws them away."""

    @override
    def data_received(self, data: bytes) -> None:
        crc16_arc(data)


async def _read_by_nobody(hass: HomeAssistant, port: int) -> dict[str, float]:
    """Do what any reader has to do at least."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(_Nobody, "127.0.0.1", port)
    await asyncio.sleep(60 / SPEED)
    found = await _window(hass)
    transport.close()
    return found


def _hurry() -> None:
    """Have ours look for silences as much more often as its meter is faster."""
    channel.QUIET = channel.QUIET / SPEED  # type: ignore[misc]


async def _compare(rounds: int, recorder: bool) -> dict[str, dict[str, list[dict[str, float]]]]:
    result: dict[str, dict[str, list[dict[str, float]]]] = {}
    for name, spans in SPANS.items():
        with Fleet(1, SPEED) as fleet, TemporaryDirectory() as folder:
            async with core(Path(folder), recorder=recorder) as hass:
                both = _entries(fleet.urls[0], *spans)
                keep(hass, *both.values())
                for each in both.values():
                    await set_up(hass, each.domain)
                    await asyncio.sleep(60 / SPEED)
                    await hass.config_entries.async_unload(each.entry_id)
                if name.endswith("same sensors"):
                    _disable_others(hass, both[_OURS])
                idle = (await _window(hass))["us"]
                taken = result[name] = {who: [] for who in (*both, "floor")}
                for _ in range(rounds):
                    for who, each in both.items():
                        found = await _read_by(hass, each)
                        taken[who].append(found | {"us": found["us"] - idle})
                    found = await _read_by_nobody(hass, fleet.ports[0])
                    taken["floor"].append(found | {"us": found["us"] - idle})
    return result


if __name__ == "__main__":
    quiet()
    _hurry()
    print(json.dumps(asyncio.run(_compare(int(sys.argv[1]), "recorder" in sys.argv))))
