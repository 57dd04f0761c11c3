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

FLAGS: Final[Mapping[ObisCode | str, tuple[Flag, ...]]] = {
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
