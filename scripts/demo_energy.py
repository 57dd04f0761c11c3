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
from simulator.meters import METERS, meter
from simulator.registers import register, scaled

HISTORY = timedelta(days=3)

_UNIT_CLASSES = {"kWh": "energy", "Wh": "energy", "m³": "volume"}
_PER_UNIT = {"kWh": 1000, "Wh": 1, "m³": 1}  # of the household's Wh and m3


@dataclass(frozen=True, slots=True)
class Plan:
    """How a meter comes on the dashboard: a sensor is named by what its unique id ends with.

    connections: the name of each grid connection, and its sensors of energy
    drawn and fed in. registers: sensor -> register of the simulated home (C.D.E).
    """

    model: str
    seed: int
    connections: Mapping[str, tuple[str, str]]
    registers: Mapping[str, str]
    power: str = "power_net"
    gas: str | None = None
    patience: int = 30  # seconds until all its sensors show something


DUTCH = Plan(
    "p1",
    1,
    {"Low tariff": ("1.8.1", "2.8.1"), "Normal tariff": ("1.8.2", "2.8.2")},
    {code: code for code in ("1.8.1", "2.8.1", "1.8.2", "2.8.2", "24.2.1")},
    gas="24.2.1",
)
NORWEGIAN = Plan(
    "aidon",
    2,
    {"Cabin": ("energy_import", "energy_export")},
    {"energy_import": "1.8.0", "energy_export": "2.8.0"},
    patience=180,  # its first hourly list comes soon, its live totals a minute later
)


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

    def __init__(self, plan: Plan, now: datetime) -> None:
        """Take the present, when none of the sensors exists yet.

        History begins at a midnight, so that all its days but today are whole, and ends
        with the hour that the recorder will be the first to count.
        """
        self.plan = plan
        self._zone = ZoneInfo(METERS[plan.model].zone)
        midnight = now.astimezone(self._zone).replace(hour=0, minute=0, second=0, microsecond=0)
        self.begin = (midnight - HISTORY).astimezone(UTC)
        self.reach(now)
        self._household = meter(plan.model, self.begin.astimezone(self._zone), plan.seed).household

    def reach(self, when: datetime) -> None:
        """Go on until the hour in which the sensors appeared."""
        self.end = when.astimezone(UTC).replace(minute=0, second=0, microsecond=0)

    def total(self, counter: Sensor, when: datetime) -> float:
        """Return what a sensor would have shown."""
        code = self.plan.registers[counter.code]
        row = register(code)
        used = self._read(code, counter.when) - self._read(code, when)
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
        return register(code).read(self._household.at(when.astimezone(self._zone)))


async def import_history(home: Api, entry_id: str, history: History) -> dict[str, Sensor]:
    """Give the totals of a meter their past; return its sensors of the plan, by their codes."""
    plan = history.plan
    sensors = await _find(home, entry_id, (*plan.registers, plan.power), plan.patience)
    counters = _counters(plan, sensors)
    history.reach(min((counter.when for counter in counters), default=history.end))
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
    return sensors


async def fill_dashboard(
    home: Api, entry_id: str, history: History, dashboard: list[Json]
) -> list[Sensor]:
    """Add a meter to the sources of the dashboard; return what `continue_history` needs."""
    sensors = await import_history(home, entry_id, history)
    ids = {code: sensor.entity_id for code, sensor in sensors.items()}
    dashboard += _sources(history.plan, ids)
    await home.command("energy/save_prefs", energy_sources=dashboard)
    return _counters(history.plan, sensors)


def _counters(plan: Plan, sensors: Mapping[str, Sensor]) -> list[Sensor]:
    return [sensor for code, sensor in sensors.items() if code in plan.registers]


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

    A unique id ends with the OBIS code or the name of what is computed, which
    unlike an entity id nobody changes.
    """
    found: dict[str, Sensor] = {}
    for _ in range(within):
        states = await home.states()
        for row in await home.entities(DOMAIN):
            code = _suffix(row["unique_id"])
            if row["config_entry_id"] == entry_id and code in codes:
                found |= _showing(code, states.get(row["entity_id"]))
        if len(found) == len(codes):
            break
        await asyncio.sleep(1)
    for code in codes:
        if code not in found:
            print(f"  no value of {code}: the energy dashboard goes without it", flush=True)
    return found


def _suffix(unique_id: str) -> str:
    """Return C.D.E of a register, or the name of what is computed; sums of tariffs apart."""
    kind, _, name = unique_id.rpartition(":")
    return f"sum of {name}" if kind.endswith("_computed") and name.startswith("energy") else name


def _showing(code: str, state: Json | None) -> dict[str, Sensor]:
    if state is None or state["state"] in ("unknown", "unavailable"):
        return {}
    unit = state["attributes"]["unit_of_measurement"]
    when = datetime.fromisoformat(state["last_reported"])
    return {code: Sensor(code, state["entity_id"], float(state["state"]), unit, when)}


def _sources(plan: Plan, ids: Mapping[str, str]) -> Iterator[Json]:
    """Yield the sources of the energy dashboard, as its settings page stores them."""
    power = {"stat_rate": ids[plan.power]} if plan.power in ids else {}
    for name, (drawn, fed) in plan.connections.items():
        if drawn in ids or fed in ids:
            yield {
                "type": "grid",
                "name": name,
                "stat_energy_from": ids.get(drawn),
                "stat_energy_to": ids.get(fed),
                "cost_adjustment_day": 0,
                **({"power_config": power} if power else {}),
            }
            power = {}  # of several connections: only once, or it is added up
    if plan.gas and plan.gas in ids:
        yield {"type": "gas", "stat_energy_from": ids[plan.gas]}
