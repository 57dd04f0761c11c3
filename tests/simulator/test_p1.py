"""P1 telegrams of each flavour."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from simulator import p1
from simulator.p1meter import P1Meter
from simulator.snapshot import Phase, Snapshot

from .reading import p1_lines

ZONE = ZoneInfo("Europe/Amsterdam")
EXAMPLE = Snapshot(
    when=datetime(2026, 7, 1, 12, 30, 5, tzinfo=ZONE),
    phases=(Phase(active_import=333, current=-1480, voltage=2316), Phase(), Phase()),
    active_import=1193,
    active_export=7,
    energy_import=123_456_789,
    reactive_energy_import=456,
    tariffs_import=(3_456_789, 120_000_000),
    tariff=2,
    gas=12_785_123,
    gas_time=datetime(2026, 7, 1, 12, 30, tzinfo=ZONE),
    peak=4321,
    peak_time=datetime(2026, 7, 1, 8, 15, tzinfo=ZONE),
    demand=250,
    water=8579,
)


def lines(meter: P1Meter) -> list[str]:
    return p1_lines(meter.telegram(EXAMPLE))


def test_netherlands() -> None:
    said = lines(p1.NL)
    assert said[:4] == ["/ISk5\\2M550T-1012", "", "1-3:0.2.8(50)", "0-0:1.0.0(260701123005S)"]
    assert "1-0:1.8.1(003456.789*kWh)" in said
    assert "0-0:96.14.0(0002)" in said
    assert "1-0:31.7.0(001*A)" in said
    assert "1-0:32.7.0(231.6*V)" in said
    assert "0-1:24.2.1(260701123000S)(12785.123*m3)" in said
    assert any(line.startswith("1-0:99.97.0(1)(0-0:96.7.19)(") for line in said)


def test_belgium() -> None:
    said = lines(p1.BE)
    assert said[2] == "0-0:96.1.4(50217)"
    assert "1-0:1.4.0(00.250*kW)" in said
    assert "1-0:1.6.0(260701081500S)(04.321*kW)" in said
    assert "1-0:31.7.0(001.48*A)" in said
    assert "0-1:24.2.3(260701123000S)(12785.123*m3)" in said
    assert "0-2:24.2.1(260701123000S)(00008.579*m3)" in said


def test_sweden_has_neither_tariffs_nor_an_id() -> None:
    for meter, clock in ((p1.SE, "260701123005S"), (p1.SE_WINTER, "260701113005W")):
        said = lines(meter)
        assert said[2:4] == [f"0-0:1.0.0({clock})", "1-0:1.8.0(00123456.789*kWh)"]
        assert "1-0:3.8.0(00000000.456*kVArh)" in said
        assert not any(line.startswith(("1-0:1.8.1", "0-0:96.1")) for line in said)


def test_dsmr_2_has_no_crc_and_gas_on_two_lines() -> None:
    telegram = p1.V2.telegram(EXAMPLE)
    assert telegram.endswith(b"\r\n!\r\n")
    said = lines(p1.V2)
    at = said.index("0-1:24.3.0(260701123000)(00)(60)(1)(0-1:24.2.1)(m3)")
    assert said[at + 1] == "(12785.123)"
    assert "1-0:1.7.0(0001.19*kW)" in said
    assert p1.V2.truth(EXAMPLE)["0-1:24.3.0"] == (Decimal("12785.123"), "m3")


def test_one_phase() -> None:
    said = lines(p1.NL_1PH)
    assert "1-0:21.7.0(00.333*kW)" in said
    rest = ("1-0:41", "1-0:42", "1-0:51", "1-0:52", "1-0:61", "1-0:62", "1-0:71", "1-0:72")
    assert not any(line.startswith(rest) for line in said)


@pytest.mark.parametrize("meter", [p1.NL, p1.NL_1PH, p1.BE, p1.LU, p1.SE, p1.SE_WINTER, p1.V2])
def test_truth_stands_in_the_telegram(meter: P1Meter) -> None:
    said = dict(line.partition("(")[::2] for line in lines(meter))
    truth = meter.truth(EXAMPLE)
    assert len(truth) > 10
    for code, (value, unit) in truth.items():
        if isinstance(value, Decimal) and unit != "m3":
            number, _, sent = said[code].rpartition("(")[2].rstrip(")").partition("*")
            assert (Decimal(number), sent) == (value, unit)
        elif code != "0-0:1.0.0" and unit is None:
            assert said[code] == f"{value})"


def test_truth_of_the_clock_is_the_time_that_is_sent() -> None:
    assert p1.NL.truth(EXAMPLE)["0-0:1.0.0"] == ("2026-07-01T12:30:05", None)
    assert p1.SE_WINTER.truth(EXAMPLE)["0-0:1.0.0"] == ("2026-07-01T11:30:05", None)


def test_empty_values_and_lists_of_values_are_no_truth() -> None:
    truth = p1.LU.truth(EXAMPLE) | p1.NL.truth(EXAMPLE) | p1.BE.truth(EXAMPLE)
    assert not {"0-0:96.13.0", "1-0:99.97.0", "0-0:98.1.0", "1-1:31.4.0"} & set(truth)


def test_other_texts() -> None:
    meter = replace(p1.NL, texts={**p1.NL.texts, "message": "48616C6C6F"})
    assert meter.truth(EXAMPLE)["0-0:96.13.0"] == ("48616C6C6F", None)


def test_there_is_one_list() -> None:
    with pytest.raises(KeyError):
        p1.NL.telegram(EXAMPLE, 2)
