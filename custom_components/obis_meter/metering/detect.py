"""Which link speaks these bytes: every link listens, the first that understands has it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from .links import LINKS, Link
from .model import Message, Telegram
from .session import Event, Session


@dataclass(slots=True)
class _Candidate:
    """One link, what it read, and whether it met anything else since the last silence."""

    session: Session
    telegrams: list[Telegram] = field(default_factory=list)
    messages: int = 0
    doubtful: bool = False

    def note(self, events: Iterable[Event]) -> None:
        for event in events:
            match event:
                case Telegram(readings=readings):
                    if readings:
                        self.telegrams.append(event)
                case Message():
                    self.messages += 1
                case _:
                    self.doubtful = True

    def is_believed(self, *, after_silence: bool) -> bool:
        """Tell whether what was read is beyond doubt."""
        if self.session.link.checked:
            return bool(self.telegrams or self.messages)
        return bool(self.telegrams) and after_silence and not self.doubtful

    @property
    def is_inside(self) -> bool:
        """Tell whether a frame is under way that may carry those of other links."""
        link = self.session.link
        return link.tunnelled is not None and self.session.pending > len(link.flag)


class Detector:
    """Feed it what a port delivers until `link` says who speaks.

    A link whose frames are checked is believed at its first telegram with
    readings, or its first message, unless a frame is under way that may carry
    that telegram. One without a check sequence, whose bodies also stand inside the
    frames of others, is believed once the line has gone quiet and nothing but
    its bodies came since the silence before.
    """

    def __init__(self) -> None:
        """Let all links begin to listen."""
        self._candidates = [_Candidate(Session(link)) for link in LINKS.values()]
        self._found: _Candidate | None = None

    @property
    def link(self) -> Link | None:
        """Return the link that was understood; None as long as none was."""
        return self._found.session.link if self._found else None

    @property
    def telegrams(self) -> list[Telegram]:
        """Return what that link has said so far, silent telegrams left out."""
        return self._found.telegrams if self._found else []

    def feed(self, data: bytes) -> None:
        """Read data with the link that was found, or with every link."""
        for candidate in self._listening():
            candidate.note(candidate.session.feed(data))
        self._choose(after_silence=False)

    def idle(self) -> None:
        """The line went quiet, or the input ended."""
        for candidate in self._listening():
            candidate.note(candidate.session.idle())
        self._choose(after_silence=True)
        for candidate in self._candidates:
            candidate.doubtful = False

    def _listening(self) -> list[_Candidate]:
        return [self._found] if self._found else self._candidates

    def _choose(self, *, after_silence: bool) -> None:
        if not after_silence and any(candidate.is_inside for candidate in self._listening()):
            return
        for candidate in self._listening():
            if candidate.is_believed(after_silence=after_silence):
                self._found = candidate
                return
        if after_silence:
            for candidate in self._candidates:
                if not candidate.session.link.checked:
                    candidate.telegrams.clear()
