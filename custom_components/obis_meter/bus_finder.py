"""Finds out which meters answer on a line, while the owner watches."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from .asker import asking
from .channel import Channel
from .const import BUS_LINK
from .finder import NotFoundError, Progress
from .metering.errors import DecodeError, MeteringError, NoAnswer, Refused
from .metering.links import dlt645
from .metering.model import Access, LineSettings, Reading
from .transport import Port

_DIALECTS: Final = ("", dlt645.OLD)
_TOTALS: Final = {"": "00010000", dlt645.OLD: "9010"}
"""Dialect -> the total by which an owner tells one meter from another."""

type Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class OnLine:
    """A meter that answers: its address, its dialect, and its total, where it says that."""

    address: str
    dialect: str
    total: Reading | None = None

    @property
    def label(self) -> str:
        """Return what an owner knows it by."""
        if self.total is None:
            return self.address
        return f"{self.address}: {self.total.value} {self.total.unit or ''}".rstrip()


@dataclass(frozen=True, slots=True)
class Line:
    """A line: how it is set, and the meters on it."""

    settings: LineSettings
    meters: tuple[OnLine, ...]


async def search_line(port: Port, lines: tuple[LineSettings, ...], report: Report) -> Line:
    """Ask at one setting after the other until something answers, then who that is.

    The port is closed then. NotFoundError where nobody is understood, or the port is lost.
    """

    def searching(progress: dlt645.Progress) -> None:
        report(Progress(progress.part, stage="searching"))

    try:
        async with asking(port, BUS_LINK) as channel:
            found = await channel.converse(dlt645.find(lines, searching))
            if found is None:
                raise NotFoundError("nobody_answers")
            meters = await scan_line(channel, report)
    except MeteringError as err:
        raise NotFoundError("port_lost") from err
    if not meters:
        raise NotFoundError("answers_garbled")
    return Line(found.line or lines[0], meters)


async def scan_line(channel: Channel, report: Report) -> tuple[OnLine, ...]:
    """Return all meters on a line; MeteringError where it is lost."""
    meters: dict[str, OnLine] = {}
    for place, dialect in enumerate(_DIALECTS):
        hear = partial(_scanning, report, place, tuple(meters))
        for address in await channel.converse(dlt645.scan(hear, dialect)):
            meters.setdefault(address, OnLine(address, dialect))
    return tuple([await _with_total(channel, meter) for meter in meters.values()])


def _scanning(
    report: Report, place: int, before: tuple[str, ...], progress: dlt645.Progress
) -> None:
    part = (place + progress.part) / len(_DIALECTS)
    report(Progress(part, stage="scanning", found=(*before, *progress.found)))


async def _with_total(channel: Channel, meter: OnLine) -> OnLine:
    """Return a meter with its total, where it says that."""
    with suppress(NoAnswer):
        return await ask_meter(channel, meter.address, meter.dialect)
    return meter


async def look_for(channel: Channel, address: str) -> OnLine | None:
    """Return the meter of an address; None where it does not answer."""
    for dialect in _DIALECTS:
        with suppress(NoAnswer):
            return await ask_meter(channel, address, dialect)
    return None


async def ask_meter(channel: Channel, address: str, dialect: str) -> OnLine:
    """Ask a meter for its total; NoAnswer where it does not answer, or not in this dialect."""
    access = Access(address, dialect=dialect)
    try:
        said = await channel.converse(dlt645.read(access, _TOTALS[dialect]))
    except DecodeError, Refused:
        return OnLine(address, dialect)  # it is there
    return OnLine(address, dialect, next(iter(said.readings), None))
