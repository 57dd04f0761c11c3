"""Readouts: sign on, follow the meter to its speed, and take in its data, block by block.

A meter that falls silent after it was told a speed did not understand, or never changes
it: it is asked again, and left where it is.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from typing import Final

from ...dialogue import Dialogue, Hold
from ...errors import FrameError, MeteringError, NoAnswer, Refused
from ...identity import flag_maker
from ...model import Access, Telegram
from ...schedule import Poll
from ...sign_on import START, SignOn
from .answers import text_of
from .data import telegram, with_present
from .ears import LONGEST, AnswerEar, hear
from .frame import ACK, BREAK, ETX, NAK, SOH
from .head import READOUT, Answered, Head, greet, select, without_switch
from .identification import Identification

_REST: Final = 10.0  # seconds that a meter needs between two readouts
_FIXED: Final = (9600, 2400, 4800, 19200)  # bit/s of meters that never change it, usual first


@dataclass(frozen=True, slots=True)
class Readout:
    """What a meter said, how it calls itself, and the access by which it was read."""

    telegram: Telegram
    identification: Identification
    access: Access


def read(access: Access) -> Dialogue[Telegram]:
    """Read a meter out; NoAnswer, FrameError for what came damaged twice, Refused."""
    return (yield from read_out(access)).telegram


def read_out(access: Access) -> Dialogue[Readout]:
    """Read a meter out, and tell how that was done."""
    answered = yield from greet(access)
    said = answered.identification
    try:
        body = yield from _data(answered)
    except NoAnswer:
        if answered.begun or answered.head.baud == access.sign_on.start_baud:
            raise
        access = without_switch(access)
        answered = yield from greet(access)
        body = yield from _data(answered)
    return Readout(with_present(telegram(body, said.text)), said, access)


def _data(answered: Answered) -> Dialogue[str]:
    """Return all blocks of a readout; one that is damaged is asked for once more."""
    sent = yield from select(answered, READOUT)
    head, blocks = answered.head, [(yield from _block(answered.head, None, sent))]
    while blocks[-1][-1] != ETX:
        if sum(map(len, blocks)) > LONGEST:
            raise FrameError("the readout does not end")
        blocks.append((yield from _block(head, bytes([ACK]))))
    return "".join(map(text_of, blocks))


def _block(head: Head, question: bytes | None, sent: bytes = b"") -> Dialogue[bytes]:
    """Return a block; question asks for it, where it does not come by itself."""
    ear = AnswerEar(checked=head.sign_on.checksum)
    try:
        if question is None:
            heard = yield from hear(ear, head.patience(sent))
        else:
            heard = yield from head.ask(question, ear)
    except FrameError:
        again = AnswerEar(checked=head.sign_on.checksum)
        heard = yield from head.ask(bytes([NAK]), again)
    if heard[0] == SOH:
        raise Refused("the meter ended the conversation")
    return heard


def polls(access: Access) -> Iterator[Poll]:
    """Yield what is asked of a meter again and again: its readout, unless it is only heard."""
    if not access.sign_on.listen_only:
        yield Poll("readout", access.sign_on.interval, partial(read, access))


@dataclass(frozen=True, slots=True)
class Found:
    """A meter: who it is, what it said, the access by which it did, and how long that took.

    maker is its maker's name, or the FLAG id of an unknown one.
    """

    identification: Identification
    maker: str
    telegram: Telegram
    access: Access
    seconds: float

    @property
    def interval(self) -> float:
        """Return the shortest interval at which it can be read."""
        return ceil(self.seconds) + _REST


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of the way is certain to be done, and how a meter is asked just now."""

    part: float
    sign_on: SignOn


type Report = Callable[[Progress], None]


def find(access: Access, clock: Callable[[], float], report: Report) -> Dialogue[Found]:
    """Ask a meter in the ways that are usual, first in the way that access says.

    clock returns seconds that only rise. Raises the last error of a meter that answered,
    or NoAnswer where none did.
    """
    failed: MeteringError = NoAnswer("no meter answered")
    ways = list(_ways(access.sign_on))
    for number, sign_on in enumerate(ways):
        report(Progress(number / len(ways), sign_on))
        began = clock()
        try:
            readout = yield from read_out(replace(access, sign_on=sign_on))
        except NoAnswer:
            continue
        except (FrameError, Refused) as err:
            failed = err
            continue
        said = readout.identification
        maker = flag_maker(said.maker) or said.maker.upper()
        report(Progress(1.0, readout.access.sign_on))
        return Found(said, maker, readout.telegram, readout.access, clock() - began)
    raise failed


def _ways(first: SignOn) -> Iterator[SignOn]:
    """Yield the ways to ask a meter; behind a port of one speed there are two."""
    yield first
    if first.can_switch:
        for baud in _FIXED:
            if baud != first.start_baud:
                yield replace(first, start_baud=baud, fixed=True)
        if first.start_baud != START:
            yield replace(first, start_baud=START, fixed=False)
    if not first.wake:
        yield replace(first, wake=True)


def end(head: Head) -> Dialogue[None]:
    """Tell a meter that the conversation is over; it does not answer, and may be gone already."""
    with suppress(MeteringError):
        yield Hold()
        yield head.send(BREAK)
