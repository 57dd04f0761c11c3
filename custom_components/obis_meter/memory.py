"""What an entry remembers across restarts: meters, registers, totals, and what is computed."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store

from .const import DOMAIN, LOGGER
from .meter import Meter, RegisterId
from .metering.catalogue import MBUS
from .metering.demand import DemandState
from .metering.derived import DerivedState
from .metering.identity import Identity
from .metering.live import LiveState
from .metering.model import ObisCode, Reading
from .metering.submeters import SubMeter, register_of

_VERSION: Final = 1
SOON: Final = 10.0  # seconds until something new is written
SOMETIME: Final = 900.0  # seconds until totals are written
_NONSENSE: Final = (HomeAssistantError, LookupError, TypeError, ValueError, ArithmeticError)
_KINDS: Final = {row.key: row for row in MBUS}

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Remembered:
    """The meters known, with their totals, the state of what is computed, and since when.

    counters are those of ciphered telegrams, by system title; events how many
    of each kind the meter had counted.
    """

    meters: list[Meter] = field(default_factory=list)
    derived: DerivedState = field(default_factory=DerivedState)
    saved: float = 0.0  # seconds since 1970
    counters: dict[str, int] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)


class Memory:
    """Keeps what changes slowly on disk: news within seconds, totals within minutes."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Name the file after the entry."""
        self._hass = hass
        self._store: Store[Json] = Store(hass, _VERSION, f"{DOMAIN}.{entry_id}")
        self._due = float("inf")

    async def load(self) -> Remembered:
        """Return what was saved; nothing, with a warning, where the file makes no sense."""
        try:
            if (kept := await self._store.async_load()) is None:
                return Remembered()
            meters = [_meter(each) for each in kept["meters"]]
            counters = _counters(kept.get("counters", {}))
            derived, saved = _derived(kept["derived"]), float(kept["saved"])
            events = {str(name): int(count) for name, count in kept.get("events", {}).items()}
            return Remembered(meters, derived, saved, counters, events)
        except _NONSENSE as err:
            LOGGER.warning("What was remembered cannot be read, beginning anew: %r", err)
            return Remembered()

    async def hand_over(self, old: str, new: str) -> None:
        """Keep which registers there are for the meter that takes another's place, without values.

        Meters behind it stay the same; peaks of the month are the connection's, not the meter's.
        """
        kept = await self.load()
        for meter in kept.meters:
            if meter.key == old:
                meter.identity = Identity(serial=new)
                meter.readings.clear()
            meter.key = inherited(meter.key, old, new)
        kept.derived.live.clear()
        kept.derived.demand.marks.clear()
        if kept.meters:
            await self.save(content(kept.meters, kept.derived, kept.counters, kept.saved))

    def save_later(self, content: Callable[[], Json], delay: float) -> None:
        """Write what content returns within delay; an earlier appointment stands."""
        now = self._hass.loop.time()
        if now < self._due <= now + delay:
            return
        self._due = now + delay
        self._store.async_delay_save(content, delay)

    async def save(self, content: Json) -> None:
        """Write now."""
        await self._store.async_save(content)

    async def remove(self) -> None:
        """Forget everything."""
        await self._store.async_remove()


def inherited(name: str, old: str, new: str) -> str:
    """Return the name that something of a meter has once another took its place.

    Names are those of the meter itself, or begin with its key; others stay.
    """
    if name == old or name.startswith(f"{old}_"):
        return new + name.removeprefix(old)
    return name


def content(
    meters: list[Meter], derived: DerivedState, counters: dict[str, int], now: float
) -> Json:
    """Return what `Memory.load` reads."""
    return {
        "saved": now,
        "counters": counters,
        "meters": [_packed(meter) for meter in meters],
        "derived": {
            "live": {name: _texts(asdict(state)) for name, state in derived.live.items()},
            "sparse": derived.sparse,
            "minutes": derived.demand.minutes,
            "demand": {
                name: {str(key): str(value) for key, value in numbers.items()}
                for name, numbers in asdict(derived.demand).items()
                if name != "minutes"
            },
        },
    }


def _packed(meter: Meter) -> Json:
    sub_meter = meter.sub_meter
    return {
        "key": meter.key,
        "identity": asdict(meter.identity),
        "channel": sub_meter and list(sub_meter.channel),
        "kind": sub_meter and sub_meter.kind.key,
        "registers": {
            str(name): [unit, _lasting(meter, name)] for name, unit in meter.registers.items()
        },
    }


def _lasting(meter: Meter, name: RegisterId) -> str | None:
    """Return the value of a register if it holds while nobody listens: totals and peaks."""
    row, reading = register_of(name, meter.sub_meter), meter.readings.get(name)
    if row and row.lasting and reading and isinstance(reading.value, Decimal):
        return f"{reading.value:f}"
    return None


def _meter(kept: Json) -> Meter:
    identity = Identity(**kept["identity"])
    sub_meter = None
    if kept["channel"]:
        a, b = kept["channel"]
        sub_meter = SubMeter((a, b), identity.serial, _KINDS[kept["kind"]])
    meter = Meter(kept["key"], identity, sub_meter)
    for text, (unit, value) in kept["registers"].items():
        name = ObisCode.parse(text) or text
        meter.registers[name] = unit
        if value is not None:
            meter.readings[name] = Reading(name, Decimal(value), unit)
    return meter


def _counters(kept: Json) -> dict[str, int]:
    return {bytes.fromhex(title).hex(): int(highest) for title, highest in kept.items()}


def _texts(state: Json) -> Json:
    return {name: str(v) if isinstance(v, Decimal) else v for name, v in state.items()}


def _derived(kept: Json) -> DerivedState:
    demand = {
        name: {key: Decimal(value) for key, value in numbers.items()}
        for name, numbers in kept["demand"].items()
    }
    return DerivedState(
        live={name: _live(state) for name, state in kept["live"].items()},
        sparse=kept["sparse"],
        demand=DemandState(
            minutes=kept["minutes"],
            marks={int(at): value for at, value in demand["marks"].items()},
            means={int(at): value for at, value in demand["means"].items()},
            days=demand["days"],
        ),
    )


def _live(kept: Json) -> LiveState:
    numbers = {name: kept[name] and Decimal(kept[name]) for name in ("total", "told")}
    return LiveState(**{**kept, **numbers})
