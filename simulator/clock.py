"""Local time as meters keep it.

Everywhere in the simulator a moment is a local `datetime`: aware, in the zone of the meter
(a `ZoneInfo`, which knows summer time), or naive, which means standard time without summer time.
Energy follows the standard time, so that a home has neither 23 nor 25 hours on any day.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

_NOTHING = timedelta(0)
_EPOCH = datetime(1970, 1, 1)


def wall(when: datetime) -> datetime:
    """Return the naive time that a clock on the wall shows."""
    return when.replace(tzinfo=None)


def is_summer(when: datetime) -> bool:
    """Tell whether summer time is in force."""
    return bool(when.dst())


def standard(when: datetime) -> datetime:
    """Return the naive local time of a clock that never changes to summer time."""
    return wall(when) - (when.dst() or _NOTHING)


def from_standard(moment: datetime, like: datetime) -> datetime:
    """Return the local time of a naive standard-time moment, in the zone of `like`."""
    offset = like.utcoffset()
    if offset is None:
        return moment
    utc = moment - offset + (like.dst() or _NOTHING)
    return utc.replace(tzinfo=UTC).astimezone(like.tzinfo)


def later(when: datetime, time: timedelta) -> datetime:
    """Return the local time some real time after."""
    return from_standard(standard(when) + time, when)


def instants(start: datetime, pace: timedelta) -> Iterator[datetime]:
    """Yield the moments from `start` on that are whole multiples of `pace` in standard time."""
    since = standard(start) - _EPOCH
    moment = _EPOCH + -(-since // pace) * pace
    while True:
        yield from_standard(moment, start)
        moment += pace
