"""What software meters really said, beside what Home Assistant shows of it."""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from time import monotonic
from typing import Final, override

from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from custom_components.obis_meter.const import DOMAIN
from simulator.device import Burst
from simulator.dlt645 import Bus, Meter2007
from simulator.household import Household
from simulator.meters import Meter, ModuleMeter
from simulator.optical import TABLE, OpticalMeter
from simulator.registers import register, rescale, scaled

_LATEST: Final = 10.0  # s that a value may take from the meter to its sensor, and be true
_KEPT: Final = 4096  # values of a register that are remembered
_THOUSANDS: Final = {"k": 3, "M": 6}


def plain(value: Decimal, unit: str | None) -> Decimal:
    """Return a value in the unit without a prefix."""
    return value.scaleb(_THOUSANDS.get(unit[0], 0)) if unit and len(unit) > 1 else value


@dataclass
class Book:
    """What one meter said, by register: the values and when; asked is set when it is asked."""

    said: dict[str, deque[tuple[float, Decimal]]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=_KEPT))
    )
    telegrams: int = 0
    heard: int = 0  # times that the meter was spoken to

    def note(self, code: str, value: Decimal | str, unit: str | None) -> None:
        """Remember what is being said."""
        if isinstance(value, Decimal):
            self.said[code].append((monotonic(), plain(value, unit)))

    def has(self, code: str, value: Decimal, since: float) -> bool:
        """Tell whether a value was said since then."""
        return any(said == value and at >= since for at, said in reversed(self.said[code]))


@dataclass(frozen=True, slots=True)
class NotedMeter(Meter):
    """A meter that only speaks."""

    book: Book = field(default_factory=Book)

    @override
    def telegrams(self, when: datetime) -> Iterator[bytes]:
        """Note what is sent, and send it."""
        yield from _noted(self, self.book, when)


@dataclass(frozen=True, slots=True)
class NotedModule(ModuleMeter):
    """A meter that its module also asks."""

    book: Book = field(default_factory=Book)

    @override
    def telegrams(self, when: datetime) -> Iterator[bytes]:
        """Note what is sent, and send it."""
        yield from _noted(self, self.book, when)
        yield from self.talk.spontaneous(when)

    @override
    def respond(self, heard: bytes, when: datetime) -> bytes:
        """Note that something is asked, and answer."""
        self.book.heard += 1
        return self.talk.respond(heard)


def _noted(meter: Meter, book: Book, when: datetime) -> Iterator[bytes]:
    for truth in meter.truths(when):
        book.telegrams += 1
        for code, said in truth.items():
            book.note(code, *said)
    yield from Meter.telegrams(meter, when)


@dataclass
class NotedBus(Bus):
    """Meters on one line, each with its book; they are asked by turns."""

    books: tuple[Book, ...] = ()

    @override
    def telegrams(self, _when: datetime) -> Iterator[bytes]:
        """Note what would be answered now."""
        self._note(_when)
        return iter(())

    def _note(self, when: datetime) -> None:
        for meter, book in zip(self.meters, self.books, strict=True):
            assert isinstance(meter, Meter2007)
            _note_home(book, meter.home, when, {"1.8.0": 1, "32.7.0": -1})

    @override
    def respond(self, heard: bytes, when: datetime) -> bytes:
        """Note that something is asked, and answer."""
        self._note(when)
        for book in self.books:
            book.heard += 1
        return super().respond(heard, when)


@dataclass
class NotedHead(OpticalMeter):
    """A meter under a head."""

    book: Book = field(default_factory=Book)

    @override
    def telegrams(self, _when: datetime) -> Iterator[bytes]:
        """Note what would be answered now."""
        self._note(_when)
        return iter(())

    def _note(self, when: datetime) -> None:
        _note_home(self.book, self.home, when, dict.fromkeys(TABLE, -3) | {"1.8.0": 0})

    @override
    def bursts(self, heard: bytes, when: datetime) -> Iterator[Burst]:
        """Note that something is asked, and answer."""
        self._note(when)
        self.book.heard += 1
        return super().bursts(heard, when)


def _note_home(book: Book, home: Household, when: datetime, places: dict[str, int]) -> None:
    """Note registers with the digits that a meter shows of them: the power of ten of the last."""
    now = home.at(when)
    for code, last in places.items():
        row = register(code)
        value = rescale(row.read(now), row.exponent - last)
        book.note(f"1-0:{code}", scaled(value, last), row.unit)


class Judge:
    """Looks at every state of every sensor as it appears: a meter must have said so."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Judge from here on."""
        self.books: dict[str, Book] = {}  # by the meter's key
        self.checked = 0
        self.false: list[str] = []
        self._entities = er.async_get(hass)
        self._since = monotonic()
        hass.bus.async_listen(EVENT_STATE_CHANGED, self._changed)

    @callback
    def _changed(self, event: Event[EventStateChangedData]) -> None:
        new = event.data["new_state"]
        if new is None or new.state in (STATE_UNAVAILABLE, STATE_UNKNOWN):
            return
        if (found := self.register(new.entity_id)) is None:
            return
        book, code = found
        unit = new.attributes.get("unit_of_measurement")
        lasting = ".8." in code or ":24." in code  # a total holds while nobody listens
        self.checked += 1
        since = self._since if lasting else monotonic() - _LATEST
        if not book.has(code, plain(Decimal(new.state), unit), since):
            self.false.append(f"{new.entity_id} {new.state} {unit}")

    def register(self, entity_id: str) -> tuple[Book, str] | None:
        """Return the book and the OBIS code of a sensor; None where its value is computed."""
        entry = self._entities.async_get(entity_id)
        if entry is None or entry.platform != DOMAIN or entry.domain != "sensor":
            return None
        key, _, code = entry.unique_id.rpartition("_")
        book = self.books.get(key)
        return (book, code) if book and code in book.said else None
