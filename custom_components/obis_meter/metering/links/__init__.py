"""LINKS: one row per interface; a new interface is a module here and a row below."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ..model import LineSettings, Message, Telegram
from ..notification import decode as decode_dlms
from ..security import Security
from . import bare, hdlc, mbus, p1, wrapper

type Take = Callable[[bytearray], bytes | None]
type Decode = Callable[[bytes, Security], list[Telegram | Message]]


@dataclass(frozen=True, slots=True)
class Link:
    """How one interface cuts frames and reads them.

    take removes one frame from the buffer and returns its payload; None wants
    more bytes; FrameError has removed at least one byte. decode reads a
    payload, with what is known of its sender's keys; Incomplete wants the
    next frame's payload behind it.
    checked: a frame carries a check sequence. silence: what a pause on the
    line stands for. flag: what may stand open across a pause, because it
    closes one frame and opens the next. lines: the usual line settings, most
    frequent first.
    """

    name: str
    take: Take
    decode: Decode
    lines: tuple[LineSettings, ...]
    checked: bool = True
    silence: bytes = b""
    flag: bytes = b""


_HAN: Final = (LineSettings(2400), LineSettings(2400, parity="E"), LineSettings(9600))
_MBUS: Final = (LineSettings(2400, parity="E"), LineSettings(2400))
_P1: Final = (LineSettings(115200), LineSettings(9600, 7, "E"))

LINKS: Final = {
    link.name: link
    for link in (
        Link("hdlc", hdlc.take, decode_dlms, _HAN, flag=b"\x7e"),
        Link("mbus", mbus.take, mbus.decode, _MBUS),
        Link("p1", p1.take, p1.decode, _P1, silence=p1.SILENCE),
        Link("wrapper", wrapper.take, decode_dlms, _HAN, checked=False),
        Link("llc-apdu", bare.take_llc, decode_dlms, _HAN, checked=False),
        Link("apdu", bare.take_apdu, decode_dlms, _HAN, checked=False),
        Link("hex", bare.take_hex, decode_dlms, _HAN, checked=False, silence=b"\n"),
    )
}
