"""What changes a meter: its clock, its relay, and what it has counted.

Nothing here is tried twice, and no outcome is assumed: it is read back. Nothing
says how a relay stands but status word 3.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import IntEnum
from typing import Final

from ...dialogue import Dialogue, Pause, Send
from ...errors import DecodeError, MeteringError, RequestError, Unconfirmed
from ...model import Access, Reading, Value
from . import status
from .formats import moment_octets
from .frame import BROADCAST, Function, request
from .talk import CONTROL_LEVEL, WRITE_LEVEL, Question, ask, operator, own_address, password, read

FARTHEST: Final = timedelta(minutes=5)  # that a broadcast can set a clock right (5.2.4, 08)
OLD: Final = "1997"
"""The dialect of meters of DL/T 645-1997."""

_CLOCK: Final = {"": ("04000101", "04000102"), OLD: ("C010", "C011")}  # date, time
_MIDNIGHT: Final = time(0, 1)  # until when the date may have changed since it was read
_REACTION: Final = 1.0  # seconds in which a meter does what it acknowledged
_LOOKS: Final = 5  # at the status word until it says what was asked for
_FREEZE_NOW: Final = b"\x99" * 4


class Operation(IntEnum):
    """What a meter can be told to do with the power (DL/T 645-2007, 5.2.4, 1C)."""

    TRIP = 0x1A
    PERMIT = 0x1B  # somebody may close it by the meter's button
    CLOSE = 0x1C
    ALARM = 0x2A
    ALARM_OFF = 0x2B
    KEEP_POWER = 0x3A
    KEEP_POWER_END = 0x3B


@dataclass(frozen=True, slots=True)
class Relay:
    """How the relay stands, as a reading of status word 3 says."""

    reading: Reading
    is_open: bool
    commanded_open: bool
    alarm: bool


@dataclass(frozen=True, slots=True)
class ClockSet:
    """What a meter's clock said before it was set, and after."""

    before: datetime
    after: datetime


def relay(access: Access) -> Dialogue[Relay]:
    """Read how the relay stands."""
    for reading in (yield from read(access, status.RELAY)).readings:
        if isinstance(word := reading.value, Decimal):
            bits = (status.RELAY_OPEN, status.RELAY_COMMANDED_OPEN, status.RELAY_ALARM)
            return Relay(reading, *(status.is_set(word, bit) for bit in bits))
    raise DecodeError("the meter does not say how its relay stands")


def control(access: Access, operation: Operation, until: datetime) -> Dialogue[Relay]:
    """Have power cut, restored or kept; return how the relay stands then.

    until is the meter's local time at which the command becomes void. What the
    meter acknowledged may take it some seconds: it is looked at until it is so,
    and a few times at most. Unconfirmed where it was done, and cannot be looked at.
    """
    address = own_address(access)
    head = password(access, CONTROL_LEVEL) + operator(access)
    data = head + bytes([operation, 0]) + moment_octets(until)
    yield from ask(Question(address, Function.CONTROL), data)
    try:
        return (yield from _outcome(access, operation))
    except MeteringError as err:
        raise Unconfirmed(str(err)) from err


def _outcome(access: Access, operation: Operation) -> Dialogue[Relay]:
    """Look how the relay stands until it is as asked, a few times at most."""
    state = yield from relay(access)
    for _ in range(_LOOKS):
        if _AS_ASKED.get(operation, _anyhow)(state):
            break
        yield Pause(_REACTION)
        state = yield from relay(access)
    return state


def _anyhow(_: Relay) -> bool:
    return True


_AS_ASKED: Final[dict[int, Callable[[Relay], bool]]] = {
    Operation.TRIP: lambda relay: relay.is_open,
    Operation.CLOSE: lambda relay: not relay.is_open,
    Operation.ALARM: lambda relay: relay.alarm,
    Operation.ALARM_OFF: lambda relay: not relay.alarm,
}
"""What the state shows once an operation was done; of others it shows nothing."""


def clear_demand(access: Access) -> Dialogue[None]:
    """Begin the maximum demand anew."""
    address = own_address(access)
    data = password(access, WRITE_LEVEL) + operator(access)
    yield from ask(Question(address, Function.CLEAR_DEMAND), data)


def freeze(access: Access, pattern: bytes = _FREEZE_NOW) -> Dialogue[None]:
    """Have values frozen: now, or at mm hh DD MM, where 99 is every."""
    if len(pattern) != len(_FREEZE_NOW):
        raise RequestError("freeze_pattern", pattern.hex())
    yield from ask(Question(own_address(access), Function.FREEZE), pattern)


def clock(access: Access) -> Dialogue[datetime]:
    """Read a meter's clock, local time; its date again where midnight may have come between."""
    day_id, time_id = _CLOCK[access.dialect if access.dialect == OLD else ""]
    day = yield from _value(access, day_id)
    hour = yield from _value(access, time_id)
    try:
        moment = time.fromisoformat(str(hour))
        if moment < _MIDNIGHT:
            day = yield from _value(access, day_id)
        return datetime.combine(date.fromisoformat(str(day)), moment)
    except ValueError:
        raise DecodeError("the meter does not know the time") from None


def set_clock(access: Access, now: Callable[[], datetime]) -> Dialogue[ClockSet]:
    """Set the clocks of all meters on the line by broadcast, which none of them answers.

    now returns the local time of the meters. RequestError where the clock of
    the meter of access is more than five minutes off, which meters ignore.
    """
    before = yield from clock(access)
    if abs(now() - before) > FARTHEST:
        raise RequestError("clock_too_far", f"{before.isoformat()} ({now().isoformat()})")
    yield Send(request(BROADCAST, Function.TIME, moment_octets(now())))
    yield Pause(_REACTION)
    return ClockSet(before, (yield from clock(access)))


def _value(access: Access, identifier: str) -> Dialogue[Value | None]:
    telegram = yield from read(access, identifier)
    return telegram.readings[0].value if telegram.readings else None
