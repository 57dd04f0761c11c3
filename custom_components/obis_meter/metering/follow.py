"""Which events of a meter are new: its counters tell, and its records say when they were."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from .model import Value


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened: the id of the counter that told, its begin and its end.

    Times are the meter's local ones, None where it does not say, or not yet.
    """

    counter: str
    begin: datetime | None = None
    end: datetime | None = None


class Follower:
    """Follows the counters of one meter.

    What a meter counted before it was first asked is past. A count that fell
    was cleared: what happened since is not known, and nothing is told.
    """

    def __init__(self, counts: Mapping[str, int] | None = None) -> None:
        """Go on from the counts of an earlier time."""
        self.counts = dict(counts or {})

    def missed(self, counter: str, count: int) -> int:
        """Return how many events are new by a count; they stay so until they were told."""
        return max(0, count - self.counts.get(counter, count))

    def tell(self, counter: str, count: int, records: Sequence[Value]) -> list[Happening]:
        """Return the new events, oldest first, and take them as told.

        records are the last of the meter, the latest first: a time, or begin/end.
        """
        new = self.missed(counter, count)
        self.counts[counter] = count
        return [_happening(counter, record) for record in records[:new]][::-1]


def _happening(counter: str, record: Value) -> Happening:
    match record:
        case datetime():
            return Happening(counter, record)
        case str():
            begin, _, end = record.partition("/")
            return Happening(counter, _time(begin), _time(end))
    return Happening(counter)


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
