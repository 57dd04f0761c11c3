"""What a channel counts, and how long it may be silent."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from .metering.errors import DecryptError, MeteringError
from .metering.model import Message, Telegram
from .metering.session import Answer, Event

FIRST_PATIENCE: Final = 300.0  # seconds to wait while the meter's pace is not known
LEAST_PATIENCE: Final = 30.0
_MISSED: Final = 4  # telegrams in a row whose absence is an outage
_PACES: Final = 16  # intervals between telegrams that are remembered
_FAULT_KINDS: Final = 32  # texts that are counted apart


@dataclass(slots=True)
class Statistics:
    """What a link carried since the entry was loaded."""

    bytes_received: int = 0
    bytes_sent: int = 0
    telegrams: int = 0
    messages: int = 0
    sealed: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    outages: int = 0

    def note(self, event: Event) -> None:
        """Count an event."""
        match event:
            case Telegram():
                self.telegrams += 1
            case Message() | Answer():
                self.messages += 1
            case MeteringError():
                self.sealed += isinstance(event, DecryptError)
                self._note_fault(event)

    @property
    def intact(self) -> int:
        """Return how many frames came whole, read or not."""
        return self.telegrams + self.messages + self.sealed

    def _note_fault(self, fault: MeteringError) -> None:
        """Count a fault by what it says; beyond a bound, by its class."""
        kind = str(fault)
        if kind not in self.faults and len(self.faults) >= _FAULT_KINDS:
            kind = type(fault).__name__
        self.faults[kind] = self.faults.get(kind, 0) + 1


class Pace:
    """How long a meter's silence may last: some of the longest intervals seen."""

    def __init__(self, first: float | None = None, least: float = 0.0) -> None:
        """Know nothing yet; first is how long to wait until the pace is known."""
        self._first = max(first or FIRST_PATIENCE, least)
        self._least = least
        self._intervals: deque[float] = deque(maxlen=_PACES)

    def note(self, interval: float) -> None:
        """Remember the seconds between two telegrams."""
        self._intervals.append(interval)

    @property
    def patience(self) -> float:
        """Return the seconds without a telegram after which something is wrong."""
        if not self._intervals:
            return self._first
        return max(_MISSED * max(self._intervals), LEAST_PATIENCE, self._least)
