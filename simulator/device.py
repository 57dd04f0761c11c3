"""What every kind of simulated meter has in common."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import gcd
from typing import Protocol, runtime_checkable

from .clock import standard
from .registers import Truth
from .snapshot import Snapshot

_NOTHING = timedelta(0)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Turn:
    """When a list is sent: `every` so often, `offset` after the whole multiple."""

    number: int
    every: timedelta
    offset: timedelta = _NOTHING
    lag: timedelta = _NOTHING  # how old the values are when they are sent

    def is_due(self, when: datetime) -> bool:
        """Tell whether the list is sent at this moment."""
        midnight = when.replace(hour=0, minute=0, second=0, microsecond=0)
        return (when - midnight - self.offset) % self.every == _NOTHING


class Source(Protocol):
    """What can be served: telegrams by the time."""

    @property
    def name(self) -> str:
        """What it is."""

    @property
    def line(self) -> str:
        """Line settings in words, such as 2400 8N1."""

    @property
    def secrets(self) -> str:
        """The keys that open its telegrams, in words; empty where they are in the clear."""

    @property
    def start(self) -> datetime:
        """The local time at which it begins."""

    @property
    def pace(self) -> timedelta:
        """Every telegram is due at a whole multiple of this."""

    def telegrams(self, when: datetime) -> Iterator[bytes]:
        """Yield what is sent at this moment."""


@runtime_checkable
class Answering(Source, Protocol):
    """A source that also listens: to it a line is not a one-way street."""

    def respond(self, heard: bytes, when: datetime) -> bytes:
        """Return what is sent at once because of what was heard; often nothing.

        What is heard may be any part of a request: the source keeps what is incomplete.
        """


@dataclass(frozen=True, slots=True)
class Burst:
    """What is sent after some seconds, at a speed in bit/s."""

    wait: float
    baud: int
    data: bytes


@runtime_checkable
class Paced(Answering, Protocol):
    """A source that answers at the pace and the speed of a wire: its line may change."""

    def bursts(self, heard: bytes, when: datetime) -> Iterator[Burst]:
        """Yield what is sent because of what was heard, each once it is due."""


class Device(Protocol):
    """A kind of meter: it writes snapshots as telegrams."""

    @property
    def link(self) -> str:
        """What carries its telegrams: the name of a link."""

    @property
    def line(self) -> str:
        """Line settings in words, such as 2400 8N1."""

    @property
    def phases(self) -> int:
        """1 or 3."""

    @property
    def turns(self) -> Sequence[Turn]:
        """Return the lists with their times, the most complete one last."""

    def telegram(self, snapshot: Snapshot, list_number: int = 1) -> bytes:
        """Return the bytes of one list on the wire."""

    def truth(self, snapshot: Snapshot, list_number: int = 1) -> Truth:
        """Return the readings that this telegram carries."""


def due(device: Device, when: datetime) -> Turn | None:
    """Return the list that is sent at a moment; a longer list takes the place of a shorter one."""
    moment = standard(when)
    return next((turn for turn in reversed(device.turns) if turn.is_due(moment)), None)


def pace(device: Device) -> timedelta:
    """Return the time of which every moment that a telegram is due is a whole multiple."""
    times = (time // _MICROSECOND for turn in device.turns for time in (turn.every, turn.offset))
    return gcd(*times) * _MICROSECOND
