"""The energy dashboard of the demo: the meter's sensors on it, and some days of history.

The recorder keeps of a total the sum since it first saw it, so at that moment it has 0.
History is imported with its own begin as 0 instead, as if the recorder had been there all
the time; nothing is then out of place on any chart, except that the recorder has to be set
right (`continue_history`) once it has counted for the first time, within five minutes.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from scripts.home_assistant_api import Api, Json
from scripts.home_assistant_install import DOMAIN
from simulator.meters import meter
from simulator.registers import register, scaled

TARIFFS = {"Low tariff": ("1.8.1", "2.8.1"), "Normal tariff": ("1.8.2", "2.8.2")}
"""Grid connection -> OBIS codes (C.D.E) of what is drawn and of what is fed in."""
POWER = ("1.7.0", "2.7.0")
GAS = "24.2.1"
HISTORY = timedelta(days=3)
ZONE = ZoneInfo("Europe/Amsterdam")

_UNIT_CLASSES = {"kWh": "energy", "Wh": "energy", "m³": "volume"}
_PER_UNIT = {"kWh": 1000, "Wh": 1, "m³": 1}  # of the household's Wh and m3


@dataclass(frozen=True, slots=True)
class Sensor:
    """A sensor of a register, and what it showed when it was looked at."""

    code: str
    entity_id: str
    value: float
    unit: str
    when: datetime


class History:
    """What the home that the meter simulates used before the demo began."""

    def __init__(self, now: datetime) -> None:
        """Take the present, when none of the sensors exists yet.

        History begins at a midnight, so that all its days but today are whole, and ends
        with the hour that the recorder will be the first to count.
        """
        midnight = now.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
        self.begin = (midnight - HISTORY).astimezone(UTC)
        self.end = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        self._household = meter("p1", self.begin.astimezone(ZONE)).household

    def total(self, counter: Sensor, when: datetime) -> float:
        """Return what a sensor would have shown."""
        row = register(counter.code)
        used = self._read(counter.code, counter.when) - self._read(counter.code, when)
        return counter.value - float(scaled(used, row.exponent)) / _PER_UNIT[counter.unit]

    def hours(self, counter: Sensor) -> Iterator[Json]:
        """Yield hourly statistics of a sensor."""
        base = self.total(counter, self.begin)
        start = self.begin
        while (after := start + timedelta(hours=1)) <= self.end:
            total = self.total(counter, after)
            yield {"start": start.isoformat(), "state": total, "sum": total - base}
            start = after

    def _read(self, code: str, when: datetime) -> int:
        return register(code).read(self._household.at(when.astimezone(ZONE)))


async def fill_dashboard(home: Api, entry_id: str, history: History) -> list[Sensor]:
    """Put a meter on the energy dashboard; return what `continue_history` needs."""
    totals = (*(code for pair in TARIFFS.values() for code in pair), GAS)
    sensors = await _find(home, entry_id, (*totals, *POWER), within=30)
    ids = {code: sensor.entity_id for code, sensor in sensors.items()}
    await home.command("energy/save_prefs", energy_sources=list(_sources(ids)))
    counters = [sensor for code, sensor in sensors.items() if code in totals]
    for counter in counters:
        metadata = {
            "source": "recorder",
            "statistic_id": counter.entity_id,
            "name": None,
            "has_sum": True,
            "mean_type": 0,
            "unit_class": _UNIT_CLASSES[counter.unit],
            "unit_of_measurement": counter.unit,
        }
        rows = list(history.hours(counter))
        await home.command("recorder/import_statistics", metadata=metadata, stats=rows)
    return counters


async def continue_history(home: Api, counters: Sequence[Sensor], history: History) -> None:
    """Wait until the recorder has counted, then let its sums go on where history ends."""
    since = history.end.isoformat()
    waiting = {counter.entity_id: counter for counter in counters}
    while waiting:
        await asyncio.sleep(5)
        counted = await home.command(
            "recorder/statistics_during_period",
            start_time=since,
            statistic_ids=list(waiting),
            period="5minute",
            types=["state", "sum"],
        )
        for entity_id, rows in counted.items():
            counter = waiting.pop(entity_id)
            wanted = rows[0]["state"] - history.total(counter, history.begin)
            await home.command(
                "recorder/adjust_sum_statistics",
                statistic_id=entity_id,
                start_time=since,
                adjustment=wanted - rows[0]["sum"],
                adjustment_unit_of_measurement=counter.unit,
            )


async def _find(home: Api, entry_id: str, codes: Sequence[str], within: int) -> dict[str, Sensor]:
    """Return the sensors of registers (C.D.E) that show a number, after some seconds for all to.

    A unique id ends with the OBIS code, which unlike an entity id nobody changes.
    """
    found: dict[str, Sensor] = {}
    for _ in range(within):
        states = await home.states()
        for row in await home.entities(DOMAIN):
            code = row["unique_id"].rpartition(":")[2]
            if row["config_entry_id"] == entry_id and code in codes:
                found |= _showing(code, states.get(row["entity_id"]))
        if len(found) == len(codes):
            break
        await asyncio.sleep(1)
    for code in codes:
        if code not in found:
            print(f"  no value of {code}: the energy dashboard goes without it", flush=True)
    return found


def _showing(code: str, state: Json | None) -> dict[str, Sensor]:
    if state is None or state["state"] in ("unknown", "unavailable"):
        return {}
    unit = state["attributes"]["unit_of_measurement"]
    when = datetime.fromisoformat(state["last_reported"])
    return {code: Sensor(code, state["entity_id"], float(state["state"]), unit, when)}


def _sources(ids: Mapping[str, str]) -> Iterator[Json]:
    """Yield the sources of the energy dashboard, as its settings page stores them."""
    power = _power(ids)
    for name, (drawn, fed) in TARIFFS.items():
        if drawn in ids or fed in ids:
            yield {
                "type": "grid",
                "name": name,
                "stat_energy_from": ids.get(drawn),
                "stat_energy_to": ids.get(fed),
                "cost_adjustment_day": 0,
                **power,
            }
            power = {}  # of both tariffs: only once, or it is added up
    if GAS in ids:
        yield {"type": "gas", "stat_energy_from": ids[GAS]}


def _power(ids: Mapping[str, str]) -> Json:
    drawn, fed = (ids.get(code) for code in POWER)
    if drawn and fed:
        return {"power_config": {"stat_rate_from": drawn, "stat_rate_to": fed}}
    return {}
