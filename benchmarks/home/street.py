"""Meters of a street, one of each kind, with what they really counted and said."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, override

from homeassistant.config_entries import ConfigEntry

from simulator import module
from simulator.clock import later, standard
from simulator.device import Answering, Source
from simulator.dlt645 import Bus, Meter2007
from simulator.dlt645wire import requests
from simulator.household import Household
from simulator.lines import home
from simulator.meters import ModuleMeter, meter
from simulator.serve import serve_tcp

from .core import entry_for

_ADDRESS = "202107072529"
_SILENT = timedelta(seconds=15)  # no meter here pauses for so long
_BRIDGED = 120  # s; over a longer silence a live total leaves out what was used


type Frames = Callable[[bytearray], Iterable[object]]
"""Removes the frames from some bytes, and yields each."""
type Span = tuple[datetime, datetime]


class Counted:
    """A source whose telegrams are counted and thinned.

    counts says how many of each kind went out, by the words of our statistics, and how many
    questions are unanswered; silences are spans longer than the meter's own without a telegram.
    """

    def __init__(self, source: Source, pace: timedelta) -> None:
        """Send what is due at whole multiples of a pace."""
        self._source = source
        self.name, self.line, self.secrets = source.name, source.line, source.secrets
        self.start = source.start
        self.pace = max(pace, source.pace)
        self.counts = Counter[str]()
        self.silences: list[Span] = []
        self._last: datetime | None = None

    def telegrams(self, when: datetime) -> Iterator[bytes]:
        """Yield what is sent at this moment, and count it."""
        for each in self._source.telegrams(when):
            self._count(each)
            if self._last and standard(when) - standard(self._last) > _SILENT:
                self.silences.append((self._last, when))
            self._last = when
            yield each

    def _count(self, said: bytes) -> None:
        self.counts["telegrams"] += 1


class Talking(Counted):
    """A source that also answers."""

    def __init__(self, source: Answering, pace: timedelta, frames: Frames) -> None:
        """Answer at once."""
        super().__init__(source, pace)
        self._talker, self._frames = source, frames

    def respond(self, heard: bytes, when: datetime) -> bytes:
        """Return what the source answers, and count it."""
        answer = self._talker.respond(heard, when)
        self.counts["messages"] += len(list(self._frames(bytearray(answer))))
        return answer


class Module(Talking):
    """A meter that speaks to its module in frames, some of which carry telegrams or ask."""

    def __init__(self, source: ModuleMeter, pace: timedelta) -> None:
        """Keep nothing of what is said."""
        super().__init__(source, pace, module.frames)
        self._talk = source.talk

    @override
    def respond(self, heard: bytes, when: datetime) -> bytes:
        answer = super().respond(heard, when)
        self.counts["unanswered"] -= len(self._talk.answers)
        self._talk.answers.clear()
        self._talk.received.clear()
        return answer

    @override
    def _count(self, said: bytes) -> None:
        self.counts["messages"] += 1
        ((protocol, _, _),) = module.frames(bytearray(said))
        self.counts["telegrams"] += protocol != module.COMMANDS
        self.counts["unanswered"] += protocol == module.COMMANDS


@dataclass(frozen=True, slots=True)
class Kind:
    """How a meter is read, and how exactly its hours are known.

    total is the key of the sensor whose hours are compared; late for how many seconds a total
    may not yet have been read and written where an hour is cut; exact are Wh that it may be off
    besides, and parts those of the energy of the hour. live: power is added up between hours.
    """

    link: str
    total: str
    late: float = 0.0
    exact: float = 1.0
    parts: float = 0.0
    pace: timedelta = timedelta(0)
    live: bool = False


@dataclass(slots=True)
class Neighbour:
    """A meter, its entry, and what it really counted."""

    name: str
    kind: Kind
    source: Counted
    household: Household
    entry: ConfigEntry

    @property
    def total(self) -> str:
        """Return the sensor whose hours are compared."""
        return f"sensor.{self.name}_{self.kind.total}"

    def energy(self, when: datetime) -> int:
        """Return the energy imported by a moment, Wh."""
        aware = self.source.start.tzinfo is not None
        return self.household.at(when if aware else standard(when)).energy_import

    def bound(self, begin: datetime, end: datetime) -> float:
        """Return how far the energy of an hour may be off, Wh."""
        late = timedelta(seconds=self.kind.late)
        edges = sum(self.energy(each) - self.energy(later(each, -late)) for each in (begin, end))
        part = self.kind.parts * (self.energy(end) - self.energy(begin))
        return edges + self.kind.exact + part

    def guessed(self, begin: datetime, end: datetime) -> float:
        """Return by how much a live total is wrong after the silences of a span, Wh.

        Nobody can know the power of that time: it is taken to have changed evenly from the
        last that was heard to the next. The hourly total mends it.
        """
        if not self.kind.live:
            return 0.0
        first, last = begin.timestamp(), end.timestamp()
        inside = [each for each in self.source.silences if first <= each[0].timestamp() < last]
        return sum(self._straight(*each) - self._used(*each) for each in inside)

    def _straight(self, begin: datetime, end: datetime) -> float:
        seconds = (standard(end) - standard(begin)).total_seconds()
        powers = [self.household.at(each).active_import for each in (begin, end)]
        return sum(powers) / 2 * seconds / 3600 if seconds <= _BRIDGED else 0.0

    def _used(self, begin: datetime, end: datetime) -> int:
        return self.energy(end) - self.energy(begin)


_THINNED = timedelta(seconds=10)
_KINDS = {
    "kamstrup": Kind("hdlc", "energy_import_live", parts=0.01, live=True),
    "p1": Kind("p1", "energy_import_total", late=20, exact=2, pace=_THINNED),
    "sml": Kind("sml", "energy_import", late=20, pace=_THINNED),
    "module": Kind("rfc1662", "energy_import_live", parts=0.01, pace=_THINNED, live=True),
}
_BUS = Kind("dlt645", "energy_import", late=90, exact=11)


async def move_in(stack: AsyncExitStack, begin: datetime, names: list[str]) -> list[Neighbour]:
    """Serve meters from a moment on; `bus` is a line of DL/T 645."""
    found = []
    for number, name in enumerate(names, 1):
        build = _bus(begin) if name == "bus" else _pushing(name, begin, number)
        source, household, kind, more = build
        server = await serve_tcp(source, start=source.start)
        stack.push_async_callback(server.close)
        title = "line" if name == "bus" else name
        entry = entry_for(server.url, kind.link, title, **more)
        found.append(Neighbour(name, kind, source, household, entry))
    return found


type _Built = tuple[Counted, Household, Kind, dict[str, Any]]


def _pushing(name: str, begin: datetime, seed: int) -> _Built:
    metered, kind = meter(name, begin, seed=seed), _KINDS[name]
    if isinstance(metered, ModuleMeter):
        return Module(metered, kind.pace), metered.household, kind, {}
    return Counted(metered, kind.pace), metered.household, kind, {}


def _bus(begin: datetime) -> _Built:
    start = standard(begin)
    household = home(start, 9)
    row = {
        "data": {"address": _ADDRESS, "dialect": ""},
        "subentry_type": "meter",
        "title": "bus",
        "unique_id": _ADDRESS,
    }
    source = Talking(Bus((Meter2007(_ADDRESS, household),), start), timedelta(seconds=1), requests)
    return source, household, _BUS, {"data": {"ask": True}, "subentries_data": [row]}
