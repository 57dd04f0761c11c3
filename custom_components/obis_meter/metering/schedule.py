"""What is to be asked of a meter, and when.

Sans-IO: the clock of whoever runs it is passed in, in seconds that only rise.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .dialogue import Dialogue
from .model import Telegram


@dataclass(frozen=True, slots=True)
class Poll:
    """One question asked every so many seconds; dialogue begins a new conversation.

    instead takes its place where the meter does not have what it asks for.
    """

    key: str
    every: float
    dialogue: Callable[[], Dialogue[Telegram]]
    instead: tuple[Poll, ...] = ()


@dataclass(slots=True)
class _Plan:
    poll: Poll
    due: float


class Schedule:
    """Says which poll is next, one at a time.

    What is due comes in the order in which it is late, measured in its own
    periods, so that the fast neither wait for the slow nor starve them. Turns
    that were missed are dropped.
    """

    def __init__(self, polls: Iterable[Poll], now: float) -> None:
        """Have everything due at once, in the order given."""
        self._plans = {poll.key: _Plan(poll, now) for poll in polls}

    @property
    def polls(self) -> tuple[Poll, ...]:
        """Return what is still asked."""
        return tuple(plan.poll for plan in self._plans.values())

    @property
    def keys(self) -> tuple[str, ...]:
        """Return what is still asked for."""
        return tuple(self._plans)

    def take(self, now: float) -> Poll | None:
        """Return the poll whose turn it is, and plan its next; None where none is due."""
        due = [plan for plan in self._plans.values() if plan.due <= now]
        if not due:
            return None
        plan = max(due, key=lambda plan: (now - plan.due) / plan.poll.every)
        missed = (now - plan.due) // plan.poll.every
        plan.due += (missed + 1) * plan.poll.every
        return plan.poll

    def wait(self, now: float) -> float | None:
        """Return the seconds until something is due; None where nothing ever is."""
        if not self._plans:
            return None
        return max(0.0, min(plan.due for plan in self._plans.values()) - now)

    def done(self, key: str, now: float) -> None:
        """Take note that something was asked out of its turn."""
        if plan := self._plans.get(key):
            plan.due = now + plan.poll.every

    def retire(self, key: str, now: float) -> None:
        """Ask no more for what the meter does not have, but for what stands instead of it."""
        if plan := self._plans.pop(key, None):
            self._plans |= {poll.key: _Plan(poll, now) for poll in plan.poll.instead}
