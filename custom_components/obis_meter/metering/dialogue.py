"""The steps a conversation with a meter is made of.

A dialogue is a generator: it yields steps, is sent what it expected, and
returns its result. It needs neither a port nor a clock; whoever runs it closes
it to cancel it, and throws NoAnswer into it when nothing acceptable came, or
another MeteringError when the connection is lost.

    def ask(request: bytes) -> Dialogue[bytes]:
        yield Send(request)
        return (yield Expect(is_answer, within=3))
"""

from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass, field
from typing import Final

from .model import LineSettings

type Take = Callable[[bytearray], bytes | None]

MAX_PENDING: Final = 16 * 1024  # bytes that may wait for the rest of a telegram


class Unchecked(bytes):
    """A payload that bears no check: its meter sends none, or a silence came before it."""


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes, and go on when they have left; not shown, for passwords are among them."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Expect:
    """Wait for the first payload that accept takes; others go their usual way.

    within: seconds from now. topic: what was asked about; when nothing came,
    an answer may still come until longest seconds from now (see Settle).
    """

    accept: Callable[[bytes], bool]
    within: float
    topic: Hashable = None
    longest: float = 0.0


@dataclass(frozen=True, slots=True)
class Settle:
    """Wait until no earlier question about topic can be answered any more.

    For protocols without sequence numbers, where a late answer to one question
    looks like the answer to the next.
    """

    topic: Hashable


@dataclass(frozen=True, slots=True)
class Hold:
    """From here to its end the dialogue cuts what arrives itself; what waited is dropped."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Wait until take cuts something from what arrives, after Hold.

    within: seconds of silence; each byte that comes starts them anew. most:
    bytes that may wait uncut; how many do, the session's pending tells meanwhile.
    """

    take: Take
    within: float
    most: int = MAX_PENDING


@dataclass(frozen=True, slots=True)
class Line:
    """Let what was written leave, then set the line anew."""

    settings: LineSettings


@dataclass(frozen=True, slots=True)
class Pause:
    """Do nothing for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Become:
    """From here on the port speaks the link of this name."""

    link: str


type Step = Send | Expect | Settle | Hold | Cut | Line | Pause | Become
type Dialogue[T] = Generator[Step, bytes, T]
