"""Statistics across the exchange of a meter: its successor's first total is no consumption.

The recorder takes a total that falls for a meter that begins at zero, and one
that rises for energy used. Neither holds for the first total of another meter:
what it booked for that is taken back, once it has.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.components.recorder.const import DOMAIN as RECORDER
from homeassistant.components.recorder.statistics import (
    STATISTIC_UNIT_TO_UNIT_CONVERTER,
    get_last_short_term_statistics,
)
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
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util

from .const import CONF_TOTALS, DOMAIN
from .memory import inherited

_PERIOD: Final = timedelta(minutes=5)  # of the recorder's statistics
_BOOKED: Final = timedelta(minutes=1)  # after a period, when it has surely been handed in
_RESET: Final = 0.9  # part of the last total below which the recorder sees a new cycle
_SUMMED: Final = (SensorStateClass.TOTAL, SensorStateClass.TOTAL_INCREASING)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a sensor waits for: the last total of the old meter, and the first of the new one.

    Both are in one unit, whatever the sensor shows meanwhile; at is when the first one came,
    in seconds since 1970.
    """

    last: float
    unit: str | None
    first: float | None = None
    at: float = 0.0


async def last_totals(
    hass: HomeAssistant, entry: ConfigEntry, old: str, new: str
) -> dict[str, dict[str, Any]]:
    """Return what is to be settled of each sensor of a meter that shows totals, as entries keep it.

    Named by the unique ids that the sensors will have under the new meter.
    """
    totals: dict[str, dict[str, Any]] = {}
    for row in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id):
        name, state = inherited(row.unique_id, old, new), hass.states.get(row.entity_id)
        is_summed = (row.capabilities or {}).get(ATTR_STATE_CLASS) in _SUMMED
        if name == row.unique_id or state is None or not is_summed:
            continue
        total = _number(state)
        if total is None:
            total = await _last_booked(hass, row.entity_id)
        if total is not None:
            totals[name] = asdict(Exchange(total, _unit(state)))
    return totals


async def _last_booked(hass: HomeAssistant, entity_id: str) -> float | None:
    """Return the last total in the statistics, for a sensor that shows none at present."""
    if RECORDER not in hass.config.components:
        return None
    rows = await get_instance(hass).async_add_executor_job(
        get_last_short_term_statistics, hass, 1, entity_id, True, {"state"}
    )
    return rows[entity_id][0].get("state") if entity_id in rows else None


def _number(state: State) -> float | None:
    try:
        return float(state.state)
    except ValueError:
        return None


def _unit(state: State) -> str | None:
    unit: str | None = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    return unit


def _converted(number: float, unit: str | None, wanted: str | None) -> float | None:
    """Return a number in another unit; None where the recorder could not convert it either."""
    if unit == wanted:
        return number
    converter = STATISTIC_UNIT_TO_UNIT_CONVERTER.get(unit)
    if converter is None or wanted not in converter.VALID_UNITS:
        return None
    return converter.convert(number, unit, wanted)


class Settlement:
    """Waits for the first total of each sensor of a new meter, and takes back what was booked.

    What it waits for stands in the entry, by unique id, and outlasts a restart.
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
        for name, kept in self._open().items():
            entity_id = registry.async_get_entity_id(SENSOR, DOMAIN, name)
            if entity_id is None:
                self._write(name, None)
                continue
            self._sensors[entity_id] = name
            if (exchange := Exchange(**kept)).first is not None:
                self._book_back(entity_id, exchange)
            elif state := self._hass.states.get(entity_id):
                self._note(state)
        watch = async_track_state_change_event(self._hass, list(self._sensors), self._on_change)
        self._stops.append(watch)

    @callback
    def end(self) -> None:
        """Wait no longer; what is open stays in the entry."""
        for stop in self._stops:
            stop()

    def _open(self) -> dict[str, dict[str, Any]]:
        kept: dict[str, dict[str, Any]] = self._entry.data.get(CONF_TOTALS, {})
        return kept

    def _write(self, name: str, exchange: Exchange | None) -> None:
        """Write down how far a sensor is; None once it is done."""
        rest = {key: kept for key, kept in self._open().items() if key != name}
        if exchange:
            rest[name] = asdict(exchange)
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
        name, number = self._sensors[state.entity_id], _number(state)
        kept = self._open().get(name)
        if number is None or kept is None or (exchange := Exchange(**kept)).first is not None:
            return
        first = _converted(number, _unit(state), exchange.unit)
        if first is None:  # the recorder has ended the statistics with a warning
            self._write(name, None)
            return
        exchange = replace(exchange, first=first, at=state.last_updated.timestamp())
        self._write(name, exchange)
        self._book_back(state.entity_id, exchange)

    def _book_back(self, entity_id: str, exchange: Exchange) -> None:
        """Take back what was counted for a first total, as soon as its period was handed in.

        After a restart the recorder books what it has missed only once Home Assistant has started.
        """

        @callback
        def adjust(_when: datetime) -> None:
            state = self._hass.states.get(entity_id)
            if state and RECORDER in self._hass.config.components:
                wrong = _counted(exchange, state.attributes.get(ATTR_STATE_CLASS))
                begin = _period(dt_util.utc_from_timestamp(exchange.at))
                recorder = get_instance(self._hass)
                recorder.async_adjust_statistics(entity_id, begin, -wrong, exchange.unit or "")
            self._write(self._sensors[entity_id], None)

        @callback
        def wait(_hass: HomeAssistant) -> None:
            due = _period(dt_util.utcnow()) + _PERIOD + _BOOKED
            self._stops.append(async_track_point_in_utc_time(self._hass, adjust, due))

        self._stops.append(async_at_started(self._hass, wait))


def _period(when: datetime) -> datetime:
    """Return the beginning of the recorder's period in which a moment lies."""
    return when.replace(minute=when.minute // 5 * 5, second=0, microsecond=0)


def _counted(exchange: Exchange, state_class: str | None) -> float:
    """Return what the recorder counts when one total follows another."""
    last, first = exchange.last, exchange.first or 0.0
    fell = first < _RESET * last and state_class == SensorStateClass.TOTAL_INCREASING
    return first if fell else first - last
