"""FLAGS: what each bit of a status word means, one row a bit."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
import re
from typing import Final

from .model import ObisCode, Value


@dataclass(frozen=True, slots=True)
class Flag:
    """A row: the key of its name and the bit that tells it; phase fills the name in.

    hidden: not shown unless asked for.
    """

    key: str
    bit: int
    hidden: bool = False
    phase: int | None = None


FNN: Final = ObisCode(1, 0, 96, 5, 0)
"""The status word of modern German meters (FNN Lastenheft Basiszähler)."""
EDL: Final = ObisCode(1, 0, 96, 5, 5)
"""The status word of German meters before them (FNN Lastenheft EDL, 2010)."""

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
_OFTEN_WANTED: Final = ("voltage_loss", "reverse_flow", "phase_loss")


def _faults(phase: int) -> tuple[Flag, ...]:
    return tuple(
        Flag(f"{key}_phase", bit, key not in _OFTEN_WANTED, phase)
        for bit, key in enumerate(_FAULTS)
    )


def _directions() -> tuple[Flag, ...]:
    active = (Flag("exporting_phase", bit, True, bit + 1) for bit in range(3))
    reactive = (Flag("reactive_exporting_phase", bit + 4, True, bit + 1) for bit in range(3))
    return (*active, *reactive)


DLT645: Final[Mapping[ObisCode | str, tuple[Flag, ...]]] = {
    "04000501": (
        Flag("demand_by_interval", 1, hidden=True),
        Flag("clock_battery_low", 2),
        Flag("reading_battery_low", 3),
        Flag("exporting", 4),
        Flag("reactive_exporting", 5, hidden=True),
    ),
    "04000502": _directions(),
    "04000503": (
        Flag("second_day_tables", 0, hidden=True),
        Flag("auxiliary_supply", 1, hidden=True),
        Flag("battery_supply", 2),
        Flag("programming_allowed", 3),
        Flag("relay_open", 4),
        Flag("relay_commanded_open", 6),
        Flag("relay_alarm", 7),
        Flag("prepaid_energy", 8, hidden=True),
        Flag("prepaid_money", 9, hidden=True),
    ),
    "04000504": _faults(1),
    "04000505": _faults(2),
    "04000506": _faults(3),
    "04000507": (
        Flag("voltage_sequence", 0),
        Flag("current_sequence", 1),
        Flag("voltage_unbalance", 2),
        Flag("current_unbalance", 3),
        Flag("power_down", 5),
        Flag("demand_exceeded", 6),
        Flag("power_factor_low", 7),
    ),
}
"""The status words of DL/T 645-2007, annex C, by their data identifiers."""

FLAGS: Final[Mapping[ObisCode | str, tuple[Flag, ...]]] = {
    **DLT645,
    FNN: (
        Flag("above_starting_current", 8, hidden=True),
        Flag("magnetic_field", 9),
        Flag("terminal_cover", 10),
        Flag("exporting", 11),
        Flag("exporting_phase", 12, hidden=True, phase=1),
        Flag("exporting_phase", 13, hidden=True, phase=2),
        Flag("exporting_phase", 14, hidden=True, phase=3),
        Flag("phase_sequence", 15),
        Flag("backstop", 16, hidden=True),
        Flag("fatal_error", 17),
        Flag("voltage_present_phase", 18, hidden=True, phase=1),
        Flag("voltage_present_phase", 19, hidden=True, phase=2),
        Flag("voltage_present_phase", 20, hidden=True, phase=3),
    ),
}

_FIXED: Final[Mapping[ObisCode | str, tuple[int, int]]] = {FNN: (0xFF, 0x04), EDL: (0xFFFF_0004, 0)}
"""Bits that are always the same, and how: without them it is another word."""
_EXPORTING: Final[Mapping[ObisCode | str, int]] = {FNN: 11, EDL: 5}
_VERSION: Final = 0x04  # the bit that tells the one from the other
_HEX: Final = re.compile(r"[0-9A-Fa-f]{8}")


def status_word(word: int) -> ObisCode:
    """Return which of the two words that meters send without a name this is."""
    return FNN if word & _VERSION else EDL


def is_set(name: ObisCode | str, value: Value, bit: int) -> bool | None:
    """Tell whether a bit of a word, a number or eight hex digits, is set; None for another word."""
    match value:
        case Decimal() if value >= 0 and value == int(value):
            word = int(value)
        case str() if _HEX.fullmatch(value):
            word = int(value, 16)
        case _:
            return None
    mask, fixed = _FIXED.get(name, (0, 0))
    return bool(word >> bit & 1) if word & mask == fixed else None


def exporting(name: ObisCode | str, value: Value) -> bool | None:
    """Tell the direction of power from a status word; None where it does not say."""
    return is_set(name, value, _EXPORTING[name]) if name in _EXPORTING else None


def keys() -> frozenset[str]:
    """Return the key of every row: what must have a name."""
    return frozenset(flag.key for rows in FLAGS.values() for flag in rows)
