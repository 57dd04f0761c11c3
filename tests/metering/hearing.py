"""Bytes to events and telegrams, and the ways in which a line spoils bytes."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
import os
from random import Random

from custom_components.obis_meter.metering.errors import FrameError
from custom_components.obis_meter.metering.links import LINKS
from custom_components.obis_meter.metering.model import Telegram
from custom_components.obis_meter.metering.session import Event, Session

from .captures import Capture

LONG = bool(os.environ.get("OBIS_LONG"))  # laws over every position
_SAMPLED = 2  # positions of each kind of damage otherwise


def events(link: str | Capture, *chunks: bytes) -> list[Event]:
    """Return what a session says of chunks, and of the silence behind them.

    A capture stands for its link and its keys.
    """
    session = Session(LINKS[link]) if isinstance(link, str) else link.session()
    heard = [event for chunk in chunks for event in session.feed(chunk)]
    return [*heard, *session.idle()]


def only_telegrams(heard: Iterable[Event]) -> list[Telegram]:
    """Return the telegrams among events."""
    return [event for event in heard if isinstance(event, Telegram)]


def telegrams(link: str | Capture, *chunks: bytes) -> list[Telegram]:
    """Return the telegrams in chunks."""
    return only_telegrams(events(link, *chunks))


@cache
def clean(capture: Capture) -> list[Telegram]:
    """Return the telegrams in a capture heard at once: what others are compared with."""
    return telegrams(capture, capture.raw)


@cache
def tells(capture: Capture) -> bool:
    """Tell whether anything is read from a capture in its own chunks."""
    return any(said.readings for said in telegrams(capture, *capture.chunks))


def skipped(heard: Iterable[Event]) -> int:
    """Return how many bytes were given up."""
    return sum(event.skipped for event in heard if isinstance(event, FrameError))


def bytewise(raw: bytes) -> tuple[bytes, ...]:
    """Return every byte alone."""
    return tuple(raw[at : at + 1] for at in range(len(raw)))


def pieces(raw: bytes, random: Random) -> tuple[bytes, ...]:
    """Cut raw at random places."""
    cuts = sorted(random.choices(range(len(raw) + 1), k=min(8, len(raw))))
    return tuple(raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True))


type Damage = Callable[[bytes, int, Random], bytes]


def _replaced(raw: bytes, at: int, by: bytes) -> bytes:
    return raw[:at] + by + raw[at + 1 :]


DAMAGES: dict[str, Damage] = {
    "flipped": lambda raw, at, random: _replaced(
        raw, at, bytes([raw[at] ^ 1 << random.randrange(8)])
    ),
    "changed": lambda raw, at, random: _replaced(
        raw, at, bytes([raw[at] ^ random.randint(1, 255)])
    ),
    "lost": lambda raw, at, random: _replaced(raw, at, b""),
    "inserted": lambda raw, at, random: _replaced(raw, at, raw[at : at + 1] + random.randbytes(1)),
    "doubled": lambda raw, at, random: _replaced(raw, at, raw[at : at + 1] * 2),
}


def damaged(raw: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """Yield raw with one byte damaged, in each way, at sampled or all positions."""
    random = Random(name)
    for kind, damage in DAMAGES.items():
        everywhere = range(len(raw))
        for at in everywhere if LONG else random.sample(everywhere, min(_SAMPLED, len(raw))):
            yield f"{kind} at {at}", damage(raw, at, random)
