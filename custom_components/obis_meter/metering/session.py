"""Sans-IO engine of one stream: bytes in, events out."""

from collections import deque
from collections.abc import Iterator
from typing import Final

from .errors import DecryptError, FrameError, Incomplete, MeteringError
from .links import Link
from .model import Message, Telegram
from .security import Security

MAX_PENDING: Final = 16 * 1024  # bytes kept after everything complete was taken
KEPT_PAYLOADS: Final = 8  # for diagnostics

type Event = Telegram | Message | MeteringError
type Outcome = list[Telegram | Message] | MeteringError


class Session:
    """Feed it what the port delivers; it yields what the meter said.

    payloads holds the last intact payloads, newest last, whatever they held;
    security the keys and counters of the meter.
    """

    def __init__(self, link: Link, security: Security | None = None) -> None:
        """Start with nothing heard."""
        self.link = link
        self.security = security or Security()
        self.payloads: deque[bytes] = deque(maxlen=KEPT_PAYLOADS)
        self._buffer = bytearray()
        self._begun = b""

    @property
    def pending(self) -> int:
        """Return how many bytes wait for more."""
        return len(self._buffer) + len(self._begun)

    def feed(self, data: bytes) -> Iterator[Event]:
        """Yield each event that data completes, and each fault met on the way."""
        self._buffer += data
        while True:
            try:
                payload = self.link.take(self._buffer)
            except FrameError as err:
                self._begun = b""  # a lost middle never joins its neighbours
                yield err
                continue
            if payload is None:
                break
            if payload:
                self.payloads.append(payload)
                yield from self.read(payload)
        if (excess := self.pending - MAX_PENDING) > 0:
            self._begun = b""
            del self._buffer[: len(self._buffer) - MAX_PENDING]
            yield FrameError("no telegram in the longest one can be", excess)

    def idle(self) -> Iterator[Event]:
        """The line went quiet, or ended: give up what is unfinished and read the rest again."""
        yield from self.feed(self.link.silence)
        given_up = 0
        while self._buffer and self._buffer != self.link.flag:
            del self._buffer[0]
            given_up += 1
            yield from self.feed(b"")
        if self._begun or given_up:
            self._begun = b""
            yield FrameError("the rest of a telegram did not come", given_up)

    def read(self, payload: bytes) -> Iterator[Event]:
        """Read a payload: as a telegram of its own, else as what follows the one that is begun."""
        begun, self._begun = self._begun, b""
        outcome = self._decode(payload)
        if begun and isinstance(outcome, MeteringError):
            joined = self._decode(begun + payload)
            if _fits(joined, outcome):
                outcome, payload, begun = joined, begun + payload, b""
        if begun:
            yield FrameError("the rest of a telegram did not come")
        match outcome:
            case Incomplete():
                self._begun = payload
            case MeteringError():
                yield outcome
            case _:
                yield from outcome

    def _decode(self, payload: bytes) -> Outcome:
        try:
            return self.link.decode(payload, self.security)
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
