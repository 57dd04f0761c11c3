"""The HAN meters of Norway and Sweden: unencrypted DLMS lists in HDLC frames, only pushed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .clock import standard, wall
from .device import Turn
from .dlms import (
    DOUBLE_LONG_UNSIGNED,
    LONG,
    LONG_UNSIGNED,
    UNITS,
    Address,
    ClockForm,
    array,
    obis,
    octet_string,
    scaler_unit,
    structure,
    visible_string,
)
from .hanlists import (
    BY_PHASE,
    CLOCK,
    ENERGY,
    FLOWS,
    HOUR,
    IDENTITY,
    POWER,
    SECOND,
    Country,
    Grid,
    date_time,
    lists,
    named,
    no_date_time,
    pairs,
    wires,
)
from .hanmeter import ABSENT, Dialect, HanMeter, Item, Wire

__all__ = [
    "Country",
    "Grid",
    "aidon",
    "aidon_se",
    "embriq",
    "kaifa",
    "kaifa_pairs",
    "kaifa_se",
    "kamstrup",
]

_LIST_SE = (Turn(1, 10 * SECOND),)


# --- Aidon, and Landis+Gyr with an Embriq module: array of {OBIS, value, {scaler, unit}} ---


def _aidon_item(item: Item) -> bytes:
    meaning = () if item.unit is None else (scaler_unit(item.scaler, UNITS[item.unit]),)
    return structure([obis(item.code), item.data, *meaning])


def _aidon_wires(current_scaler: int, energy_scaler: int) -> Mapping[str, Wire]:
    return wires(Wire(LONG, current_scaler), Wire(LONG_UNSIGNED, -1), energy_scaler)


_AIDON_TURNS = (
    Turn(1, 2.5 * SECOND),
    Turn(2, 10 * SECOND),
    Turn(3, HOUR, offset=10 * SECOND, lag=10 * SECOND),  # it shows the full hour
)
_AIDON = Dialect(
    address=Address(b"\x41", b"\x08\x83", 0x13),
    invoke_id=0x40000000,
    text=visible_string,
    header=no_date_time,
    body=lambda items: array(map(_aidon_item, items)),
    wires=_aidon_wires(-1, 1),
    clock=ClockForm(deviation=0, sunday=0),
)
_AIDON_SE = replace(_AIDON, wires=_aidon_wires(-1, 0), clock=ClockForm(status=0xFF, sunday=0))
_EMBRIQ = replace(_AIDON, wires=_aidon_wires(-2, 1))


def aidon(*, phases: int = 3, grid: Grid = Grid.TN, meter_id: str = "7359990000001234") -> HanMeter:
    """Return a Norwegian Aidon; on a three-phase IT grid it leaves the current of L2 out."""
    model = "6515" if phases == 1 else {Grid.IT: "6525", Grid.TN: "6534"}[grid]
    return HanMeter(
        dialect=_AIDON,
        lists=lists(phases, "1-0:51.7.0" if grid is Grid.IT else ""),
        turns=_AIDON_TURNS,
        texts=named(IDENTITY, "AIDON_V0001", meter_id, model),
        phases=phases,
    )


def aidon_se() -> HanMeter:
    """Return a Swedish Aidon: one list with the power of each phase, without a meter id."""
    codes = (CLOCK, *POWER, *FLOWS[3], *BY_PHASE, *ENERGY)
    return HanMeter(dialect=_AIDON_SE, lists={1: codes}, turns=_LIST_SE, texts={})


def embriq(*, meter_id: str = "10001234") -> HanMeter:
    """Return a Landis+Gyr whose Embriq module sends the lists of an Aidon, its id NUL-padded."""
    return HanMeter(
        dialect=_EMBRIQ,
        lists=lists(3),
        turns=_AIDON_TURNS,
        texts=named(IDENTITY, "EMBRIQ_V1_1", meter_id.ljust(16, "\0"), "ZFF1"),
    )


# --- Kaifa: a structure without OBIS codes; or, in Sweden, also of OBIS codes and values ---


def _kaifa_text(text: str) -> bytes:
    return octet_string(text.encode("ascii"))


_KAIFA_TURNS = (Turn(1, 2 * SECOND), Turn(2, 10 * SECOND), Turn(3, HOUR, offset=10 * SECOND))
_KAIFA = Dialect(
    address=Address(b"\x01", b"\x02\x01", 0x10),
    invoke_id=0x40000000,
    text=_kaifa_text,
    header=octet_string,  # with a tag, which the standard has not
    body=lambda items: structure(item.data for item in items),
    wires=wires(Wire(DOUBLE_LONG_UNSIGNED, -3), Wire(DOUBLE_LONG_UNSIGNED, -1), 0),
    local=wall,
)
_KAIFA_SE = replace(_KAIFA, address=Address(b"\x01", b"\x00\x01", 0x10), local=standard)
_KAIFA_PAIRS = replace(
    _KAIFA_SE,
    header=no_date_time,
    body=lambda items: structure(pairs(items)),
    clock=ClockForm(deviation=-60),
)


def kaifa(*, phases: int = 3, grid: Grid = Grid.TN, meter_id: str = "6970630000001234") -> HanMeter:
    """Return a Norwegian Kaifa; on a three-phase IT grid its voltage of L2 is 0."""
    model = "MA105H2E" if phases == 1 else {Grid.IT: "MA304H3E", Grid.TN: "MA304H4"}[grid]
    return HanMeter(
        dialect=_KAIFA,
        lists=lists(phases),
        turns=_KAIFA_TURNS,
        texts=named(IDENTITY, "KFM_001", meter_id, model),
        phases=phases,
        line="2400 8E1",
        zero=frozenset({"1-0:52.7.0"} if grid is Grid.IT else ()),
    )


def kaifa_se(*, phases: int = 3, meter_id: str = "7340150000001234") -> HanMeter:
    """Return a Swedish Kaifa that sends the Norwegian hourly list all the time."""
    return HanMeter(
        dialect=_KAIFA_SE,
        lists={1: lists(phases)[3]},
        turns=_LIST_SE,
        texts=named(IDENTITY, "KFM_001", meter_id, {1: "MA105H2E", 3: "MA304H4D"}[phases]),
        phases=phases,
        line="2400 8E1",
    )


def kaifa_pairs(*, meter_id: str = "7340150000001234") -> HanMeter:
    """Return a Swedish Kaifa that names its registers; its clock says UTC+1 all the year."""
    identity = ("1-0:0.2.129", *IDENTITY[1:])
    return HanMeter(
        dialect=_KAIFA_PAIRS,
        lists={1: (*identity, *POWER, *FLOWS[3], CLOCK, *ENERGY)},
        turns=_LIST_SE,
        texts=named(identity, "KFM_001", meter_id, "MA304H4"),
        line="2400 8E1",
    )


# --- Kamstrup: list version, then OBIS codes and values without scalers ---


def _kamstrup_wires(energy_scaler: int) -> Mapping[str, Wire]:
    return wires(Wire(DOUBLE_LONG_UNSIGNED, -2), Wire(LONG_UNSIGNED, 0), energy_scaler)


def _kamstrup_lists(phases: int) -> Mapping[int, Sequence[str]]:
    """Return both lists; on one phase null-data takes the place of L2 and L3."""
    flows = (code if code in FLOWS[phases] else ABSENT for code in FLOWS[3])
    first = (*_KAMSTRUP_IDENTITY, *(_channel_1(code) for code in (*POWER, *flows)))
    return {1: first, 2: (*first, "0-1:1.0.0", *map(_channel_1, ENERGY))}


def _channel_1(code: str) -> str:
    return code.replace("1-0:", "1-1:")


_KAMSTRUP_IDENTITY = ("1-1:0.2.129", "1-1:0.0.5", "1-1:96.1.1")
_KAMSTRUP_TURNS = (Turn(1, 10 * SECOND), Turn(2, HOUR, offset=5 * SECOND))
_KAMSTRUP = Dialect(
    address=Address(b"\x2b", b"\x21", 0x13),
    text=visible_string,
    header=date_time,
    body=lambda items: structure([items[0].data, *pairs(items[1:])]),
    wires=_kamstrup_wires(1),
)
_KAMSTRUP_SE = replace(_KAMSTRUP, wires=_kamstrup_wires(0))
# the end of the model tells how energy is counted: 040 in 10 Wh, 092 in Wh
_KAMSTRUP_DIALECTS = {
    Country.NO: (_KAMSTRUP, "BN243101040"),
    Country.SE: (_KAMSTRUP_SE, "BN245101092"),
}


def kamstrup(
    *,
    phases: int = 3,
    grid: Grid = Grid.TN,
    country: Country = Country.NO,
    meter_id: str = "5706560000001234",
) -> HanMeter:
    """Return a Kamstrup: energy in 10 Wh in Norway, in Wh in Sweden."""
    dialect, ending = _KAMSTRUP_DIALECTS[country]
    model = "6861111" if phases == 1 else {Grid.IT: "6841121", Grid.TN: "6841131"}[grid]
    return HanMeter(
        dialect=dialect,
        lists=_kamstrup_lists(phases),
        turns=_KAMSTRUP_TURNS,
        texts=named(_KAMSTRUP_IDENTITY, "Kamstrup_V0001", meter_id, model + ending),
        phases=phases,
    )
