"""Which meters are on a line: one that answers anybody, or all by parts of their addresses.

Several meters that answer at once garble each other, and what is garbled tells
that there are several: the address is then narrowed by two digits at a time,
lowest first, as the high ones may be left open (AA).
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from ...dialogue import Cut, Dialogue, Hold, Line, Send
from ...errors import FrameError, NoAnswer
from ...model import LineSettings
from .commands import OLD
from .frame import BROADCAST, WAKE, WILDCARD, Frame, Function, frames, learnt, request, take
from .talk import octets_of

ANSWER: Final = 0.7  # seconds of silence after which nobody answers any more
_GARBLED: Final = 8  # bytes of garbage that no single disturbance leaves
_BABBLE: Final = 20  # garbled answers in a row: meters would have let most addresses pass
_CROWDS: Final = 32  # that bring a hundred questions each, since a meter was found
_MOST_METERS: Final = 256  # that a line carries
_ADDRESS: Final = 6  # bytes

type Ask = tuple[str, int, bytes]
"""Address, function, data."""

_OWN_ADDRESS: Final = octets_of("04000401")
_OLD_TOTAL: Final = octets_of("9010")
_PROBES: Final[dict[str, tuple[Ask, ...]]] = {
    "": (
        (WILDCARD, Function.READ_ADDRESS, b""),
        (WILDCARD, Function.READ, _OWN_ADDRESS),
    ),
    OLD: ((BROADCAST, Function.OLD_READ, _OLD_TOTAL),),
}
"""Dialect -> what any meter answers."""


@dataclass(frozen=True, slots=True)
class Found:
    """Who answered: addresses, their dialect, and how the line was set.

    crowded: several answered at once, so there are more than these, if any.
    """

    addresses: tuple[str, ...]
    dialect: str
    line: LineSettings | None = None
    crowded: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of the way is certain to be done, and who was found so far."""

    part: float
    found: tuple[str, ...] = ()


type Report = Callable[[Progress], None]


class _Ear:
    """Hears everything until the line is quiet."""

    def __init__(self) -> None:
        """Hear nothing yet."""
        self.heard = bytearray()

    def take(self, buffer: bytearray) -> bytes | None:
        """Take all that came, and want more."""
        self.heard += buffer
        buffer.clear()
        return None


@dataclass(frozen=True, slots=True)
class _Heard:
    """Answers that came whole, and whether others were garbled."""

    frames: tuple[Frame, ...]
    garbled: bool

    @property
    def meters(self) -> tuple[str, ...]:
        """Return the addresses of meters that answered, even with a refusal."""
        return tuple(dict.fromkeys(filter(None, map(_meter, self.frames))))

    @property
    def crowded(self) -> bool:
        """Tell whether more than one meter answered."""
        return self.garbled or len(self.meters) > 1


def _meter(frame: Frame) -> str | None:
    """Return who answered, also where only what was asked for tells: some repeat the wildcard."""
    said = frame.data.removeprefix(_OWN_ADDRESS)
    told = frame.function in (Function.READ_ADDRESS, Function.READ) and len(said) == _ADDRESS
    return frame.meter or (learnt(said[::-1].hex().upper()) if told else None)


def _listen(question: Ask) -> Dialogue[_Heard]:
    """Ask, and take in what comes until the line is quiet; what came before is dropped."""
    ear = _Ear()
    yield Hold()
    yield Send(request(*question))
    with suppress(NoAnswer):
        yield Cut(ear.take, ANSWER)
    return _understood(ear.heard)


def _understood(heard: bytearray) -> _Heard:
    whole: list[Frame] = []
    garbage = 0
    while heard.strip(bytes([WAKE])):
        try:
            if (payload := take(heard)) is None:
                garbage += len(heard)
                break
            whole += frames(payload)
        except FrameError as err:
            garbage += err.skipped
    return _Heard(tuple(whole), garbage >= _GARBLED)


def find(lines: tuple[LineSettings, ...], report: Report) -> Dialogue[Found | None]:
    """Try line settings until a meter answers; None where none does on any."""
    for number, line in enumerate(lines):
        yield Line(line)
        for dialect, probes in _PROBES.items():
            for probe in probes:
                heard = yield from _listen(probe)
                if heard.meters or heard.garbled:
                    report(Progress(1.0, heard.meters))
                    return Found(heard.meters, dialect, line, heard.crowded)
        report(Progress((number + 1) / len(lines)))
    return None


def scan(report: Report, dialect: str = "") -> Dialogue[tuple[str, ...]]:
    """Return the addresses of all meters of a dialect on the line as it is set.

    A line with one meter is known after one question; with several it takes a
    hundred, and a hundred more for each pair of digits that several share. It
    ends early where something garbles whatever is asked, or much of it, or
    seems to be more meters than a line carries.
    """
    found: dict[str, None] = {}
    open_ends = [_End("", 0.0, 1.0)]
    garbled = crowds = 0
    while open_ends and garbled < _BABBLE and crowds < _CROWDS and len(found) < _MOST_METERS:
        end = open_ends.pop()
        heard = yield from _listen(_probe(end.digits, dialect))
        garbled = garbled + 1 if heard.garbled and not heard.meters else 0
        if set(heard.meters) - found.keys():
            crowds = 0
        found |= dict.fromkeys(heard.meters)
        if heard.crowded and len(end.digits) < len(WILDCARD):
            open_ends += end.longer()
            crowds += 1
        else:
            report(Progress(end.begin + end.share, tuple(found)))
    return tuple(sorted(found))


@dataclass(frozen=True, slots=True)
class _End:
    """The last digits of addresses, and which part of the whole scan they are."""

    digits: str
    begin: float
    share: float

    def longer(self) -> Iterator[_End]:
        """Yield it with each pair of digits before it, the lowest last."""
        share = self.share / 100
        for pair in range(99, -1, -1):
            yield _End(f"{pair:02}{self.digits}", self.begin + pair * share, share)


def _probe(digits: str, dialect: str) -> Ask:
    address = digits.rjust(len(WILDCARD), "A")
    if dialect == OLD:
        return address, Function.OLD_READ, _OLD_TOTAL
    return address, Function.READ, _OWN_ADDRESS
