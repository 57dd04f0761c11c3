"""Dialogues with meters that answer whatever they like."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from metering.dialogue import Become, Cut, Dialogue, Expect, Hold, Send, Step
from metering.errors import MeteringError, NoAnswer
from metering.follow import Follower
from metering.links import LINKS, Operation, dlt645, iec62056_21
from metering.model import Access, Command, Reading
from metering.session import Answer, Event, Session
from metering.sign_on import SignOn
from simulator.dlt645wire import frame
from simulator.lines import Answering, answering
from simulator.meters import METERS
from simulator.module import ModuleDevice, ModuleTalk

from .cases import Case
from .grammar import FRAMED
from .mutations import TOKENS
from .oracles import WORK, bounded, require
from .seeds import Seed

_NOW: Final = datetime(2026, 6, 2, 18, 30)
_METER: Final = Access("202107072529", password="02123456", operator="1")
_OLD: Final = Access("000000063295", password="123456", dialect="1997")
_HEAD: Final = Access(password="P1 00000000")
_MOST_STEPS: Final = 30_000  # of one dialogue; a crowded line is searched in some thousands
_LINES: Final = {"rfc1662": "module", "dlt645": "dlt645", "iec62056-21": "iec-c"}

type Begin = Callable[[], Dialogue[object]]


def _module() -> Iterator[Begin]:
    link = LINKS["rfc1662"]
    assert link.request
    assert link.identify
    for command in (
        Command("get", "0x8005"),
        Command("set", "0x2803", "5", "unsigned16"),
        Command("action", "0x3007"),
        Command("send", value="c001c100030100010800ff0200"),
    ):
        yield _of(link.request, command)
    yield link.identify


def _of(request: Callable[..., Dialogue[object]], *arguments: object) -> Begin:
    return lambda: request(*arguments)


def _bus() -> Iterator[Begin]:
    link = LINKS["dlt645"]
    assert link.request
    assert link.acts
    assert link.identify
    assert link.polls
    for command in (
        Command("get", "0001FF00"),
        Command("get", "1.8.0"),
        Command("set", "04000102", "000000"),
        Command("action", "trip", "2026-06-03T00:00:00"),
        Command("action", "set_clock", "2026-06-03T00:00:00"),
    ):
        yield _of(link.request, command, _METER)
    yield _of(link.request, Command("get", "901F"), _OLD)
    acts = link.acts
    yield _of(acts.control, _METER, Operation.CLOSE, _NOW)
    yield _of(acts.set_clock, _METER, lambda: _NOW)
    yield from (_of(act, _METER) for act in (acts.freeze, acts.clear_demand))
    yield from (_of(past, _METER, 5) for past in (acts.daily, acts.hourly, acts.monthly))
    yield _of(acts.load, _METER, _NOW - timedelta(hours=3), _NOW)
    yield link.identify
    for access in (_METER, _OLD):
        yield from (poll.dialogue for poll in link.polls(access))
    yield from _searches()


def _searches() -> Iterator[Begin]:
    counts = [Reading(counter, 3) for counter in list(dlt645.KINDS)[:8]]
    yield lambda: dlt645.follow(_METER, Follower(dict.fromkeys(dlt645.KINDS, 1)), counts)
    yield _of(dlt645.find, LINKS["dlt645"].lines, lambda _: None)
    yield from (_of(dlt645.scan, lambda _: None, dialect) for dialect in ("", "1997"))


def _head() -> Iterator[Begin]:
    yield _of(iec62056_21.request, Command("get", "0.1.3"), _HEAD)
    yield _of(iec62056_21.request, Command("set", "0.1.3", "5"), _HEAD)
    for sign_on in (SignOn(), SignOn(checksum=False, wake=True), SignOn(parity_bit=True)):
        for poll in iec62056_21.polls(Access(sign_on=sign_on)):
            yield poll.dialogue
    yield _of(iec62056_21.find, Access(), lambda: 0.0, lambda _: None)
    yield _of(iec62056_21.hand_over, Access())


_DIALOGUES: Final = {
    "rfc1662": tuple(_module()),
    "dlt645": tuple(_bus()),
    "iec62056-21": tuple(_head()),
}


class _Module:
    """A module's meter, as lines of meters that wait to be asked are."""

    def __init__(self) -> None:
        device = next(m.device for m in METERS.values() if isinstance(m.device, ModuleDevice))
        self._talk = ModuleTalk(device)

    def respond(self, heard: bytes, _when: datetime) -> bytes:
        return self._talk.respond(heard)


@cache
def _line(link: str) -> Answering | _Module:
    """Return a line whose meters have reckoned what they show."""
    if link == "rfc1662":
        return _Module()
    line = answering(_LINES[link], _NOW)
    line.respond(frame(_METER.address, 0x11, bytes.fromhex("0001FF00")[::-1]), _NOW)
    return line


@dataclass(slots=True)
class _Meter:
    """Answers as its tape says: honestly, damaged, with the answer before, or with anything.

    Two octets of tape for each answer; a tape that has run out is silence, or begins again.
    """

    tape: bytes
    line: Answering | _Module
    link: str
    again: bool
    at: int = 0
    said: bytes = b""
    steps: list[Step] = field(default_factory=list)

    def answer(self, heard: bytes) -> bytes:
        honest, before = self.line.respond(heard, _NOW), self.said
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
        match how % 16:
            case 0:
                return honest[:place] + bytes([how]) + honest[place + 1 :]
            case 1:
                return honest[:place]
            case 2:
                return b""
            case 3:
                return before + honest
            case 4:
                return before
            case 5:
                return bytes(byte ^ (how >> 4) for byte in honest)
            case 6:
                return TOKENS[with_ % len(TOKENS)] + honest
            case 7 | 8:
                return self._other(honest, place, with_)
            case 9:
                begin = self.at
                self.at += with_
                return self.tape[begin : self.at]
            case 10:
                return honest * (1 + with_ % 4)
        return honest

    def _other(self, honest: bytes, place: int, with_: int) -> bytes:
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


def on_dialogue(case: Case) -> None:
    """Have a dialogue; the first octet says which, the next whether the tape begins again."""
    begins = _DIALOGUES[case.seed.link]
    which, again, tape = case.data[:1] or b"\0", case.data[1:2], case.data[2:]
    line = deepcopy(_line(case.seed.link))
    meter = _Meter(tape, line, case.seed.link, again=bool(tape) and again > b"\xc0")
    try:
        _converse(begins[which[0] % len(begins)](), meter)
    except MeteringError:
        pass


def _converse(dialogue: Dialogue[object], meter: _Meter) -> None:
    session, came, steps = Session(LINKS[meter.link]), b"", 0
    try:
        step = next(dialogue)
        while True:
            steps += 1
            require(WORK, steps <= _MOST_STEPS, "the dialogue does not end")
            match step:
                case Send(data=data):
                    came += meter.answer(data)
                    answer: bytes | None = b""
                case Hold():
                    session.hold()
                    answer = b""
                case Become(link=link):
                    session.become(LINKS[link])
                    answer = b""
                case Expect() | Cut():
                    answer, came = _listened(session, step, came), b""
                case _:
                    answer = b""
            step = dialogue.throw(NoAnswer()) if answer is None else dialogue.send(answer)
    except StopIteration:
        list(session.release())
    bounded(session)


def _listened(session: Session, step: Expect | Cut, came: bytes) -> bytes | None:
    said: list[Event] = [*session.expect(step), *session.feed(came)]
    bounded(session)
    answers = [event.data for event in said if isinstance(event, Answer)]
    if not answers:
        list(session.release())
    return answers[0] if answers else None


def of_dialogues(link: str) -> Callable[[], list[Case]]:
    """Return what gives the first tapes for the dialogues of a link: honest, and not so."""

    def collect() -> list[Case]:
        seed = Seed(f"dialogues/{link}", link, b"\0")
        honest, spoilt = bytes((15, 0)) * 60, bytes(range(0, 240, 3))
        tapes = (honest, honest[:20] + spoilt, spoilt, bytes((7, 200, 32, 255)) * 30)
        return [
            Case(seed, bytes((which, again)) + tape)
            for which in range(len(_DIALOGUES[link]))
            for again in (0, 255)
            for tape in tapes
        ]

    return collect
