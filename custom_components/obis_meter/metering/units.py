"""One unit a quantity, whatever the meter sends, without losing a digit."""

from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from functools import lru_cache
import re
from typing import Final

_PREFIXES: Final = {"": 0, "m": -3, "k": 3, "M": 6, "G": 9}
_UNIT: Final = re.compile(r"([mkMG]?)(Wh|W|varh|var|VAh|VA|V|A|Hz|J)")
_VOLUMES: Final = {"m3": 0, "dm3": -3, "l": -3}  # powers of ten of a cubic metre
_SPELLED: Final = {"deg": "°"}
_SAME: Final = {"VA": "var", "VAh": "varh"}  # some meters name reactive power so
_EXACT: Final = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
_ZERO: Final = Decimal(0)
_REMEMBERED: Final = 256  # pairs of units


def convert(value: Decimal, sent: str | None, wanted: str | None) -> Decimal | None:
    """Return value in the wanted unit; None where the unit sent cannot become it."""
    if wanted is None or wanted == sent:
        return value
    power = _power(sent, wanted)
    return shift(value, power) if power else value if power == 0 else None


@lru_cache(_REMEMBERED)
def _power(sent: str | None, wanted: str) -> int | None:
    """Return the power of ten between two units; None where one cannot become the other."""
    if sent is None:
        return None
    if wanted == _SPELLED.get(sent):
        return 0
    if sent in _VOLUMES and wanted == "m3":
        return _VOLUMES[sent]
    ours, theirs = _UNIT.fullmatch(wanted), _UNIT.fullmatch(sent)
    if not ours or not theirs or ours[2] not in (theirs[2], _SAME.get(theirs[2])):
        return None
    return _PREFIXES[theirs[1]] - _PREFIXES[ours[1]]


def shift(value: Decimal, power: int) -> Decimal:
    """Multiply a finite number by a power of ten, exactly and without an exponent above zero."""
    return _EXACT.add(_EXACT.scaleb(value, power), _ZERO)


def scaled(number: int, power: int) -> Decimal:
    """Multiply a whole number of at most 28 digits by a power of ten, as `shift` does."""
    return Decimal(number * 10**power) if power >= 0 else Decimal(number).scaleb(power)


_COSEM: Final = {
    8: "°",
    9: "°C",
    13: "m3",
    14: "m3",
    27: "W",
    28: "VA",
    29: "var",
    30: "Wh",
    31: "VAh",
    32: "varh",
    33: "A",
    35: "V",
    44: "Hz",
}


_NONE: Final = (0, 255)  # "none", and what some meters send for it


def sent(number: int) -> str | None:
    """Return the unit of a value as sent: a symbol, the number of an unknown one, None for none."""
    if number in _NONE:
        return None
    return unit(number) or f"dlms:{int(number)}"


def unit(number: int) -> str | None:
    """Return the unit's symbol; None for "count", "none" and what we do not know.

    IEC 62056-6-2, table 4.
    """
    return _COSEM.get(number)
