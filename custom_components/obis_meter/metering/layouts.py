"""Layouts already seen: payloads that differ from an earlier one in nothing but numbers.

`Remembering` stands in front of the decode of a link. A layout is a payload with holes;
one that is the same around them is read by what stands in those that changed. The trace
of `traces` says where holes are: only octets that decide about nothing but one reading of
their own. Whatever is in doubt is left to decode, which says what is right.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from struct import Struct
from typing import Final

from .errors import MeteringError
from .model import Message, Reading, Telegram
from .security import Security

_LENGTHS: Final = 16  # of payloads whose layouts are remembered
_OF_A_LENGTH: Final = 4  # layouts, before payloads of this length are no longer traced

type Said = Sequence[Telegram | Message | MeteringError]
type Fits = Callable[[bytes, Security], bool]
type Decode = Callable[[bytes, Security], Said]


@dataclass(frozen=True, slots=True)
class Hole:
    """Octets that may differ, and say nothing."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Value(Hole):
    """Octets that are the reading at a place of the telegram.

    read returns None for what only decode can tell.
    """

    place: int
    read: Callable[[bytes], Reading | None]


@dataclass(frozen=True, slots=True)
class Time(Hole):
    """Octets that are the time of the telegram."""

    read: Callable[[bytes], datetime | None]


class Clock(Value):
    """Octets that are a reading, and the time of the telegram."""


@dataclass(frozen=True, slots=True)
class Trace:
    """How a payload was read: its holes in order, and what must hold of one like it.

    fits is asked for each payload, before anything of it is said.
    """

    telegram: Telegram
    holes: Sequence[Hole]
    fits: Fits


class Layout:
    """Reads payloads of one layout, and only what changed since the last one."""

    def __init__(self, payload: bytes, trace: Trace) -> None:
        """Take over what the first payload said."""
        self._trace = trace
        self._readings = list(trace.telegram.readings)
        self._time = trace.telegram.time
        self._holes = [hole for hole in trace.holes if isinstance(hole, Value | Time)]
        self._form = Struct("".join(_form(payload, self._holes)))
        self._octets = list(self._form.unpack(payload))
        self._mask = int.from_bytes(_mask(payload, trace.holes))
        self._fixed = int.from_bytes(payload) & self._mask

    def read(self, payload: bytes, security: Security) -> Telegram | None:
        """Return what a payload of the same length says; None where only decode can tell."""
        if int.from_bytes(payload) & self._mask != self._fixed:
            return None
        if not self._trace.fits(payload, security):
            return None
        for at, octets in enumerate(self._form.unpack(payload)):
            if octets != self._octets[at] and not self._changed(at, octets):
                return None
        first = self._trace.telegram
        return Telegram(tuple(self._readings), first.meter, self._time, first.ident)

    def _changed(self, at: int, octets: bytes) -> bool:
        hole = self._holes[at]
        if isinstance(hole, Time):
            self._time = hole.read(octets)
        elif reading := hole.read(octets):
            self._readings[hole.place] = reading
            if isinstance(hole, Clock):
                self._time = reading.value if isinstance(reading.value, datetime) else None
        else:
            return False
        self._octets[at] = octets
        return True


def in_the_clear(_payload: bytes, security: Security) -> bool:
    """Note that a payload was not ciphered; it fits."""
    security.plain()
    return True


def _form(payload: bytes, holes: Sequence[Hole]) -> Iterator[str]:
    """Yield the format by which struct takes the octets of all holes at once."""
    end = 0
    for hole in holes:
        yield f"{hole.start - end}x{hole.end - hole.start}s"
        end = hole.end
    yield f"{len(payload) - end}x"


def _mask(payload: bytes, holes: Sequence[Hole]) -> bytes:
    """Return FF for what must stay the same, 00 for what may differ."""
    mask = bytearray(b"\xff" * len(payload))
    for hole in holes:
        mask[hole.start : hole.end] = bytes(hole.end - hole.start)
    return bytes(mask)


class Remembering:
    """A decode that knows the layouts of one stream; exactly as the one that it stands for."""

    def __init__(self, decode: Decode, trace: Callable[[bytes], Trace | None]) -> None:
        """Know none yet; what trace raises is what decode would."""
        self._decode = decode
        self._trace = trace
        self._layouts: dict[int, list[Layout | None]] = {}

    def __call__(self, payload: bytes, security: Security) -> Said:
        """Read a payload."""
        known = self._layouts.get(len(payload), ())
        for layout in known:
            if layout and (telegram := layout.read(payload, security)):
                return [telegram]
        if len(known) == _OF_A_LENGTH:
            return self._decode(payload, security)
        return self._learnt(payload, security)

    def _learnt(self, payload: bytes, security: Security) -> Said:
        """Read a payload of a new layout: tracing it is reading it."""
        trace = self._trace(payload)
        if trace and trace.fits(payload, security):
            self._note(payload, trace)
            return [trace.telegram]
        said = self._decode(payload, security)
        self._note(payload, trace)
        return said

    def _note(self, payload: bytes, trace: Trace | None) -> None:
        """Remember a layout; None, that another payload of this length could not be traced."""
        if len(payload) not in self._layouts and len(self._layouts) >= _LENGTHS:
            del self._layouts[next(iter(self._layouts))]
        layout = Layout(payload, trace) if trace else None
        self._layouts.setdefault(len(payload), []).append(layout)
