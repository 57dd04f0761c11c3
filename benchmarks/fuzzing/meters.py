"""Meters that answer as a tape says: honestly, damaged, late, or with anything."""

from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final

from metering.errors import MeteringError
from metering.links import LINKS
from simulator.device import Answering
from simulator.dlt645wire import frame
from simulator.lines import answering
from simulator.meters import METERS
from simulator.module import ModuleDevice, ModuleTalk

from .grammar import FRAMED
from .mutations import TOKENS

NOW: Final = datetime(2026, 6, 2, 18, 30)
BUS_METER: Final = "202107072529"
_LINES: Final = {"dlt645": "dlt645", "iec62056-21": "iec-c"}


class _Module:
    """A module's meter, made like the lines of meters that wait to be asked."""

    def __init__(self) -> None:
        device = next(m.device for m in METERS.values() if isinstance(m.device, ModuleDevice))
        self._talk = ModuleTalk(device)

    def respond(self, heard: bytes, _when: datetime) -> bytes:
        return self._talk.respond(heard)


@cache
def _line(link: str) -> Answering:
    """Return a line whose meters have reckoned what they show."""
    line = answering(_LINES[link], NOW)
    line.respond(frame(BUS_METER, 0x11, bytes.fromhex("0001FF00")[::-1]), NOW)
    return line


@dataclass(slots=True)
class Meter:
    """Answers as its tape says: honestly, damaged, with the answer before, or with anything.

    Two octets of tape for each answer; a tape that has run out is silence, or begins again.
    """

    tape: bytes
    line: Answering | _Module
    link: str
    again: bool
    at: int = 0
    said: bytes = b""

    def answer(self, heard: bytes) -> bytes:
        """Return what is answered to what was sent."""
        honest, before = self.line.respond(heard, NOW), self.said
        if self.at >= len(self.tape):
            if not self.again:
                return b""
            self.at = 0
        how, with_ = self.tape[self.at], (self.tape[self.at + 1 :] or b"\0")[0]
        self.at += 2
        self.said = self._spoilt(how, with_, honest, before)
        return self.said

    def _spoilt(self, how: int, with_: int, honest: bytes, before: bytes) -> bytes:
        place = with_ * len(honest) // 256
        spoilt = (
            honest[:place] + bytes([how]) + honest[place + 1 :],
            honest[:place],
            b"",
            before + honest,
            before,
            bytes(byte ^ (how >> 4) for byte in honest),
            TOKENS[with_ % len(TOKENS)] + honest,
            honest * (1 + with_ % 4),
        )
        match how % 16:
            case 8 | 9:
                return self._other(honest, with_)
            case 10:
                return self._anything(with_)
            case way if way < len(spoilt):
                return spoilt[way]
        return honest

    def _anything(self, size: int) -> bytes:
        begin = self.at
        self.at += size
        return self.tape[begin : self.at]

    def _other(self, honest: bytes, with_: int) -> bytes:
        """Return an intact frame with something else in it."""
        buffer = bytearray(honest)
        try:
            payload = LINKS[self.link].take(buffer)
        except MeteringError:
            payload = None
        if not payload:
            return honest
        place = with_ * len(payload) // 256
        octets = payload[:place] + self.tape[self.at : self.at + 1 + with_ % 9]
        rest = payload[len(octets) :] if with_ & 1 else b""
        return FRAMED[self.link](octets + rest)


def meter(link: str, tape: bytes, *, again: bool) -> Meter:
    """Return a meter that nobody has asked yet; again: its tape has no end."""
    line = _Module() if link == "rfc1662" else deepcopy(_line(link))
    return Meter(tape, line, link, again)
