"""What some meters leave out of their telegrams or say wrongly, as rows.

Kaifa sends lists without OBIS codes, Kaifa and Kamstrup values without scaler
and unit; some DZG send numbers that are too short. Sources: the makers' HAN
interface descriptions (NVE), checked against telegrams of the meters named.
"""

from dataclasses import dataclass
from typing import Final

from .model import ObisCode

_NAMES: Final = ("1-1:0.2.129", "0-0:96.1.0", "0-0:96.1.7")
_POWERS: Final = ("1-0:1.7.0", "1-0:2.7.0", "1-0:3.7.0", "1-0:4.7.0")
_ONE_PHASE: Final = ("1-0:31.7.0", "1-0:32.7.0")
_THREE_PHASES: Final = (
    *("1-0:31.7.0", "1-0:51.7.0", "1-0:71.7.0"),
    *("1-0:32.7.0", "1-0:52.7.0", "1-0:72.7.0"),
)
_HOURLY: Final = ("0-0:1.0.0", "1-0:1.8.0", "1-0:2.8.0", "1-0:3.8.0", "1-0:4.8.0")


def _codes(*texts: str) -> tuple[ObisCode, ...]:
    return tuple(code for text in texts if (code := ObisCode.parse(text)))


KAIFA_POSITIONS: Final = {
    1: _codes("1-0:1.7.0"),
    9: _codes(*_NAMES, *_POWERS, *_ONE_PHASE),
    13: _codes(*_NAMES, *_POWERS, *_THREE_PHASES),
    14: _codes(*_NAMES, *_POWERS, *_ONE_PHASE, *_HOURLY),
    18: _codes(*_NAMES, *_POWERS, *_THREE_PHASES, *_HOURLY),
}
"""Number of items -> the register of each (Kaifa MA105, MA304: KFM_001)."""

LIST_VERSION: Final = ObisCode(1, 1, 0, 2, 129)
KAMSTRUP_TYPE: Final = ObisCode(1, 1, 96, 1, 1)

UNITS: Final = {
    **dict.fromkeys((1, 2, 21, 22, 41, 42, 61, 62), "W"),
    **dict.fromkeys((3, 4, 23, 24, 43, 44, 63, 64), "var"),
    **dict.fromkeys((31, 51, 71), "A"),
    **dict.fromkeys((32, 52, 72), "V"),
}
"""C group -> unit of the momentary value; of the total with an h behind it."""

_MOMENTARY, _TOTAL = 7, 8  # D group
_CURRENTS: Final = (31, 51, 71)
_VOLTAGES: Final = (32, 52, 72)
_POWER_FACTORS: Final = (13, 33, 53, 73)


@dataclass(frozen=True, slots=True)
class Scalers:
    """Powers of ten that a maker does not send; None where they are not known."""

    current: int | None
    voltage: int
    energy: int | None
    power_factor: int = 0

    def of(self, code: ObisCode) -> tuple[int | None, str | None]:
        """Return scaler and unit of a register; scaler None where only the digits are sure."""
        if code.d == _TOTAL and (base := UNITS.get(code.c)):
            return self.energy, f"{base}h"
        if code.d != _MOMENTARY:
            return 0, None
        if code.c in _CURRENTS:
            return self.current, "A"
        if code.c in _VOLTAGES:
            return self.voltage, "V"
        if code.c in _POWER_FACTORS:
            return self.power_factor, None
        return 0, UNITS.get(code.c)


KAIFA: Final = Scalers(current=-3, voltage=-1, energy=0)

_KAMSTRUP_ENERGY: Final = {"040": 1, "090": 0, "092": 0}
"""Last three digits of the type number -> power of ten: Norway counts 10 Wh, Sweden 1 Wh."""

_CURRENT_TRANSFORMER: Final = "685"  # type numbers of meters behind current transformers


def kamstrup(type_number: str | None) -> Scalers:
    """Return the scalers of a Kamstrup meter by its type number, such as 6841131BN243101040.

    Without a type number, or with one nobody has checked, the power of ten of
    energy is not known: such totals are decoded, but carry no unit.
    """
    if type_number is None:
        return Scalers(current=None, voltage=0, energy=None, power_factor=-2)
    return Scalers(
        current=-3 if type_number.startswith(_CURRENT_TRANSFORMER) else -2,
        voltage=0,
        energy=_KAMSTRUP_ENERGY.get(type_number[-3:]),
        power_factor=-2,
    )


@dataclass(frozen=True, slots=True)
class ShortPower:
    """Meters that call a power signed, but send only the bytes of an unsigned number."""

    maker: str
    serials: tuple[range, ...]
    columns: tuple[int, ...]  # C groups
    longest: int  # bytes

    def concerns(self, maker: str, number: int, code: ObisCode, size: int) -> bool:
        """Tell whether a number of some bytes is one that these meters shorten."""
        ours = maker == self.maker and any(number in numbers for numbers in self.serials)
        return ours and code.c in self.columns and code.d == _MOMENTARY and size <= self.longest


SHORT_POWERS: Final = (
    # DZG DVS74: 1DZG0042082910 says 8B28 for 356.24 W. The maker named these numbers and said
    # that those from 60000000 on are mended (libsml, pull requests 66 and 136); DWSB20, which
    # begin with 40, mean what they say.
    ShortPower(
        "DZG",
        (range(42_000_000, 49_000_000), range(55_000_000, 59_000_000)),
        (16, 36, 56, 76),
        3,
    ),
)
