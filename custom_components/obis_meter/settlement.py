"""Statistics across the exchange of a meter: its successor's first total is no consumption.

The recorder takes a total that falls for a meter that begins at zero, and one
that rises for energy used. Neither holds for the first total of another meter:
what it booked for that is taken back, once it has.
"""

from datetime import datetime, timedelta
from typing import Final

from homeassistant.components.recorder.const import DOMAIN as RECORDER
from homeassistant.components.recorder.statistics import get_last_short_term_statistics
from homeassistant.components.sensor import ATTR_STATE_CLASS, DOMAIN as SENSOR, SensorStateClass
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import (
    CALLBACK_TYPE,
    Event,
    EventStateChangedData,
    HomeAssistant,
    State,
    callback,
)
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import (
    async_track_point_in_utc_time,
    async_track_state_change_event,
)
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util

from .const import CONF_TOTALS, DOMAIN
from .memory import inherited

_PERIOD: Final = timedelta(minutes=5)  # of the recorder's statistics
_BOOKED: Final = timedelta(minutes=1)  # after a period, when it has surely been handed in
_RESET: Final = 0.9  # part of the last total below which the recorder sees a new cycle
_SUMMED: Final = (SensorStateClass.TOTAL, SensorStateClass.TOTAL_INCREASING)


async def last_totals(
    hass: HomeAssistant, entry: ConfigEntry, old: str, new: str
) -> dict[str, list[float]]:
    """Return the last total that the recorder knows of each sensor of a meter.

    Named by the unique ids that the sensors will have under the new meter.
    """
    totals: dict[str, list[float]] = {}
    for row in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id):
        name = inherited(row.unique_id, old, new)
        if name == row.unique_id or (row.capabilities or {}).get(ATTR_STATE_CLASS) not in _SUMMED:
            continue
        total = _number(hass.states.get(row.entity_id))
        if total is None:
            total = await _last_booked(hass, row.entity_id)
        if total is not None:
            totals[name] = [total]
    return totals


async def _last_booked(hass: HomeAssistant, entity_id: str) -> float | None:
    """Return the last total in the statistics, for a sensor that shows none at present."""
    if RECORDER not in hass.config.components:
        return None
    rows = await get_instance(hass).async_add_executor_job(
        get_last_short_term_statistics, hass, 1, entity_id, True, {"state"}
    )
    return rows[entity_id][0].get("state") if entity_id in rows else None


def _number(state: State | None) -> float | None:
    try:
        return float(state.state) if state else None
    except ValueError:
        return None


class Settlement:
    """Waits for the first total of each sensor of a new meter, and takes back what was booked.

    What it waits for stands in the entry, and outlasts a restart: by unique id
    the last total of the old meter, then also the first of the new one, and
    when it came.
    """

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Watch the sensors of an entry."""
        self._hass = hass
        self._entry = entry
        self._sensors: dict[str, str] = {}
        self._stops: list[CALLBACK_TYPE] = []

    @callback
    def begin(self) -> None:
        """Go on with what is open."""
        registry = er.async_get(self._hass)
        for name, told in self._open().items():
            entity_id = registry.async_get_entity_id(SENSOR, DOMAIN, name)
            if entity_id is None:
                self._write(name, None)
                continue
            self._sensors[entity_id] = name
            if len(told) > 1:
                self._book_back(entity_id, told)
            elif state := self._hass.states.get(entity_id):
                self._note(state)
        watch = async_track_state_change_event(self._hass, list(self._sensors), self._on_change)
        self._stops.append(watch)

    @callback
    def end(self) -> None:
        """Wait no longer; what is open stays in the entry."""
        for stop in self._stops:
            stop()

    def _open(self) -> dict[str, list[float]]:
        told: dict[str, list[float]] = self._entry.data.get(CONF_TOTALS, {})
        return told

    def _write(self, name: str, told: list[float] | None) -> None:
        """Write down how far a sensor is; None once it is done."""
        rest = {**self._open(), name: told}
        rest = {name: told for name, told in rest.items() if told}
        data = {key: value for key, value in self._entry.data.items() if key != CONF_TOTALS}
        if rest:
            data[CONF_TOTALS] = rest
        self._hass.config_entries.async_update_entry(self._entry, data=data)

    @callback
    def _on_change(self, event: Event[EventStateChangedData]) -> None:
        if state := event.data["new_state"]:
            self._note(state)

    def _note(self, state: State) -> None:
        """Take note of the first total of a sensor."""
        name, first = self._sensors[state.entity_id], _number(state)
        told = self._open().get(name, [])
        if first is None or len(told) != 1:
            return
        told = [*told, first, state.last_updated.timestamp()]
        self._write(name, told)
        self._book_back(state.entity_id, told)

    def _book_back(self, entity_id: str, told: list[float]) -> None:
        """Take back what was counted for a first total, as soon as its period was handed in."""
        last, first, at = told
        begin = _period(dt_util.utc_from_timestamp(at))

        @callback
        def adjust(_when: datetime) -> None:
            state = self._hass.states.get(entity_id)
            unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) if state else None
            if state and RECORDER in self._hass.config.components:
                wrong = _counted(last, first, state.attributes.get(ATTR_STATE_CLASS))
                recorder = get_instance(self._hass)
                recorder.async_adjust_statistics(entity_id, begin, -wrong, unit or "")
            self._write(self._sensors[entity_id], None)

        due = begin + _PERIOD + _BOOKED
        self._stops.append(async_track_point_in_utc_time(self._hass, adjust, due))


def _period(when: datetime) -> datetime:
    """Return the beginning of the recorder's period in which a moment lies."""
    return when.replace(minute=when.minute // 5 * 5, second=0, microsecond=0)


def _counted(last: float, first: float, state_class: str | None) -> float:
    """Return what the recorder counts when one total follows another."""
    fell = first < _RESET * last and state_class == SensorStateClass.TOTAL_INCREASING
    return first if fell else first - last
