"""IDENTIFIERS: what each data identifier holds, one row a pattern.

DL/T 645-2007, tables A.1 to A.6: eight hex digits, DI3 first; DL/T 645-1997,
annex A: four. A dot in a pattern stands for any digit.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Final

from ...model import ObisCode
from .formats import (
    CLOCK,
    DATE,
    DAY_START,
    MINUTES,
    TIME,
    TIME_START,
    Field,
    demand,
    digits,
    number,
    signed,
    text,
    word,
)

type Item = tuple[ObisCode | str, Field]
type Row = Callable[[str], Iterable[Item]]
"""Takes an identifier that fits the pattern; returns what stands under it, in order.

A block may hold less than this. Nothing for an identifier that does not exist.
"""

BLOCK: Final = "FF"
MOST_RATES: Final = 63
_SETTLEMENTS: Final = 12
_PRESENT: Final = 255  # F group
_MOMENTARY, _MAXIMUM, _TOTAL = 7, 6, 8  # D groups
_PHASES: Final = 3

_ENERGY: Final = number(4, 2, "kWh")
_SIGNED_ENERGY: Final = signed(4, 2, "kWh")
_REACTIVE: Final = number(4, 2, "kvarh")
_SIGNED_REACTIVE: Final = signed(4, 2, "kvarh")
_APPARENT: Final = number(4, 2, "kVAh")
_VOLTAGE: Final = number(2, 1, "V")
_CURRENT: Final = signed(3, 3, "A")
_POWER: Final = signed(3, 4, "kW")
_REACTIVE_POWER: Final = signed(3, 4, "kvar")
_APPARENT_POWER: Final = signed(3, 4, "kVA")
_FACTOR: Final = signed(2, 3)
_FREQUENCY: Final = number(2, 2, "Hz")
_PRICE: Final = number(4, 4, "CNY/kWh")
_MONEY: Final = number(4, 2, "CNY")
_COUNT: Final = number(1)
_MINUTES_LONG: Final = number(1, 0, "min")

_ENERGIES: Final[dict[str, tuple[int | None, Field]]] = {
    "00": (16, _SIGNED_ENERGY),
    "01": (1, _ENERGY),
    "02": (2, _ENERGY),
    "03": (3, _SIGNED_REACTIVE),
    "04": (4, _SIGNED_REACTIVE),
    "05": (5, _REACTIVE),
    "06": (6, _REACTIVE),
    "07": (7, _REACTIVE),
    "08": (8, _REACTIVE),
    "09": (9, _APPARENT),
    "0A": (10, _APPARENT),
}
"""DI2 -> C group and how it is written; phases follow 14, 28 and 3C higher."""


def _of_phases() -> dict[str, tuple[int | None, Field]]:
    """Return the rows of the phases: only active energy has an OBIS code here."""
    rows: dict[str, tuple[int | None, Field]] = {}
    for phase in range(1, _PHASES + 1):
        for di2, (c, field) in _ENERGIES.items():
            column = None if c is None or c > 2 else c + 20 * phase
            rows[f"{int(di2, 16) + 20 * phase:02X}"] = column, field
    for phase in range(1, _PHASES + 1):
        del rows[f"{20 * phase:02X}"]  # there is no combined energy of a phase
    return rows


_ALL_ENERGIES: Final = _ENERGIES | _of_phases()


def _numbers(pair: str, first: int, last: int) -> Iterable[int]:
    """Return the number that two hex digits say, or all of a block."""
    if pair == BLOCK:
        return range(first, last + 1)
    return (int(pair, 16),) if first <= int(pair, 16) <= last else ()


def _rates(di: str, d: int) -> Iterable[Item]:
    """Return energies (DI3 = 00) or maximum demands (01) by rate r and settlement s."""
    c, field = _ALL_ENERGIES.get(di[2:4], (None, None))
    if field is None or field.unit is None:
        return
    coded = d == _TOTAL or c in (1, 2)
    field = field if d == _TOTAL else demand(field.unit.removesuffix("h"))
    for r in _numbers(di[4:6], 0, MOST_RATES):
        for s in _numbers(di[6:8], 0, _SETTLEMENTS):
            code = ObisCode(1, 0, c or 0, d, r, s or _PRESENT)
            yield (code if c and coded else f"{di[:4]}{r:02X}{s:02X}"), field


def _momentary(
    di: str, *, field: Field, columns: tuple[int | None, ...], total: bool
) -> Iterable[Item]:
    """Return 02 xx pp 00: of phases A B C, with the total before them where there is one."""
    if di[6:] != "00":
        return
    for p in _numbers(di[4:6], 0 if total else 1, _PHASES):
        column = columns[p] if p < len(columns) else None
        code = ObisCode(1, 0, column, _MOMENTARY, 0) if column else f"{di[:4]}{p:02X}00"
        yield code, field


def _angles(di: str) -> Iterable[Item]:
    """Return the angles between voltage and current of the phases."""
    if di[6:] == "00":
        for p in _numbers(di[4:6], 1, _PHASES):
            yield ObisCode(1, 0, 81, _MOMENTARY, (0, 4, 15, 26)[p]), number(2, 1, "°")


def _one(di: str, field: Field) -> Iterable[Item]:
    return ((di, field),)


def _coded(_: str, code: ObisCode, field: Field) -> Iterable[Item]:
    return ((code, field),)


def _listed(di: str, field: Field, first: int, last: int) -> Iterable[Item]:
    """Return the items that the last two digits number."""
    for n in _numbers(di[-2:], first, last):
        yield f"{di[:-2]}{n:02X}", field


def _each(field: Field, first: int, last: int) -> Row:
    return partial(_listed, field=field, first=first, last=last)


def _table(di: str) -> Iterable[Item]:
    """Return a table of 04 01 / 04 02: 00 the zones of the year, 01..08 the slots of a day."""
    table = int(di[-2:], 16)
    slots, field = (14, TIME_START) if table else (14, DAY_START)
    for n in range(slots if table <= 8 else 0):
        yield (f"{di}.{n}" if n else di), field


def _plain(rows: dict[str, Field]) -> dict[str, Row]:
    """Return a row each for identifiers without an OBIS code."""
    return {di: partial(_one, field=field) for di, field in rows.items()}


def _with_code(rows: dict[str, tuple[ObisCode, Field]]) -> dict[str, Row]:
    return {di: partial(_coded, code=code, field=field) for di, (code, field) in rows.items()}


def _phase_rows(
    rows: dict[str, tuple[Field, bool, tuple[int | None, ...]]],
) -> dict[str, Row]:
    return {
        pattern: partial(_momentary, field=field, total=total, columns=columns)
        for pattern, (field, total, columns) in rows.items()
    }


_OF_2007: Final[dict[str, Row]] = {
    "00......": partial(_rates, d=_TOTAL),
    "01......": partial(_rates, d=_MAXIMUM),
    **_phase_rows(
        {
            "0201....": (_VOLTAGE, False, (None, 32, 52, 72)),
            "0202....": (_CURRENT, False, (None, 31, 51, 71)),
            "0203....": (_POWER, True, (16, 36, 56, 76)),
            "0204....": (_REACTIVE_POWER, True, ()),
            "0205....": (_APPARENT_POWER, True, (9,)),
            "0206....": (_FACTOR, True, (13, 33, 53, 73)),
            "0208....": (number(2, 2, "%"), False, ()),
            "0209....": (number(2, 2, "%"), False, ()),
        }
    ),
    "0207....": _angles,
    **_with_code(
        {
            "02800001": (ObisCode(1, 0, 91, 7, 0), _CURRENT),
            "02800002": (ObisCode(1, 0, 14, 7, 0), _FREQUENCY),
            "02800007": (ObisCode(0, 0, 96, 9, 0), signed(2, 1, "°C")),
            "02800008": (ObisCode(0, 0, 96, 6, 3), number(2, 2, "V")),
            "0280000A": (ObisCode(0, 0, 96, 6, 0), number(4, 0, "min")),
            "04000401": (ObisCode(0, 0, 96, 1, 0), digits(6)),
        }
    ),
    **_plain(
        {
            "000B0000": _SIGNED_ENERGY,
            "000B0001": _SIGNED_ENERGY,
            "00900100": _ENERGY,
            "00900101": _ENERGY,
            "00900200": _MONEY,
            "00900201": _MONEY,
            "02800003": _POWER,
            "02800004": _POWER,
            "02800005": _REACTIVE_POWER,
            "02800006": _APPARENT_POWER,
            "02800009": number(2, 2, "V"),
            "0280000B": _PRICE,
            "02800020": _PRICE,
            "02800021": _PRICE,
            "04000101": DATE,
            "04000102": TIME,
            "04000103": _MINUTES_LONG,
            "04000104": _MINUTES_LONG,
            "04000105": number(2, 0, "ms"),
            "04000106": MINUTES,
            "04000107": MINUTES,
            "04000108": MINUTES,
            "04000109": MINUTES,
            "0400010C": CLOCK,
            "04000205": number(2),
            "04000402": digits(6),
            "04000403": text(32),
            "04000404": text(6),
            "04000405": text(6),
            "04000406": text(6),
            "04000407": text(4),
            "04000408": text(4),
            "04000409": number(3, 0, "imp/kWh"),
            "0400040A": number(3, 0, "imp/kvarh"),
            "0400040B": text(10),
            "0400040C": text(10),
            "0400040D": text(16),
            "0400040E": digits(6),
            "04000801": word(1),
            "04000802": _COUNT,
            "04000901": word(1),
            "04000902": word(1),
            "04800001": text(32),
            "04800002": text(32),
            "04800003": text(32),
        }
    ),
    "040002..": _each(_COUNT, 1, 7),
    "040003..": _each(_COUNT, 1, 5),
    "040005..": _each(word(2), 1, 7),
    "040006..": _each(word(1), 1, 3),
    "040007..": _each(word(1), 1, 5),
    "04000B..": _each(digits(2), 1, 3),
    "040100..": _table,
    "040200..": _table,
    "040300..": _each(digits(4), 1, 254),
    "040501..": _each(_PRICE, 1, MOST_RATES),
    "040502..": _each(_PRICE, 1, MOST_RATES),
    "040600..": _each(_ENERGY, 1, 254),
    "040601..": _each(_PRICE, 1, 254),
    "040602..": _each(_ENERGY, 1, 254),
    "040603..": _each(_PRICE, 1, 254),
}


def _old_block(
    di: str, *, field: Field, first: int, last: int, codes: Callable[[int], ObisCode | None]
) -> Iterable[Item]:
    """Return what the last digit numbers; F is the block of all."""
    last_digit = int(di[-1], 16)
    for n in range(first, last + 1) if last_digit == 0xF else (last_digit,):
        if first <= n <= last:
            yield codes(n) or f"{di[:-1]}{n:X}", field


def _old(
    field: Field, first: int, last: int, codes: Callable[[int], ObisCode | None] = lambda n: None
) -> Row:
    return partial(_old_block, field=field, first=first, last=last, codes=codes)


def _total_of(c: int) -> Callable[[int], ObisCode]:
    return lambda rate: ObisCode(1, 0, c, _TOTAL, rate)


def _columns(*columns: int) -> Callable[[int], ObisCode]:
    return lambda p: ObisCode(1, 0, columns[p], _MOMENTARY, 0)


_OLD_RATES: Final = 14
_OLD_VOLTAGE: Final = number(2, 0, "V")
_OLD_CURRENT: Final = number(2, 2, "A")
_OLD_REACTIVE_POWER: Final = number(2, 2, "kvar")
_OLD_DEMAND: Final = number(3, 4, "kW")
_OLD_REACTIVE_DEMAND: Final = number(3, 4, "kvar")

_OF_1997: Final[dict[str, Row]] = {
    "901.": _old(_ENERGY, 0, _OLD_RATES, _total_of(1)),
    "902.": _old(_ENERGY, 0, _OLD_RATES, _total_of(2)),
    "91..": _old(_REACTIVE, 0, _OLD_RATES),
    "94..": _old(_ENERGY, 0, _OLD_RATES),
    "95..": _old(_REACTIVE, 0, _OLD_RATES),
    "98..": _old(_ENERGY, 0, _OLD_RATES),
    "99..": _old(_REACTIVE, 0, _OLD_RATES),
    "A0..": _old(_OLD_DEMAND, 0, _OLD_RATES),
    "A1..": _old(_OLD_REACTIVE_DEMAND, 0, _OLD_RATES),
    "B61.": _old(_OLD_VOLTAGE, 1, 3, _columns(12, 32, 52, 72)),
    "B62.": _old(_OLD_CURRENT, 1, 3, _columns(11, 31, 51, 71)),
    "B63.": _old(_POWER, 0, 3, _columns(16, 36, 56, 76)),
    "B64.": _old(_OLD_REACTIVE_POWER, 0, 3),
    "B65.": _old(_FACTOR, 0, 3),
    **_with_code({"C032": (ObisCode(0, 0, 96, 1, 0), digits(6))}),
    **_plain(
        {
            "B212": number(2),
            "B213": number(2),
            "B214": number(3, 0, "min"),
            "C010": DATE,
            "C011": TIME,
            "C020": word(1),
            "C021": word(1),
            "C030": number(3, 0, "imp/kWh"),
            "C031": number(3, 0, "imp/kvarh"),
            "C033": digits(6),
            "C034": digits(6),
        }
    ),
    "C32.": _old(DAY_START, 0, 14),
    **{f"C3{table:X}.": _old(TIME_START, 1, 14) for table in range(3, 11)},
}

IDENTIFIERS: Final = _OF_2007 | _OF_1997
_REMEMBERED: Final = 512  # identifiers; more than one meter is asked for


@lru_cache(_REMEMBERED)
def items(identifier: str) -> tuple[Item, ...]:
    """Return what stands under an identifier, in order; nothing for one that nobody knows."""
    for known in range(len(identifier), 0, -1):
        pattern = identifier[:known] + "." * (len(identifier) - known)
        if row := IDENTIFIERS.get(pattern):
            return tuple(row(identifier))
    return ()
