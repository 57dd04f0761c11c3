"""Dialogues with meters that answer whatever they like."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Final

from metering.dialogue import Become, Cut, Dialogue, Expect, Hold, Send
from metering.errors import MeteringError, NoAnswer
from metering.follow import Follower
from metering.links import LINKS, Operation, dlt645, iec62056_21
from metering.model import Access, Command, Reading
from metering.session import Answer, Event, Session
from metering.sign_on import SignOn

from .cases import Case
from .meters import BUS_METER, NOW, Meter, meter
from .oracles import WORK, bounded, require
from .seeds import Seed

_METER: Final = Access(BUS_METER, password="02123456", operator="1")
_OLD: Final = Access("000000063295", password="123456", dialect="1997")
_HEAD: Final = Access(password="P1 00000000")
_MOST_STEPS: Final = 30_000  # of one dialogue; a crowded line is searched in some thousands

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
    yield _of(acts.control, _METER, Operation.CLOSE, NOW)
    yield _of(acts.set_clock, _METER, lambda: NOW)
    yield from (_of(act, _METER) for act in (acts.freeze, acts.clear_demand))
    yield from (_of(past, _METER, 5) for past in (acts.daily, acts.hourly, acts.monthly))
    yield _of(acts.load, _METER, NOW - timedelta(hours=3), NOW)
    yield link.identify
    for access in (_METER, _OLD):
        yield from (poll.dialogue for poll in link.polls(access))
    yield from _searches()


def _searches() -> Iterator[Begin]:
    counts = [Reading(counter, Decimal(3)) for counter in list(dlt645.KINDS)[:8]]
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


def on_dialogue(case: Case) -> None:
    """Have a dialogue; the first octet says which, the next whether the tape begins again."""
    begins = _DIALOGUES[case.seed.link]
    which, again, tape = case.data[:1] or b"\0", case.data[1:2], case.data[2:]
    talker = meter(case.seed.link, tape, again=bool(tape) and again > b"\xc0")
    with suppress(MeteringError):
        _converse(begins[which[0] % len(begins)](), talker)


def _converse(dialogue: Dialogue[object], talker: Meter) -> None:
    session, came, steps = Session(LINKS[talker.link]), b"", 0
    try:
        step = next(dialogue)
        while True:
            steps += 1
            require(WORK, steps <= _MOST_STEPS, "the dialogue does not end")
            match step:
                case Send(data=data):
                    came += talker.answer(data)
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
        tapes = (honest, honest[:20] + spoilt, spoilt, bytes((8, 200, 32, 255)) * 30)
        return [
            Case(seed, bytes((which, again)) + tape)
            for which in range(len(_DIALOGUES[link]))
            for again in (0, 255)
            for tape in tapes
        ]

    return collect
