"""What the meter asks of its communication module, and what we answer in its place.

A module that stays silent is taken for dead: every question has an answer, the
error response where we have no other.
"""

from collections.abc import Callable
from typing import Final

from ...model import METER_EVENT, Message, Module, Notice
from . import data
from .frame import ACTION, COMMANDS, ERROR, EVENT, GET, RESPONSE, SET, frame

type Handler = Callable[[int, bytes, Module], bytes | None]
"""Takes a command, what follows the parameter's number, and who we are.

Returns what follows the number in the response; None for the error response.
"""


class Handlers:
    """Who answers what, by protocol and parameter."""

    def __init__(self) -> None:
        """Know no parameter."""
        self._rows: dict[tuple[int, int], Handler] = {}

    def add(self, protocol: int, parameter: int, handler: Handler) -> None:
        """Have questions about a parameter answered; ValueError where somebody does already."""
        if (protocol, parameter) in self._rows:
            raise ValueError(f"0x{parameter:04X} of 0x{protocol:04X} has a handler")
        self._rows[protocol, parameter] = handler

    def answer(self, message: Message, module: Module) -> bytes | None:
        """Return the frame that answers a message; None for one that is no question."""
        if message.protocol != COMMANDS or message.command not in (GET, SET, EVENT, ACTION):
            return None
        number, rest = message.data[:2], message.data[2:]
        handler = self._rows.get((message.protocol, int.from_bytes(number, "little")))
        if message.command == EVENT:
            handler = handler or _acknowledge
        body = handler(message.command, rest, module) if handler else None
        if body is None:
            return frame(message.protocol, ERROR, number + bytes([1, data.FAILED]))
        return frame(message.protocol, message.command + RESPONSE, number + body)


def _acknowledge(command: int, rest: bytes, module: Module) -> bytes | None:
    return bytes([1, data.SUCCESS])


def _number(value: Callable[[Module], int]) -> Handler:
    """Return a handler that gives a number, without a type."""

    def handler(command: int, rest: bytes, module: Module) -> bytes | None:
        return bytes([1, value(module)]) if command == GET else None

    return handler


def _string(value: Callable[[Module], str]) -> Handler:
    """Return a handler that gives a text: typed where the meter names the item it wants."""

    def handler(command: int, rest: bytes, module: Module) -> bytes | None:
        text = value(module)
        if command != GET or not text:
            return None
        if len(rest) == 2:
            return data.typed(int.from_bytes(rest, "big"), "visible-string", text)
        return bytes([len(text)]) + text.encode("ascii")

    return handler


def _handlers() -> Handlers:
    handlers = Handlers()
    for parameter, handler in (
        (data.LINK_QUALITY, _number(lambda module: module.link_quality)),
        (data.MODULE_STATE, _number(lambda module: module.state)),
        (data.METER_SERIAL_NUMBER, _string(lambda module: module.meter or "")),
        (data.DEVICE_NAME, _string(lambda module: module.name)),
    ):
        handlers.add(COMMANDS, parameter, handler)
    return handlers


HANDLERS: Final = _handlers()


def answer(message: Message, module: Module) -> bytes | None:
    """Return the frame that answers a message of the meter; None for one that is no question."""
    return HANDLERS.answer(message, module)


def notice(message: Message) -> Notice | None:
    """Return what an EVENT of the meter says; None for any other message."""
    if (message.protocol, message.command) != (COMMANDS, EVENT) or len(message.data) < 2:
        return None
    said = data.content(message.data[2:])
    number = int.from_bytes(message.data[:2], "little")
    return Notice(METER_EVENT, f"0x{number:04X}", said.value, said.octets)
