"""Finds out which meter speaks on a port, while the owner watches."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from .const import is_raw
from .metering import identity
from .metering.attempts import Patience, Search
from .metering.chances import Chances, chances, suspects
from .metering.detect import Locked
from .metering.errors import DecryptError, Lock
from .metering.evidence import NOISE, Attempt
from .metering.identity import Identity
from .metering.keys import Keys
from .metering.links import Link
from .metering.model import LineSettings, ObisCode, Reading, Telegram
from .transport import Port
from .wire import Wire

PATIENCE: Final = Patience()


class NotFoundError(Exception):
    """No meter was understood; key is the word for why, as translations name it.

    attempts tell what was heard, told completes the text.
    """

    def __init__(
        self,
        key: str,
        attempts: tuple[Attempt, ...] = (),
        told: Mapping[str, str] | None = None,
    ) -> None:
        """Keep the word."""
        super().__init__(key)
        self.key = key
        self.attempts = attempts
        self.told = told or {}

    @property
    def is_pushing(self) -> bool:
        """Tell whether something was heard: it speaks unasked."""
        return sum(attempt.count for attempt in self.attempts) >= NOISE


@dataclass(frozen=True, slots=True)
class Found:
    """A meter: how it speaks, who it is, and its last word on each register.

    line is how the port was set when it was heard, attempts how that was found out.
    """

    link: Link
    meter: str | None
    identity: Identity
    readings: tuple[Reading, ...]
    line: LineSettings | None = None
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """What the owner can be told meanwhile; part is of the time that it may take.

    stage is the word for what goes on where meters are asked; found are those
    that have answered.
    """

    part: float = 0.0
    received: int = 0
    understood: bool = False
    stage: str = ""
    found: tuple[str, ...] = ()
    speed: int = 0
    line: str = ""
    attempt: int = 1
    attempts: int = 1

    @property
    def action(self) -> str:
        """Return the word for what goes on, as translations name it."""
        if self.stage:
            return self.stage
        if self.understood:
            return "understood"
        return "hearing" if self.received else "waiting"

    @property
    def told(self) -> dict[str, str]:
        """Return what the text on it may be completed with."""
        return {
            "count": str(len(self.found) or self.received),
            "meters": ", ".join(self.found) or "\N{EM DASH}",
            "speed": str(self.speed),
            "line": self.line,
            "attempt": str(self.attempt),
            "attempts": str(self.attempts),
        }

    def is_news(self, before: Progress) -> bool:
        """Tell whether more has changed than how far it is."""
        return self._news != before._news

    @property
    def _news(self) -> tuple[object, ...]:
        return self.action, self.found, self.speed, self.line


def seen(search: asyncio.Task[Any]) -> None:
    """Take note of a failure that the owner, who has closed the dialog, will not ask for."""
    if not search.cancelled():
        search.exception()


async def search(port: Port, shares: Chances, report: Callable[[Progress], None]) -> Found | Locked:
    """Listen at one line settings after the other until a meter has said who it is.

    Nothing is sent. shares says how frequent settings are; with a single one the line
    stays as it is. The port is closed then. It ends early with telegrams that need a key.
    NotFoundError when nothing that we understand comes, or the port is lost.
    """
    clock = asyncio.get_running_loop().time
    wire, searching = Wire(port, PATIENCE.gap), Search(shares, PATIENCE, clock())
    report(_progress(searching, clock()))
    try:
        while not searching.ended:
            if not await wire.set(searching.line):
                searching.refuse(clock())
                continue
            searching.hear(await wire.read(), clock())
            report(_progress(searching, clock()))
    except OSError as err:
        raise NotFoundError("port_lost", searching.attempts) from err
    finally:
        await wire.close()
    return _outcome(searching, port.url)


def _progress(searching: Search, now: float) -> Progress:
    """Return what can be told of a search; of earlier attempts, whether anything was heard."""
    before = searching.attempts[-1] if searching.attempts else None
    stage = ""
    if before and searching.count >= NOISE and not searching.heard.count and not searching.link:
        same = before.line.baudrate == searching.line.baudrate
        stage = "trying_parity" if same else "trying_speed"
    return Progress(
        searching.part(now),
        searching.heard.count,
        searching.link is not None,
        stage,
        line=str(searching.line),
        attempt=searching.number,
        attempts=searching.of,
    )


def _outcome(searching: Search, url: str) -> Found | Locked:
    """Return what a search has found; NotFoundError says why it is nothing."""
    line, attempts, locked = searching.line, searching.attempts, searching.locked
    if searching.link:
        found = understood(searching.link, searching.telegrams)
        return replace(found, line=line, attempts=attempts)
    if locked and locked.error.lock is Lock.NO_KEY:
        return replace(locked, line=line, attempts=attempts)
    if searching.is_refused:
        raise NotFoundError("port_lost", attempts)
    key = searching.reason
    if key == "garbled" and (is_raw(url) or len(searching.shares) == 1):
        raise _mistaken(searching, url)
    raise NotFoundError(key, attempts)


def _mistaken(searching: Search, url: str) -> NotFoundError:
    """Return what the bytes say of settings that cannot be changed here, or are not to be."""
    usual, raw = chances(), is_raw(url)
    pair = suspects(searching.heard, usual, usual if raw else searching.shares)
    told = {"sent": str(pair[0]), "heard": str(pair[1])} if pair else {"line": str(searching.line)}
    key = ("garbled_like" if pair else "garbled_fixed") + ("_tcp" if raw else "")
    return NotFoundError(key, searching.attempts, told)


def opened(locked: Locked, keys: Keys) -> Found:
    """Return the meter whose telegrams were caught, read with its keys.

    DecryptError says why they stay shut, NotFoundError that what they say is not understood.
    """
    link, events = locked.opened(keys)
    if telegrams := [event for event in events if isinstance(event, Telegram)]:
        found = understood(link, telegrams)
        maker = found.identity.maker or locked.ciphered.maker
        who = replace(found.identity, maker=maker)
        return replace(found, identity=who, line=locked.line, attempts=locked.attempts)
    for event in reversed(events):
        if isinstance(event, DecryptError):
            raise event
    raise NotFoundError("unreadable")


def understood(link: Link, telegrams: list[Telegram]) -> Found:
    """Return the meter whose telegrams these are."""
    who = Identity()
    readings: dict[ObisCode | str, Reading] = {}
    for telegram in telegrams:
        who = who.updated(identity.describe(telegram))
        readings |= {reading.id: reading for reading in telegram.readings}
    return Found(link, who.serial, who, tuple(readings.values()))
