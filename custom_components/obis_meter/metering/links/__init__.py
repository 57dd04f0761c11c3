"""LINKS: one row per interface; a new interface is a module here and a row below."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from ..dialogue import Dialogue, Take
from ..errors import MeteringError
from ..follow import Follower, Happening
from ..model import (
    ANYONE,
    Access,
    Command,
    LineSettings,
    Message,
    Module,
    Notice,
    Reading,
    Reply,
    Telegram,
)
from ..notification import decode as decode_dlms
from ..schedule import Poll
from ..security import Security
from ..sml import decode as decode_sml
from . import bare, dlt645, hdlc, iec62056_21, mbus, p1, rfc1662, sml, wrapper
from .dlt645 import ClockSet, Kind, Operation, Past, Relay, Tables

__all__ = ["LINKS", "Acts", "Events", "Link", "Operation", "Past", "Relay", "Request"]

type Decode = Callable[[bytes, Security], Sequence[Telegram | Message | MeteringError]]


class Request(Protocol):
    """How a link has commands done; access is for links with several meters, or with passwords."""

    def __call__(self, command: Command, access: Access = ANYONE, /) -> Dialogue[Reply]:
        """Return the dialogue that has a command done; RequestError where it cannot be put."""


@dataclass(frozen=True, slots=True)
class Acts:
    """What meters of a link can be told to do, and what they have kept, beside parameters.

    control has power cut or restored until a local time, and returns how the
    relay stands; set_clock sets the clocks of all meters on the line; the
    histories return values of the last so many days, hours, months, and of a span.
    """

    control: Callable[[Access, Operation, datetime], Dialogue[Relay]]
    set_clock: Callable[[Access, Callable[[], datetime]], Dialogue[ClockSet]]
    freeze: Callable[[Access], Dialogue[None]]
    clear_demand: Callable[[Access], Dialogue[None]]
    daily: Callable[[Access, int], Dialogue[Past]]
    hourly: Callable[[Access, int], Dialogue[Past]]
    monthly: Callable[[Access, int], Dialogue[Past]]
    load: Callable[[Access, datetime, datetime], Dialogue[Past]]


@dataclass(frozen=True, slots=True)
class Events:
    """How the events that meters count are followed; kinds names them by their counters."""

    follow: Callable[[Access, Follower, Iterable[Reading]], Dialogue[list[Happening]]]
    kinds: Mapping[str, Kind]


@dataclass(frozen=True, slots=True)
class Link:
    """How one interface cuts frames and reads them.

    take removes one frame from the buffer and returns its payload; None wants
    more bytes, and so does Incomplete, which tells how many at the least;
    FrameError has removed at least one byte. A payload is Unchecked where its
    frame has no check, though others of its kind have. decode reads a payload, with what
    is known of its sender's keys; Incomplete wants the next frame's payload
    behind it, and an error among what was read is a warning.
    checked: a frame carries a check sequence. silence: what a pause on the
    line stands for. flag: what may stand open across a pause, because it
    closes one frame and opens the next. lines: the usual line settings, most
    frequent first.

    request turns a command into the dialogue that has it done by the meter that
    access means; RequestError where it cannot be put. polls says what is asked
    of that meter again and again, events how what it counts becomes news, tables
    what makes one of its many small values, acts what it can be told to do, and
    what it remembers. identify returns the dialogue that asks who
    the meter is: its id, None where it does not say. answer returns the frame
    that a message of the meter is to be answered with, notice what a message
    says has happened. tunnelled returns what a message carries on from the
    meter, as part of a stream of its own, nothing for other messages; carry
    returns the frame that passes octets on to the meter.
    """

    name: str
    take: Take
    decode: Decode
    lines: tuple[LineSettings, ...]
    checked: bool = True
    silence: bytes = b""
    flag: bytes = b""
    request: Request | None = None
    polls: Callable[[Access], Iterable[Poll]] | None = None
    events: Events | None = None
    tables: Callable[[], Tables] | None = None
    acts: Acts | None = None
    identify: Callable[[], Dialogue[str | None]] | None = None
    answer: Callable[[Message, Module], bytes | None] | None = None
    notice: Callable[[Message], Notice | None] | None = None
    tunnelled: Callable[[Message], bytes] | None = None
    carry: Callable[[bytes], bytes] | None = None


_HAN: Final = (LineSettings(2400), LineSettings(2400, parity="E"), LineSettings(9600))
_MBUS: Final = (LineSettings(2400, parity="E"), LineSettings(2400))
_P1: Final = (LineSettings(115200), LineSettings(9600, 7, "E"), LineSettings(2400, 7, "E"))
_MODULE: Final = (LineSettings(115200),)
_SML: Final = (LineSettings(9600),)
_OPTICAL: Final = tuple(LineSettings(baud, 7, "E") for baud in (300, 9600, 2400, 4800))
_BUS: Final = tuple(LineSettings(baud, parity="E") for baud in (2400, 9600, 4800, 1200, 19200))

LINKS: Final = {
    link.name: link
    for link in (
        Link(
            "rfc1662",
            rfc1662.take,
            rfc1662.decode,
            _MODULE,
            flag=b"\x7e",
            request=rfc1662.request,
            identify=rfc1662.identify,
            answer=rfc1662.answer,
            notice=rfc1662.notice,
            tunnelled=rfc1662.tunnelled,
            carry=rfc1662.carry,
        ),
        Link("hdlc", hdlc.take, decode_dlms, _HAN, flag=b"\x7e"),
        Link("mbus", mbus.take, mbus.decode, _MBUS),
        Link(
            "iec62056-21",
            iec62056_21.take,
            iec62056_21.decode,
            _OPTICAL,
            silence=iec62056_21.SILENCE,
            request=iec62056_21.request,
            polls=iec62056_21.polls,
        ),
        Link("p1", p1.take, p1.decode, _P1, silence=p1.SILENCE),
        Link("sml", sml.take, decode_sml, _SML),
        Link(
            "dlt645",
            dlt645.take,
            dlt645.decode,
            _BUS,
            request=dlt645.request,
            polls=dlt645.polls,
            events=Events(dlt645.follow, dlt645.KINDS),
            tables=dlt645.Tables,
            acts=Acts(
                control=dlt645.control,
                set_clock=dlt645.set_clock,
                freeze=dlt645.freeze,
                clear_demand=dlt645.clear_demand,
                daily=dlt645.daily,
                hourly=dlt645.hourly,
                monthly=dlt645.monthly,
                load=dlt645.load_records,
            ),
            identify=dlt645.identify,
        ),
        Link("wrapper", wrapper.take, decode_dlms, _HAN, checked=False),
        Link("llc-apdu", bare.take_llc, decode_dlms, _HAN, checked=False),
        Link("apdu", bare.take_apdu, decode_dlms, _HAN, checked=False),
        Link("hex", bare.take_hex, decode_dlms, _HAN, checked=False, silence=b"\n"),
    )
}
