"""What must hold of any input; each oracle counts how often it was asked."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Final

from metering.dialogue import MAX_PENDING, Unchecked
from metering.errors import FrameError, Incomplete, MeteringError
from metering.links import LINKS, Link
from metering.model import Message, Telegram
from metering.security import Security
from metering.session import KEPT_PAYLOADS, Event, Session

from .checks import holds
from .seeds import Seed

EXCEPTION: Final = "exception"
WORK: Final = "work"
BOUND: Final = "bound"
INVENTED: Final = "invented"
LAYOUTS: Final = "layouts"
CHUNKING: Final = "chunking"
KINDS: Final = {
    EXCEPTION: "no exception outside the error tree",
    WORK: "work in proportion to the bytes given",
    BOUND: "nothing kept beyond its bound",
    INVENTED: "nothing published that stands in no intact frame",
    LAYOUTS: "remembered layouts read as the plain reading does",
    CHUNKING: "how bytes are cut into pieces changes no telegram",
}

_MOST_FRAMES: Final = 12  # that may carry one telegram

asked: Counter[str] = Counter()
"""How often each oracle was asked, and CHANCE."""
CHANCE: Final = "checks that held by chance"


class Fault(Exception):
    """An oracle says no."""

    def __init__(self, kind: str, why: str) -> None:
        """Keep the oracle."""
        super().__init__(why)
        self.kind = kind


def require(kind: str, holds: bool, why: str) -> None:
    """Count that an oracle was asked; Fault where it says no."""
    asked[kind] += 1
    if not holds:
        raise Fault(kind, why)


def bounded(session: Session) -> None:
    """Require that a session keeps no more than it may."""
    kept = session.payloads
    within = session.pending <= MAX_PENDING and len(kept) <= KEPT_PAYLOADS
    longest = max(map(len, kept), default=0)
    require(BOUND, within and longest <= MAX_PENDING, f"{session.pending} bytes wait")


def plainly(link: Link) -> Link:
    """Return a link whose payloads no layout is remembered of."""
    return replace(link, decode=partial(link.decode))


def published(events: Sequence[Event]) -> list[Telegram | Message]:
    """Return what would reach an owner."""
    return [event for event in events if isinstance(event, Telegram | Message)]


@cache
def reference(seed: Seed) -> tuple[Telegram | Message, ...]:
    """Return what the undamaged stream says, read whole and without layouts."""
    session = Session(plainly(LINKS[seed.link]), Security(seed.keys))
    return tuple(published([*session.feed(seed.data), *session.idle()]))


def not_invented(
    seed: Seed, data: bytes, heard: Sequence[Telegram | Message], *, checks: bool = False
) -> None:
    """Require that all that was heard in a damaged stream stands in it unharmed.

    checks: its meter was heard to send them, so that nothing counts without one.

    A check of eight bits holds for one damage in 256, one of sixteen for one in 65536: a
    frame that does check, by another reckoning than the link's, was not invented.
    """
    known = reference(seed)
    doubtful = [said for said in heard if said not in known and _says(said)]
    asked[INVENTED] += len(heard)
    for said in _checking(seed, data, checks) if doubtful else ():
        left = [each for each in doubtful if each != said]
        asked[CHANCE] += len(doubtful) - len(left)
        if not (doubtful := left):
            return
    if doubtful:
        raise Fault(INVENTED, f"{doubtful[0]!r:.400}")


def _says(said: Telegram | Message) -> bool:
    return isinstance(said, Message) or bool(said.readings)


def _checking(seed: Seed, data: bytes, checks: bool) -> Iterator[Telegram | Message]:
    """Yield what frames say that check, whatever stands between them; a frame alone first."""
    link = LINKS[seed.link]
    payloads = _intact(link, data + link.silence, Unchecked if checks else ())
    for length in range(1, _MOST_FRAMES + 1):
        for at in range(len(payloads) - length + 1):
            session = Session(plainly(link), Security(seed.keys))
            said = (*session.read(b"".join(payloads[at : at + length])), *session.idle())
            yield from published(said)


def _intact(link: Link, data: bytes, but: type[bytes] | tuple[()]) -> list[bytes]:
    found, at = list[bytes](), 0
    while at < len(data):
        buffer = bytearray(data[at:])
        try:
            payload = link.take(buffer)
        except FrameError, Incomplete:
            payload = None
        taken = data[at : len(data) - len(buffer)]
        frame = taken.strip(b"\r\n\0\xff") if link.name == "p1" else taken
        last = data.startswith(link.silence, at + len(taken))
        if payload and not isinstance(payload, but) and holds(link.name, frame, last=last):
            found.append(payload)
            at += len(taken)
        else:
            at += 1
    return found


def same(kind: str, one: Sequence[object], other: Sequence[object]) -> None:
    """Require that two readings agree."""
    require(kind, list(one) == list(other), f"{one!r:.300} and {other!r:.300}")


def caught(error: MeteringError) -> str:
    """Return an error as two readings of one input must agree on it."""
    return f"{type(error).__name__}: {error}"
