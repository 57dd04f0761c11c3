"""P1 meters of several countries: one table of rows and of forms for each."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import chain

from .device import Turn
from .p1meter import CRLF, Form, P1Meter

_POWER = ("1-0:1.7.0", "1-0:2.7.0")
_REACTIVE_POWER = ("1-0:3.7.0", "1-0:4.7.0")
_ENERGY = ("1-0:1.8.0", "1-0:2.8.0", "1-0:3.8.0", "1-0:4.8.0")
_TARIFFS = ("1-0:1.8.1", "1-0:1.8.2", "1-0:2.8.1", "1-0:2.8.2", "0-0:96.14.0({tariff})")
_VOLTAGES = ("1-0:32.7.0", "1-0:52.7.0", "1-0:72.7.0")
_CURRENTS = ("1-0:31.7.0", "1-0:51.7.0", "1-0:71.7.0")
_IMPORTS = ("1-0:21.7.0", "1-0:41.7.0", "1-0:61.7.0")
_EXPORTS = ("1-0:22.7.0", "1-0:42.7.0", "1-0:62.7.0")
_REACTIVE_IMPORTS = ("1-0:23.7.0", "1-0:43.7.0", "1-0:63.7.0")
_REACTIVE_EXPORTS = ("1-0:24.7.0", "1-0:44.7.0", "1-0:64.7.0")
_CLOCK = "0-0:1.0.0({clock})"
_SAGS = (
    *("1-0:32.32.0(00002)", "1-0:52.32.0(00001)", "1-0:72.32.0(00000)"),
    *("1-0:32.36.0(00000)", "1-0:52.36.0(00003)", "1-0:72.36.0(00000)"),
)


def _paired(imports: Iterable[str], exports: Iterable[str]) -> Iterator[str]:
    """Return import and export of L1, then of L2, then of L3."""
    return chain.from_iterable(zip(imports, exports, strict=True))


_NL_ROWS = (
    "1-3:0.2.8(50)",
    _CLOCK,
    "0-0:96.1.1({id})",
    *_TARIFFS,
    *_POWER,
    "0-0:96.7.21(00004)",
    "0-0:96.7.9(00002)",
    "1-0:99.97.0{failures}",
    *_SAGS,
    "0-0:96.13.0({message})",
    *_VOLTAGES,
    *_CURRENTS,
    *_IMPORTS,
    *_EXPORTS,
    "0-1:24.1.0(003)",
    "0-1:96.1.0({gas_id})",
    "0-1:24.2.1({gas_time})({24.2.1})",
)
_BE_ROWS = (
    "0-0:96.1.4(50217)",
    "0-0:96.1.1({id})",
    _CLOCK,
    *_TARIFFS,
    "1-0:1.4.0",
    "1-0:1.6.0({peak_time})({1.6.0})",
    "0-0:98.1.0{peaks}",
    *_POWER,
    *_IMPORTS,
    *_EXPORTS,
    *_VOLTAGES,
    *_CURRENTS,
    "0-0:96.3.10(1)",
    "0-0:17.0.0(999.9*kW)",
    "1-0:31.4.0(999*A)",
    "0-0:96.13.0()",
    "0-1:24.1.0(003)",
    "0-1:96.1.1({gas_id})",
    "0-1:24.4.0(1)",
    "0-1:24.2.3({gas_time})({24.2.3})",
    "0-2:24.1.0(007)",
    "0-2:96.1.1({water_id})",
    "0-2:24.2.1({gas_time})({0-2:24.2.1})",
)
_SE_ROWS = (
    _CLOCK,
    *_ENERGY,
    *_POWER,
    *_REACTIVE_POWER,
    *_IMPORTS,
    *_EXPORTS,
    *_REACTIVE_IMPORTS,
    *_REACTIVE_EXPORTS,
    *_VOLTAGES,
    *_CURRENTS,
)
_SE_PAIRED_ROWS = (
    _CLOCK,
    *_ENERGY,
    *_POWER,
    *_REACTIVE_POWER,
    *_paired(_IMPORTS, _EXPORTS),
    *_paired(_REACTIVE_IMPORTS, _REACTIVE_EXPORTS),
    *_VOLTAGES,
    *_CURRENTS,
)
_LU_ROWS = (
    "1-3:0.2.8(42)",
    _CLOCK,
    "0-0:42.0.0({id})",
    *_ENERGY,
    *_POWER,
    *_REACTIVE_POWER,
    "0-0:17.0.0(069.0*kVA)",
    "1-0:9.7.0",
    "1-0:10.7.0",
    "1-1:31.4.0(100*A)(-100*A)",
    "0-0:96.3.10(1)",
    "0-1:96.3.10(0)",
    "0-2:96.3.10(0)",
    "0-0:96.7.21(00004)",
    *_SAGS,
    *(f"0-0:96.13.{n}()" for n in (0, 2, 3, 4, 5)),
    *_VOLTAGES,
    *_CURRENTS,
    *_IMPORTS,
    *_EXPORTS,
    *_REACTIVE_IMPORTS,
    *_REACTIVE_EXPORTS,
)
_V2_ROWS = (
    "0-0:96.1.1({id})",
    *_TARIFFS,
    *_POWER,
    "0-0:17.0.0(0999.00*kW)",
    "0-0:96.3.10(1)",
    "0-0:96.13.1()",
    "0-0:96.13.0()",
    "0-1:24.1.0(3)",
    "0-1:96.1.0({gas_id})",
    "0-1:24.3.0({gas_time})(00)(60)(1)(0-1:24.2.1)(m3)" + CRLF + "({24.3.0})",
    "0-1:24.4.0(1)",
)

_V5_FORMS = {
    "Wh": Form("kWh", 3, 10, 3),
    "W": Form("kW", 3, 6, 3),
    "V": Form("V", 0, 5, 1),
    "A": Form("A", 0, 3, 0),
    "m3": Form("m3", 0, 9, 3),
}
_BE_FORMS = _V5_FORMS | {"A": Form("A", 0, 6, 2)}
_SE_FORMS = {
    "Wh": Form("kWh", 3, 12, 3),
    "varh": Form("kVArh", 3, 12, 3),
    "W": Form("kW", 3, 8, 3),
    "var": Form("kVAr", 3, 8, 3),
    "V": Form("V", 0, 5, 1),
    "A": Form("A", 0, 5, 1),
}
_LU_FORMS = _V5_FORMS | {
    "varh": Form("kvarh", 3, 10, 3),
    "var": Form("kvar", 3, 6, 3),
    "VA": Form("kVA", 3, 6, 3),
}
_V2_FORMS = {
    "Wh": Form("kWh", 3, 9, 3),
    "W": Form("kW", 3, 7, 2),
    "24.3.0": Form("m3", 0, 9, 3, bare=True),
}


def _hex(text: str) -> str:
    """Return a text as P1 meters write their ids."""
    return text.encode("ascii").hex().upper()


def _texts(meter: str, gas: str, water: str = "") -> Mapping[str, str]:
    return {
        "id": _hex(meter),
        "gas_id": _hex(gas),
        "water_id": _hex(water),
        "message": "",
        "failures": "(1)(0-0:96.7.19)(251017143205S)(0000000312*s)",
        "peaks": "(1)(1-0:1.6.0)(1-0:1.6.0)(260101000000W)(251216181500W)(04.211*kW)",
    }


NL = P1Meter(
    ident="ISk5\\2M550T-1012",
    rows=_NL_ROWS,
    forms=_V5_FORMS,
    texts=_texts("E0099000000001234", "G0099000000001234"),
)
NL_1PH = replace(NL, ident="Ene5\\XS210 ESMR 5.0", phases=1)
BE = P1Meter(
    ident="FLU5\\253769484_A",
    rows=_BE_ROWS,
    forms=_BE_FORMS,
    texts=_texts("1SAG0000001234", "7FLO0000001234", "8SET0000001234"),
)
SE = P1Meter(ident="KAM5", rows=_SE_ROWS, forms=_SE_FORMS, texts={})
SE_WINTER = replace(SE, ident="LGF5E360", rows=_SE_PAIRED_ROWS, summer_time=False)
LU = P1Meter(
    ident="Lux5\\253663653_B",
    rows=_LU_ROWS,
    forms=_LU_FORMS,
    texts=_texts("SAG1030700001234", ""),
    turns=(Turn(1, timedelta(seconds=10)),),
)
V2 = P1Meter(
    ident="ISk5\\2MT382-1003",
    rows=_V2_ROWS,
    forms=_V2_FORMS,
    texts=_texts("ZBDB00000001234", "2810000000001234"),
    turns=(Turn(1, timedelta(seconds=10)),),
    line="9600 7E1",
    crc=False,
    flag=False,
)
