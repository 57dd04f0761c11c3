"""A meter behind an optical head: its owner's settings, and finding it by asking."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from .asker import asking
from .channel import Channel
from .const import (
    CONF_ADDRESS,
    CONF_ANSWER_TIMEOUT,
    CONF_ASK,
    CONF_CHECKSUM,
    CONF_EIGHT_BITS,
    CONF_FIXED,
    CONF_INTERVAL,
    CONF_LINK,
    CONF_LISTEN_ONLY,
    CONF_PASSWORD,
    CONF_QUERY,
    CONF_START_BAUD,
    CONF_WAKE,
    HEAD_LINK,
    is_raw,
)
from .finder import Found, NotFoundError, Progress
from .metering import identity
from .metering.errors import FrameError, MeteringError, NoAnswer, Refused, RequestError
from .metering.links import LINKS, iec62056_21
from .metering.model import Access, LineSettings
from .metering.sign_on import SignOn
from .transport import Port

USUAL: Final = SignOn()
MANY: Final = 80  # characters beyond which it is data that a meter sends, and no identification
_GLANCE: Final = 0.5  # seconds between two looks at how much has come
_BATTERY: Final = 3600.0  # seconds between two readouts that cost a battery little
_OFTEN: Final = 60.0  # seconds; nobody needs the totals of such a meter more often


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOut(Found):
    """A meter that was found by asking, its settings, and the seconds that a readout takes."""

    settings: Mapping[str, Any]
    seconds: float

    @property
    def interval(self) -> int:
        """Return how often it is well read, in seconds."""
        usual = _BATTERY if self.settings[CONF_WAKE] else _OFTEN
        return int(max(usual, shortest(self.seconds)))


def shortest(seconds: float) -> int:
    """Return the shortest interval for a meter whose readout takes so many seconds."""
    return int(seconds) + 11  # rounded up, and ten seconds of rest


def is_head(data: Mapping[str, Any]) -> bool:
    """Tell whether the meter of an entry waits behind an optical head to be asked."""
    return bool(data.get(CONF_ASK)) and data[CONF_LINK] == HEAD_LINK


def line_of(settings: Mapping[str, Any]) -> LineSettings:
    """Return how a port is opened: at the speed of the first request."""
    baud = int(settings.get(CONF_START_BAUD, USUAL.start_baud))
    plain = settings.get(CONF_EIGHT_BITS, USUAL.parity_bit)
    return LineSettings(baud) if plain else LineSettings(baud, 7, "E")


def access_of(url: str, settings: Mapping[str, Any]) -> Access:
    """Return how a meter is read, by its port and its owner's settings."""
    return Access(
        address=settings.get(CONF_ADDRESS, ""),
        password=settings.get(CONF_PASSWORD, ""),
        sign_on=SignOn(
            query=settings.get(CONF_QUERY, USUAL.query),
            start_baud=int(settings.get(CONF_START_BAUD, USUAL.start_baud)),
            fixed=settings.get(CONF_FIXED, USUAL.fixed),
            can_switch=not is_raw(url),
            parity_bit=settings.get(CONF_EIGHT_BITS, USUAL.parity_bit),
            wake=settings.get(CONF_WAKE, USUAL.wake),
            checksum=settings.get(CONF_CHECKSUM, USUAL.checksum),
            listen_only=settings.get(CONF_LISTEN_ONLY, USUAL.listen_only),
            answer_timeout=float(settings.get(CONF_ANSWER_TIMEOUT, USUAL.answer_timeout)),
            interval=float(settings.get(CONF_INTERVAL, USUAL.interval)),
        ),
    )


def settings_of(access: Access) -> dict[str, Any]:
    """Return the settings by which a meter is read, as an entry keeps them."""
    said = access.sign_on
    return {
        CONF_QUERY: said.query,
        CONF_ADDRESS: access.address,
        CONF_START_BAUD: said.start_baud,
        CONF_FIXED: said.fixed,
        CONF_EIGHT_BITS: said.parity_bit,
        CONF_WAKE: said.wake,
        CONF_CHECKSUM: said.checksum,
        CONF_LISTEN_ONLY: said.listen_only,
        CONF_ANSWER_TIMEOUT: said.answer_timeout,
        **({CONF_PASSWORD: access.password} if access.password else {}),
    }


def shown(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form may show of an owner's settings: all but the password."""
    open_ones = {name: value for name, value in settings.items() if name != CONF_PASSWORD}
    return open_ones | {CONF_START_BAUD: str(settings.get(CONF_START_BAUD, USUAL.start_baud))}


def mistake_in(settings: Mapping[str, Any], url: str) -> str | None:
    """Return the word for what is wrong with an owner's settings; None where nothing is."""
    try:
        iec62056_21.check(access_of(url, settings))
    except RequestError as err:
        return err.key
    return None


async def ask_head(port: Port, access: Access, report: Callable[[Progress], None]) -> ReadOut:
    """Ask in one usual way after the other until a meter is read; the port is closed then.

    NotFoundError where none answers, one answers what is damaged, or the port is lost.
    """
    told = Progress(stage="asking_head", speed=access.sign_on.start_baud)

    def on_way(way: iec62056_21.Progress) -> None:
        nonlocal told
        told = replace(told, part=way.part, speed=way.sign_on.start_baud)
        report(told)

    async def watch(channel: Channel) -> None:
        while True:
            await asyncio.sleep(_GLANCE)
            count = channel.session.pending
            stage = "reading_head" if count > MANY else "asking_head"
            report(replace(told, received=count, stage=stage))

    clock = asyncio.get_running_loop().time
    try:
        async with asking(port, HEAD_LINK) as channel:
            watching = asyncio.create_task(watch(channel))
            try:
                found = await channel.converse(iec62056_21.find(access, clock, on_way))
            finally:
                watching.cancel()
                with suppress(asyncio.CancelledError):
                    await watching
    except MeteringError as err:
        raise NotFoundError(_why(err)) from err
    return _read_out(found)


_WHY: Final[tuple[tuple[type[MeteringError], str], ...]] = (
    (NoAnswer, "head_silent"),
    (FrameError, "head_damaged"),
    (Refused, "head_refused"),
)


def _why(err: MeteringError) -> str:
    if isinstance(err, RequestError):
        return err.key
    return next((word for kind, word in _WHY if isinstance(err, kind)), "port_lost")


def _read_out(found: iec62056_21.Found) -> ReadOut:
    said = identity.describe(found.telegram)
    who = replace(
        said,
        maker=said.maker or found.maker,
        model=said.model or found.identification.model or None,
    )
    return ReadOut(
        LINKS[HEAD_LINK],
        found.telegram.meter or who.serial,
        who,
        found.telegram.readings,
        settings=settings_of(found.access),
        seconds=found.seconds,
    )
