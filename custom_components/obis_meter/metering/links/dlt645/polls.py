"""What is asked of a meter again and again, by pace.

A block that a meter does not have gives way to the single values that it may
have; what it has neither of is not asked for again.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final

from ...model import Access
from ...schedule import Poll
from .commands import OLD
from .events import KINDS
from .talk import read

POWER: Final = 10.0  # seconds
ENERGY: Final = 60.0
STATUS: Final = 60.0
SLOW: Final = 900.0
DAILY: Final = 86_400.0

type Row = tuple[str, tuple[str, ...]]
"""What to read, and what instead where the meter does not have it."""

_OFTEN: Final = ("03110000", "03300000", "03300D00")
"""Counters of events that an owner wants to hear of soon: power, programming, cover."""

_OF_2007: Final[dict[float, tuple[Row, ...]]] = {
    POWER: (
        ("0203FF00", ("02030000",)),
        ("0202FF00", ("02020100",)),
        ("0201FF00", ("02010100",)),
    ),
    ENERGY: (
        ("0001FF00", ("00010000",)),
        ("0002FF00", ("00020000",)),
        ("040005FF", ("04000503", "04000501", "04000504", "04000507")),
        ("0206FF00", ("02060000",)),
        ("02800002", ()),
        ("02800004", ()),
        ("02800001", ()),
        *((block, ()) for block in _OFTEN),
    ),
    SLOW: (
        ("0000FF00", ("00000000",)),
        ("0003FF00", ("00030000",)),
        ("0004FF00", ("00040000",)),
        *((f"00{quadrant:02X}FF00", (f"00{quadrant:02X}0000",)) for quadrant in range(5, 11)),
        *((f"00{phase:02X}0000", ()) for phase in (0x15, 0x16, 0x29, 0x2A, 0x3D, 0x3E)),
        ("0101FF00", ("01010000",)),
        ("0102FF00", ("01020000",)),
        ("0204FF00", ("02040000",)),
        ("0205FF00", ("02050000",)),
        ("0207FF00", ()),
        ("02800007", ()),
        ("00900100", ()),
        ("00900101", ()),
        ("00900200", ()),
        ("00900201", ()),
        ("000B0000", ()),
        ("0280000B", ()),
        ("02800020", ()),
        *((block, ()) for block in sorted({kind.block for kind in KINDS.values()} - set(_OFTEN))),
    ),
    DAILY: (
        ("04000401", ()),
        ("04000101", ()),
        ("04000102", ()),
        ("04000106", ()),
        ("04000107", ()),
        ("04010000", ()),
        *((f"0401{table:04X}", ()) for table in range(1, 9)),
        ("04000801", ()),
        ("04000802", ()),
        ("04000205", ()),
        ("040300FF", ()),
        ("040501FF", ("04050101",)),
        ("040600FF", ("04060001",)),
        ("040601FF", ("04060101",)),
        ("02800008", ()),
        ("02800009", ()),
        ("0280000A", ()),
        ("04000404", ()),
        ("04000406", ()),
        ("04000409", ()),
        ("0400040B", ()),
        ("04800001", ()),
    ),
}
_OF_1997: Final[dict[float, tuple[Row, ...]]] = {
    POWER: (
        ("B63F", ("B630",)),
        ("B62F", ("B621",)),
        ("B61F", ("B611",)),
    ),
    ENERGY: (
        ("901F", ("9010",)),
        ("902F", ("9020",)),
        ("B650", ()),
        ("C020", ()),
    ),
    SLOW: (
        ("911F", ("9110",)),
        ("912F", ("9120",)),
        ("B640", ()),
        ("B212", ()),
    ),
    DAILY: (
        ("C032", ()),
        ("C010", ()),
        ("C011", ()),
        ("C030", ()),
        ("B214", ()),
    ),
}
"""Seconds -> what is read so often, the most wanted first."""


def polls(access: Access) -> Iterator[Poll]:
    """Yield what is asked of a meter, the most wanted first."""
    for every, rows in (_OF_1997 if access.dialect == OLD else _OF_2007).items():
        for identifier, instead in rows:
            singles = tuple(_poll(access, single, every) for single in instead)
            yield _poll(access, identifier, every, singles)


def _poll(access: Access, identifier: str, every: float, instead: tuple[Poll, ...] = ()) -> Poll:
    return Poll(identifier, every, partial(read, access, identifier), instead)
