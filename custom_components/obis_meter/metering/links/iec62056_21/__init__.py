"""IEC 62056-21, the link of meters that are read through an optical head.

Data message: 02 data sets ! CRLF 03 BCC, seven bits and even parity; others: see frame.
"""

from .answers import decode
from .frame import SILENCE, take

__all__ = ["SILENCE", "decode", "take"]
