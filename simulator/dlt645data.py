"""What a DL/T 645-2007 meter has under its data identifiers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .dlt645wire import ascii_octets, bcd, minutes, moment, seconds
from .household import Household
from .registers import rescale
from .snapshot import Snapshot

RATES = 4  # sharp, peak, flat, valley; the day counts as peak, the night as valley
DAYS, HOURS, EVENTS = 62, 254, 10  # how many frozen values and records are kept
LOAD_EVERY = timedelta(minutes=15)
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_SLOTS = ((7, 0, 2), (23, 0, 4))  # hour, minute, rate


@dataclass(slots=True)
class Happened:
    """An event of a kind, by DI2 and DI1; what the meter noted about it follows its times."""

    kind: str
    begin: datetime
    end: datetime | None = None
    noted: bytes = b""

    def record(self) -> bytes:
        """Return it as it is sent."""
        times = seconds(self.begin)
        if self.kind[:2] != "30" or self.kind[2:] in ("0D", "0E"):
            times += seconds(self.end) if self.end else bytes(6)
        return times + self.noted


@dataclass(slots=True)
class State:
    """What can change from without."""

    relay_open: bool = False
    commanded_open: bool = False
    alarm: bool = False
    kept: bool = False  # power is kept whatever else is commanded
    clock_off: timedelta = timedelta(0)
    frozen_at: list[datetime] = field(default_factory=list)
    demand_cleared: datetime | None = None
    written: dict[str, bytes] = field(default_factory=dict)
    happened: list[Happened] = field(default_factory=list)


type Read = Callable[[str, datetime], bytes | None]
"""Takes an identifier and the meter's time; None where the meter does not have it."""


class Registers:
    """Data identifiers of one meter, read at a time of its clock."""

    def __init__(self, address: str, home: Household, state: State) -> None:
        """Measure a home."""
        self._address, self._home, self._state = address, home, state
        self._families: dict[str, Read] = {
            "00": self._energy,
            "01": self._demand,
            "02": self._momentary,
            "03": self._event,
            "04": self._parameter,
            "05": self._frozen,
        }

    def read(self, di: str, when: datetime) -> bytes | None:
        """Return what stands behind an identifier."""
        if di in self._state.written:
            return self._state.written[di]
        family = self._families.get(di[:2])
        return family(di, when) if family else None

    def load_records(self, di: str, data: bytes, when: datetime) -> bytes | None:
        """Return records from a time on, as 06 c 00 01 asks for them with number and time."""
        asked = moment(b"\0" + data[1:])
        if di[2:4] != "00" or asked is None:
            return None
        first = max(asked, when - _DAY)
        begin = first + (datetime.min - first) % LOAD_EVERY
        times = (begin + n * LOAD_EVERY for n in range(data[0]))
        return b"".join(self._load(time) for time in times if time <= when)

    def _load(self, time: datetime) -> bytes:
        volts, amps, power = (
            (self._momentary(f"02{di}FF00", time) or b"").ljust(size, b"\xff")
            for di, size in _LOADED.items()
        )
        energies = b"".join(self._energy(f"000{n}0000", time) or b"" for n in range(1, 5))
        classes = (volts + amps + bcd(5000, 2), power + bytes(12), b"", energies, b"", b"")
        content = minutes(time) + b"".join(octets + b"\xaa" for octets in classes)
        record = b"\xa0\xa0" + bytes([len(content)]) + content
        return record + bytes([sum(record) % 256, 0xE5])

    def _energy(self, di: str, when: datetime) -> bytes | None:
        if di.startswith("0090"):
            return bcd(12345, 4) if di in ("00900200", "00900100") else bcd(0, 4)
        past, rate = int(di[6:], 16), di[4:6]
        if di[2:4] not in _DIRECTIONS or past > 2:
            return None
        values = _by_rate(di[2:4], self._home.at(_settled(when, past)))
        if rate == "FF":
            return b"".join(bcd(value, 4) for value in values)
        return bcd(values[int(rate, 16)], 4) if int(rate, 16) <= RATES else None

    def _demand(self, di: str, when: datetime) -> bytes | None:
        if di not in ("01010000", "0101FF00"):
            return None
        now = self._home.at(when)
        cleared = self._state.demand_cleared
        peak, time = now.peak, now.peak_time or when
        if cleared and cleared >= time:
            peak, time = 0, cleared
        total = bcd(10 * peak, 3) + minutes(time)
        return total if di == "01010000" else total + RATES * (bcd(0, 3) + bytes(5))

    def _momentary(self, di: str, when: datetime) -> bytes | None:
        now = self._home.at(when)
        values = {
            "01": [bcd(phase.voltage, 2) for phase in now.phases],
            "02": [bcd(phase.current, 3) for phase in now.phases],
            "03": [bcd(10 * watts, 3) for watts in _powers(now)],
        }
        if di in _SINGLE:
            return _SINGLE[di](now)
        items = values.get(di[2:4])
        if items is None or di[6:] != "00":
            return None
        if di[4:6] == "FF":
            return b"".join(items)
        place = int(di[4:6], 16) - (di[2:4] != "03")
        return items[place] if 0 <= place < len(items) else None

    def _event(self, di: str, _: datetime) -> bytes | None:
        kind, n = di[2:6], int(di[6:], 16)
        same = [event for event in self._state.happened if event.kind == kind][::-1]
        if n:
            return same[n - 1].record() if n <= min(len(same), EVENTS) else None
        if kind in ("1100", "3000", "300D"):
            return bcd(len(same), 3)
        if kind in ("0100", "0200"):
            counts = [sum(e.kind == f"{di[2:4]}0{p}" for e in self._state.happened) for p in _ABC]
            return b"".join(bcd(count, 3) + bcd(count, 3) for count in counts)
        return None

    def _parameter(self, di: str, when: datetime) -> bytes | None:
        if di.startswith("040005"):
            return self._status(di)
        values = {
            "04000101": bcd(when.isoweekday() % 7, 1) + seconds(when)[3:],
            "04000102": seconds(when)[:3],
            "04000401": bytes.fromhex(self._address)[::-1],
            "04000402": bytes.fromhex(self._address)[::-1],
            "04000404": ascii_octets("220V", 6),
            "04000409": bcd(1200, 3),
            "0400040B": ascii_octets("SIM645", 10),
            "04000B01": bytes([0x00, 0x01]),
            "04010000": bytes([0x01, 0x01, 0x01]),
            "04010001": b"".join(bcd(rate + 100 * m + 10000 * h, 3) for h, m, rate in _SLOTS),
        }
        return values.get(di)

    def _status(self, di: str) -> bytes | None:
        state = self._state
        relay = state.relay_open << 4 | state.commanded_open << 6 | state.alarm << 7
        words = [0, 0, relay, 0, 0, 0, 0]
        if di == "040005FF":
            return b"".join(word.to_bytes(2, "little") for word in words)
        number = int(di[6:], 16)
        return words[number - 1].to_bytes(2, "little") if 1 <= number <= len(words) else None

    def _frozen(self, di: str, when: datetime) -> bytes | None:
        kind, what, n = di[2:4], di[4:6], int(di[6:], 16)
        time = next((t for at, t in enumerate(self._froze(kind, when), 1) if at == n), None)
        if time is None or time < self._home.profile.first:
            return None
        if what == "00":
            return minutes(time)
        block = self._energy(f"00{what}FF00", time) if what in ("01", "02") else None
        return block[:4] if block and kind == "04" else block

    def _froze(self, kind: str, when: datetime) -> Iterator[datetime]:
        """Yield the times at which values were frozen, the latest first."""
        if kind == "01":
            yield from self._state.frozen_at[::-1]
        elif kind in ("04", "06"):
            hour = when.replace(minute=0, second=0, microsecond=0)
            step, most = (_HOUR, HOURS) if kind == "04" else (_DAY, DAYS)
            begin = hour if kind == "04" else hour.replace(hour=0)
            yield from (begin - n * step for n in range(most))


_ABC = (1, 2, 3)
_LOADED = {"01": 6, "02": 9, "03": 12}  # bytes of three phases; FF where there is one
_DIRECTIONS = ("00", "01", "02", "03", "04")
_SINGLE: dict[str, Callable[[Snapshot], bytes]] = {
    "02800002": lambda _: bcd(5000, 2),
    "02800007": lambda _: bcd(-35, 2),
}


def _settled(when: datetime, past: int) -> datetime:
    """Return when the months before were settled: at their ends."""
    for _ in range(past):
        when = when.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        when -= timedelta(microseconds=1)
    return when + timedelta(microseconds=1) if past else when


def _by_rate(direction: str, now: Snapshot) -> tuple[int, ...]:
    """Return 10 Wh, or 10 varh: total, sharp, peak, flat, valley."""
    bought, sold = now.tariffs_import, now.tariffs_export
    if direction == "00":
        bought = (bought[0] - sold[0], bought[1] - sold[1])
    if direction == "02":
        bought = sold
    if direction in ("03", "04"):
        total = now.reactive_energy_import if direction == "03" else now.reactive_energy_export
        return (total // 10, 0, total // 10, 0, 0)
    night, day = (rescale(energy, -1) for energy in bought)
    return (rescale(sum(bought), -1), 0, day, 0, night)


def _powers(now: Snapshot) -> list[int]:
    """Return W, total and by phase."""
    total = now.active_import - now.active_export
    phases = [phase.active_import - phase.active_export for phase in now.phases]
    return [total, *phases]
