"""One meter as the integration knows it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from .metering.identity import Identity
from .metering.model import ObisCode, Reading
from .metering.submeters import SubMeter

type RegisterId = ObisCode | str
type Address = tuple[str, RegisterId]
"""A meter's key and a register: what an entity listens to."""


@dataclass(slots=True)
class Meter:
    """Its key in unique ids, who it is, which registers it has, and their last readings.

    registers names every register ever heard, with its unit (None for text);
    readings holds those heard since the start, and totals from before it.
    """

    key: str
    identity: Identity
    sub_meter: SubMeter | None = None
    registers: dict[RegisterId, str | None] = field(default_factory=dict)
    readings: dict[RegisterId, Reading] = field(default_factory=dict)

    def merge(self, fresh: Iterable[Reading]) -> tuple[list[RegisterId], list[Address]]:
        """Take readings over; return the registers never heard before, and those that changed."""
        new: list[RegisterId] = []
        changed: list[Address] = []
        for reading in fresh:
            before = self.readings.get(reading.id)
            self.readings[reading.id] = reading
            if reading.id not in self.registers:
                self.registers[reading.id] = reading.unit
                new.append(reading.id)
            elif before is None or before.value != reading.value:
                changed.append((self.key, reading.id))
        return new, changed
