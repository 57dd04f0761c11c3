"""The link of communication modules: frames, what a meter asks, and telegrams inside."""

from random import Random

import pytest

from custom_components.obis_meter.metering.errors import DecodeError, FrameError
from custom_components.obis_meter.metering.links import LINKS
from custom_components.obis_meter.metering.links.rfc1662 import HANDLERS, Handlers, frame as frames
from custom_components.obis_meter.metering.model import Message, Module, Notice
from custom_components.obis_meter.metering.session import Session
from simulator.checksums import crc16_x25
from simulator.module import (
    ACTION,
    COMMANDS,
    DATA,
    ERROR,
    EVENT,
    GET,
    RESPONSE,
    SET,
    TRANSPARENT,
    frame,
)

from .captures import SIMULATED
from .hearing import bytewise, events, only_telegrams, telegrams

SAID = frame(COMMANDS, EVENT, b"\x60\x28\x01\x07")
MEANT = Message(COMMANDS, EVENT, b"\x60\x28\x01\x07", 0)
RAW = {capture.name: capture.raw for capture in SIMULATED}
MODULE = Module("Flat 3", meter="202600012345", link_quality=17, state=1)


def messages(*chunks: bytes) -> list[Message]:
    return [event for event in events("rfc1662", *chunks) if isinstance(event, Message)]


def faults(*chunks: bytes) -> int:
    return sum(isinstance(event, FrameError) for event in events("rfc1662", *chunks))


def stuffed(plain: bytes, control: bool = False) -> bytes:
    """Return a frame whose octets are escaped as RFC 1662, 4.2 has it."""
    special = {0x7E, 0x7D, *(range(0x20) if control else ())}
    inside = b"".join(
        bytes([0x7D, byte ^ 0x20]) if byte in special else bytes([byte]) for byte in plain[1:-1]
    )
    return b"\x7e" + inside + b"\x7e"


def test_the_frames_that_the_protocol_prints_are_ours() -> None:
    assert frames.frame(COMMANDS, GET, b"\x03\x80") == bytes.fromhex("7eff0300220003c003808b077e")
    assert messages(bytes.fromhex("7eff0300220003c003808b077e")) == [
        Message(COMMANDS, GET, b"\x03\x80", 0)
    ]


@pytest.mark.parametrize(
    "body", [b"\x7e\x7d\x7e", b"\x7e\xff\x03\x00\x22\x00\x03\xc0", b"", b"~" * 9]
)
def test_a_frame_is_cut_by_its_length_whatever_is_inside(body: bytes) -> None:
    whole = frame(TRANSPARENT, DATA, body)
    meant = [Message(TRANSPARENT, DATA, body, 0)]
    assert messages(whole) == messages(*bytewise(whole)) == meant
    assert messages(whole + SAID) == [*meant, MEANT]
    assert faults(whole, SAID) == 0


def test_flags_may_be_shared_or_many() -> None:
    assert messages(SAID + SAID[1:] + b"\x7e" * 5 + SAID) == [MEANT] * 3
    assert faults(SAID + SAID[1:] + b"\x7e" * 5 + SAID) == 0


@pytest.mark.parametrize("control", [False, True])
def test_an_escaped_frame_is_understood_where_only_that_reading_checks(control: bool) -> None:
    whole = frame(TRANSPARENT, DATA, bytes(range(256)))
    escaped = stuffed(whole, control)
    assert escaped != whole
    meant = [Message(TRANSPARENT, DATA, bytes(range(256)), 0)]
    assert messages(escaped) == messages(*bytewise(escaped)) == meant
    assert messages(SAID + escaped[1:] + SAID[1:]) == [MEANT, *meant, MEANT]


@pytest.mark.parametrize("length", [0, 4098, 0xFFFF])
def test_a_length_that_cannot_be_costs_only_its_frame(length: int) -> None:
    text = b"\xff\x03" + COMMANDS.to_bytes(2, "little") + length.to_bytes(2, "big")
    odd = b"\x7e" + text + crc16_x25(text).to_bytes(2, "big") + b"\x7e"
    assert messages(odd + SAID) == [MEANT]
    assert faults(odd + SAID) >= 1


def test_the_longest_body_is_read_and_none_longer() -> None:
    longest = Random(1).randbytes(frames.LONGEST_BODY)
    assert messages(frame(TRANSPARENT, DATA, longest)) == [Message(TRANSPARENT, DATA, longest, 0)]
    assert messages(frame(TRANSPARENT, DATA, longest + b"\x00") + SAID) == [MEANT]


def test_every_damaged_byte_costs_its_frame_only() -> None:
    for at in range(1, len(SAID) - 1):
        for flip in (1, 0x80):
            broken = SAID[:at] + bytes([SAID[at] ^ flip]) + SAID[at + 1 :]
            heard = messages(broken + SAID + SAID)
            assert heard[-1:] == [MEANT], at
            assert all(message == MEANT for message in heard), at


def test_the_low_byte_of_a_protocol_is_how_well_the_module_hears() -> None:
    assert messages(frame(TRANSPARENT | 23, DATA, b"x")) == [Message(TRANSPARENT, DATA, b"x", 23)]


def test_an_unknown_protocol_is_a_fault_and_not_silence() -> None:
    said = events("rfc1662", frame(0x2300, GET, b"\x03\x80") + SAID)
    assert isinstance(said[0], DecodeError)
    assert "0x2300" in str(said[0])
    assert said[1:] == [MEANT]


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ((GET, "0380"), (GET + RESPONSE, "0380 01 11")),
        ((GET, "0280"), (GET + RESPONSE, "0280 01 01")),
        ((GET, "0580"), (GET + RESPONSE, "0580 0c" + b"202600012345".hex())),
        ((GET, "0780"), (GET + RESPONSE, "0780 06" + b"Flat 3".hex())),
        ((GET, "0780 0001"), (GET + RESPONSE, "0780 0a 0001 0a 06" + b"Flat 3".hex())),
        ((GET, "0180"), (ERROR, "0180 01 0c")),
        ((SET, "0380 01 05"), (ERROR, "0380 01 0c")),
        ((SET, "9999 01 05"), (ERROR, "9999 01 0c")),
        ((ACTION, "0130"), (ERROR, "0130 01 0c")),
        ((EVENT, "6028 01 07"), (EVENT + RESPONSE, "6028 01 00")),
        ((EVENT, ""), (EVENT + RESPONSE, "01 00")),
        ((GET, ""), (ERROR, "01 0c")),
    ],
)
def test_every_question_is_answered(asked: tuple[int, str], answer: tuple[int, str]) -> None:
    link = LINKS["rfc1662"]
    assert link.answer
    (command, body), (said, content) = asked, answer
    question = Message(COMMANDS, command, bytes.fromhex(body))
    assert link.answer(question, MODULE) == frame(COMMANDS, said, bytes.fromhex(content))


def test_whatever_else_a_meter_asks_has_an_answer_and_what_is_no_question_has_none() -> None:
    dice = Random(2)
    for command in range(256):
        body = dice.randbytes(dice.randrange(6))
        answer = HANDLERS.answer(Message(COMMANDS, command, body), MODULE)
        assert (answer is not None) is (command in (GET, SET, EVENT, ACTION))
        assert HANDLERS.answer(Message(TRANSPARENT, command, body), MODULE) is None


def test_what_is_not_known_of_a_module_is_refused() -> None:
    refused = frame(COMMANDS, ERROR, b"\x05\x80\x01\x0c")
    assert HANDLERS.answer(Message(COMMANDS, GET, b"\x05\x80"), Module("x")) == refused


def test_one_parameter_has_one_handler() -> None:
    handlers = Handlers()
    handlers.add(COMMANDS, 0x8003, lambda command, rest, module: b"1")
    handlers.add(TRANSPARENT, 0x8003, lambda command, rest, module: b"2")
    with pytest.raises(ValueError, match="0x8003"):
        handlers.add(COMMANDS, 0x8003, lambda command, rest, module: b"3")
    first = handlers.answer(Message(COMMANDS, GET, b"\x03\x80"), MODULE)
    assert first == frame(COMMANDS, GET + RESPONSE, b"\x03\x801")


def test_an_event_is_a_notice_and_nothing_else_is() -> None:
    notice = LINKS["rfc1662"].notice
    assert notice
    assert notice(MEANT) == Notice("meter_event", "0x2860", 7, b"\x07")
    for other in (Message(COMMANDS, GET, MEANT.data), Message(TRANSPARENT, EVENT, MEANT.data)):
        assert notice(other) is None
    assert notice(Message(COMMANDS, EVENT, b"\x60")) is None


@pytest.mark.parametrize(("name", "link"), [("aidon", "hdlc"), ("p1", "p1"), ("sml", "sml")])
@pytest.mark.parametrize("size", [7, 60, 128, 5000])
def test_a_telegram_inside_is_read_however_it_is_cut_over_bodies(
    name: str, link: str, size: int
) -> None:
    raw = RAW[next(key for key in RAW if key.startswith(f"{name}/"))]
    meant = telegrams(link, raw)
    assert meant
    bodies = [raw[at : at + size] for at in range(0, len(raw), size)]
    wire = b"".join(frame(TRANSPARENT | 9, DATA, body) + SAID for body in bodies)
    assert telegrams("rfc1662", wire) == meant
    assert messages(wire).count(MEANT) == len(bodies)


def test_a_wrapper_and_a_bare_apdu_inside_are_read() -> None:
    apdu = RAW["aidon/3"][9 + 3 : -3]  # behind header and LLC
    meant = [each.readings for each in telegrams("hdlc", RAW["aidon/3"])]
    assert meant
    wrapper = bytes.fromhex("0001000100010000")[:6] + len(apdu).to_bytes(2, "big") + apdu
    for body in (apdu, wrapper):
        heard = telegrams("rfc1662", frame(TRANSPARENT, DATA, body))
        assert [each.readings for each in heard] == meant


def test_what_nobody_understands_inside_stays_a_message() -> None:
    session = Session(LINKS["rfc1662"])
    noise = Random(3).randbytes(300)
    assert list(session.feed(frame(TRANSPARENT, DATA, noise))) == [
        Message(TRANSPARENT, DATA, noise, 0)
    ]
    assert not only_telegrams(session.idle())


def test_an_escaped_frame_without_a_command_is_a_fault() -> None:
    text = b"\xff\x03\x00\x22\x00\x00"
    whole = b"\x7e" + text + crc16_x25(text).to_bytes(2, "big") + b"\x7e"
    assert [type(event) for event in events("rfc1662", stuffed(whole, True))] == [DecodeError]
