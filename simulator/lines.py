"""The lines one can ask for by name, whose meters answer: a new line is a row of LINES."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from .device import Answering
from .dlt645 import Bus, Meter2007, Talker
from .dlt645old import Meter1997
from .household import Household
from .optical import OpticalMeter

_KEPT = timedelta(days=70)  # for how long before the start these homes are metered


type _Build = Callable[[datetime, int], Answering]


@dataclass(frozen=True, slots=True)
class Answerer:
    """A line to be had: what hangs on it, how it is set, and how it is built."""

    about: str
    line: str
    build: _Build


def home(start: datetime, seed: int, phases: int = 3) -> Household:
    """Return a home that was metered for some time before the start."""
    return Household(seed, start - _KEPT, phases=phases, car=phases > 1)


def _bus(start: datetime, *meters: Talker) -> Bus:
    return Bus(meters, start)


def _optical(name: str, letter: str, options: str = "", *, sleeps: bool = False) -> _Build:
    """Return how a meter of IEC 62056-21 is built."""

    def build(start: datetime, seed: int) -> Answering:
        return OpticalMeter(
            home(start, seed), start, letter, options=options, name=name, sleeps=sleeps
        )

    return build


LINES: dict[str, Answerer] = {
    "dlt645": Answerer(
        "DL/T 645-2007, China, three phases",
        "2400 8E1",
        lambda start, seed: _bus(start, Meter2007("202107072529", home(start, seed))),
    ),
    "dlt645-1997": Answerer(
        "DL/T 645-1997, three phases",
        "2400 8E1",
        lambda start, seed: _bus(start, Meter1997("000000063295", home(start, seed))),
    ),
    "dlt645-bus": Answerer(
        "DL/T 645-2007, four meters on one line",
        "2400 8E1",
        lambda start, seed: _bus(
            start,
            Meter2007("202107072529", home(start, seed)),
            Meter2007("202107072530", home(start, seed + 1, phases=1)),
            Meter2007("260305510029", home(start, seed + 2, phases=1), longest=60),
            Meter1997("000000063295", home(start, seed + 3)),
        ),
    ),
    "iec-a": Answerer("IEC 62056-21 mode A: stays at 300", "300 7E1", _optical("iec-a", "@")),
    "iec-b": Answerer("mode B: goes to 2400 by itself", "300 7E1", _optical("iec-b", "C")),
    "iec-c": Answerer("mode C: goes to 9600 when told", "300 7E1", _optical("iec-c", "5")),
    "iec-e": Answerer("mode E: the same, or HDLC", "300 7E1", _optical("iec-e", "5", "\\2")),
    "iec-battery": Answerer(
        "mode B with a battery: must be woken",
        "300 7E1",
        _optical("iec-battery", "C", sleeps=True),
    ),
}


def answering(name: str, start: datetime | None = None, seed: int = 1) -> Answering:
    """Return a line of LINES; its meters keep standard time, without a zone."""
    begin = (start or datetime.now()).replace(tzinfo=None)
    return LINES[name].build(begin, seed)
