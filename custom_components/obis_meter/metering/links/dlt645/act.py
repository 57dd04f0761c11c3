"""Commands as owners put them: data identifiers or OBIS codes to read and write, acts by name."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Final

from ...dialogue import Dialogue
from ...errors import DecodeError, MeteringError, RequestError
from ...model import ANYONE, Access, Command, ObisCode, Reading, Reply
from .answers import Block, telegram
from .commands import OLD, Operation, clear_demand, control, freeze, set_clock
from .identifiers import IDENTIFIERS, items
from .talk import fetch, octets_of, write


def request(command: Command, access: Access = ANYONE) -> Dialogue[Reply]:
    """Return the dialogue that has a command done; RequestError where it cannot be put.

    get and set take a data identifier of eight or four digits, or an OBIS code;
    action takes the name of ACTS, and for power the time until which it is valid.
    """
    match command.verb:
        case "get":
            return _get(access, identifier_for(command.parameter, access))
        case "set":
            identifier = identifier_for(command.parameter, access)
            return _set(access, identifier, _encoded(command), command.read_back)
        case "action" if act := ACTS.get(command.parameter.strip().lower()):
            return act(access, command.value)
        case "action":
            raise RequestError("parameter_unknown", command.parameter)
    raise RequestError("not_supported", command.verb)


def identifier_for(parameter: str, access: Access) -> str:
    """Return the data identifier that an owner names; RequestError for what is none."""
    if code := ObisCode.parse(parameter.strip()):
        for identifier in _singles(code.e, 4 if access.dialect == OLD else 8):
            if [name for name, _ in items(identifier)] == [code]:
                return identifier
        raise RequestError("parameter_unknown", parameter)
    identifier = "".join(parameter.split()).removeprefix("0x").upper()
    octets_of(identifier)
    return identifier


def _singles(tariff: int, size: int) -> Iterator[str]:
    """Yield identifiers of single values, those of rates for one tariff only."""
    for pattern in IDENTIFIERS:
        match pattern.count("."):
            case dots if len(pattern) != size or dots == 2:
                continue
            case 0:
                yield pattern
            case 1:
                yield from (f"{pattern[:-1]}{n:X}" for n in range(15))
            case 4:
                yield from (f"{pattern[:4]}{p:02X}00" for p in range(4))
            case _:
                yield from (f"{pattern[:2]}{q:02X}{tariff:02X}00" for q in range(0x40))


def _get(access: Access, identifier: str) -> Dialogue[Reply]:
    return _reply((yield from fetch(access, identifier)))


def _set(access: Access, identifier: str, octets: bytes, read_back: bool) -> Dialogue[Reply]:
    yield from write(access, identifier, octets)
    reply = Reply(identifier, None, None, octets)
    if not read_back:
        return reply
    try:
        return replace(reply, read_back=(yield from _get(access, identifier)))
    except MeteringError as err:
        return replace(reply, read_back=err)


def _reply(block: Block) -> Reply:
    """Return what stands behind an identifier; octets alone where nobody knows how it reads."""
    try:
        readings = telegram(block).readings
    except DecodeError:
        readings = ()
    value = readings[0].value if len(readings) == 1 else ", ".join(map(_shown, readings))
    plain = f"{value:f}" if isinstance(value, Decimal) else value
    return Reply(block.identifier, None, plain or None, block.octets)


def _shown(reading: Reading) -> str:
    value = f"{reading.value:f}" if isinstance(reading.value, Decimal) else str(reading.value)
    return " ".join(filter(None, (f"{reading.id}={value}", reading.unit)))


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text.strip().removeprefix("0x"))
    except ValueError:
        raise RequestError("value_not_hex", text) from None


def _bcd(text: str) -> bytes:
    """Return digits as they are read, high first, in the order in which they are sent."""
    digits = "".join(text.split())
    if len(digits) % 2 or not (digits.isascii() and digits.isdecimal()):
        raise RequestError("value_not_bcd", text)
    return bytes.fromhex(digits)[::-1]


def _ascii(text: str) -> bytes:
    if not (text.isascii() and text.isprintable()):
        raise RequestError("value_not_visible", text)
    return text.encode("ascii")[::-1]


TYPES: Final[dict[str | None, Callable[[str], bytes]]] = {None: _hex, "bcd": _bcd, "ascii": _ascii}
"""Data type of a value to write -> its octets, low byte first; without a type they are hex."""


def _encoded(command: Command) -> bytes:
    if (encode := TYPES.get(command.type)) is None:
        raise RequestError("type_unknown", command.type or "")
    return encode(command.value)


type _Act = Callable[[Access, str], Dialogue[Reply]]


def _power(access: Access, value: str, operation: Operation) -> Dialogue[Reply]:
    state = yield from control(access, operation, _time(value))
    return Reply(operation.name.lower(), None, "open" if state.is_open else "closed", b"")


def _set_clock(access: Access, value: str) -> Dialogue[Reply]:
    now = _time(value)
    done = yield from set_clock(access, lambda: now)
    return Reply("set_clock", None, done.after, b"")


def _clear_demand(access: Access, _: str) -> Dialogue[Reply]:
    yield from clear_demand(access)
    return Reply("clear_demand", None, None, b"")


def _freeze(access: Access, _: str) -> Dialogue[Reply]:
    yield from freeze(access)
    return Reply("freeze", None, None, b"")


ACTS: Final[dict[str, _Act]] = {
    "clear_demand": _clear_demand,
    "freeze": _freeze,
    "set_clock": _set_clock,
    **{op.name.lower(): partial(_power, operation=op) for op in Operation},
}
"""What a meter can be told to do, by name."""


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise RequestError("value_not_time", text) from None
