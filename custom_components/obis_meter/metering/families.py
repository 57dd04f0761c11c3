"""What some meters leave out of their telegrams or say wrongly, as rows.

Kaifa, Iskraemeco and Siemens send lists without OBIS codes, Kaifa, Kamstrup and
most who push a list of objects send values without scaler and unit; some DZG
send numbers that are too short. Sources: the makers' HAN interface descriptions
(NVE), checked against telegrams of the meters named; where no description is
public, the telegrams alone, in which totals are the sums of their tariffs and
power is that of voltage and current.
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
    voltage: int | None
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


@dataclass(frozen=True, slots=True)
class Positions:
    """A list without OBIS codes: the register of each element, None for what is none."""

    codes: tuple[ObisCode | None, ...]
    scalers: Scalers


def _positions(scalers: Scalers, *texts: str) -> Positions:
    return Positions(tuple(ObisCode.parse(text) for text in texts), scalers)


_ISKRA: Final = Scalers(current=-2, voltage=-1, energy=0)
_NAME, _ID = "0-0:42.0.0", "0-0:96.1.0"
_UNREAD: Final = ""
_CURRENTS_OF_ALL: Final = _THREE_PHASES[:3]
_VOLTAGES_OF_ALL: Final = _THREE_PHASES[3:]
_BY_PHASE: Final = ("1-0:21.7.0", "1-0:41.7.0", "1-0:61.7.0")
_EXPORT_BY_PHASE: Final = ("1-0:22.7.0", "1-0:42.7.0", "1-0:62.7.0")
_FOUR_TOTALS: Final = _HOURLY[1:]
_TARIFFS: Final = (
    *("1-0:1.8.0", "1-0:1.8.1", "1-0:1.8.2", "1-0:2.8.0", "1-0:2.8.1", "1-0:2.8.2"),
    *("1-0:3.8.0", "1-0:4.8.0"),
)

_POSITIONS: Final = {
    ("ISK", "bbiiiiiiii"): _positions(
        _ISKRA, _NAME, _ID, *_POWERS, "1-0:32.7.0", "1-0:31.7.0", "1-0:21.7.0", "1-0:22.7.0"
    ),
    ("ISK", "bbiiiiiiiiii"): _positions(
        _ISKRA, _NAME, _UNREAD, *_VOLTAGES_OF_ALL, *_CURRENTS_OF_ALL, *_POWERS
    ),
    ("ISK", "bbebiiiiiiii"): _positions(_ISKRA, _NAME, _ID, _UNREAD, _UNREAD, *_TARIFFS),
    ("ISK", "bbiiiiiiiiiiiiiiii"): _positions(
        *(_ISKRA, _NAME, _ID, *_POWERS, *_VOLTAGES_OF_ALL, *_CURRENTS_OF_ALL),
        *(*_BY_PHASE, *_EXPORT_BY_PHASE),
    ),
    ("push", "bbbbiiiiiibb"): _positions(
        *(_ISKRA, _UNREAD, _ID, _UNREAD, _UNREAD, *_FOUR_TOTALS, *_POWERS[:2]),
        *(_UNREAD, _UNREAD),
    ),
}
"""How a list opens, and the kind of each element as `positions` takes it -> its registers.

Iskraemeco AM550 of Slovenia, four lists, in which import before export of reactive
energy is taken over from that of power; Siemens IM350 and Iskraemeco AM550 of Vienna,
which open with the name of the push object.
"""


def positions(first: bytes, kinds: str) -> Positions | None:
    """Return what a list holds by its first element and the kinds of all.

    A letter stands for each: b octets or text, i a number, e an enum, ? anything else.
    """
    opening = "push" if is_push_setup(first) else first[:3].decode("latin-1")
    return _POSITIONS.get((opening, kinds))


def is_push_setup(name: bytes) -> bool:
    """Tell whether octets are the logical name of an object that pushes."""
    return len(name) == 6 and tuple(name[2:5]) == _PUSH_SETUP


_PUSH_SETUP: Final = (25, 9, 0)  # C, D, E of the object that pushes
_PUSHED: Final = {
    2: Scalers(current=None, voltage=None, energy=0),
    6: Scalers(current=-2, voltage=-1, energy=0, power_factor=-3),
    8: Scalers(current=None, voltage=0, energy=0, power_factor=-3),
}
"""B of the push setup -> scalers: 2 Sagemcom XT211 (EG.D's description), 6 Landis+Gyr E360 and
Iskraemeco AM550 (2357 and 2347 for 230 V), 8 Landis+Gyr E450 and E570 (236 and 229)."""
_E450: Final = Scalers(current=-2, voltage=0, energy=0, power_factor=-3)
_E450_IDS: Final = frozenset(_codes("0-0:96.1.0", "0-0:96.1.1"))
"""An E450 names its id, an E570 does not. Its currents count 0.01 A: 167 where L2 has 289 W."""

_PUSHED_TOTALS: Final = tuple(f"1-1:{c}.8.0" for c in (1, 2, 3, 4))
_E570: Final = Scalers(current=0, voltage=0, energy=0, power_factor=-3)
_LISTS: Final[dict[tuple[int | None, tuple[ObisCode, ...]], Scalers]] = {
    (8, _codes(_NAME, *_PUSHED_TOTALS, *_POWERS[:2], *_VOLTAGES_OF_ALL, *_CURRENTS_OF_ALL)): _E570,
    (
        8,
        _codes(
            *(_NAME, "0-0:1.0.0", *_POWERS, *(f"1-1:{c}.8.0" for c in (1, 2, 5, 6, 7, 8))),
            *(*_CURRENTS_OF_ALL, "1-0:13.7.0"),
        ),
    ): _E570,
    (
        None,
        _codes(
            *(f"1-0:{c}.{rest}" for c in (1, 2, 3, 4) for rest in ("8.0", "8.1", "8.2", "7.0")),
        ),
    ): _E450,
}
"""B of the push setup and all registers in order -> scalers: two lists of the E570, whose
currents count 1 A (400, 200 and 601 where there are 258.9 kW), one of an E450."""


def pushed(setup: int | None, codes: tuple[ObisCode, ...]) -> Scalers | None:
    """Return the scalers of a list by the B group of its push setup and by its registers."""
    if known := _LISTS.get((setup, codes)):
        return known
    if setup == 8 and _E450_IDS.intersection(codes):
        return _E450
    return _PUSHED.get(setup) if setup is not None else None
