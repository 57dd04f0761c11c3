"""Actions for meters that cut power, keep a clock, and remember: relay, clock, freezes, history."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import probatio

from .acting import Fields, Said, register
from .coordinator import ObisMeterCoordinator
from .metering.dialogue import Dialogue
from .metering.links import Acts, Operation, Past, Relay
from .metering.model import Access, Telegram, Value
from .requests import acts_of, converse
from .turns import POLL

ATTR_OPERATION: Final = "operation"
ATTR_VALID_FOR: Final = "valid_for"
ATTR_KIND: Final = "kind"
ATTR_COUNT: Final = "count"
ATTR_BEGIN: Final = "begin"
ATTR_END: Final = "end"

OPERATIONS: Final = {operation.name.lower(): operation for operation in Operation}
KINDS: Final = {"daily": 31, "hourly": 24, "monthly": 12, "load": 0}
"""Kind of history -> how much of it is read unless said otherwise."""
_DAY: Final = timedelta(days=1)
_VALID: Final = timedelta(minutes=5)
_LEAST: Final = timedelta(seconds=30)  # for a command to be valid: clocks are never equal

_CONTROL: Final[Fields] = {
    probatio.Required(ATTR_OPERATION): probatio.In(OPERATIONS),
    probatio.Optional(ATTR_VALID_FOR, default=_VALID): probatio.All(
        cv.positive_time_period, probatio.Clamp(min=_LEAST, max=_DAY)
    ),
}
_HISTORY: Final[Fields] = {
    probatio.Required(ATTR_KIND): probatio.In(KINDS),
    probatio.Optional(ATTR_COUNT): cv.positive_int,
    probatio.Optional(ATTR_BEGIN): cv.datetime,
    probatio.Optional(ATTR_END): cv.datetime,
}


@callback
def async_setup_power(hass: HomeAssistant) -> None:
    """Register the actions; all but the last are for administrators."""
    register(hass, "control_relay", _CONTROL, _control, changes=ATTR_OPERATION)
    register(hass, "set_clock", {}, _set_clock, changes="")
    register(hass, "freeze", {}, _freeze, changes="")
    register(hass, "clear_demand", {}, _clear_demand, changes="")
    register(hass, "get_history", _HISTORY, _history)


def _now() -> datetime:
    """Return the local time, as meters have it."""
    return dt_util.now().replace(tzinfo=None, microsecond=0)


async def _control(coordinator: ObisMeterCoordinator, meter: str, data: dict[str, Any]) -> Said:
    """Command the relay; say how it stands then, and show it at once."""
    acts, operation = acts_of(coordinator, "control_relay"), OPERATIONS[data[ATTR_OPERATION]]

    def control(access: Access) -> Dialogue[Relay]:
        until = _now() + data[ATTR_VALID_FOR]  # from when it is sent, not from when it was asked
        return (yield from acts.control(access, operation, until))

    relay = await converse(coordinator, meter, control)
    if tracker := coordinator.trackers.get(meter):  # its owner may have removed it meanwhile
        coordinator.take(tracker, [Telegram((relay.reading,), meter)])
    return {
        ATTR_OPERATION: data[ATTR_OPERATION],
        "relay": "open" if relay.is_open else "closed",
        "commanded_open": relay.commanded_open,
        "alarm": relay.alarm,
    }


async def _set_clock(coordinator: ObisMeterCoordinator, meter: str, data: dict[str, Any]) -> Said:
    acts = acts_of(coordinator, "set_clock")
    done = await converse(coordinator, meter, lambda access: acts.set_clock(access, _now))
    return {"before": done.before.isoformat(), "after": done.after.isoformat()}


async def _freeze(coordinator: ObisMeterCoordinator, meter: str, data: dict[str, Any]) -> Said:
    await converse(coordinator, meter, acts_of(coordinator, "freeze").freeze)
    return {}


async def _clear_demand(
    coordinator: ObisMeterCoordinator, meter: str, data: dict[str, Any]
) -> Said:
    await converse(coordinator, meter, acts_of(coordinator, "clear_demand").clear_demand)
    return {}


async def _history(coordinator: ObisMeterCoordinator, meter: str, data: dict[str, Any]) -> Said:
    """Return what the meter has kept, the oldest first."""
    past = await read_history(coordinator, meter, data)
    return {
        ATTR_KIND: data[ATTR_KIND],
        "history": [
            {
                "time": dt_util.as_local(when).isoformat(),
                "values": [
                    {"id": str(reading.id), "value": _text(reading.value), "unit": reading.unit}
                    for reading in readings
                ],
            }
            for when, readings in past
        ],
    }


async def read_history(coordinator: ObisMeterCoordinator, meter: str, span: dict[str, Any]) -> Past:
    """Read what a meter has kept; other questions are put first.

    span has a kind of KINDS, and a count, or begin and end for load records.
    """
    acts, kind = acts_of(coordinator, "get_history"), span[ATTR_KIND]
    count = span.get(ATTR_COUNT) or KINDS[kind]
    kinds = {"daily": acts.daily, "hourly": acts.hourly, "monthly": acts.monthly}
    if read := kinds.get(kind):
        return await converse(coordinator, meter, lambda access: read(access, count), POLL)
    end = _local(span.get(ATTR_END)) or _now()
    begin = _local(span.get(ATTR_BEGIN)) or end - _DAY
    return await converse(coordinator, meter, partial(_load, acts, begin, end), POLL)


def _text(value: Value) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _load(acts: Acts, begin: datetime, end: datetime, access: Access) -> Dialogue[Past]:
    return acts.load(access, begin, end)


def _local(when: datetime | None) -> datetime | None:
    """Return a time as meters have it; one without a zone is local already."""
    if when is None or when.tzinfo is None:
        return when
    return dt_util.as_local(when).replace(tzinfo=None)
