"""The lists and the forms that the makers of HAN meters share."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from itertools import chain

from .dlms import DOUBLE_LONG_UNSIGNED, NULL, obis
from .hanmeter import ABSENT, Item, Wire


class Grid(StrEnum):
    """IT has no neutral, so that three-phase meters there leave one phase out."""

    IT = "IT"
    TN = "TN"


class Country(StrEnum):
    """Swedish meters send other lists than Norwegian ones of the same maker."""

    NO = "NO"
    SE = "SE"


SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
CLOCK = "0-0:1.0.0"
IDENTITY = ("1-1:0.2.129", "0-0:96.1.0", "0-0:96.1.7")  # list version, meter id, model
POWER = ("1-0:1.7.0", "1-0:2.7.0", "1-0:3.7.0", "1-0:4.7.0")
FLOWS = {
    1: ("1-0:31.7.0", "1-0:32.7.0"),
    3: tuple(f"1-0:{c}.7.0" for c in (31, 51, 71, 32, 52, 72)),
}
BY_PHASE = tuple(f"1-0:{c + p}.7.0" for p in (0, 20, 40) for c in (21, 22, 23, 24))
ENERGY = ("1-0:1.8.0", "1-0:2.8.0", "1-0:3.8.0", "1-0:4.8.0")


def wires(current: Wire, voltage: Wire, energy: int) -> Mapping[str, Wire]:
    """Return how a maker counts; W and var are the same everywhere, `energy` is a scaler."""
    power, counted = Wire(DOUBLE_LONG_UNSIGNED, 0), Wire(DOUBLE_LONG_UNSIGNED, energy)
    flows = {"W": power, "var": power, "A": current, "V": voltage}
    return flows | {"Wh": counted, "varh": counted}


def lists(phases: int, without: str = "") -> Mapping[int, Sequence[str]]:
    """Return three lists, each of which begins like the one before (Norwegian meters)."""
    second = (*IDENTITY, *POWER, *(code for code in FLOWS[phases] if code != without))
    return {1: POWER[:1], 2: second, 3: (*second, CLOCK, *ENERGY)}


def named(codes: Sequence[str], *texts: str) -> Mapping[str, str]:
    """Return the registers that hold text."""
    return dict(zip(codes, texts, strict=True))


def no_date_time(_sent: bytes) -> bytes:
    """Leave the date-time of the notification empty."""
    return NULL


def date_time(sent: bytes) -> bytes:
    """Send the date-time of the notification as the standard has it: a length and 12 bytes."""
    return bytes([len(sent)]) + sent


def pairs(items: Sequence[Item]) -> list[bytes]:
    """Return OBIS code and value of each item, flat."""
    return list(chain.from_iterable(_pair(item) for item in items))


def _pair(item: Item) -> tuple[bytes, bytes]:
    return (NULL if item.code == ABSENT else obis(item.code), item.data)
