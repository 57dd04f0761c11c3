"""Runs a dialogue without a port or a clock: its steps in, answers out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from custom_components.obis_meter.metering.dialogue import Cut, Dialogue, Expect, Hold, Step
from custom_components.obis_meter.metering.errors import MeteringError, NoAnswer
from custom_components.obis_meter.metering.links import LINKS
from custom_components.obis_meter.metering.session import Answer, Event, Session


@dataclass
class Conversation[T]:
    """What became of a dialogue: its steps, what went past it, and its result or its error."""

    steps: list[Step] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    result: T | None = None
    error: MeteringError | None = None


def converse[T](link: str, dialogue: Dialogue[T], *heard: bytes) -> Conversation[T]:
    """Have a dialogue to its end; each expectation hears the next bytes, none at the end.

    Bytes without what is expected stand for silence after them.
    """
    talk: Conversation[T] = Conversation()
    session, line = Session(LINKS[link]), iter(heard)
    try:
        step = next(dialogue)
        while True:
            talk.steps.append(step)
            answer = _expect(session, step, line, talk.events)
            step = dialogue.throw(NoAnswer()) if answer is None else dialogue.send(answer)
    except StopIteration as end:
        talk.result = end.value
    except MeteringError as err:
        talk.error = err
    talk.events += _others(session.release())
    return talk


def _expect(
    session: Session, step: Step, line: Iterator[bytes], events: list[Event]
) -> bytes | None:
    """Return what a step expected, nothing for another step; None when it did not come."""
    if isinstance(step, Hold):
        session.hold()
    if not isinstance(step, Expect | Cut):
        return b""
    said = [*session.expect(step), *session.feed(next(line, b""))]
    answers = [event.data for event in said if isinstance(event, Answer)]
    events += _others(said)
    if not answers:
        events += _others(session.release())
    return answers[0] if answers else None


def _others(said: Iterable[Event]) -> list[Event]:
    return [event for event in said if not isinstance(event, Answer)]
