"""What the bits of status words mean, one row a bit (DL/T 645-2007, annex C).

Status words are readings, unsigned integers; what they say is made of these rows.
"""

from decimal import Decimal
from typing import Final

from ...flags import DLT645 as BITS

__all__ = ["BITS", "RELAY", "RELAY_ALARM", "RELAY_COMMANDED_OPEN", "RELAY_OPEN", "is_set"]

RELAY: Final = "04000503"
"""The word that tells whether the relay is open."""
RELAY_OPEN: Final = 4
RELAY_COMMANDED_OPEN: Final = 6
RELAY_ALARM: Final = 7


def is_set(word: Decimal, bit: int) -> bool:
    """Tell whether a bit of a status word is set."""
    return bool(int(word) >> bit & 1)
