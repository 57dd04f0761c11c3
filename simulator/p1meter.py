"""P1 telegrams: OBIS lines of ASCII between an ident line and a CRC (DSMR 5.0.2).

`/` ident CRLF CRLF lines CRLF `!` CRC-16/ARC CRLF
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
import re

from .checksums import crc16_arc
from .clock import is_summer, standard, wall
from .device import Turn
from .registers import Truth, register, rescale, scaled
from .snapshot import Snapshot

CRLF = "\r\n"
_NO_READINGS = ("1-0:99.97.0", "0-0:98.1.0", "1-1:31.4.0")  # logs, and a range of two values
_PLACEHOLDER = re.compile(r"\{([^}]+)\}")
_LAST_BRACKETS = re.compile(r"\(([^()]*)\)$")
_OTHER_PHASES = re.compile(r"1-0:([46][1-4]|[57][12])\.")


@dataclass(frozen=True, slots=True)
class Form:
    """How a meter writes a number: in `unit`, which is 10**exponent of the register's own."""

    unit: str
    exponent: int
    width: int
    decimals: int
    bare: bool = False  # the unit stands elsewhere in the row

    def number(self, code: str, snapshot: Snapshot) -> Decimal:
        """Return the value of a register to the decimals that are sent, without its sign."""
        source = register(code)
        places = source.exponent - self.exponent + self.decimals
        return scaled(abs(rescale(source.read(snapshot), places)), -self.decimals)

    def text(self, code: str, snapshot: Snapshot) -> str:
        """Return the value of a register as sent."""
        number = f"{self.number(code, snapshot):0{self.width}.{self.decimals}f}"
        return number if self.bare else f"{number}*{self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class P1Meter:
    """One meter: its rows in order, how it writes the numbers of each unit, and its texts.

    A row is the OBIS code of a register, or a whole line with placeholders: the C.D.E of a
    register, {clock}, {gas_time}, {peak_time}, {tariff} or one of the texts.
    """

    ident: str
    rows: Sequence[str]
    forms: Mapping[str, Form]  # by C.D.E or by unit
    texts: Mapping[str, str]
    phases: int = 3
    turns: Sequence[Turn] = (Turn(1, timedelta(seconds=1)),)
    line: str = "115200 8N1"
    link: str = "p1"
    crc: bool = True
    summer_time: bool = True  # the clock changes to summer time
    flag: bool = True  # times end in S or W

    def telegram(self, snapshot: Snapshot, list_number: int = 1) -> bytes:
        """Return the telegram; there is one list only."""
        lines = [self._line(row, snapshot) for row in self._rows(list_number)]
        text = CRLF.join([f"/{self.ident}", "", *lines, "!"]).encode("ascii")
        check = f"{crc16_arc(text):04X}" if self.crc else ""
        return text + (check + CRLF).encode("ascii")

    apdu = telegram

    def truth(self, snapshot: Snapshot, list_number: int = 1) -> Truth:
        """Return the readings as sent (kWh, kW); without empty values and without lists of values.

        A clock is the naive local time that is sent.
        """
        readings = {row.partition("(")[0]: row for row in self._rows(list_number)}
        truth = {code: self._reading(row, snapshot) for code, row in readings.items()}
        return {code: reading for code, reading in truth.items() if reading[0] != ""}

    def _rows(self, list_number: int) -> Iterator[str]:
        if list_number != 1:
            raise KeyError(list_number)
        for row in self.rows:
            if self.phases > 1 or not _OTHER_PHASES.match(row):
                yield row if "{" in row or "(" in row else f"{row}({{{row.partition(':')[2]}}})"

    def _line(self, row: str, snapshot: Snapshot) -> str:
        return _PLACEHOLDER.sub(lambda match: self._fill(match[1], snapshot), row)

    def _fill(self, name: str, snapshot: Snapshot) -> str:
        """Return what takes the place of a placeholder."""
        match name:
            case "clock":
                return self._stamp(snapshot.when)
            case "gas_time":
                return self._stamp(snapshot.gas_time or snapshot.when)
            case "peak_time":
                return self._stamp(snapshot.peak_time or snapshot.when)
            case "tariff":
                return f"{snapshot.tariff:04}"
            case _ if name in self.texts:
                return self.texts[name]
        return self._form(name).text(name, snapshot)

    def _form(self, code: str) -> Form:
        return self.forms.get(code) or self.forms[register(code).unit]

    def _stamp(self, when: datetime) -> str:
        flag = "S" if self.summer_time and is_summer(when) else "W"
        return f"{self._local(when):%y%m%d%H%M%S}" + (flag if self.flag else "")

    def _local(self, when: datetime) -> datetime:
        return wall(when) if self.summer_time else standard(when)

    def _reading(self, row: str, snapshot: Snapshot) -> tuple[Decimal | str, str | None]:
        """Return what a row says: its register, its clock, or what its last brackets hold."""
        if row.startswith(_NO_READINGS):
            return "", None
        name = (_PLACEHOLDER.findall(row) or [""])[-1]
        if name[:1].isdigit():
            form = self._form(name)
            return form.number(name, snapshot), form.unit
        if name == "clock":
            return self._local(snapshot.when).isoformat(timespec="seconds"), None
        brackets = _LAST_BRACKETS.search(self._line(row, snapshot))
        value, star, unit = (brackets[1] if brackets else "").partition("*")
        return (Decimal(value), unit) if star else (value, None)
