"""Which link speaks these bytes: every link listens, the first that understands has it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from .errors import DecodeError, DecryptError
from .evidence import Attempt
from .keys import Keys
from .links import LINKS, Link
from .model import LineSettings, Message, Telegram
from .security import Ciphered, Security
from .session import Event, Session

_IN_A_ROW: Final = 2  # ciphered telegrams with nothing between them that are no chance


@dataclass(frozen=True, slots=True)
class Locked:
    """A link whose telegrams are ciphered, why they stay shut, and the last of them as cut.

    line is how the port was set when they were heard, attempts how that was found out.
    """

    link: Link
    ciphered: Ciphered
    error: DecryptError
    payloads: tuple[bytes, ...]
    line: LineSettings | None = None
    attempts: tuple[Attempt, ...] = ()

    def opened(self, keys: Keys) -> tuple[Link, list[Event]]:
        """Return who speaks, and what the telegrams that were caught say with keys.

        Without a frame nobody can tell P1 from a body before it is opened.
        """
        links = (self.link, LINKS["apdu"]) if self.link.name == "p1" else (self.link,)
        said = [(link, list(self._read(link, keys))) for link in links]
        return next((each for each in said if _telegrams(each[1])), said[0])

    def _read(self, link: Link, keys: Keys) -> Iterable[Event]:
        session = Session(link, Security(keys))
        for payload in self.payloads:
            yield from session.read(payload)


def _telegrams(events: Iterable[Event]) -> list[Telegram]:
    return [event for event in events if isinstance(event, Telegram)]


@dataclass(slots=True)
class _Candidate:
    """One link, what it read, and whether it met anything else since the last silence.

    run counts the telegrams since anything else came; error is that of the last one that
    stayed shut. unread counts what was intact and said nothing.
    """

    session: Session
    telegrams: list[Telegram] = field(default_factory=list)
    messages: int = 0
    doubtful: bool = False
    run: int = 0
    unread: int = 0
    error: DecryptError | None = None

    def note(self, events: Iterable[Event]) -> None:
        for event in events:
            match event:
                case Telegram(readings=readings):
                    self.run += 1
                    if readings:
                        self.telegrams.append(event)
                    else:
                        self.unread += 1
                case Message():
                    self.messages += 1
                case DecryptError():
                    self.run += 1
                    self.error = event
                case _:
                    self.unread += isinstance(event, DecodeError)
                    self.doubtful, self.run = True, 0

    def understood(self, *, alone: bool) -> bool:
        """Tell whether this is who speaks."""
        if self.session.link.checked:
            return bool(self.telegrams or self.messages)
        return bool(self.telegrams) and alone

    def shut(self, *, alone: bool) -> bool:
        """Tell whether this is who speaks, but in cipher."""
        return self.locked is not None and (alone or self.run >= _IN_A_ROW)

    @property
    def locked(self) -> Locked | None:
        """Return what is known where all telegrams are ciphered; None where some were read."""
        ciphered = self.session.security.ciphered
        if ciphered is None or self.error is None or self.telegrams:
            return None
        return Locked(self.session.link, ciphered, self.error, tuple(self.session.payloads))

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
    its bodies came since the silence before. The same holds for telegrams that
    are ciphered and not opened, or that came twice with nothing between them:
    link stays None for them, locked tells who needs a key.
    """

    def __init__(self, keys: Keys | None = None) -> None:
        """Let all links begin to listen, with keys where they are known."""
        self._candidates = [_Candidate(Session(link, Security(keys))) for link in LINKS.values()]
        self._found: _Candidate | None = None
        self._locked: _Candidate | None = None

    @property
    def link(self) -> Link | None:
        """Return the link that was understood; None as long as none was."""
        return self._found.session.link if self._found else None

    @property
    def locked(self) -> Locked | None:
        """Return the link whose telegrams need a key, or another one; None once one was read."""
        return self._locked.locked if self._locked and not self._found else None

    @property
    def telegrams(self) -> list[Telegram]:
        """Return what that link has said so far, silent telegrams left out."""
        return self._found.telegrams if self._found else []

    @property
    def unread(self) -> int:
        """Return how many frames were intact by their check and said nothing."""
        return max(each.unread for each in self._candidates if each.session.link.checked)

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
            alone = after_silence and not candidate.doubtful
            if candidate.understood(alone=alone):
                self._found = candidate
                return
            if not self._locked and candidate.shut(alone=alone):
                self._locked = candidate
        if after_silence:
            for candidate in self._candidates:
                if not candidate.session.link.checked:
                    candidate.telegrams.clear()
