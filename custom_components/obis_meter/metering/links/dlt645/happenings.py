"""What happened since a meter was last asked: the records of events that its counters tell."""

from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal

from ...dialogue import Dialogue
from ...errors import DecodeError, NoSuchData
from ...follow import Follower, Happening
from ...model import Access, Reading, Value
from .events import KEPT, KINDS, Kind
from .talk import read


def follow(
    access: Access, follower: Follower, readings: Iterable[Reading]
) -> Dialogue[list[Happening]]:
    """Read the records of what is new by the counts among readings; of ten of a kind at most.

    What could not be read is new the next time too.
    """
    happenings: list[Happening] = []
    for reading in readings:
        kind = KINDS.get(str(reading.id))
        if kind and isinstance(reading.value, Decimal):
            count = int(reading.value)
            new = min(follower.missed(kind.counter, count), KEPT)
            records = yield from _records(access, kind, new)
            happenings += follower.tell(kind.counter, count, records)
    return happenings


def _records(access: Access, kind: Kind, new: int) -> Dialogue[list[Value]]:
    """Read the last records of a kind; an empty text stands for one that says nothing."""
    values: list[Value] = []
    for n in range(1, new + 1):
        said: tuple[Reading, ...] = ()
        with suppress(NoSuchData, DecodeError):  # it happened, though nobody knows when
            said = (yield from read(access, kind.record(n))).readings
        values.append(said[0].value if said else "")
    return values
