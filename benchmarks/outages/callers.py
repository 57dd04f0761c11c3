"""Ten callers at once: each gets its own answer or a clear error, and nobody waits for ever."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr

from custom_components.obis_meter.const import DOMAIN

from .calls import CALLERS, CALLS, Call, prepare
from .hurry import FACTOR
from .kinds import Kind
from .suffering import Sufferer

_BRIDGED: Final = "bridged"  # the error of who would send data where a head end does
_MISSED: Final = 0.1  # part of the calls that a busy machine may leave unanswered
_FEW: Final = 2  # that it may leave in any case: ten calls are asked of a head in the short form
_HANGING: Final = 40.0  # s after which a call is said to hang: 64 may wait before it


@dataclass(slots=True)
class Crowd:
    """What came of the calls of one kind; waits in seconds of the owner's clock."""

    name: str
    calls: int = 0
    answers: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    refused: int = 0  # errors that are right, and no loss
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
        prepare(kind.talks)

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
            return self.crowd
        if book.telegrams:
            await asyncio.sleep(0.03)  # what is on its way
            self.crowd.sent, self.crowd.heard = book.telegrams - sent, _heard(channels) - heard
        self._look()
        return self.crowd

    def _look(self) -> None:
        """See that a line that is well lost no telegram, and brought answers."""
        crowd = self.crowd
        if abs(crowd.sent - crowd.heard) > 1:  # one may be sent just now
            crowd.wrong.append("telegrams were lost or doubled")
        missed = crowd.calls - crowd.answers - crowd.refused
        if missed > max(_FEW, _MISSED * crowd.calls):
            crowd.wrong.append(f"{missed} of {crowd.calls} calls had no answer on a well line")

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
        if self._kind.entry.data["link"] in CALLS:
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
        self.crowd.refused += action == "send_data" and err.translation_key == _BRIDGED
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
        calls = CALLS[self._kind.entry.data["link"]]
        return key, self._random.choice(calls)(self._random, number, turn, key)


def _heard(channels: list[Any]) -> int:
    return sum(channel.statistics.telegrams for channel in channels)


async def crowds(sufferers: list[Sufferer], rounds: int, number: int) -> list[Crowd]:
    """Have ten call each kind that can be asked, first on a line that is well."""
    found = []
    for failing in (False, True):
        asked = [each for each in sufferers if each.kind.entry.data["link"] in CALLS]
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
