"""DL/T 645, the link of Chinese meters on RS-485, in its editions of 2007 and 1997.

FE.. 68 address(6) 68 control length data(length, each byte +33) CS 16
"""

from .act import request
from .answers import decode
from .commands import (
    OLD,
    ClockSet,
    Operation,
    Relay,
    clear_demand,
    clock,
    control,
    freeze,
    relay,
    set_clock,
)
from .events import KINDS, Kind
from .find import Found, Progress, find, scan
from .frame import take
from .happenings import follow
from .history import Past, daily, hourly, load_records, monthly
from .polls import polls
from .status import BITS
from .tables import Tables
from .talk import check, identify, own_address, read, write
from .tariffs import present_rate, present_step

__all__ = [
    "BITS",
    "KINDS",
    "OLD",
    "ClockSet",
    "Found",
    "Kind",
    "Operation",
    "Past",
    "Progress",
    "Relay",
    "Tables",
    "check",
    "clear_demand",
    "clock",
    "control",
    "daily",
    "decode",
    "find",
    "follow",
    "freeze",
    "hourly",
    "identify",
    "load_records",
    "monthly",
    "own_address",
    "polls",
    "present_rate",
    "present_step",
    "read",
    "relay",
    "request",
    "scan",
    "set_clock",
    "take",
    "write",
]
