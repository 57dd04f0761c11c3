"""Conversations, step by step, without a port or a clock."""

import pytest

from custom_components.obis_meter.metering.dialogue import Dialogue, Expect, Send, Settle, Step
from custom_components.obis_meter.metering.errors import NoAnswer, Refused, RequestError
from custom_components.obis_meter.metering.links import LINKS
from custom_components.obis_meter.metering.links.rfc1662 import talk
from custom_components.obis_meter.metering.model import Command, Message, Reply
from simulator.module import ACTION, COMMANDS, DATA, ERROR, GET, RESPONSE, SET, TRANSPARENT, frame

from .conversing import Conversation, converse

NUMBER = b"\x02\x28"
FIFTEEN = frame(COMMANDS, GET + RESPONSE, NUMBER + bytes.fromhex("040002110f"))
SET_DONE = frame(COMMANDS, SET + RESPONSE, NUMBER + b"\x01\x00")
REFUSED = frame(COMMANDS, ERROR, NUMBER + b"\x01\x0c")
PUSH = frame(TRANSPARENT, DATA, b"whatever it is")
ASKED = frame(COMMANDS, GET, NUMBER)


def ask(command: Command, *heard: bytes) -> Conversation[Reply]:
    request = LINKS["rfc1662"].request
    assert request
    return converse("rfc1662", request(command), *heard)


def kinds(steps: list[Step]) -> list[type]:
    return [type(step) for step in steps]


ONE = [Settle, Send, Expect]


def test_a_get_settles_asks_and_returns_the_answer_with_a_push_in_between() -> None:
    said = ask(Command("get", "0x2802"), PUSH + FIFTEEN)
    assert kinds(said.steps) == ONE
    assert said.steps[:2] == [Settle(0x2802), Send(ASKED)]
    assert said.result == Reply("0x2802", "unsigned8", 15, b"\x0f")
    assert said.events == [Message(TRANSPARENT, DATA, b"whatever it is", 0)]


def test_a_get_is_put_once_more_and_no_oftener() -> None:
    said = ask(Command("get", "0x2802"), PUSH, FIFTEEN)
    assert kinds(said.steps) == ONE * 2
    assert said.result
    silent = ask(Command("get", "0x2802"))
    assert kinds(silent.steps) == ONE * talk.ATTEMPTS
    assert isinstance(silent.error, NoAnswer)


def test_a_question_keeps_its_parameter_as_long_as_an_answer_may_come() -> None:
    settle, _, expect = ask(Command("get", "0x2802"), FIFTEEN).steps
    assert isinstance(settle, Settle)
    assert isinstance(expect, Expect)
    assert settle.topic == expect.topic == 0x2802
    assert expect.longest > expect.within


@pytest.mark.parametrize(
    "other",
    [
        frame(COMMANDS, GET + RESPONSE, b"\x03\x28\x04\x00\x03\x11\x0f"),  # another parameter
        SET_DONE,
        frame(COMMANDS, ERROR, b"\x03\x28\x01\x0c"),
        frame(COMMANDS, GET, NUMBER),  # the meter asks
        frame(0x2300, GET + RESPONSE, NUMBER),
        frame(COMMANDS, GET + RESPONSE, b"\x02"),
    ],
    ids=["parameter", "command", "refusal", "question", "protocol", "short"],
)
def test_what_is_no_answer_to_the_question_goes_its_usual_way(other: bytes) -> None:
    said = ask(Command("get", "0x2802"), other, other)
    assert isinstance(said.error, NoAnswer)
    assert len(said.events) == 2


def test_a_set_is_read_back() -> None:
    command = Command("set", "0x2802", "15", "unsigned8", item=2)
    said = ask(command, SET_DONE, FIFTEEN)
    assert kinds(said.steps) == ONE * 2
    assert said.steps[1] == Send(frame(COMMANDS, SET, NUMBER + bytes.fromhex("040002110f")))
    assert said.steps[4] == Send(ASKED)
    assert said.result
    assert said.result.data == b"\x00"
    assert said.result.read_back == Reply("0x2802", "unsigned8", 15, b"\x0f")


def test_a_set_whose_reading_back_fails_was_done_all_the_same() -> None:
    command = Command("set", "0x2802", "0f")
    refused = ask(command, SET_DONE, REFUSED)
    assert refused.result
    assert isinstance(refused.result.read_back, Refused)
    silent = ask(command, SET_DONE)
    assert kinds(silent.steps) == ONE * 3
    assert silent.result
    assert isinstance(silent.result.read_back, NoAnswer)


@pytest.mark.parametrize("verb", ["set", "action", "send"])
def test_what_may_change_the_meter_is_never_repeated(verb: str) -> None:
    parameter = "" if verb == "send" else "0x2802"
    said = ask(Command(verb, parameter, "0f"))  # type: ignore[arg-type]
    assert kinds(said.steps) == ONE
    assert isinstance(said.error, NoAnswer)


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("get", REFUSED),
        ("set", REFUSED),
        ("action", REFUSED),
        ("set", frame(COMMANDS, SET + RESPONSE, NUMBER + b"\x01\x0c")),
        ("action", frame(COMMANDS, ACTION + RESPONSE, NUMBER + b"\x01\x0c")),
    ],
)
def test_a_no_is_a_refusal_that_names_the_parameter(verb: str, answer: bytes) -> None:
    said = ask(Command(verb, "0x2802", "0f"), answer)  # type: ignore[arg-type]
    assert kinds(said.steps) == ONE
    assert isinstance(said.error, Refused)
    assert "0x2802" in str(said.error)


def test_a_value_that_looks_like_a_no_is_a_value() -> None:
    said = ask(Command("get", "0x2802"), frame(COMMANDS, GET + RESPONSE, NUMBER + b"\x01\x0c"))
    assert said.result == Reply("0x2802", None, 12, b"\x0c")


HDLC_PUSH = bytes.fromhex("7ea02a410883130413 e6e7000f 4000000000 010102")


@pytest.mark.parametrize("push", [b"/ISk5 text", b"\x0f\x01", b"\xe6\xe7\x00\x0f\x01", HDLC_PUSH])
def test_data_returns_the_next_that_is_no_telegram(push: bytes) -> None:
    pushed = frame(TRANSPARENT, DATA, push)
    said = ask(Command("send", value="c0 01"), pushed + frame(TRANSPARENT, DATA, b"\xc4\x01"))
    assert said.steps[1] == Send(frame(TRANSPARENT, DATA, b"\xc0\x01"))
    assert said.result == Reply(None, None, None, b"\xc4\x01")
    assert said.events[0] == Message(TRANSPARENT, DATA, push, 0)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (Command("get", "volts"), "parameter_unknown"),
        (Command("get", "-1"), "parameter_range"),
        (Command("set", "0x2802", "300", "unsigned8"), "value_range"),
        (Command("set", "0x2802", "0g"), "value_not_hex"),
        (Command("send", value="00" * 4095), "value_too_long"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_nonsense_is_refused_before_the_first_step(command: Command, why: str) -> None:
    request = LINKS["rfc1662"].request
    assert request
    with pytest.raises(RequestError) as refusal:
        request(command)
    assert refusal.value.key == why


def test_who_it_is_is_its_serial_number_or_nothing() -> None:
    identify = LINKS["rfc1662"].identify
    assert identify
    number = frame(COMMANDS, GET + RESPONSE, b"\x05\x80" + bytes.fromhex("0700050a0320 3720"))
    assert converse("rfc1662", identify(), number).result == "7"
    refused = converse("rfc1662", identify(), frame(COMMANDS, ERROR, b"\x05\x80\x01\x0c"))
    assert (refused.result, refused.error) == (None, None)
    assert isinstance(converse("rfc1662", identify()).error, NoAnswer)


def test_a_password_among_what_is_sent_does_not_show() -> None:
    def sign_on() -> Dialogue[None]:
        yield Send(b"12345678")

    (step,) = converse("rfc1662", sign_on()).steps
    assert "12345678" not in repr(step)
