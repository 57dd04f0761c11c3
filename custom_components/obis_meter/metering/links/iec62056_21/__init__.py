"""IEC 62056-21, the link of meters that are read through an optical head, modes A to E.

Data message: 02 data sets ! CRLF 03 BCC, seven bits and even parity; what is sent: see frame.
"""

from .answers import decode
from .frame import SILENCE, take
from .head import hand_over
from .identification import Identification
from .program import check, request
from .read import Found, Progress, Readout, find, polls, read, read_out

__all__ = [
    "SILENCE",
    "Found",
    "Identification",
    "Progress",
    "Readout",
    "check",
    "decode",
    "find",
    "hand_over",
    "polls",
    "read",
    "read_out",
    "request",
    "take",
]
