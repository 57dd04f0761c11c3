"""Telegrams inside messages: what a module link carries on from the meter as it is."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from .model import Telegram

if TYPE_CHECKING:
    from .session import Event, Session

FRAMED: Final = ("hdlc", "mbus", "wrapper", "p1", "sml")
UNFRAMED: Final = "apdu"


class Tunnel:
    """Joins the bodies of messages to a stream, and reads it whatever it is framed as.

    What nobody understands is no fault: it was delivered as a message.
    """

    def __init__(self, framed: Sequence[Session], bare: Session) -> None:
        """Listen with every link that checks its frames, and for bare APDUs."""
        self._framed = framed
        self._bare = bare

    def feed(self, body: bytes) -> Iterator[Event]:
        """Yield what a body completes: of the first framing that reads it, else of bare APDUs."""
        if not body:
            return
        heard = [_said(session.feed(body)) for session in self._framed]
        understood = next((events for events in heard if events), None)
        if understood is None:
            understood = [event for event in _said(self._bare.read(body)) if event.readings]
        yield from understood

    def idle(self) -> Iterator[Event]:
        """The line went quiet."""
        for session in (*self._framed, self._bare):
            yield from _said(session.idle())


def _said(events: Iterator[Event]) -> list[Telegram]:
    return [event for event in events if isinstance(event, Telegram)]
