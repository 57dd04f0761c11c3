"""An SML meter as data: which entries its list has, and how its maker encodes them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from .clock import standard
from .device import Turn
from .registers import Truth, register, rescale, scaled
from .sml import ABSENT, Check, get_list_file, items, octets, signed, unsigned, uptime, x25
from .snapshot import Snapshot

_UNITS = {"Wh": 30, "W": 27, "V": 35, "A": 33}
_PRESENT = 255  # F group
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Count:
    """How a unit is counted: in 10**scaler of it, by an encoder of integers."""

    scaler: int
    encode: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Status:
    """A status word: its register, and what it says of the power and of each phase's."""

    code: str
    word: Callable[[Snapshot], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmlMeter:
    """One meter: its entries in order, its octet strings, and how it counts.

    The first total carries the status word.
    """

    server: bytes
    entries: Sequence[str]
    texts: Mapping[str, bytes]
    counts: Mapping[str, Count]  # by unit
    status: Status
    phases: int = 3
    turns: Sequence[Turn] = (Turn(1, 2 * _SECOND),)
    line: str = "9600 8N1"
    link: str = "sml"
    check: Check = x25
    bare_time: bool = False  # times without a list around them

    def telegram(self, snapshot: Snapshot, list_number: int = 1) -> bytes:
        """Return the frame; there is one list only."""
        passed = (standard(snapshot.when) - standard(snapshot.when).min) % _DAY // _SECOND
        clock = unsigned(passed, 4) if self.bare_time else uptime(passed)
        entries = [self._entry(code, snapshot, clock) for code in self._codes(list_number)]
        return get_list_file(passed << 4, self.server, clock, entries, self.check)

    def truth(self, snapshot: Snapshot, list_number: int = 1) -> Truth:
        """Return the readings as sent, the status word of the first total among them."""
        said: Truth = {code: self._said(code, snapshot) for code in self._codes(list_number)}
        return said | {self.status.code: (Decimal(self.status.word(snapshot)), None)}

    def _codes(self, list_number: int) -> Sequence[str]:
        if list_number != 1:
            raise KeyError(list_number)
        return self.entries

    def _entry(self, code: str, snapshot: Snapshot, clock: bytes) -> bytes:
        name = octets(_obis(code))
        if code in self.texts:
            return items([name, *[ABSENT] * 4, octets(self.texts[code]), ABSENT])
        unit, count, value = self._number(code, snapshot)
        first = code == next(each for each in self.entries if ":1.8." in each)
        status = unsigned(self.status.word(snapshot)) if first else ABSENT
        time = clock if unit == "Wh" else ABSENT
        sent = [unsigned(_UNITS[unit]), signed(count.scaler), count.encode(value)]
        return items([name, status, time, *sent, ABSENT])

    def _said(self, code: str, snapshot: Snapshot) -> tuple[Decimal | str, str | None]:
        if code in self.texts:
            text = self.texts[code]
            return (text.decode() if text.isalnum() else text.hex()), None
        unit, count, value = self._number(code, snapshot)
        return scaled(value, count.scaler), unit

    def _number(self, code: str, snapshot: Snapshot) -> tuple[str, Count, int]:
        source = register(code)
        count = self.counts[source.unit]
        value = rescale(source.read(snapshot), source.exponent - count.scaler)
        return source.unit, count, value


def _obis(code: str) -> bytes:
    """Return the six bytes of a code such as 1-0:1.8.0, or 1-0:96.50.1*1."""
    head, _, history = code.partition("*")
    medium, rest = head.split("-")
    channel, groups = rest.split(":")
    numbers = (medium, channel, *groups.split("."), history or _PRESENT)
    return bytes(map(int, numbers))
