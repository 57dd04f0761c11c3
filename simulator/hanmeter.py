"""A HAN meter as data: which lists it sends, when, and how its maker encodes them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from .clock import standard
from .device import Turn
from .dlms import LLC, NULL, Address, ClockForm, Number, data_notification, octet_string
from .registers import Truth, register, rescale, scaled
from .snapshot import Snapshot

ABSENT = ""
_PLAIN_CLOCK = ClockForm()


@dataclass(frozen=True, slots=True)
class Wire:
    """How a maker counts a unit: in 10**scaler of it; an unsigned type carries the magnitude."""

    number: Number
    scaler: int


@dataclass(frozen=True, slots=True)
class Item:
    """One element of a list: its A-XDR data and what that means."""

    code: str
    data: bytes
    value: Decimal | str
    unit: str | None = None
    scaler: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What is the same in all telegrams of a maker."""

    address: Address
    text: Callable[[str], bytes]
    header: Callable[[bytes], bytes]  # COSEM date-time -> the notification's date-time as sent
    body: Callable[[Sequence[Item]], bytes]
    wires: Mapping[str, Wire]  # by unit
    invoke_id: int = 0
    clock: ClockForm = _PLAIN_CLOCK
    local: Callable[[datetime], datetime] = standard  # the time its clock shows


@dataclass(frozen=True, slots=True, kw_only=True)
class HanMeter:
    """One meter. Its lists name the OBIS codes in order; ABSENT stands for a missing pair."""

    dialect: Dialect
    lists: Mapping[int, Sequence[str]]
    turns: Sequence[Turn]
    texts: Mapping[str, str]  # registers that hold text
    phases: int = 3
    line: str = "2400 8N1"
    link: str = "hdlc"
    zero: frozenset[str] = frozenset()  # registers that are always 0

    def apdu(self, snapshot: Snapshot, list_number: int = 1) -> bytes:
        """Return the data-notification of a list."""
        dialect = self.dialect
        sent = dialect.clock.encode(dialect.local(snapshot.when))
        body = dialect.body(self._items(snapshot, list_number))
        return data_notification(dialect.invoke_id, dialect.header(sent), body)

    def telegram(self, snapshot: Snapshot, list_number: int = 1) -> bytes:
        """Return the HDLC frame of a list; `OverflowError` if a value does not fit its type."""
        return self.dialect.address.frame(LLC + self.apdu(snapshot, list_number))

    def truth(self, snapshot: Snapshot, list_number: int = 1) -> Truth:
        """Return the readings of a list; a clock is the naive local time that is sent."""
        items = self._items(snapshot, list_number)
        return {item.code: (item.value, item.unit) for item in items if item.code != ABSENT}

    def _items(self, snapshot: Snapshot, list_number: int) -> list[Item]:
        return [self._item(code, snapshot) for code in self.lists[list_number]]

    def _item(self, code: str, snapshot: Snapshot) -> Item:
        if code == ABSENT:
            return Item(code, NULL, "")
        if code in self.texts:
            text = self.texts[code]
            return Item(code, self.dialect.text(text), text.rstrip("\0"))
        if code.endswith(":1.0.0"):
            moment = self.dialect.local(snapshot.when)
            data = octet_string(self.dialect.clock.encode(moment))
            return Item(code, data, moment.isoformat(timespec="seconds"))
        return self._number(code, snapshot)

    def _number(self, code: str, snapshot: Snapshot) -> Item:
        source = register(code)
        wire = self.dialect.wires[source.unit]
        value = 0 if code in self.zero else source.read(snapshot)
        count = rescale(value, source.exponent - wire.scaler)
        count = count if wire.number.signed else abs(count)
        data = wire.number.encode(count)
        return Item(code, data, scaled(count, wire.scaler), source.unit, wire.scaler)
