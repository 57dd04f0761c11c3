"""One outage: a line fails at some moment, is well again, and everything must be as before."""

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from time import monotonic
from typing import Final

from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from custom_components.obis_meter import bridge
from custom_components.obis_meter.const import DOMAIN

from .core import Log
from .hurry import FACTOR
from .kinds import Kind
from .truths import plain

_LOOK: Final = 0.02  # s
_AT_ONCE: Final = 1.0  # s in which the end of a connection shows, on a busy machine
_PATIENCE: Final = 3.0  # times its promise that a recovery is waited for
_ENDS: Final = ("refuse", "hang up", "mute", "pulled")  # faults that last, and end what there is
_LASTING: Final = 0.3  # part of them that lasts until pauses between attempts are at their longest
_TOLD: Final = ("cut", "reset", *_ENDS)  # faults that no owner may miss in the log
_ENTRY: Final = ("reload", "disable")
_SETUP_RETRY: Final = 1.25 * 40 / FACTOR  # s between Home Assistant's own attempts, at most


@dataclass(slots=True)
class Outcome:
    """What came of one outage; recovery and promise in seconds of the owner's clock."""

    kind: str
    fault: str
    held: float
    promise: float = 0.0
    recovery: float | None = None
    down: int = 0
    up: int = 0
    wrong: list[str] = field(default_factory=list)


class Sufferer:
    """Has one kind of entry suffer one outage after the other."""

    def __init__(self, hass: HomeAssistant, kind: Kind, log: Log, random: Random) -> None:
        """Take an entry that is set up."""
        self.kind = kind
        self.hass = hass
        self._log = log
        self._random = random
        head_end = (f":{kind.head_end.proxy.port}",) if kind.head_end else ()
        self._names = (kind.name, *head_end)

    async def suffer(self) -> Outcome:
        """Have an outage of some kind at some moment, and wait until it is over."""
        random, kind = self._random, self.kind
        faults = (*kind.line.faults, *_ENTRY, *(kind.head_end.faults if kind.head_end else ()))
        fault, held = random.choice(faults), 10 ** random.uniform(-1.5, 0.2)
        if fault in _ENDS and random.random() < _LASTING:
            held = random.uniform(3.0, 12.0)
        outcome = Outcome(kind.name, fault, held * FACTOR)
        interrupts, reloads = random.random() < 0.5, random.random() < 0.1
        await asyncio.sleep(random.uniform(0, 0.8))
        since = len(self._log.lines)
        promise = kind.promise(fault)
        if interrupts:
            await self._asked()
        await self._fail(fault, held, outcome)
        if reloads and fault in _ENDS:
            await self.hass.config_entries.async_reload(kind.entry.entry_id)
            promise += _SETUP_RETRY
        await self._recover(fault)
        promise = max(promise, kind.promise(fault) if self._is_loaded() else 0.0)
        await self._return(outcome, promise)
        await asyncio.sleep(2 * _LOOK + (1.5 * bridge.SETTLED if kind.head_end else 0.0))
        reloaded = fault in _ENTRY or (reloads and fault in _ENDS)
        self._count(outcome, since, reloaded)
        return outcome

    async def _asked(self) -> None:
        """Wait until the meter is being asked something, to come in the middle of it."""
        books, before = self.kind.books.values(), self._heard()
        if not self.kind.talks:
            return
        end = monotonic() + 2.0
        while books and self._heard() == before:
            await asyncio.sleep(0.001)
            if monotonic() > end:
                return
        await asyncio.sleep(self._random.choice((0, 0, 0.01, 0.05, 0.2)))

    def _heard(self) -> int:
        return sum(book.heard for book in self.kind.books.values())

    async def _fail(self, fault: str, held: float, outcome: Outcome) -> None:
        entries, entry = self.hass.config_entries, self.kind.entry
        end = monotonic() + held
        match fault:
            case "reload":
                await entries.async_reload(entry.entry_id)
                return
            case "disable":
                await entries.async_set_disabled_by(entry.entry_id, ConfigEntryDisabler.USER)
            case _ if fault.startswith("head end "):
                assert self.kind.head_end
                await self.kind.head_end.fail(fault)
            case _:
                await self.kind.line.fail(fault)
        if fault in _ENDS and self.kind.at_once:
            await self._away(outcome)
        if fault.startswith("head end ") and not self._are(True):
            outcome.wrong.append("sensors suffer from the head end")
        await asyncio.sleep(max(0.0, end - monotonic()))

    async def _away(self, outcome: Outcome) -> None:
        """See that nothing is shown of a meter that cannot be heard."""
        end = monotonic() + _AT_ONCE
        while not self._are(False):
            if monotonic() > end:
                outcome.wrong.append("sensors are available meanwhile")
                return
            await asyncio.sleep(_LOOK)

    async def _recover(self, fault: str) -> None:
        entries, entry = self.hass.config_entries, self.kind.entry
        if fault == "disable":
            await entries.async_set_disabled_by(entry.entry_id, None)
        elif fault.startswith("head end "):
            assert self.kind.head_end
            await self.kind.head_end.recover()
        elif fault != "reload":
            await self.kind.line.recover()

    async def _return(self, outcome: Outcome, promise: float) -> None:
        """Wait until every meter shows what was said since the line was well."""
        began, before, outcome.promise = monotonic(), self._intact(), promise * FACTOR
        while not (self.is_well(began) and self._is_heard(before)):
            if monotonic() - began > _PATIENCE * promise:
                outcome.wrong.append("it did not come back")
                return
            await asyncio.sleep(_LOOK)
        outcome.recovery = (monotonic() - began) * FACTOR
        if outcome.recovery > outcome.promise:
            outcome.wrong.append("it came back late")

    def _intact(self) -> dict[int, int]:
        """Return how much each connection has brought."""
        channels = self.kind.channels() if self._is_loaded() else []
        return {id(each): each.statistics.intact for each in channels}

    def _is_heard(self, before: dict[int, int]) -> bool:
        """Tell whether a connection has brought something since."""
        return any(count > before.get(name, 0) for name, count in self._intact().items())

    def _is_loaded(self) -> bool:
        return self.kind.entry.state is ConfigEntryState.LOADED

    def is_well(self, since: float) -> bool:
        """Tell whether every meter shows what it has said since then, and its head end is there."""
        if not self._is_loaded() or not self._are(True):
            return False
        if self.kind.head_end and not all(
            each.up for each in self.kind.entry.runtime_data.bridges.values()
        ):
            return False
        return all(self._shows(key, since) for key in self.kind.books)

    def _shows(self, key: str, since: float) -> bool:
        state = self._state(key, self.kind.proof)
        if state in (None, STATE_UNAVAILABLE, STATE_UNKNOWN):
            return False
        entity = self.hass.states.get(self._id(key, self.kind.proof) or "")
        assert entity
        unit = entity.attributes.get("unit_of_measurement")
        value = plain(Decimal(entity.state), unit)
        return self.kind.books[key].has(self.kind.proof, value, since)

    def _are(self, available: bool) -> bool:
        """Tell whether all meters are available, or none."""
        return all(
            (self._state(key, self.kind.proof) not in (None, STATE_UNAVAILABLE)) is available
            for key in self.kind.books
        )

    def _id(self, key: str, name: str) -> str | None:
        return er.async_get(self.hass).async_get_entity_id("sensor", DOMAIN, f"{key}_{name}")

    def _state(self, key: str, name: str) -> str | None:
        state = self.hass.states.get(self._id(key, name) or "")
        return state.state if state else None

    def _is_told(self, fault: str) -> bool:
        """Tell whether a fault ends a connection for certain."""
        return (fault in _TOLD and self.kind.at_once) or fault.startswith("head end ")

    def _count(self, outcome: Outcome, since: int, reloaded: bool) -> None:
        """Count the lines of each subject: one when it goes, one when it comes back."""
        lines = self._log.about(self._names, since)
        for subject in sorted({line.subject for line in lines}):
            ways = [line.way for line in lines if line.subject == subject]
            down, up = ways.count(-1), ways.count(1)
            outcome.down, outcome.up = outcome.down + down, outcome.up + up
            twice = down > 1 + reloaded or up > 1  # who is set up anew begins anew
            if twice or (up != down and not reloaded):
                said = "; ".join(line.text for line in lines if line.subject == subject)
                outcome.wrong.append(f"{subject}: {down} lines down, {up} up: {said}")
        if self._is_told(outcome.fault) and not reloaded and not (outcome.down and outcome.up):
            outcome.wrong.append(f"nobody was told: {outcome.down} lines down, {outcome.up} up")
