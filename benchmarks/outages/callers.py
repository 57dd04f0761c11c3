"""Ten callers at once: each gets its own answer or a clear error, and nobody waits for ever."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr

from custom_components.obis_meter.const import DOMAIN
from simulator.dlt645 import Meter2007
from simulator.module import OCTETS, UNSIGNED32, ModuleTalk, Parameter
from simulator.optical import OpticalMeter

from .hurry import FACTOR
from .kinds import Kind
from .suffering import Sufferer

CALLERS: Final = 10
_PARAMETERS: Final = 40  # of a module's meter, each with a value of its own
_FIRST: Final = 0x2900
_OWN: Final = 0x2A00
_HANGING: Final = 40.0  # s after which a call is said to hang: 64 may wait before it

type Call = tuple[str, dict[str, Any], Callable[[dict[str, Any]], bool]]
"""An action, its fields, and whether what it says is the answer to that."""


@dataclass(slots=True)
class Crowd:
    """What came of the calls of one kind; waits in seconds of the owner's clock."""

    name: str
    calls: int = 0
    answers: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0
    sent: int = 0
    heard: int = 0
    wrong: list[str] = field(default_factory=list)


class Callers:
    """Ten who call actions of one entry's meters at random, while its line fails now and then."""

    def __init__(self, hass: HomeAssistant, kind: Kind, random: Random, failing: bool) -> None:
        """Take an entry that is set up and heard."""
        self.crowd = Crowd(f"{kind.name}{' failing' * failing}")
        self._hass, self._kind, self._random = hass, kind, random
        self._failing = failing
        _prepare(kind)

    async def call(self, rounds: int) -> Crowd:
        """Have each of ten call so many times; the line fails meanwhile where it is to."""
        book = next(iter(self._kind.books.values()))
        channels = self._kind.channels()
        sent, heard = book.telegrams, _heard(channels)
        failing = asyncio.create_task(self._fail()) if self._failing else None
        await asyncio.gather(*(self._caller(number, rounds) for number in range(CALLERS)))
        if failing:
            failing.cancel()
            await asyncio.gather(failing, return_exceptions=True)
            await self._kind.line.recover()
        elif book.telegrams:
            await asyncio.sleep(0.03)  # what is on its way
            self.crowd.sent, self.crowd.heard = book.telegrams - sent, _heard(channels) - heard
            if abs(self.crowd.sent - self.crowd.heard) > 1:  # one may be sent just now
                self.crowd.wrong.append("telegrams were lost or doubled")
        return self.crowd

    async def _fail(self) -> None:
        while True:
            fault = self._random.choice(("cut", "reset", "half open", "stall", "pulled", "silent"))
            await asyncio.sleep(self._random.uniform(0.1, 1.0))
            if fault in self._kind.line.faults:
                await self._kind.line.fail(fault)
                await asyncio.sleep(self._random.uniform(0.02, 0.5))
                await self._kind.line.recover()

    async def ask(self, number: int) -> None:
        """Call once, whatever comes of it; HomeAssistantError."""
        if self._kind.entry.data["link"] in _CALLS:
            key, (action, fields, _) = self._choose(number, 0)
            await self._act(key, action, fields)

    async def _caller(self, number: int, rounds: int) -> None:
        for turn in range(rounds):
            key, (action, fields, fits) = self._choose(number, turn)
            began = monotonic()
            self.crowd.calls += 1
            try:
                async with asyncio.timeout(_HANGING):
                    said = await self._act(key, action, fields)
            except TimeoutError:
                self.crowd.wrong.append(f"{action} {fields} hangs")
            except HomeAssistantError as err:
                self._note_error(action, err)
            except Exception as err:
                self.crowd.wrong.append(f"{action} {fields}: {err!r}")
            else:
                self.crowd.answers += 1
                if not fits(said):
                    self.crowd.wrong.append(f"{action} {fields} got another's answer: {said}")
            self.crowd.longest = max(self.crowd.longest, (monotonic() - began) * FACTOR)
            await asyncio.sleep(self._random.uniform(0, 0.2 if self._failing else 0.02))

    def _note_error(self, action: str, err: HomeAssistantError) -> None:
        self.crowd.errors[err.translation_key or "?"] += 1
        if not err.translation_key:
            self.crowd.wrong.append(f"{action}: {err!r} has no words")

    async def _act(self, key: str, action: str, fields: dict[str, Any]) -> dict[str, Any]:
        entry = self._kind.entry
        devices = dr.async_get(self._hass)
        device = devices.async_get_device_by_identifier((DOMAIN, key), entry.entry_id)
        assert device
        said = await self._hass.services.async_call(
            DOMAIN,
            action,
            {"device_id": device.id, **fields},
            blocking=True,
            return_response=True,
        )
        assert isinstance(said, dict)
        return said

    def _choose(self, number: int, turn: int) -> tuple[str, Call]:
        key = self._random.choice(list(self._kind.books))
        calls = _CALLS[self._kind.entry.data["link"]]
        return key, self._random.choice(calls)(self._random, number, turn, key)


def _heard(channels: list[Any]) -> int:
    return sum(channel.statistics.telegrams for channel in channels)


def _prepare(kind: Kind) -> None:
    """Give a meter parameters whose values tell them apart, and one of each caller's own."""
    for talk in kind.talks:
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


_CALLS: Final[dict[str, tuple[Callable[[Random, int, int, str], Call], ...]]] = {
    "rfc1662": (_module_get, _module_get, _module_set, _module_send, _module_invoke),
    "dlt645": (*(_bus_get,) * 8, *(_bus_control,) * 3, _read_now),
    "iec62056-21": (*(_head_get,) * 4, _read_now),
}


async def crowds(sufferers: list[Sufferer], rounds: int, number: int) -> list[Crowd]:
    """Have ten call each kind that can be asked, first on a line that is well."""
    found = []
    for failing in (False, True):
        asked = [each for each in sufferers if each.kind.entry.data["link"] in _CALLS]
        calling = [
            Callers(each.hass, each.kind, Random(f"{number} {each.kind.name}"), failing)
            for each in asked
        ]
        turns = [
            each.call(max(1, rounds // 8) if "head" in each.crowd.name else rounds)
            for each in calling
        ]
        found += await asyncio.gather(*turns)
    return found
