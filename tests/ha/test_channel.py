"""One peer on one port: whose turn it is, every step of a dialogue, and silence."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
import gc
import os
import pty
import termios
import tty
from typing import Any

import pytest

from custom_components.obis_meter import channel as channels, pace
from custom_components.obis_meter.channel import Channel, DisconnectedError
from custom_components.obis_meter.metering.dialogue import (
    Become,
    Cut,
    Dialogue,
    Expect,
    Hold,
    Line,
    Pause,
    Send,
    Settle,
)
from custom_components.obis_meter.metering.errors import MeteringError, NoAnswer
from custom_components.obis_meter.metering.links import LINKS
from custom_components.obis_meter.metering.model import LineSettings, Message, Module
from custom_components.obis_meter.metering.session import Event, Session
from custom_components.obis_meter.transport import Port, open_port
from custom_components.obis_meter.turns import _MOST_WAITING, COMMAND, POLL, CrowdedError, Turns
from custom_components.obis_meter.vigil import SilenceError
from simulator.module import COMMANDS, EVENT, GET, RESPONSE, frame
from tests.steady import keep_busy

SAID = frame(COMMANDS, EVENT, b"\x60\x28\x01\x01")
ACKNOWLEDGED = frame(COMMANDS, EVENT + RESPONSE, b"\x60\x28\x01\x00")


async def spin() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Queue:
    """Tasks that wait for turns, and the order in which they had them."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.order: list[str] = []

    async def take(self, name: str, urgency: int = COMMAND, until: asyncio.Event | None = None):
        async with self.turns.take(urgency):
            self.order.append(name)
            await (until.wait() if until else asyncio.sleep(0))

    def start(self, name: str, *how: object) -> asyncio.Task[None]:
        return asyncio.create_task(self.take(name, *how))


async def test_the_most_urgent_comes_next_of_equals_who_came_first() -> None:
    queue, go = Queue(), asyncio.Event()
    tasks = [queue.start("first", POLL, go)]
    await spin()
    for name, urgency in (("p1", POLL), ("c1", COMMAND), ("p2", POLL), ("c2", COMMAND)):
        tasks.append(queue.start(name, urgency))
        await spin()
    assert queue.order == ["first"]
    go.set()
    await asyncio.gather(*tasks)
    assert queue.order == ["first", "c1", "c2", "p1", "p2"]


async def test_one_that_gives_up_waiting_is_passed_over() -> None:
    queue, go = Queue(), asyncio.Event()
    first, second, third = queue.start("1", COMMAND, go), queue.start("2"), queue.start("3")
    await spin()
    second.cancel()
    await spin()
    go.set()
    await asyncio.gather(first, third)
    assert queue.order == ["1", "3"]
    await asyncio.wait_for(queue.take("4"), 1)


async def test_one_that_gives_up_just_as_its_turn_comes_passes_it_on() -> None:
    queue = Queue()
    async with queue.turns.take():
        second, third = queue.start("2"), queue.start("3")
        await spin()
    second.cancel()  # its turn has come, and it does not know yet
    await asyncio.wait_for(third, 1)
    assert queue.order == ["3"]
    await asyncio.wait_for(queue.take("4"), 1)


async def test_one_that_gives_up_just_before_its_turn_comes_is_passed_over() -> None:
    queue, go = Queue(), asyncio.Event()
    tasks = [queue.start("first", COMMAND, go), queue.start("gone"), queue.start("last")]
    await spin()
    tasks[0].cancel()  # gives its turn back before the other has seen that it is cancelled
    tasks[1].cancel()
    gone = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in gone[:2]] == [asyncio.CancelledError] * 2
    assert queue.order == ["first", "last"]


async def test_a_failure_gives_the_turn_back() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError):
        async with turns.take():
            raise ZeroDivisionError
    async with asyncio.timeout(20), turns.take():
        pass


async def test_a_crowd_is_bounded_and_those_who_leave_make_room() -> None:
    queue, go = Queue(), asyncio.Event()
    tasks = [queue.start("1", COMMAND, go)]
    tasks += [queue.start(str(n)) for n in range(_MOST_WAITING)]
    await spin()
    with pytest.raises(CrowdedError):
        await queue.take("too many")
    tasks.pop(10).cancel()
    await spin()
    tasks.append(queue.start("in time"))
    await spin()
    go.set()
    await asyncio.gather(*tasks)
    assert queue.order[-1] == "in time"
    assert len(queue.order) == _MOST_WAITING + 1


class Bench:
    """A channel on a serial line, and the other end of that line."""

    def __init__(self, end: int, port: Port) -> None:
        self.end = end
        self.port = port
        self.events: list[Event] = []
        self.ups = 0
        self.channel = Channel(
            Session(LINKS["rfc1662"]), on_events=self._on_events, on_up=self._on_up, who=self._who
        )
        self.listening = asyncio.create_task(self.channel.listen(port))

    def _on_events(self, events: object) -> bool:
        self.events += events  # type: ignore[arg-type]
        return True

    def _on_up(self) -> None:
        self.ups += 1

    def _who(self) -> Module:
        return Module("bench")

    def say(self, data: bytes) -> None:
        os.write(self.end, data)

    async def heard(self, data: bytes) -> None:
        """Wait until exactly this arrived at the other end."""
        got = b""
        async with asyncio.timeout(20):
            while len(got) < len(data):
                await asyncio.sleep(0.005)
                try:
                    got += os.read(self.end, 4096)
                except BlockingIOError:
                    continue
        assert got == data

    async def still_works(self) -> None:
        """Assert that the next dialogue has its turn, and that frames are read as usual."""
        count = len(self.events)
        self.say(SAID)
        await self.heard(ACKNOWLEDGED)
        assert len(self.events) == count + 1
        async with asyncio.timeout(20):
            assert await self.channel.converse(returns("done")) == "done"


def returns(value: str) -> Dialogue[str]:
    yield Pause(0)
    return value


def anything(payload: bytes) -> bool:
    return True


@pytest.fixture
async def bench(stack: AsyncExitStack) -> AsyncIterator[Bench]:
    """A channel that listens."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    os.set_blocking(ours, False)
    bench = Bench(ours, await open_port(os.ttyname(theirs), LineSettings(9600)))
    await asyncio.sleep(0)
    yield bench
    bench.listening.cancel()
    await asyncio.gather(bench.listening, return_exceptions=True)
    os.close(ours)
    os.close(theirs)


async def test_a_question_and_its_answer_with_others_in_between(bench: Bench) -> None:
    answer = frame(COMMANDS, GET + RESPONSE, b"\x05\x80\x01\x2a")

    def ask() -> Dialogue[bytes]:
        yield Send(b"question")
        return (yield Expect(lambda payload: b"\x2a" in payload, 1))

    asking = asyncio.create_task(bench.channel.converse(ask()))
    await bench.heard(b"question")
    bench.say(SAID + answer[1:])
    assert await asking == bytes.fromhex("0022c40580012a")
    assert bench.events == [Message(0x2200, EVENT, b"\x60\x28\x01\x01", 0)]
    await bench.heard(ACKNOWLEDGED)
    assert bench.ups == 1


async def test_no_answer_is_thrown_into_the_dialogue(bench: Bench) -> None:
    def ask() -> Dialogue[str]:
        try:
            yield Expect(anything, 0.05)
        except NoAnswer:
            yield Send(b"again")
        return "went on"

    assert await bench.channel.converse(ask()) == "went on"
    await bench.heard(b"again")
    await bench.still_works()


async def test_an_answer_that_came_while_the_loop_was_busy_came_in_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer() -> None:
        bench.say(frame(COMMANDS, GET + RESPONSE, b"\x05\x80\x01\x2a"))
        keep_busy(monkeypatch, 10)

    def ask() -> Dialogue[bytes]:
        asyncio.get_running_loop().call_soon(answer)
        return (yield Expect(anything, 5))

    assert await bench.channel.converse(ask()) == bytes.fromhex("0022c40580012a")


async def test_a_frame_whose_end_came_while_the_loop_was_busy_is_whole(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.say(SAID[:5])
    async with asyncio.timeout(20):
        while not bench.channel.recent.endswith(SAID[:5]):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
    bench.say(SAID[5:])
    keep_busy(monkeypatch, 10)
    await bench.heard(ACKNOWLEDGED)


async def test_who_waits_as_all_ends_leaves_nothing_unsaid(
    bench: Bench, complaints: list[dict[str, Any]]
) -> None:
    def ask() -> Dialogue[bytes]:
        return (yield Expect(anything, 9))

    asking = asyncio.create_task(bench.channel.converse(ask()))
    await spin()
    for task in (bench.listening, asking):
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    del asking, task
    await spin()
    gc.collect()
    assert not complaints


async def test_a_topic_settles_before_it_is_asked_again(bench: Bench) -> None:
    clock = asyncio.get_running_loop().time

    def ask(topic: str) -> Dialogue[float]:
        yield Settle(topic)
        waited = clock() - began
        with suppress(NoAnswer):
            yield Expect(anything, 0.05, topic, 0.3)
        return waited

    began = clock()
    assert await bench.channel.converse(ask("a")) < 0.05
    assert await bench.channel.converse(ask("b")) < 0.2
    assert await bench.channel.converse(ask("a")) == pytest.approx(0.3, abs=0.1)


async def test_a_dialogue_cuts_for_itself_and_each_byte_gives_it_more_time(bench: Bench) -> None:
    def line(buffer: bytearray) -> bytes | None:
        end = buffer.find(b"\n")
        if end < 0:
            return None
        cut = bytes(buffer[:end])
        del buffer[: end + 1]
        return cut

    def sign_on() -> Dialogue[list[bytes]]:
        yield Hold()
        yield Send(b"/?!")
        return [(yield Cut(line, 0.15)), (yield Cut(line, 0.15))]

    bench.say(SAID[:5])  # dropped by Hold
    await asyncio.sleep(0.05)
    asking = asyncio.create_task(bench.channel.converse(sign_on()))
    await bench.heard(b"/?!")
    for byte in b"slow\n":
        bench.say(bytes([byte]))
        await asyncio.sleep(0.08)  # longer than 0.15 s together
    bench.say(b"fast\n" + SAID)
    assert await asking == [b"slow", b"fast"]
    await bench.heard(ACKNOWLEDGED)  # read as usual once the dialogue has ended


async def test_silence_ends_a_cut(bench: Bench) -> None:
    def sign_on() -> Dialogue[None]:
        yield Hold()
        yield Cut(lambda buffer: None, 0.05)

    with pytest.raises(NoAnswer):
        await bench.channel.converse(sign_on())
    await bench.still_works()


@pytest.mark.parametrize("step", [Pause(9), Cut(lambda buffer: None, 9), Expect(anything, 9)])
async def test_a_dialogue_cancelled_in_the_middle_leaves_the_channel_free(
    bench: Bench, step: Pause | Cut | Expect
) -> None:
    ended: list[str] = []

    def ask() -> Dialogue[None]:
        try:
            if not isinstance(step, Expect):
                yield Hold()
            yield Send(b"?")
            yield step
        finally:
            ended.append("closed")

    asking = asyncio.create_task(bench.channel.converse(ask()))
    await bench.heard(b"?")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert ended == ["closed"]
    await bench.still_works()


async def test_the_line_is_set_and_the_port_becomes_another_link(bench: Bench) -> None:
    def change() -> Dialogue[None]:
        yield Line(LineSettings(2400, 7, "E"))
        yield Become("hdlc")

    await bench.channel.converse(change())
    assert termios.tcgetattr(bench.end)[4] == termios.B2400
    assert bench.channel.session.link.name == "hdlc"


async def test_a_port_that_goes_ends_the_question_and_those_behind_it(bench: Bench) -> None:
    def ask() -> Dialogue[None]:
        yield Send(b"?")
        yield Expect(anything, 9)

    asking = [asyncio.create_task(bench.channel.converse(ask())) for _ in range(2)]
    await bench.heard(b"?")
    bench.listening.cancel()
    for each in asking:
        with pytest.raises(DisconnectedError):
            await asyncio.wait_for(each, 1)
    assert not bench.channel.is_open


@pytest.fixture
def broken(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the port break whenever it is written to."""

    async def write(data: bytes) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(bench.port, "write", write)


@pytest.mark.usefixtures("broken")
async def test_a_port_that_breaks_while_it_is_written_is_a_lost_connection(bench: Bench) -> None:
    def ask() -> Dialogue[None]:
        yield Send(b"?")

    with pytest.raises(DisconnectedError):
        await bench.channel.converse(ask())


@pytest.mark.usefixtures("broken")
async def test_a_dialogue_that_is_over_keeps_its_result_though_the_port_breaks(
    bench: Bench,
) -> None:
    def held() -> Dialogue[str]:
        yield Hold()
        bench.channel.session._buffer += SAID  # asks for an answer when the dialogue ends
        yield Pause(0)
        return "done"

    assert await bench.channel.converse(held()) == "done"


async def test_a_dialogue_is_told_that_its_connection_is_lost(bench: Bench) -> None:
    def change() -> Dialogue[str]:
        yield Send(b"?")
        try:
            yield Expect(anything, 9)
        except MeteringError as err:
            return f"done, not read back: {type(err).__name__}"
        return "read back"

    changing = asyncio.create_task(bench.channel.converse(change()))
    await bench.heard(b"?")
    bench.listening.cancel()
    assert await asyncio.wait_for(changing, 1) == "done, not read back: DisconnectedError"


async def test_a_peer_that_the_network_has_lost_is_gone_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.port._reader.set_exception(TimeoutError(110, "Connection timed out"))
    with pytest.raises(ConnectionAbortedError):
        await asyncio.wait_for(bench.listening, 1)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often, and wait for a tenth of a second."""
    monkeypatch.setattr(channels, "QUIET", 0.02)
    monkeypatch.setattr(pace, "FIRST_PATIENCE", 0.1)
    monkeypatch.setattr(pace, "LEAST_PATIENCE", 0.1)


def identify(asked: list[float], within: float) -> Callable[[], Dialogue[str | None]]:
    def ask() -> Dialogue[str | None]:
        asked.append(asyncio.get_running_loop().time())
        yield Send(b"who?")
        yield Expect(anything, within)
        return "me"

    return ask


@pytest.mark.usefixtures("impatient")
async def test_an_answer_to_who_is_there_keeps_a_quiet_meter(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    link = type("Quiet", (), {"__getattr__": lambda _, name: getattr(LINKS["rfc1662"], name)})()
    link.identify = identify(asked, 0.5)
    monkeypatch.setattr(bench.channel.session, "link", link)
    for _ in range(2):
        await bench.heard(b"who?")
        assert not bench.listening.done()
        bench.say(SAID)
    assert len(asked) == 2
    assert bench.channel.up


@pytest.mark.usefixtures("impatient")
async def test_no_answer_to_who_is_there_ends_the_connection(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    link = type("Quiet", (), {"__getattr__": lambda _, name: getattr(LINKS["rfc1662"], name)})()
    link.identify = identify(asked, 0.1)
    monkeypatch.setattr(bench.channel.session, "link", link)
    with pytest.raises(SilenceError):
        await asyncio.wait_for(bench.listening, 2)
    assert len(asked) == 1


@pytest.mark.usefixtures("impatient")
async def test_a_bus_is_not_asked_before_its_connection_ends(bench: Bench) -> None:
    bench.channel.session.become(LINKS["dlt645"])
    with pytest.raises(SilenceError):
        await asyncio.wait_for(bench.listening, 2)
    with pytest.raises(BlockingIOError):
        os.read(bench.end, 1)
