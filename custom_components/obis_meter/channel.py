"""One peer on one open port: hears what it says, and has dialogues with it one at a time."""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from typing import Final

from .awaited import Awaited
from .const import LOGGER
from .metering.dialogue import Become, Cut, Dialogue, Expect, Hold, Line, Pause, Send, Settle, Step
from .metering.errors import MeteringError, NoAnswer
from .metering.links import LINKS
from .metering.model import Message, Module
from .metering.session import Answer, Event, Session
from .pace import Statistics
from .transport import Port
from .turns import COMMAND, Turns
from .vigil import Vigil

QUIET: Final = 3.0  # seconds without a byte that end a telegram
_RECENT: Final = 512  # bytes

type OnEvents = Callable[[Sequence[Event]], bool]
type Who = Callable[[], Module]


class DisconnectedError(MeteringError):
    """The connection to the meter is down: nothing can be asked, and no answer will come."""


class Channel:
    """Hears one peer while a port to it is open. Cancelling `listen` is the only way to stop it.

    on_events gets what each read gave and tells whether the meter has spoken.
    on_up is called when it speaks first on a port. who answers for the
    communication module that the meter believes to talk to.
    """

    def __init__(
        self, session: Session, *, on_events: OnEvents, on_up: Callable[[], None], who: Who
    ) -> None:
        """Prepare; there is no port yet."""
        self.session = session
        self.statistics = Statistics()
        self.vigil = Vigil()
        self.up = False
        self.recent = b""  # the last bytes, as they came
        self._on_events = on_events
        self._on_up = on_up
        self._who = who
        self._port: Port | None = None
        self._turns = Turns()
        self._awaited: Awaited | None = None
        self._settled: dict[Hashable, float] = {}
        self._moved_at = 0.0  # since when the line is silent

    @property
    def is_open(self) -> bool:
        """Tell whether there is a port to the meter, heard or not."""
        return self._port is not None

    async def listen(self, port: Port) -> None:
        """Hear until the port is gone (OSError) or the meter has fallen silent (SilenceError).

        The port is closed then, and whoever waits for an answer is told.
        """
        self._port = port
        self._moved_at = _now()
        self.vigil.begin()
        self._tap()
        try:
            while True:
                data = await self._read(port)
                await self._hear(self._received(data) if data else self.session.idle())
                self.vigil.check(self.session.link, self.converse)
        finally:
            self._port = None
            port.tap(None)
            self.vigil.end()
            if self._awaited:
                self._awaited.lost(DisconnectedError("the connection was lost"))
            await port.close()

    async def _read(self, port: Port) -> bytes:
        """Return the next bytes that are not taken as they come, none when the line is quiet."""
        while True:
            end = self._moved_at + QUIET
            if data := await port.read_until(end):
                return data
            if self._moved_at + QUIET <= end:
                self._moved_at = _now()
                return b""
            self.vigil.check(self.session.link, self.converse)

    def _tap(self) -> None:
        """Have bytes as they arrive, unless they are to be answered: that waits for the port."""
        if self._port:
            self._port.tap(None if self.session.link.answer else self._take)

    def _take(self, data: bytes) -> None:
        self.deliver(self._received(data))

    def _received(self, data: bytes) -> Iterable[Event]:
        self._moved_at = _now()
        self.statistics.bytes_received += len(data)
        self.recent = (self.recent + data)[-_RECENT:]
        if self._awaited:
            self._awaited.prolong()
        return self.session.feed(data)

    async def _hear(self, events: Iterable[Event]) -> None:
        for frame in self.deliver(events):
            await self.send(frame)

    def deliver(self, events: Iterable[Event]) -> list[bytes]:
        """Count what the session made of some bytes, and hand it on; return our answers to it."""
        answers: list[bytes] = []
        rest: list[Event] = []
        answered = False
        for event in events:
            self.statistics.note(event)
            if isinstance(event, Answer):
                if self._awaited:
                    self._awaited.met(event.data)
                answered = True
                continue
            rest.append(event)
            if isinstance(event, Message) and (answer := self._answer_to(event)):
                answers.append(answer)
            elif isinstance(event, MeteringError):
                LOGGER.debug("%s", event)
        spoke = bool(rest) and self._on_events(rest)
        if self._port and (spoke or answered):
            self._note_heard()
        return answers

    def _answer_to(self, message: Message) -> bytes | None:
        answer = self.session.link.answer
        return answer(message, self._who()) if answer else None

    def _note_heard(self) -> None:
        self.vigil.heard(again=self.up)
        if not self.up:
            self.up = True
            self._on_up()

    def lost(self) -> bool:
        """Let go of what is unfinished when the port is gone; tell whether the meter was heard."""
        rest = [event for event in self.session.idle() if not isinstance(event, Answer)]
        was_up, self.up = self.up, False
        if was_up:
            self.statistics.outages += 1
            if rest:
                self._on_events(rest)
        return was_up

    async def converse[T](self, dialogue: Dialogue[T], urgency: int = COMMAND) -> T:
        """Have a dialogue when it is its turn, and return its result.

        Raises what the dialogue raises, NoAnswer and Refused among it;
        DisconnectedError where there is no connection, or no longer.
        """
        async with self._turns.take(urgency):
            try:
                return await self._run(dialogue)
            finally:
                dialogue.close()
                with suppress(OSError, DisconnectedError):  # to who is gone, nothing is owed
                    await self._hear(self.session.release())

    async def _run[T](self, dialogue: Dialogue[T]) -> T:
        try:
            step = next(dialogue)
            while True:
                try:
                    answer = await self._do(step)
                except (NoAnswer, DisconnectedError) as err:
                    step = dialogue.throw(err)
                except OSError as err:
                    step = dialogue.throw(DisconnectedError(str(err)))
                else:
                    step = dialogue.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result

    async def _do(self, step: Step) -> bytes:
        """Do one step; return what it expected, or nothing."""
        match step:
            case Send(data=data):
                await self.send(data)
            case Expect() | Cut():
                return await self._expect(step)
            case Settle(topic=topic):
                await asyncio.sleep(self._settled.get(topic, 0.0) - _now())
            case Pause(seconds=seconds):
                await asyncio.sleep(seconds)
            case Hold():
                self.session.hold()
            case Line(settings=settings):
                await self._open_port().set_line(settings)
            case Become(link=link):
                self.session.become(LINKS[link])
                self._tap()
        return b""

    async def _expect(self, step: Expect | Cut) -> bytes:
        """Wait for what a step expects; NoAnswer when its time is over."""
        self._open_port()
        asked_at, answered = _now(), False
        awaited = self._awaited = Awaited(step.within, from_each_byte=isinstance(step, Cut))
        try:
            await self._hear(self.session.expect(step))
            data = await awaited.wait()
            answered = True
            return data
        finally:
            self._awaited = None
            if isinstance(step, Expect) and step.topic is not None and not answered:
                self._settled[step.topic] = asked_at + step.longest

    async def send(self, data: bytes) -> None:
        """Write a frame at once, whoever's turn it is; DisconnectedError or OSError."""
        await self._open_port().write(data)
        self.statistics.bytes_sent += len(data)

    def _open_port(self) -> Port:
        if self._port is None:
            raise DisconnectedError("there is no connection to the meter")
        return self._port


def _now() -> float:
    return asyncio.get_running_loop().time()
