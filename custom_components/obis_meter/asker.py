"""Asks at a port, while the owner watches: who the meter is."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from .channel import Channel, OnEvents
from .finder import Found, NotFoundError, understood
from .metering.dialogue import Dialogue, Line
from .metering.errors import MeteringError, NoAnswer
from .metering.links import LINKS
from .metering.model import LineSettings, Module, Telegram
from .metering.session import Event, Session
from .transport import Port


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


async def ask(port: Port, link: str, lines: Sequence[LineSettings]) -> Found:
    """Ask who the meter is at one line settings after the other, over a link on which one may.

    The port is closed then. NotFoundError when it does not answer, or the port is lost.
    """
    heard: list[Telegram] = []

    def hear(events: Sequence[Event]) -> bool:
        heard.extend(event for event in events if isinstance(event, Telegram))
        return True

    try:
        async with asking(port, link, hear) as channel:
            meter, line = await channel.converse(_identify(link, lines))
    except NoAnswer as err:
        raise NotFoundError("not_answering") from err
    except MeteringError as err:
        raise NotFoundError("port_lost") from err
    found = understood(LINKS[link], heard)
    meter = meter or found.meter
    who = replace(found.identity, serial=meter)
    return replace(found, meter=meter, identity=who, line=line)


def _identify(
    link: str, lines: Sequence[LineSettings]
) -> Dialogue[tuple[str | None, LineSettings]]:
    """Ask at each of the line settings; NoAnswer where there is none at the last."""
    identify = LINKS[link].identify
    assert identify
    for line in lines[:-1]:
        yield Line(line)
        with suppress(NoAnswer):
            return (yield from identify()), line
    yield Line(lines[-1])
    return (yield from identify()), lines[-1]
