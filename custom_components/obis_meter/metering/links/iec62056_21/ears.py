"""What dialogues cut from what arrives: identifications, and answers behind an echo.

Nothing is removed before it is whole, so that the session's pending tells how much has come.
"""

import re
from typing import Final

from ...dialogue import Cut, Dialogue
from ...errors import FrameError, NoAnswer
from .frame import ACK, NAK, STX, Span, closed, seven_bits, span
from .identification import LINE

LONGEST: Final = 512 * 1024  # bytes of a readout: load profiles at 19200 bit/s
_NOISE: Final = 1024  # bytes without an identification, after which none is waited for

DATA: Final = b"\x01\x02"
"""What may open an answer: a command message such as B0, or data."""
REPLY: Final = b"\x01\x02\x06\x15"
"""The same, or an acknowledgement, or a no."""


class IdentificationEar:
    """Hears an identification, whatever stands before it: noise, or the echo of a request.

    begun: a data message has begun right behind it, so that the meter waits for nothing.
    """

    damaged = False

    def __init__(self) -> None:
        """Hear nothing yet."""
        self.begun = False

    def take(self, buffer: bytearray) -> bytes | None:
        """Remove an identification and what stands before it; return it, nothing for noise."""
        text = seven_bits(buffer)
        if match := LINE.search(text):
            del buffer[: match.end()]
            self.begun = STX in text[match.end() :]
            return match[0]
        if len(buffer) <= _NOISE:
            return None
        buffer.clear()
        return b""

    def quiet(self) -> bytes:
        """Return what a silence completes: nothing."""
        return b""


class AnswerEar:
    """Hears the first message that opens as it should, behind the echo of what was sent.

    damaged: something came that was to be a message. checked: messages carry a check.
    """

    def __init__(self, opens: bytes = DATA, sent: bytes = b"", *, checked: bool = True) -> None:
        """Hear nothing yet."""
        self._opens = re.compile(b"[" + re.escape(opens) + b"]")
        self._sent = sent
        self._checked = checked
        self._rest = b""
        self.damaged = False

    def take(self, buffer: bytearray) -> bytes | None:
        """Remove a message and return it without its check; nothing for a damaged one."""
        text = seven_bits(buffer)
        self._rest = b""
        at = self._behind_echo(text)
        while at is not None and (match := self._opens.search(text, at)):
            at = match.start()
            if text[at] in (ACK, NAK):
                del buffer[: at + 1]
                return text[at : at + 1]
            try:
                found = span(text, at)
            except FrameError:
                self.damaged, at = True, at + 1
                continue
            return self._heard(buffer, text[at:], found)
        return None

    def _behind_echo(self, text: bytes) -> int | None:
        """Return where an answer may begin; None while it is not told from an echo."""
        if not self._sent or (at := text.find(self._sent)) < 0:
            return None if text and self._sent.startswith(text) else 0
        return at + len(self._sent)

    def _heard(self, buffer: bytearray, text: bytes, found: Span | None) -> bytes | None:
        if found is None or (found.right is None and self._checked):
            self._rest = text
            return None
        del buffer[: len(buffer) - len(text) + found.end]
        if found.right is False and self._checked:
            self.damaged = True
            return b""
        return found.payload

    def quiet(self) -> bytes:
        """Return what a silence completes: a readout that has no check."""
        self.damaged |= bool(self._rest)
        found = span(self._rest, 0) if self._rest else None
        return found.payload if found and closed(found.payload) else b""


class EchoEar:
    """Hears the bytes that were sent come back, as a meter of mode E confirms them."""

    damaged = False

    def __init__(self, sent: bytes) -> None:
        """Hear nothing yet."""
        self._sent = sent

    def take(self, buffer: bytearray) -> bytes | None:
        """Remove them, and what stands before them."""
        at = seven_bits(buffer).find(self._sent)
        if at < 0:
            return None
        del buffer[: at + len(self._sent)]
        return self._sent

    def quiet(self) -> bytes:
        """Return what a silence completes: nothing."""
        return b""


type Ear = IdentificationEar | AnswerEar | EchoEar


def hear(ear: Ear, within: float) -> Dialogue[bytes]:
    """Return what an ear hears; NoAnswer for nothing, FrameError for what is damaged."""
    try:
        heard = yield Cut(ear.take, within, LONGEST)
    except NoAnswer:
        heard = ear.quiet()
        if not heard and not ear.damaged:
            raise
    if not heard:
        raise FrameError("what the meter answered is damaged")
    return heard
