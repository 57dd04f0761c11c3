"""Whether a German meter holds back what its PIN would open: fractions of kWh, and power."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from .catalogue import Quantity, lookup
from .model import ObisCode, Reading
from .units import convert

CERTAIN: Final = 10  # telegrams; totals in tenths of a Wh are not whole kWh ten times over


class PinWatch:
    """Counts the telegrams that tell whole kilowatt-hours and no power, one after the other."""

    def __init__(self) -> None:
        """Have heard nothing."""
        self._reduced = 0

    @property
    def missing(self) -> bool:
        """Tell whether the PIN has not been entered, or InF has not been switched on."""
        return self._reduced >= CERTAIN

    def note(self, readings: Iterable[Reading]) -> None:
        """Look at the readings of one telegram; one without totals tells nothing."""
        totals = []
        for reading in readings:
            match lookup(reading.id) if isinstance(reading.id, ObisCode) else None, reading.value:
                case row, Decimal() as value if row and row.quantity is Quantity.POWER:
                    self._reduced = 0
                    return
                case row, Decimal() as value if row and row.quantity is Quantity.ENERGY:
                    totals.append(convert(value, reading.unit, "kWh"))
        if any(total is None or total % 1 for total in totals):
            self._reduced = 0
        elif totals:
            self._reduced += 1
