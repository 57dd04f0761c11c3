"""A meter with a module: what it makes of what the module says over a bad line."""

import pytest

from simulator.meters import ModuleMeter, meter
from simulator.module import COMMANDS, GET, OCTETS, RESPONSE, SERIAL, SET, frame, frames, number

ASKED = frame(COMMANDS, GET, number(SERIAL))


def module() -> ModuleMeter:
    made = meter("module")
    assert isinstance(made, ModuleMeter)
    return made


def bodies(said: bytes) -> list[tuple[int, bytes]]:
    return [(command, body[:2]) for _, command, body in frames(bytearray(said))]


@pytest.mark.parametrize("bit", range(8 * len(ASKED)))
def test_a_damaged_question_costs_no_other(bit: int) -> None:
    talk = module().talk
    damaged = bytearray(ASKED)
    damaged[bit // 8] ^= 1 << bit % 8
    talk.respond(bytes(damaged))
    for _ in range(3):
        assert bodies(talk.respond(ASKED)) == [(GET + RESPONSE, number(SERIAL))]


def test_a_question_may_come_in_pieces() -> None:
    talk = module().talk
    said = b"".join(talk.respond(ASKED[at : at + 1]) for at in range(len(ASKED)))
    assert bodies(said) == [(GET + RESPONSE, number(SERIAL))]


def test_two_questions_share_a_flag() -> None:
    assert len(bodies(module().talk.respond(ASKED + ASKED[1:]))) == 2


def test_what_is_never_whole_is_let_go() -> None:
    talk = module().talk
    for _ in range(100):
        assert talk.respond(frame(COMMANDS, GET, bytes(1000))[:-1] + b"\0") == b""
    assert len(talk.heard) < 10_000
    assert talk.respond(ASKED)
    assert len(talk.heard) < len(ASKED)


def test_a_value_with_a_flag_is_taken_whole() -> None:
    talk = module().talk
    talk.parameters[0x2801].octets = b""
    talk.respond(frame(COMMANDS, SET, number(0x2801) + b"\x05~\xff\x03~~"))
    held = talk.parameters[0x2801]
    assert (held.tag, held.octets) == (OCTETS, b"~\xff\x03~~")
