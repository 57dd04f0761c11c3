"""Meters of a street, one of each kind, with what they really counted and said."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntry

from simulator.clock import later, standard
from simulator.device import Answering, Source
from simulator.dlt645 import Bus, Meter2007
from simulator.household import Household
from simulator.lines import home
from simulator.meters import meter
from simulator.serve import serve_tcp

from .core import entry_for

_ADDRESS = "202107072529"


class Counted:
    """A source whose telegrams are counted and thinned."""

    def __init__(self, source: Source, pace: timedelta) -> None:
        """Send what is due at whole multiples of a pace."""
        self._source = source
        self.name, self.line, self.secrets = source.name, source.line, source.secrets
        self.start = source.start
        self.pace = max(pace, source.pace)
        self.sent = 0

    def telegrams(self, when: datetime) -> Iterator[bytes]:
        """Yield what is sent at this moment, and count it."""
        for each in self._source.telegrams(when):
            self.sent += 1
            yield each


class Talking(Counted):
    """A source that also answers."""

    def __init__(self, source: Answering, pace: timedelta) -> None:
        """Answer at once."""
        super().__init__(source, pace)
        self.respond = source.respond


@dataclass(frozen=True, slots=True)
class Kind:
    """How a meter is read, and how exactly its hours are known.

    total is the key of the sensor whose hours are compared; late for how many seconds a total
    may not yet have been read and written where an hour is cut; exact are Wh that it may be off
    besides, and parts those of the energy of the hour.
    """

    link: str
    total: str
    late: float = 0.0
    exact: float = 1.0
    parts: float = 0.0
    pace: timedelta = timedelta(0)
    talks: bool = False


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


_THINNED = timedelta(seconds=10)
_KINDS = {
    "kamstrup": Kind("hdlc", "energy_import_live", parts=0.01),
    "p1": Kind("p1", "energy_import_total", late=20, exact=2, pace=_THINNED),
    "sml": Kind("sml", "energy_import", late=20, pace=_THINNED),
    "module": Kind("rfc1662", "energy_import_live", parts=0.01, talks=True),
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
    if isinstance(metered, Answering):
        return Talking(metered, kind.pace), metered.household, kind, {}
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
    source = Talking(Bus((Meter2007(_ADDRESS, household),), start), timedelta(seconds=1))
    return source, household, _BUS, {"data": {"ask": True}, "subentries_data": [row]}
