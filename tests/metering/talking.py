"""Runs dialogues: against a line without a clock, or on a port in real time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
import os
from pathlib import Path
import termios

from custom_components.obis_meter.metering.dialogue import (
    Cut,
    Dialogue,
    Expect,
    Hold,
    Line,
    Pause,
    Send,
    Settle,
    Step,
)
from custom_components.obis_meter.metering.errors import NoAnswer
from custom_components.obis_meter.metering.links import LINKS
from custom_components.obis_meter.metering.model import LineSettings
from custom_components.obis_meter.metering.session import Answer, Event, Session

type Respond = Callable[[bytes, datetime], bytes]

_QUIET = 0.01  # s between two looks at a port
_LOOKS = 5  # before silence is believed
_LEAVE = 0.02  # s in which what was written leaves, and is heard


@dataclass
class Talk:
    """A line without a port: time goes on only while nothing comes.

    steps is all that a dialogue asked for, events what was heard beside its answers.
    line is how the meters' line is set: at other settings nothing is understood.
    """

    respond: Respond
    now: datetime
    link: str = "dlt645"
    line: LineSettings | None = None
    steps: list[Step] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    spent: float = 0.0
    _set: LineSettings | None = None
    _came: bytes = b""

    @property
    def sent(self) -> list[bytes]:
        return [step.data for step in self.steps if isinstance(step, Send)]

    def run[T](self, dialogue: Dialogue[T]) -> T:
        session = Session(LINKS[self.link])
        try:
            step = next(dialogue)
            while True:
                self.steps.append(step)
                answer = self._do(step, session)
                if answer is None and isinstance(step, Expect | Cut):
                    step = dialogue.throw(NoAnswer())
                else:
                    step = dialogue.send(answer or b"")
        except StopIteration as end:
            result: T = end.value
            return result

    def _do(self, step: Step, session: Session) -> bytes | None:
        match step:
            case Send(data=data):
                heard = data if self.line in (None, self._set) else b"\x00" * len(data)
                self._came += self.respond(heard, self.now)
            case Line(settings=settings):
                self._set = settings
            case Pause(seconds=seconds):
                self._wait(seconds)
            case Hold():
                session.hold()
            case Expect(within=within) | Cut(within=within):
                return self._listen(step, session, within)
        return None

    def _listen(self, step: Expect | Cut, session: Session, within: float) -> bytes | None:
        events = [*session.expect(step), *session.feed(self._came)]
        self._came = b""
        answer = next((event.data for event in events if isinstance(event, Answer)), None)
        self.events += [event for event in events if not isinstance(event, Answer)]
        if answer is None:
            self._wait(within)
            self.events += session.release()
        return answer

    def _wait(self, seconds: float) -> None:
        self.spent += seconds
        self.now += timedelta(seconds=seconds)


class PortTalk:
    """A serial port, opened like one; times of dialogues are shortened by a factor."""

    def __init__(self, path: Path, pace: float = 1.0, link: str = "dlt645") -> None:
        self._file = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._pace = pace
        self._link = link
        self._session = Session(LINKS[link])
        self.speeds: list[int] = []
        self.most_pending = 0

    def close(self) -> None:
        os.close(self._file)

    async def run[T](self, dialogue: Dialogue[T]) -> T:
        self._session = Session(LINKS[self._link])
        try:
            step = next(dialogue)
            while True:
                answer = await self._do(step)
                if answer is None and isinstance(step, Expect | Cut):
                    step = dialogue.throw(NoAnswer())
                else:
                    step = dialogue.send(answer or b"")
        except StopIteration as end:
            result: T = end.value
            return result

    async def _do(self, step: Step) -> bytes | None:
        match step:
            case Send(data=data):
                os.write(self._file, data)
            case Line(settings=settings):
                await asyncio.sleep(_LEAVE)
                self.speeds.append(settings.baudrate)
                self.set_speed(settings.baudrate)
            case Pause(seconds=seconds):
                await asyncio.sleep(seconds * self._pace)
            case Hold():
                self._session.hold()
            case Expect(within=within) | Cut(within=within):
                return await self._listen(step, within * self._pace)
            case Settle():
                pass
        return None

    async def _listen(self, step: Expect | Cut, within: float) -> bytes | None:
        """Wait for an answer. Looks are counted, not seconds: a busy machine delays meters too."""
        events, patience = list(self._session.expect(step)), max(within / _QUIET, _LOOKS)
        looks = 0
        while not any(isinstance(event, Answer) for event in events) and looks < patience:
            if data := self._read():
                events += self._session.feed(data)
                self.most_pending = max(self.most_pending, self._session.pending)
                looks = 0 if isinstance(step, Cut) else looks
            else:
                await asyncio.sleep(_QUIET)
                looks += 1
        answers = [event.data for event in events if isinstance(event, Answer)]
        if not answers:
            list(self._session.release())
        return answers[0] if answers else None

    def _read(self) -> bytes:
        try:
            return os.read(self._file, 4096)
        except BlockingIOError:
            return b""

    def set_speed(self, baudrate: int) -> None:
        attributes = termios.tcgetattr(self._file)
        attributes[4] = attributes[5] = getattr(termios, f"B{baudrate}")
        termios.tcsetattr(self._file, termios.TCSANOW, attributes)
