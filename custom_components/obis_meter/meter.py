"""One meter as the integration knows it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from .metering.identity import Identity
from .metering.model import ObisCode, Reading
from .metering.submeters import SubMeter, register_of

type RegisterId = ObisCode | str
type Address = tuple[str, RegisterId]
"""A meter's key and a register: what an entity listens to."""
PARAMETER: Final = "parameter:"  # before the name of what is asked for regularly


@dataclass(slots=True)
class Meter:
    """Its key in unique ids, who it is, which registers it has, and their last readings.

    registers names every register ever heard, with its unit (None for text);
    readings holds those heard since the start, and totals from before it.
    heard: it speaks on the present connection; available: none was lost since
    the start; spoke: readings have come since then. subentry_id tells the meters
    of a port with several apart.
    """

    key: str
    identity: Identity
    sub_meter: SubMeter | None = None
    name: str | None = None
    subentry_id: str | None = None
    heard: bool = False
    available: bool = True
    spoke: bool = False
    registers: dict[RegisterId, str | None] = field(default_factory=dict)
    readings: dict[RegisterId, Reading] = field(default_factory=dict)

    def merge(self, fresh: Iterable[Reading]) -> tuple[list[RegisterId], list[Address]]:
        """Take readings over; return the registers never heard before, and those that changed."""
        new: list[RegisterId] = []
        changed: list[Address] = []
        for reading in fresh:
            self.spoke = True
            before = self.readings.get(reading.id)
            if before is reading:  # as layouts have it that were read before
                continue
            self.readings[reading.id] = reading
            if before is None or before.unit != reading.unit:
                known = reading.id in self.registers
                self.registers[reading.id] = reading.unit
                if not known:
                    new.append(reading.id)
                    continue
            if before is None or before.value != reading.value:
                changed.append((self.key, reading.id))
        return new, changed

    def forget(self, names: Iterable[RegisterId]) -> list[Address]:
        """Let go of readings that hold no longer; return those that there were."""
        return [(self.key, name) for name in names if self.readings.pop(name, None)]

    def passing(self) -> list[RegisterId]:
        """Return the registers whose last value says nothing once the meter is not heard."""
        rows = {name: register_of(name, self.sub_meter) for name in self.readings}
        return [name for name, row in rows.items() if not (row and row.lasting)]
