"""Questions to a meter over the RFC 1662 meter link.

Frames carry no sequence number: an answer belongs to the question about the
same parameter, so a question that was not answered keeps its parameter for as
long as an answer may still come.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from ...dialogue import Dialogue, Expect, Send, Settle
from ...errors import MeteringError, NoAnswer, Refused, RequestError
from ...model import ANYONE, Access, Command, Message, Reply
from . import data
from .frame import (
    ACTION,
    COMMANDS,
    ERROR,
    GET,
    LONGEST_BODY,
    RESPONSE,
    SET,
    carry,
    frame,
    message,
    tunnelled,
)

ANSWER: Final = 5.0  # seconds in which a meter usually answers
LONGEST: Final = 15.0  # seconds after which no answer comes any more
ATTEMPTS: Final = 2  # of questions that change nothing
_DATA_NOTIFICATION: Final = (b"\x0f", b"\xe6\xe7\x00\x0f")
_FLAG: Final = b"\x7e"
_HDLC_HEAD: Final = 14  # bytes before the LLC header: flag, format, addresses, control, HCS
_WRAPPER: Final = b"\x00\x01"
_WRAPPER_HEAD: Final = 8  # bytes
_TRANSPARENT_TOPIC: Final = "transparent data"


def request(command: Command, access: Access = ANYONE) -> Dialogue[Reply]:
    """Return the dialogue that has a command done; RequestError where it cannot be put.

    There is one meter on this link, and it asks for no password.
    """
    match command.verb:
        case "get":
            return _get(data.number_of(command.parameter))
        case "set":
            return _set(data.number_of(command.parameter), _body(command), command.read_back)
        case "action":
            return _invoke(data.number_of(command.parameter), _body(command))
        case "send":
            return _send(_bounded(data.octets_of(command.value)))
    raise RequestError("not_supported", command.verb)


def identify() -> Dialogue[str | None]:
    """Return the dialogue that asks for the meter's serial number; None where it refuses."""
    try:
        reply = yield from _get(data.METER_SERIAL_NUMBER)
    except Refused:
        return None
    return str(reply.value or "").strip() or None


def _body(command: Command) -> bytes:
    """Return what follows the parameter's number: typed, or octets as they are given."""
    if command.type is None:
        return _bounded(data.octets_of(command.value))
    return data.typed(command.item, command.type, command.value)


def _bounded(octets: bytes) -> bytes:
    if len(octets) > LONGEST_BODY - 2:
        raise RequestError("value_too_long", f"{len(octets)} > {LONGEST_BODY - 2}")
    return octets


def _get(parameter: int) -> Dialogue[Reply]:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _reply((yield from _ask(GET, parameter, b"")))
        except NoAnswer:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError  # pragma: no cover


def _set(parameter: int, body: bytes, read_back: bool) -> Dialogue[Reply]:
    reply = _reply((yield from _ask(SET, parameter, body)))
    if not read_back:
        return reply
    try:
        read = yield from _get(parameter)
    except MeteringError as err:
        return replace(reply, read_back=err)
    return replace(reply, read_back=read)


def _invoke(parameter: int, body: bytes) -> Dialogue[Reply]:
    return _reply((yield from _ask(ACTION, parameter, body)))


def _ask(command: int, parameter: int, body: bytes) -> Dialogue[Message]:
    """Put one question and return its answer; Refused where the meter says no."""
    yield Settle(parameter)
    number = parameter.to_bytes(2, "little")
    yield Send(frame(COMMANDS, command, number + body))
    answers = partial(_answers, number, (command + RESPONSE, ERROR))
    payload = yield Expect(answers, ANSWER, parameter, LONGEST)
    said = message(payload)
    failed = command in (SET, ACTION) and said.data[2:] == bytes([1, data.FAILED])
    if said.command == ERROR or failed:
        raise Refused(f"the meter refused 0x{parameter:04X} (answer {said.data[2:].hex()})")
    return said


def _is(payload: bytes, fits: Callable[[Message], bool]) -> bool:
    try:
        return fits(message(payload))
    except MeteringError:
        return False


def _answers(number: bytes, commands: tuple[int, ...], payload: bytes) -> bool:
    return _is(
        payload,
        lambda said: (
            said.protocol == COMMANDS and said.command in commands and said.data[:2] == number
        ),
    )


def _reply(said: Message) -> Reply:
    parameter = int.from_bytes(said.data[:2], "little")
    content = data.content(said.data[2:])
    return Reply(f"0x{parameter:04X}", content.type, content.value, content.octets)


def _send(octets: bytes) -> Dialogue[Reply]:
    """Pass octets on, and return the next that come back, pushed telegrams left out."""
    yield Settle(_TRANSPARENT_TOPIC)
    yield Send(carry(octets))
    payload = yield Expect(_is_answer, ANSWER, _TRANSPARENT_TOPIC, LONGEST)
    return Reply(None, None, None, tunnelled(message(payload)))


def _is_answer(payload: bytes) -> bool:
    return _is(payload, lambda said: bool(tunnelled(said)) and not _is_push(said.data))


def _is_push(body: bytes) -> bool:
    """Tell whether a body begins a telegram that nobody asked for: DLMS, in HDLC too, or P1."""
    if body.startswith(_FLAG):
        head, llc, _ = body.partition(_DATA_NOTIFICATION[1])
        return bool(llc) and len(head) <= _HDLC_HEAD
    apdu = body[_WRAPPER_HEAD:] if body.startswith(_WRAPPER) else body
    return apdu.startswith(_DATA_NOTIFICATION) or body.startswith(b"/")
