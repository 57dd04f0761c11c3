"""Finds out which meter speaks on a port, while the owner watches."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from .channel import QUIET, Channel, OnEvents
from .metering import identity
from .metering.detect import Detector, Locked
from .metering.errors import DecryptError, Lock, MeteringError, NoAnswer
from .metering.identity import Identity
from .metering.keys import Keys
from .metering.links import LINKS, Link
from .metering.model import Module, ObisCode, Reading, Telegram
from .metering.session import Event, Session
from .transport import Port

FIRST_TELEGRAM: Final = 25.0  # seconds; the slowest lists come every 10 s
METER_ID: Final = 15.0  # seconds after the first telegram; lists with the id come every 10 s


class NotFoundError(Exception):
    """No meter was understood; key is the word for why, as translations name it."""

    def __init__(self, key: str) -> None:
        """Keep the word."""
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, slots=True)
class Found:
    """A meter: how it speaks, who it is, and its last word on each register."""

    link: Link
    meter: str | None
    identity: Identity
    readings: tuple[Reading, ...]


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
        }

    def is_news(self, before: Progress) -> bool:
        """Tell whether more has changed than how far it is."""
        return (self.action, self.found, self.speed) != (
            before.action,
            before.found,
            before.speed,
        )


def seen(search: asyncio.Task[Any]) -> None:
    """Take note of a failure that the owner, who has closed the dialog, will not ask for."""
    if not search.cancelled():
        search.exception()


async def find(port: Port, report: Callable[[Progress], None]) -> Found | Locked:
    """Listen until the meter has said who it is, and at most about 40 s; the port is closed then.

    It ends early with telegrams that need a key. NotFoundError when nothing that we
    understand comes, or the port is lost.
    """
    try:
        return await _listen(port, report)
    except OSError as err:
        raise NotFoundError("port_lost") from err
    finally:
        await port.close()


@asynccontextmanager
async def asking(
    port: Port, link: str, hear: OnEvents = lambda events: True
) -> AsyncIterator[Channel]:
    """Return a channel to ask on while its context lasts; the port is closed then."""
    channel = Channel(
        Session(LINKS[link]), on_events=hear, on_up=lambda: None, who=lambda: Module("")
    )
    listening = asyncio.create_task(channel.listen(port))
    try:
        await asyncio.sleep(0)  # the channel has the port
        yield channel
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def ask(port: Port, link: str) -> Found:
    """Ask who the meter is, over a link on which one may; the port is closed then.

    NotFoundError when it does not answer, or the port is lost.
    """
    heard: list[Telegram] = []

    def hear(events: Sequence[Event]) -> bool:
        heard.extend(event for event in events if isinstance(event, Telegram))
        return True

    identify = LINKS[link].identify
    assert identify
    try:
        async with asking(port, link, hear) as channel:
            meter = await channel.converse(identify())
    except NoAnswer as err:
        raise NotFoundError("not_answering") from err
    except MeteringError as err:
        raise NotFoundError("port_lost") from err
    found = _found(LINKS[link], heard)
    meter = meter or found.meter
    return replace(found, meter=meter, identity=replace(found.identity, serial=meter))


def opened(locked: Locked, keys: Keys) -> Found:
    """Return the meter whose telegrams were caught, read with its keys.

    DecryptError says why they stay shut, NotFoundError that what they say is not understood.
    """
    link, events = locked.opened(keys)
    if telegrams := [event for event in events if isinstance(event, Telegram)]:
        found = _found(link, telegrams)
        maker = found.identity.maker or locked.ciphered.maker
        return replace(found, identity=replace(found.identity, maker=maker))
    for event in reversed(events):
        if isinstance(event, DecryptError):
            raise event
    raise NotFoundError("unreadable")


async def _listen(port: Port, report: Callable[[Progress], None]) -> Found | Locked:
    clock = asyncio.get_running_loop().time
    detector, received, understood = Detector(), 0, False
    began = clock()
    while True:
        data = await _read(port)
        detector.feed(data) if data else detector.idle()
        received += len(data)
        if detector.link and not understood:
            understood, began = True, clock()
        elapsed = clock() - began
        report(
            Progress(elapsed / (METER_ID if understood else FIRST_TELEGRAM), received, understood)
        )
        if detector.link and (elapsed > METER_ID or any(t.meter for t in detector.telegrams)):
            return _found(detector.link, detector.telegrams)
        if locked := _locked(detector):
            return locked
        if not detector.link and elapsed > FIRST_TELEGRAM:
            raise NotFoundError("no_telegram" if received else "silent")


def _locked(detector: Detector) -> Locked | None:
    """Return the telegrams that a key may open; NotFoundError where none would."""
    locked = detector.locked
    match locked and locked.error.lock:
        case Lock.NO_KEY:
            return locked
        case Lock.COMPRESSED | Lock.DEDICATED_KEY as lock:
            raise NotFoundError(lock.value)
    return None


async def _read(port: Port) -> bytes:
    """Return what comes within the time that a telegram never pauses, or nothing."""
    try:
        async with asyncio.timeout(QUIET):
            return await port.read()
    except TimeoutError:
        return b""


def _found(link: Link, telegrams: list[Telegram]) -> Found:
    who = Identity()
    readings: dict[ObisCode | str, Reading] = {}
    for telegram in telegrams:
        who = who.updated(identity.describe(telegram))
        readings |= {reading.id: reading for reading in telegram.readings}
    return Found(link, who.serial, who, tuple(readings.values()))
