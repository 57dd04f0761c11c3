"""The sum of all tariffs, where the meter sends no total."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from operator import is_not
from typing import Final

from .model import Reading
from .said import Name, Readings, number

_TOTAL: Final = 8  # D group


class Sums:
    """Adds up totals by tariff. directions are their names by C group."""

    def __init__(self, directions: dict[int, str]) -> None:
        """Know no tariff yet."""
        self._directions = directions
        self._tariffs: dict[str, tuple[Name, ...]] = {}
        self._last: dict[str, tuple[list[Reading | None], Reading | None]] = {}

    def learn(self, known: set[Name]) -> None:
        """Find out which tariffs make up a total that the meter does not send."""
        self._last.clear()
        self._tariffs = {
            direction: tariffs
            for c, direction in self._directions.items()
            if (c, _TOTAL, 0) not in known
            and (tariffs := tuple(name for name in known if name[:2] == (c, _TOTAL)))
        }

    def of(self, said: Readings) -> Iterator[Reading]:
        """Yield the sum of each direction, the same object as long as no part of it changed."""
        for direction, tariffs in self._tariffs.items():
            parts = [said.get(name) for name in tariffs]
            last = self._last.get(direction)
            if last is None or any(map(is_not, parts, last[0], strict=True)):
                numbers = [number(said, name, "kWh") for name in tariffs]
                last = self._last[direction] = parts, _sum(direction, numbers)
            if last[1]:
                yield last[1]


def _sum(direction: str, numbers: Sequence[Decimal | None]) -> Reading | None:
    known = [number for number in numbers if number is not None]
    whole = len(known) == len(numbers)
    return Reading(f"computed:energy_{direction}", sum(known, Decimal(0)), "kWh") if whole else None
