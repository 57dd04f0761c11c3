"""Sans-IO engine of one stream: bytes in, events out."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from .dialogue import MAX_PENDING, Cut, Expect, Unchecked
from .errors import DecryptError, FrameError, Incomplete, MeteringError
from .links import LINKS, Link
from .model import Message, Telegram
from .security import Security
from .traces import remembering
from .tunnel import FRAMED, UNFRAMED, Tunnel

KEPT_PAYLOADS: Final = 8  # for diagnostics
_BEGINNINGS: Final = 4  # of one telegram in several payloads
_DOUBTS: Final = 3  # payloads without a check, since the last one with


@dataclass(frozen=True, slots=True)
class Answer:
    """What a dialogue waited for."""

    data: bytes


type Event = Telegram | Message | MeteringError | Answer
type Outcome = Sequence[Event] | MeteringError


class Session:
    """Feed it what the port delivers; it yields what the meter said.

    Whoever has sent a check is not believed without it, until three payloads had none.
    payloads holds the last intact payloads, newest last, whatever they held, and
    of what dialogues cut for themselves what the link reads, unless it is longer
    than a telegram can be;
    security the keys and counters of the meter. A dialogue tells the session
    what it expects; the first payload that fits becomes an Answer, all others
    go their usual way.
    """

    def __init__(self, link: Link, security: Security | None = None) -> None:
        """Start with nothing heard."""
        self.link = link
        self.security = security or Security()
        self.payloads: deque[bytes] = deque(maxlen=KEPT_PAYLOADS)
        self._buffer = bytearray()
        self._enough = 0
        self._begun = b""
        self._missing = 0
        self._beginnings = 0
        self._doubts = 0
        self._wanted: Expect | Cut | None = None
        self._held = False
        self._tunnel = _tunnel(self.security) if link.tunnelled else None
        self._decode_link = remembering(link.decode)

    @property
    def pending(self) -> int:
        """Return how many bytes wait for more."""
        return len(self._buffer) + len(self._begun)

    def feed(self, data: bytes) -> Iterator[Event]:
        """Yield each event that data completes, and each fault met on the way."""
        self._buffer += data
        while self._buffer and (payload := self._cut()) is not None:
            match payload:
                case bytes():
                    yield from self._frame(payload) if payload else ()
                case FrameError():
                    self._begun = b""  # a lost middle never joins its neighbours
                    yield payload
                case Answer():
                    yield payload
        if self.pending > MAX_PENDING:
            yield from self._bound()

    def _bound(self) -> Iterator[FrameError]:
        """Give up what is more than the longest telegram, or what a dialogue cuts, can be."""
        most = self._wanted.most if isinstance(self._wanted, Cut) else MAX_PENDING
        if (excess := self.pending - most) > 0:
            self._begun = b""
            self._drop(len(self._buffer) - most)
            yield FrameError("no telegram in the longest one can be", excess)

    def idle(self) -> Iterator[Event]:
        """The line went quiet, or ended: give up what is unfinished and read the rest again."""
        if self._held:
            return
        yield from self.feed(self.link.silence)
        given_up = 0
        while self._buffer and self._buffer != self.link.flag:
            self._drop(1)
            given_up += 1
            yield from self.feed(b"")
        if self._tunnel:
            yield from self._tunnel.idle()
        if self._begun or given_up:
            self._begun = b""
            yield FrameError("the rest of a telegram did not come", given_up)

    def trust(self, security: Security) -> None:
        """Open what comes from here on with the keys and counters of the meter that speaks."""
        self.security = security
        self._tunnel = _tunnel(security) if self.link.tunnelled else None

    def become(self, link: Link) -> None:
        """Read another link from here on; what waits is dropped."""
        self.link = link
        self._begun = b""
        self._doubts = 0
        self._drop(len(self._buffer))
        self._tunnel = _tunnel(self.security) if link.tunnelled else None
        self._decode_link = remembering(link.decode)

    def hold(self) -> None:
        """Leave the cutting to a dialogue from here on, and drop what waits."""
        self._held = True
        self._begun = b""
        self._drop(len(self._buffer))

    def expect(self, wanted: Expect | Cut) -> Iterator[Event]:
        """Look out for what a dialogue waits for, in what has come already too."""
        self._wanted = wanted
        yield from self.feed(b"")

    def release(self) -> Iterator[Event]:
        """The dialogue waits no longer, or has ended: what came since is read as usual."""
        self._wanted = None
        self._held = False
        yield from self.feed(b"")

    def _cut(self) -> bytes | Answer | FrameError | None:
        """Return the next payload, what a dialogue cuts for itself, or the fault met instead."""
        between = self._buffer == self.link.flag and not self._held
        if between or len(self._buffer) < self._enough:
            return None
        self._enough = 0
        take = self.link.take
        if self._held:
            if not isinstance(self._wanted, Cut):
                return None
            take = self._wanted.take
        try:
            cut = take(self._buffer)
        except Incomplete as err:
            self._enough = len(self._buffer) + err.missing
            return None
        except FrameError as err:
            return err
        if cut is None or not self._held:
            return cut
        self._wanted = None
        if len(cut) <= MAX_PENDING and not isinstance(self._decode(cut), MeteringError):
            self.payloads.append(cut)  # the link reads it too, as whoever looks into it later will
        return Answer(cut)

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._enough = 0

    def _frame(self, payload: bytes) -> Iterable[Event]:
        self.payloads.append(payload)
        if isinstance(self._wanted, Expect) and self._wanted.accept(payload):
            self._wanted = None
            return (Answer(payload),)
        return self.read(payload)

    def read(self, payload: bytes) -> Iterator[Event]:
        """Read a payload: as a telegram of its own, else as what follows the one that is begun."""
        begun, self._begun = self._begun, b""
        self._beginnings = self._beginnings if begun else 0
        outcome = self._decode(payload)
        if begun and isinstance(outcome, MeteringError):
            joined = self._joined(begun, payload, outcome)
            if _fits(joined, outcome):
                outcome, payload, begun = joined, begun + payload, b""
        if begun:
            yield FrameError("the rest of a telegram did not come")
        match outcome:
            case Incomplete(missing=missing):
                self._begun, self._missing = payload, missing
            case MeteringError():
                yield outcome
            case _ if self._is_doubted(payload):
                yield FrameError("the check of a telegram did not come", len(payload))
            case _:
                for event in outcome:
                    yield event
                    if isinstance(event, Message):
                        yield from self._inside(event)

    def _is_doubted(self, payload: bytes) -> bool:
        """Tell whether a readable payload lacks a check that others before it had."""
        if not isinstance(payload, Unchecked):
            self._doubts = _DOUBTS
        elif self._doubts:
            self._doubts -= 1
            return True
        return False

    def _joined(self, begun: bytes, payload: bytes, alone: MeteringError) -> Outcome:
        """Read a payload behind what is begun, unless that cannot be whole yet.

        What looks like a beginning may be one, its sender interrupted; but not for ever.
        """
        begins = isinstance(alone, Incomplete)
        self._beginnings += begins
        if len(payload) < self._missing and not (begins and self._beginnings <= _BEGINNINGS):
            return Incomplete("a telegram goes on", self._missing - len(payload))
        return self._decode(begun + payload)

    def _inside(self, message: Message) -> Iterator[Event]:
        """Read what a message carries on from the meter."""
        if self._tunnel and self.link.tunnelled:
            yield from self._tunnel.feed(self.link.tunnelled(message))

    def _decode(self, payload: bytes) -> Outcome:
        try:
            return self._decode_link(payload, self.security)
        except MeteringError as err:
            return err


def _fits(joined: Outcome, alone: Outcome) -> bool:
    """Tell whether a payload belongs to the one before: it completes it, if only to stay shut."""
    match joined:
        case Incomplete():
            return True
        case DecryptError():
            return not isinstance(alone, Incomplete)
    return not isinstance(joined, MeteringError)


def _tunnel(security: Security) -> Tunnel:
    framed = [Session(LINKS[name], security) for name in FRAMED]
    return Tunnel(framed, Session(LINKS[UNFRAMED], security))
