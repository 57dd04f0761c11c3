"""What the bits of status words mean, one row a bit (DL/T 645-2007, annex C).

Status words are readings, unsigned integers; what they say is made of these rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

RELAY: Final = "04000503"
"""The word that tells whether the relay is open."""
RELAY_OPEN: Final = 4
RELAY_COMMANDED_OPEN: Final = 6
RELAY_ALARM: Final = 7


@dataclass(frozen=True, slots=True)
class Bit:
    """A row: the key of its name and the bit that tells it; phase fills the name in.

    hidden: not shown unless asked for.
    """

    key: str
    bit: int
    hidden: bool = False
    phase: int | None = None


_FAULTS: Final = (
    "voltage_loss",
    "undervoltage",
    "overvoltage",
    "current_loss",
    "overcurrent",
    "overload",
    "reverse_flow",
    "phase_loss",
    "current_break",
)
"""Bits 0 to 8 of words 4, 5 and 6."""


def _faults(phase: int) -> tuple[Bit, ...]:
    return tuple(Bit(f"{key}_phase", bit, phase=phase) for bit, key in enumerate(_FAULTS))


def _directions() -> tuple[Bit, ...]:
    active = (Bit("exporting_phase", bit, True, bit + 1) for bit in range(3))
    reactive = (Bit("reactive_exporting_phase", bit + 4, True, bit + 1) for bit in range(3))
    return (*active, *reactive)


BITS: Final[Mapping[str, tuple[Bit, ...]]] = {
    "04000501": (
        Bit("demand_by_interval", 1, hidden=True),
        Bit("clock_battery_low", 2),
        Bit("reading_battery_low", 3),
        Bit("exporting", 4),
        Bit("reactive_exporting", 5, hidden=True),
    ),
    "04000502": _directions(),
    RELAY: (
        Bit("second_day_tables", 0, hidden=True),
        Bit("auxiliary_supply", 1, hidden=True),
        Bit("battery_supply", 2),
        Bit("programming_allowed", 3),
        Bit("relay_open", RELAY_OPEN),
        Bit("relay_commanded_open", RELAY_COMMANDED_OPEN),
        Bit("relay_alarm", RELAY_ALARM),
        Bit("prepaid_energy", 8, hidden=True),
        Bit("prepaid_money", 9, hidden=True),
    ),
    "04000504": _faults(1),
    "04000505": _faults(2),
    "04000506": _faults(3),
    "04000507": (
        Bit("voltage_sequence", 0),
        Bit("current_sequence", 1),
        Bit("voltage_unbalance", 2),
        Bit("current_unbalance", 3),
        Bit("power_down", 5),
        Bit("demand_exceeded", 6),
        Bit("power_factor_low", 7),
    ),
}


def is_set(word: Decimal, bit: int) -> bool:
    """Tell whether a bit of a status word is set."""
    return bool(int(word) >> bit & 1)
