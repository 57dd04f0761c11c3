"""REGISTERS: what each OBIS group means, one row a group (IEC 62056-6-1, tables 14 to 20)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import lru_cache
from itertools import chain
from typing import Final

from .model import ObisCode


class Quantity(Enum):
    """What a register measures."""

    POWER = auto()
    REACTIVE_POWER = auto()
    APPARENT_POWER = auto()
    ENERGY = auto()
    REACTIVE_ENERGY = auto()
    APPARENT_ENERGY = auto()
    VOLTAGE = auto()
    CURRENT = auto()
    FREQUENCY = auto()
    POWER_FACTOR = auto()
    ANGLE = auto()
    GAS = auto()
    WATER = auto()
    HEAT = auto()
    VOLUME = auto()
    LIMIT = auto()
    SIGNAL = auto()
    COUNT = auto()
    TARIFF = auto()
    CLOCK = auto()
    TEXT = auto()
    TEMPERATURE = auto()
    DURATION = auto()
    BALANCE = auto()  # energy that may fall: credit left, and what a period has used so far
    MONEY = auto()
    PRICE = auto()
    RATE = auto()  # which price holds, by its number


TEXT_UNITS: Final = {
    Quantity.POWER: "kW",
    Quantity.REACTIVE_POWER: "kvar",
    Quantity.APPARENT_POWER: "kVA",
    Quantity.ENERGY: "kWh",
    Quantity.REACTIVE_ENERGY: "kvarh",
    Quantity.APPARENT_ENERGY: "kVAh",
    Quantity.VOLTAGE: "V",
    Quantity.CURRENT: "A",
}
"""The unit of a number that a text protocol sends without one (EN 13757-1)."""


@dataclass(frozen=True, slots=True)
class Register:
    """A row: the key of its name, its quantity, and what sets it apart.

    diagnostic: of interest to installers; hidden: not shown unless asked for;
    past: of a span that is over. phase and tariff fill the name in.
    """

    key: str
    quantity: Quantity
    diagnostic: bool = False
    hidden: bool = False
    phase: int | None = None
    tariff: int | None = None
    past: bool = False

    @property
    def total(self) -> bool:
        """Tell whether this counts for ever."""
        return self.quantity in _TOTALS and not self.past

    @property
    def lasting(self) -> bool:
        """Tell whether the last value stays true while nobody listens."""
        return self.total or self.key.startswith("demand_peak")

    @property
    def signed(self) -> bool:
        """Tell whether a total may fall, because it is a difference: import less export."""
        return self.key.startswith("energy_net")


_TOTALS: Final = (
    Quantity.ENERGY,
    Quantity.REACTIVE_ENERGY,
    Quantity.APPARENT_ENERGY,
    Quantity.GAS,
    Quantity.WATER,
    Quantity.HEAT,
    Quantity.VOLUME,
)  # a tuple: told by identity, where a set would hash

type _Group = tuple[int, int, int | None]
"""C, D, and E where it does not tell a tariff."""

_MOMENTARY, _TOTAL = 7, 8  # D group
_Q = Quantity

_SUMS: Final = (
    (1, "import", _Q.POWER, _Q.ENERGY),
    (2, "export", _Q.POWER, _Q.ENERGY),
    (3, "import", _Q.REACTIVE_POWER, _Q.REACTIVE_ENERGY),
    (4, "export", _Q.REACTIVE_POWER, _Q.REACTIVE_ENERGY),
    (9, "import", _Q.APPARENT_POWER, _Q.APPARENT_ENERGY),
    (10, "export", _Q.APPARENT_POWER, _Q.APPARENT_ENERGY),
    (5, "q1", _Q.REACTIVE_POWER, _Q.REACTIVE_ENERGY),
    (6, "q2", _Q.REACTIVE_POWER, _Q.REACTIVE_ENERGY),
    (7, "q3", _Q.REACTIVE_POWER, _Q.REACTIVE_ENERGY),
    (8, "q4", _Q.REACTIVE_POWER, _Q.REACTIVE_ENERGY),
    (15, "sum", _Q.POWER, _Q.ENERGY),
    (16, "net", _Q.POWER, _Q.ENERGY),
)
"""C group, direction, quantity of D = 7, quantity of D = 8; a phase adds 20, 40, 60 to C."""

_EACH_PHASE: Final = (
    (11, "current", _Q.CURRENT),
    (12, "voltage", _Q.VOLTAGE),
    (13, "power_factor", _Q.POWER_FACTOR),
)
"""C group, key, quantity; a phase adds 20, 40, 60 to C."""

_SINGLE: Final[dict[_Group, Register]] = {
    (14, 7, 0): Register("frequency", _Q.FREQUENCY),
    (91, 7, 0): Register("current_neutral", _Q.CURRENT),
    (1, 4, 0): Register("demand_import", _Q.POWER),
    (1, 6, 0): Register("demand_import_peak", _Q.POWER),
    (2, 4, 0): Register("demand_export", _Q.POWER),
    (2, 6, 0): Register("demand_export_peak", _Q.POWER),
    (96, 6, 0): Register("battery_time", _Q.DURATION, diagnostic=True, hidden=True),
    (96, 6, 3): Register("battery_voltage", _Q.VOLTAGE, diagnostic=True),
    (96, 9, 0): Register("temperature", _Q.TEMPERATURE, diagnostic=True),
    (31, 4, 0): Register("current_limit", _Q.LIMIT, diagnostic=True),
    (17, 0, 0): Register("power_limit", _Q.LIMIT, diagnostic=True),
    (96, 14, 0): Register("tariff", _Q.TARIFF),
    (96, 3, 10): Register("breaker", _Q.TEXT, diagnostic=True, hidden=True),
    (96, 7, 21): Register("power_failures", _Q.COUNT, diagnostic=True),
    (96, 7, 9): Register("long_power_failures", _Q.COUNT, diagnostic=True),
    (96, 13, 0): Register("message", _Q.TEXT, diagnostic=True, hidden=True),
    (96, 13, 1): Register("message_code", _Q.TEXT, diagnostic=True, hidden=True),
    (1, 0, 0): Register("clock", _Q.CLOCK, diagnostic=True, hidden=True),
    (0, 0, 0): Register("meter_id", _Q.TEXT, diagnostic=True, hidden=True),
    (0, 0, 5): Register("meter_id", _Q.TEXT, diagnostic=True, hidden=True),
    (0, 0, 9): Register("meter_id", _Q.TEXT, diagnostic=True, hidden=True),
    (0, 2, 0): Register("firmware", _Q.TEXT, diagnostic=True, hidden=True),
    (0, 2, 8): Register("protocol_version", _Q.TEXT, diagnostic=True, hidden=True),
    (0, 2, 129): Register("protocol_version", _Q.TEXT, diagnostic=True, hidden=True),
    (42, 0, 0): Register("logical_device_name", _Q.TEXT, diagnostic=True, hidden=True),
    (96, 1, 0): Register("meter_id", _Q.TEXT, diagnostic=True, hidden=True),
    (96, 1, 1): Register("meter_number", _Q.TEXT, diagnostic=True, hidden=True),
    (96, 1, 4): Register("protocol_version", _Q.TEXT, diagnostic=True, hidden=True),
    (96, 1, 7): Register("meter_model", _Q.TEXT, diagnostic=True, hidden=True),
    (96, 1, 255): Register("meter_number", _Q.TEXT, diagnostic=True, hidden=True),
    (96, 5, 0): Register("status_word", _Q.TEXT, diagnostic=True, hidden=True),
    (96, 5, 5): Register("status_word", _Q.TEXT, diagnostic=True, hidden=True),
    (81, 7, 1): Register("voltage_angle_phase", _Q.ANGLE, diagnostic=True, phase=2),
    (81, 7, 2): Register("voltage_angle_phase", _Q.ANGLE, diagnostic=True, phase=3),
    (81, 7, 4): Register("current_angle_phase", _Q.ANGLE, diagnostic=True, phase=1),
    (81, 7, 15): Register("current_angle_phase", _Q.ANGLE, diagnostic=True, phase=2),
    (81, 7, 26): Register("current_angle_phase", _Q.ANGLE, diagnostic=True, phase=3),
    (97, 97, 0): Register("error_code", _Q.TEXT, diagnostic=True),
    (24, 1, 0): Register("device_type", _Q.TEXT, diagnostic=True, hidden=True),
    (24, 4, 0): Register("valve", _Q.TEXT, diagnostic=True, hidden=True),
}

_OF_MAKERS: Final = {
    ObisCode(129, 129, 199, 130, 3): Register("maker", _Q.TEXT, diagnostic=True, hidden=True),
    ObisCode(129, 129, 199, 130, 5): Register("public_key", _Q.TEXT, diagnostic=True, hidden=True),
    ObisCode(1, 0, 96, 50, 1, 1): Register("maker", _Q.TEXT, diagnostic=True, hidden=True),
}
"""Registers that German meters have beside the standard's, under their whole codes."""

_SPANS: Final = {96: "day", 97: "week", 98: "month", 99: "year", 100: "reset"}
"""F group -> the span of energy that German meters tell: 1, 7, 30, 365 days, since the reset."""
_WITH_SPANS: Final = ((1, 1, 8, 0), (1, 2, 8, 0))  # A, C, D, E

_GAS: Final = Register("gas", _Q.GAS)
_HEAT: Final = Register("heat", _Q.HEAT)
_WATER: Final = Register("water", _Q.WATER)
_HOT_WATER: Final = Register("hot_water", _Q.WATER)
_HEAT_IN_KWH: Final = Register("heat_energy", _Q.ENERGY)
_ELECTRICITY: Final = Register("electricity", _Q.ENERGY)
COUNTED: Final = Register("volume", _Q.VOLUME)

SUB_METERS: Final = {
    2: (_ELECTRICITY,),
    3: (_GAS,),
    4: (_HEAT, _HEAT_IN_KWH),
    6: (_HOT_WATER,),
    7: (_WATER,),
    12: (_HEAT, _HEAT_IN_KWH),
}
"""M-Bus device type (24.1.0) -> what its 24.2.x may count (EN 13757-3, table 13)."""

SUB_METER_UNITS: Final = {
    _Q.GAS: "m3",
    _Q.WATER: "m3",
    _Q.VOLUME: "m3",
    _Q.HEAT: "GJ",
    _Q.ENERGY: "kWh",
}

MEDIA: Final = {6: _HEAT, 7: _GAS, 8: _WATER, 9: _HOT_WATER}
"""A group -> what it counts."""

MBUS: Final = (_GAS, _HEAT, _HEAT_IN_KWH, _ELECTRICITY, _WATER, _HOT_WATER, COUNTED)
_OF_HEAT_METERS: Final = {
    (1, 0, 0): Register("heat_total", _Q.HEAT),
    (2, 0, 0): Register("heat_volume", _Q.VOLUME),
}
"""What a heat meter says that is read itself, not behind another (EN 13757-1)."""
_HEAT_METER: Final = 6  # A group
_MBUS_TOTALS: Final = ((24, 2, 1), (24, 2, 3), (24, 3, 0), (23, 1, 0))


def _sums() -> Iterator[tuple[tuple[int, int], Register]]:
    for c, direction, momentary, total in _SUMS:
        for phase in (None, 1, 2, 3):
            column = c + 20 * (phase or 0)
            suffix = "_phase" if phase else ""
            yield (
                (column, _MOMENTARY),
                Register(f"{_name(momentary)}_{direction}{suffix}", momentary, phase=phase),
            )
            yield (
                (column, _TOTAL),
                Register(f"{_name(total)}_{direction}{suffix}", total, phase=phase),
            )


def _each_phase() -> Iterator[tuple[tuple[int, int], Register]]:
    for c, key, quantity in _EACH_PHASE:
        for phase in (None, 1, 2, 3):
            suffix = "_phase" if phase else ""
            yield (
                (c + 20 * (phase or 0), _MOMENTARY),
                Register(f"{key}{suffix}", quantity, phase=phase),
            )


def _dips() -> Iterator[tuple[_Group, Register]]:
    for phase in (1, 2, 3):
        column = 12 + 20 * phase
        for d, key in ((32, "voltage_sags"), (36, "voltage_swells")):
            yield (column, d, 0), Register(key, _Q.COUNT, diagnostic=True, hidden=True, phase=phase)


def _name(quantity: Quantity) -> str:
    return quantity.name.lower()


_COLUMNS: Final = {**dict(_sums()), **dict(_each_phase())}
_PEAKS: Final = {(c, 6): _SINGLE[c, 6, 0] for c in (1, 2)}
REGISTERS: Final[dict[_Group, Register]] = _SINGLE | dict(_dips())

_MOST_TARIFFS: Final = 63  # IEC 62056-6-1, 6.4.3
_PRESENT: Final = 255  # F group: the present value, not one of history
_ELECTRICITY_OR_ABSTRACT: Final = (0, 1)  # A group
_REMEMBERED: Final = 1024  # codes: far more than the meters of one home name


@lru_cache(_REMEMBERED)
def lookup(code: ObisCode) -> Register | None:
    """Return the row of a register; None for what is not in the catalogue, such as old totals."""
    if row := _OF_MAKERS.get(code):
        return row
    if code.f != _PRESENT:
        return _span(code)
    if (code.c, code.d, code.e) in _MBUS_TOTALS:
        return MEDIA.get(code.a, COUNTED)
    if code.a == _HEAT_METER:
        return _OF_HEAT_METERS.get((code.c, code.d, code.e))
    if code.a not in _ELECTRICITY_OR_ABSTRACT:
        return None
    return REGISTERS.get((code.c, code.d, code.e)) or _column(code)


def _column(code: ObisCode) -> Register | None:
    row = _COLUMNS.get((code.c, code.d)) or _PEAKS.get((code.c, code.d))
    if row is None or code.e == 0:
        return row
    if not _has_tariffs(row) or code.e > _MOST_TARIFFS:
        return None
    return Register(f"{row.key}_tariff", row.quantity, tariff=code.e)


def _span(code: ObisCode) -> Register | None:
    name, row = _SPANS.get(code.f), _COLUMNS.get((code.c, code.d))
    if not (name and row and (code.a, code.c, code.d, code.e) in _WITH_SPANS):
        return None
    return Register(f"{row.key}_{name}", row.quantity, diagnostic=True, hidden=True, past=True)


def is_buffer(code: ObisCode) -> bool:
    """Tell whether a register holds a list of past values or events (C = 98, 99)."""
    return code.c in (98, 99)


DERIVED: Final = {
    "computed:power_net": Register("power_net", _Q.POWER),
    "computed:energy_import": Register("energy_import_total", _Q.ENERGY),
    "computed:energy_export": Register("energy_export_total", _Q.ENERGY),
    "computed:current_l2": Register("current_phase_computed", _Q.CURRENT, phase=2),
    "live:energy_import": Register("energy_import_live", _Q.ENERGY),
    "live:energy_export": Register("energy_export_live", _Q.ENERGY),
    "demand:average": Register("demand_average", _Q.POWER),
    "demand:projection": Register("demand_projection", _Q.POWER),
    "demand:peak_1": Register("demand_peak_1", _Q.POWER),
    "demand:peak_2": Register("demand_peak_2", _Q.POWER),
    "demand:peak_3": Register("demand_peak_3", _Q.POWER),
    "demand:peak_mean": Register("demand_peak_mean", _Q.POWER),
    "module:link_quality": Register("link_quality", _Q.SIGNAL, diagnostic=True, hidden=True),
    "computed:rate": Register("rate", _Q.RATE),
    "computed:rate_price": Register("price_rate", _Q.PRICE),
    "computed:step": Register("step", _Q.SIGNAL),
    "table:zones": Register("zones_table", _Q.TEXT, diagnostic=True, hidden=True),
    "table:holidays": Register("holidays_table", _Q.TEXT, diagnostic=True, hidden=True),
    "table:prices": Register("prices_table", _Q.TEXT, diagnostic=True, hidden=True),
    "table:steps": Register("steps_table", _Q.TEXT, diagnostic=True, hidden=True),
    "table:step_prices": Register("step_prices_table", _Q.TEXT, diagnostic=True, hidden=True),
    **{
        f"table:day_{n}": Register("day_table", _Q.TEXT, diagnostic=True, hidden=True, tariff=n)
        for n in range(1, 9)
    },
}
"""What no telegram carries, computed (`derived`) or heard beside it, by its name."""

_EVENTS_OF_PHASES: Final = {
    "01": "voltage_loss",
    "02": "undervoltage",
    "03": "overvoltage",
    "04": "phase_loss",
    "0B": "current_loss",
    "0C": "overcurrent",
    "0D": "current_break",
    "0E": "reverse_flow",
    "0F": "overload",
}
_EVENTS: Final = {
    "03050000": "all_voltages_lost",
    "03060000": "auxiliary_power_loss",
    "03070000": "voltage_sequence",
    "03080000": "current_sequence",
    "03090000": "voltage_unbalance",
    "030A0000": "current_unbalance",
    "03110000": "power_failure",
    "03300000": "programming",
    "03300100": "meter_cleared",
    "03300200": "demand_cleared",
    "03300300": "events_cleared",
    "03300400": "clock_set",
    "03300500": "day_tables_set",
    "03300600": "zones_set",
    "03300700": "weekend_set",
    "03300800": "holidays_set",
    "03300900": "active_combination_set",
    "03300A00": "reactive_combination_1_set",
    "03300B00": "reactive_combination_2_set",
    "03300C00": "settlement_days_set",
    "03300D00": "cover_opened",
    "03300E00": "terminal_cover_opened",
    "03120100": "demand_import_exceeded",
    "03120200": "demand_export_exceeded",
    **{f"0312{q + 2:02}00": f"reactive_demand_q{q}_exceeded" for q in (1, 2, 3, 4)},
}

EVENTS: Final[dict[str, tuple[str, int | None]]] = {
    **{
        f"03{kind}{phase:02}00": (key, phase)
        for kind, key in _EVENTS_OF_PHASES.items()
        for phase in (1, 2, 3)
    },
    **{counter: (key, None) for counter, key in _EVENTS.items()},
}
"""Counter of an event -> the key of its name, and its phase (DL/T 645-2007, table A.4)."""


_WITHOUT_MINUTES: Final = ("0311", "0312", "0330")
"""Kinds of events whose counters do not tell how long all of them took."""


def _counters() -> Iterator[tuple[str, Register]]:
    for counter, (key, phase) in EVENTS.items():
        suffix = "_phase" if phase else ""
        count = Register(f"{key}_count{suffix}", _Q.COUNT, diagnostic=True, hidden=True)
        yield counter, replace(count, phase=phase)
        if not counter.startswith(_WITHOUT_MINUTES):
            minutes = replace(count, key=f"{key}_time{suffix}", quantity=_Q.DURATION)
            yield f"{counter}.1", replace(minutes, phase=phase)


def _of_phases() -> Iterator[tuple[str, Register]]:
    """Yield momentary values without an OBIS code."""
    yield "02040000", Register("reactive_power", _Q.REACTIVE_POWER)
    for phase in (1, 2, 3):
        yield f"0204{phase:02}00", Register("reactive_power_phase", _Q.REACTIVE_POWER, phase=phase)
        yield f"0205{phase:02}00", Register("apparent_power_phase", _Q.APPARENT_POWER, phase=phase)


def _old_totals() -> Iterator[tuple[str, Register]]:
    """Yield the reactive totals of DL/T 645-1997, by rate."""
    for place, direction in ((1, "import"), (2, "export")):
        row = Register(f"reactive_energy_{direction}", _Q.REACTIVE_ENERGY)
        yield f"91{place}0", row
        for rate in range(1, 15):
            yield f"91{place}{rate:X}", replace(row, key=f"{row.key}_tariff", tariff=rate)


IDENTIFIERS: Final[dict[str, Register]] = {
    **dict(_of_phases()),
    **dict(_old_totals()),
    **{
        f"0400050{n}": Register(f"status_word_{n}", _Q.TEXT, diagnostic=True, hidden=True)
        for n in range(1, 8)
    },
    "000B0000": Register("energy_of_period", _Q.BALANCE),
    "00900100": Register("energy_credit", _Q.BALANCE),
    "00900101": Register("energy_overdraft", _Q.BALANCE),
    "00900200": Register("credit", _Q.MONEY),
    "00900201": Register("overdraft", _Q.MONEY),
    "0280000B": Register("price_step", _Q.PRICE),
    "02800020": Register("price", _Q.PRICE),
    "02800003": Register("power_average", _Q.POWER),
    "02800004": Register("demand_import", _Q.POWER),
    "02800005": Register("reactive_demand", _Q.REACTIVE_POWER),
    "02800006": Register("apparent_demand", _Q.APPARENT_POWER),
    "02800009": Register("reading_battery_voltage", _Q.VOLTAGE, diagnostic=True, hidden=True),
    "04000106": Register("zones_switch", _Q.CLOCK, diagnostic=True, hidden=True),
    "04000107": Register("day_tables_switch", _Q.CLOCK, diagnostic=True, hidden=True),
    "04000402": Register("meter_number", _Q.TEXT, diagnostic=True, hidden=True),
    "04000404": Register("rated_voltage", _Q.TEXT, diagnostic=True, hidden=True),
    "04000406": Register("maximum_current", _Q.TEXT, diagnostic=True, hidden=True),
    "04000409": Register("meter_constant", _Q.LIMIT, diagnostic=True, hidden=True),
    "0400040B": Register("meter_model", _Q.TEXT, diagnostic=True, hidden=True),
    "0400040D": Register("protocol_version", _Q.TEXT, diagnostic=True, hidden=True),
    "04800001": Register("firmware", _Q.TEXT, diagnostic=True, hidden=True),
    **dict(_counters()),
    "03110000": Register("power_failures", _Q.COUNT, diagnostic=True),
    "B212": Register("programming_count", _Q.COUNT, diagnostic=True, hidden=True),
    "B214": Register("battery_time", _Q.DURATION, diagnostic=True, hidden=True),
    "B640": Register("reactive_power", _Q.REACTIVE_POWER),
    "B650": Register("power_factor", _Q.POWER_FACTOR),
    "C020": Register("status_word", _Q.TEXT, diagnostic=True, hidden=True),
    "C030": Register("meter_constant", _Q.LIMIT, diagnostic=True, hidden=True),
}
"""What has no OBIS code, by its data identifier (DL/T 645-2007; four digits: 1997)."""


ADDRESSES: Final = dict.fromkeys(
    ("F.F", "FF", "F.F.0", *(f"{a}-{b}:F.F" for a in (0, 1) for b in (0, 1))),
    REGISTERS[97, 97, 0],
)
"""What has no OBIS code, by its address in the text of a readout (IEC 62056-21)."""


def keys() -> frozenset[str]:
    """Return the key of every row, the ones of tariffs included: what must have a name."""
    tables = (REGISTERS, _COLUMNS, _OF_MAKERS, _OF_HEAT_METERS, DERIVED, IDENTIFIERS)
    rows = (*chain.from_iterable(table.values() for table in tables), *MBUS)
    rows_of_tariffs = (*_COLUMNS.values(), *_PEAKS.values())
    tariffs = {f"{row.key}_tariff" for row in rows_of_tariffs if _has_tariffs(row)}
    totals = {_COLUMNS[c, d].key for _, c, d, _ in _WITH_SPANS}
    spans = {f"{key}_{name}" for key in totals for name in _SPANS.values()}
    return frozenset(row.key for row in rows) | tariffs | spans


def _has_tariffs(row: Register) -> bool:
    return (row.total and row.phase is None) or row in _PEAKS.values()
