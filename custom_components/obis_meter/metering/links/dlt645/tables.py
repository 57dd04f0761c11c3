"""What a meter has in tables, told as a whole: rates, steps, prices, days off.

Tables are read item by item. Nobody wants a sensor for each; which rate and
step hold now, and at what price, is what they are for.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final

from ...model import ObisCode, Reading, Value
from . import status
from .tariffs import present_rate, present_step

_ITEMS: Final = ("0401", "0402", "0403", "0405", "0406", "04000205", "040008", "C32", "C33")
_CLOCK: Final = ("04000101", "04000102", "C010", "C011")  # old before anybody looks at it
_SECOND_TABLES: Final = 0  # bit of status word 3

_WHOLE: Final = {
    "table:zones": "04010000",
    **{f"table:day_{n}": f"040100{n:02}" for n in range(1, 9)},
    "table:holidays": "040300",
    "table:prices": "040501",
    "table:steps": "040600",
    "table:step_prices": "040601",
}
"""Name of a table -> how the identifiers of its items begin."""


class Tables:
    """The tables of one meter, and what follows from them."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._said: dict[ObisCode | str, Value] = {}
        self._units: dict[ObisCode | str, str | None] = {}

    def sift(self, readings: Iterable[Reading], now: datetime) -> list[Reading]:
        """Return readings without the items of tables, and with what these say at a local time."""
        kept: list[Reading] = []
        fresh: list[str] = []
        for reading in readings:
            self._said[reading.id] = reading.value
            self._units[reading.id] = reading.unit
            match reading.id:
                case str(name) if name.startswith(_ITEMS):
                    fresh.append(name)
                case str(name) if name in _CLOCK:
                    pass
                case _:
                    kept.append(reading)
        return [*kept, *self._told(fresh), *self._present(now)]

    def _told(self, fresh: list[str]) -> Iterator[Reading]:
        """Yield each table of which something was read, as a text."""
        for table, prefix in _WHOLE.items():
            if any(name.startswith(prefix) for name in fresh):
                names = [name for name in self._said if str(name).startswith(prefix)]
                yield Reading(table, ", ".join(_text(self._said[name]) for name in names))

    def _present(self, now: datetime) -> Iterator[Reading]:
        word = self._said.get(status.RELAY)
        second = isinstance(word, Decimal) and status.is_set(word, _SECOND_TABLES)
        if rate := present_rate(self._said, now, second=second):
            yield Reading("computed:rate", Decimal(rate))
            price = f"040501{rate:02X}"
            match self._said.get(price):
                case Decimal() as value:
                    yield Reading("computed:rate_price", value, self._units[price])
        if step := present_step(self._said):
            yield Reading("computed:step", Decimal(step))


def _text(value: Value) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
