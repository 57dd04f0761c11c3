"""LINKS: one row per interface; a new interface is a module here and a row below."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from ..dialogue import Dialogue, Take
from ..model import Access, Command, LineSettings, Message, Module, Reply, Telegram
from ..notification import decode as decode_dlms
from ..schedule import Poll
from . import bare, dlt645, hdlc, p1, rfc1662

type Decode = Callable[[bytes], list[Telegram | Message]]


@dataclass(frozen=True, slots=True)
class Link:
    """How one interface cuts frames and reads them.

    take removes one frame from the buffer and returns its payload; None wants
    more bytes; FrameError has removed at least one byte. decode reads a
    payload; Incomplete wants the next frame's payload behind it.
    checked: a frame carries a check sequence. silence: what a pause on the
    line stands for. flag: what may stand open across a pause, because it
    closes one frame and opens the next. lines: the usual line settings, most
    frequent first.

    request turns a command into the dialogue that has it done by the meter that
    access means; RequestError where it cannot be put. polls says what is asked
    of a meter again and again. answer returns the frame that a message of the
    meter is to be answered with. tunnelled returns what a message carries on
    from the meter, as part of a stream of its own; nothing for other messages.
    """

    name: str
    take: Take
    decode: Decode
    lines: tuple[LineSettings, ...]
    checked: bool = True
    silence: bytes = b""
    flag: bytes = b""
    request: Callable[[Command, Access], Dialogue[Reply]] | None = None
    polls: Callable[[Access], Iterable[Poll]] | None = None
    answer: Callable[[Message, Module], bytes | None] | None = None
    tunnelled: Callable[[Message], bytes] | None = None


_HAN: Final = (LineSettings(2400), LineSettings(2400, parity="E"), LineSettings(9600))
_P1: Final = (LineSettings(115200), LineSettings(9600, 7, "E"))
_MODULE: Final = (LineSettings(115200),)
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
            answer=rfc1662.answer,
            tunnelled=rfc1662.tunnelled,
        ),
        Link("hdlc", hdlc.take, decode_dlms, _HAN, flag=b"\x7e"),
        Link("p1", p1.take, p1.decode, _P1, silence=p1.SILENCE),
        Link(
            "dlt645",
            dlt645.take,
            dlt645.decode,
            _BUS,
            request=dlt645.request,
            polls=dlt645.polls,
        ),
        Link("llc-apdu", bare.take_llc, decode_dlms, _HAN, checked=False),
        Link("apdu", bare.take_apdu, decode_dlms, _HAN, checked=False),
        Link("hex", bare.take_hex, decode_dlms, _HAN, checked=False, silence=b"\n"),
    )
}
