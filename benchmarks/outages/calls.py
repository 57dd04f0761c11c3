"""What the callers ask of each kind of meter, and how they know their own answer."""

from collections.abc import Callable
from random import Random
from typing import Any, Final

from simulator.dlt645 import Meter2007
from simulator.module import OCTETS, UNSIGNED32, ModuleTalk, Parameter
from simulator.optical import OpticalMeter

CALLERS: Final = 10
_PARAMETERS: Final = 40  # of a meter, each with a value of its own
_FIRST: Final = 0x2900
_OWN: Final = 0x2A00

type Call = tuple[str, dict[str, Any], Callable[[dict[str, Any]], bool]]
"""An action, its fields, and whether what it says is the answer to that."""


def prepare(talks: list[Any]) -> None:
    """Give meters parameters whose values tell them apart, and one of each caller's own."""
    for talk in talks:
        match talk:
            case ModuleTalk():
                for n in range(_PARAMETERS):
                    octets = (7_000_000 + n).to_bytes(4, "big")
                    talk.parameters[_FIRST + n] = Parameter(UNSIGNED32, octets)
                for n in range(CALLERS):
                    talk.parameters[_OWN + n] = Parameter(OCTETS, b"")
            case OpticalMeter():
                talk.parameters |= {f"9.{n}.0": f"{7000 + n}" for n in range(_PARAMETERS)}
            case Meter2007(address=address):
                written = {f"049100{n:02X}": _mine(address, n) for n in range(_PARAMETERS)}
                talk.state.written |= written


def _mine(address: str, number: int) -> bytes:
    return bytes.fromhex(address)[-2:] + bytes([number])


# --- calls of a module's meter ---


def _module_get(random: Random, _number: int, _turn: int, _key: str) -> Call:
    n = random.randrange(_PARAMETERS)
    asked = {"parameter": f"0x{_FIRST + n:04X}"}
    return "get_parameter", asked, lambda said: said["value"] == 7_000_000 + n


def _module_set(_random: Random, number: int, turn: int, _key: str) -> Call:
    mine = bytes([number]) * 4 + turn.to_bytes(2, "big")
    asked = {"parameter": f"0x{_OWN + number:04X}", "type": "octet-string", "value": mine.hex()}

    def fits(said: dict[str, Any]) -> bool:
        back = said["read_back"]
        return "read_back_error" in said if back is None else mine.hex() in back["hex"]

    return "set_parameter", asked, fits


def _module_send(_random: Random, number: int, turn: int, _key: str) -> Call:
    mine = f"000100100001000300{number:02x}{turn:02x}"
    returned = f"000100010010000300{number:02x}{turn:02x}"
    return "send_data", {"data": mine}, lambda said: said["hex"] == returned


def _module_invoke(_random: Random, _number: int, _turn: int, _key: str) -> Call:
    return "invoke_action", {"parameter": "0x3007", "value": "01"}, lambda said: said["hex"] == "00"


# --- calls of meters on a bus ---


def _bus_get(random: Random, _number: int, _turn: int, key: str) -> Call:
    n = random.randrange(_PARAMETERS)
    mine = _mine(key, n).hex()
    return "get_parameter", {"parameter": f"049100{n:02X}"}, lambda said: mine in said["hex"]


def _bus_control(random: Random, _number: int, _turn: int, _key: str) -> Call:
    operation = random.choice(("alarm", "alarm_off"))
    asked = {"operation": operation}
    return "control_relay", asked, lambda said: said["operation"] == operation


def _read_now(_random: Random, _number: int, _turn: int, _key: str) -> Call:
    return "read_now", {}, lambda said: said["readings"] > 0


# --- calls of a meter behind a head ---


def _head_get(random: Random, _number: int, _turn: int, _key: str) -> Call:
    n = random.randrange(_PARAMETERS)
    asked = {"parameter": f"9.{n}.0"}
    return "get_parameter", asked, lambda said: f"{7000 + n}" in str(said["value"])


CALLS: Final[dict[str, tuple[Callable[[Random, int, int, str], Call], ...]]] = {
    "rfc1662": (_module_get, _module_get, _module_set, _module_send, _module_invoke),
    "dlt645": (*(_bus_get,) * 8, *(_bus_control,) * 3, _read_now),
    "iec62056-21": (*(_head_get,) * 4, _read_now),
}
