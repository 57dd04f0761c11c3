"""What an OBIS code measures: its unit, its place in a snapshot and the snapshot's resolution."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter

from .snapshot import Snapshot

type Truth = dict[str, tuple[Decimal | str, str | None]]
"""The readings a telegram carries: OBIS code -> (value, unit)."""


@dataclass(frozen=True, slots=True)
class Register:
    """One register: `read(snapshot)` counts in 10**exponent of `unit`."""

    unit: str
    exponent: int
    read: Callable[[Snapshot], int]


# C.D.E, or the whole code where the channel matters: (unit, exponent, attribute of Snapshot)
_TOTALS = {
    "1.7.0": ("W", 0, "active_import"),
    "2.7.0": ("W", 0, "active_export"),
    "3.7.0": ("var", 0, "reactive_import"),
    "4.7.0": ("var", 0, "reactive_export"),
    "9.7.0": ("VA", 0, "apparent_import"),
    "10.7.0": ("VA", 0, "apparent_export"),
    "1.4.0": ("W", 0, "demand"),
    "1.6.0": ("W", 0, "peak"),
    "1.8.0": ("Wh", 0, "energy_import"),
    "2.8.0": ("Wh", 0, "energy_export"),
    "3.8.0": ("varh", 0, "reactive_energy_import"),
    "4.8.0": ("varh", 0, "reactive_energy_export"),
    "24.2.1": ("m3", -3, "gas"),
    "24.2.3": ("m3", -3, "gas"),
    "24.3.0": ("m3", -3, "gas"),
    "0-2:24.2.1": ("m3", -3, "water"),
}

# C.D.E: (attribute of Snapshot, index)
_TARIFFS = {
    "1.8.1": ("tariffs_import", 0),
    "1.8.2": ("tariffs_import", 1),
    "2.8.1": ("tariffs_export", 0),
    "2.8.2": ("tariffs_export", 1),
}

# C of phase L1, those of L2 and L3 are 20 and 40 higher: (unit, exponent, attribute of Phase)
_PHASES = {
    21: ("W", 0, "active_import"),
    22: ("W", 0, "active_export"),
    23: ("var", 0, "reactive_import"),
    24: ("var", 0, "reactive_export"),
    31: ("A", -3, "current"),
    32: ("V", -1, "voltage"),
}


def _net(snapshot: Snapshot) -> int:
    return snapshot.active_import - snapshot.active_export


def _net_of_phase(index: int) -> Register:
    return Register("W", 0, lambda s: s.phases[index].active_import - s.phases[index].active_export)


def _tariff(attribute: str, index: int) -> Register:
    return Register("Wh", 0, lambda snapshot: getattr(snapshot, attribute)[index])


def _phase(index: int, unit: str, exponent: int, attribute: str) -> Register:
    return Register(unit, exponent, lambda snapshot: getattr(snapshot.phases[index], attribute))


REGISTERS: dict[str, Register] = {
    **{code: Register(unit, exp, attrgetter(name)) for code, (unit, exp, name) in _TOTALS.items()},
    **{code: _tariff(*place) for code, place in _TARIFFS.items()},
    **{f"{c + 20 * n}.7.0": _phase(n, *row) for c, row in _PHASES.items() for n in range(3)},
    "15.7.0": Register("W", 0, lambda snapshot: abs(_net(snapshot))),
    "16.7.0": Register("W", 0, _net),
    **{f"{36 + 20 * n}.7.0": _net_of_phase(n) for n in range(3)},
}


def register(code: str) -> Register:
    """Return the register of a code with or without its medium and channel (1-0:1.8.0, 1.8.0)."""
    return REGISTERS.get(code) or REGISTERS[code.rpartition(":")[2]]


def rescale(value: int, places: int) -> int:
    """Return value * 10**places, cut off towards zero as a meter's display does."""
    if places >= 0:
        return value * int(10**places)
    size = abs(value) // int(10**-places)
    return size if value >= 0 else -size


def scaled(value: int, scaler: int) -> Decimal:
    """Return value * 10**scaler, exactly and without an exponent."""
    return Decimal(value * 10**scaler) if scaler > 0 else Decimal(value).scaleb(scaler)
