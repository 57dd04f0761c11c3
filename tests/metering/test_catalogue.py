"""The catalogue: one meaning a key, one name a key, and no row for history."""

from decimal import Decimal
from functools import cache
from itertools import chain, product
import json
from pathlib import Path

import pytest

from custom_components.obis_meter.metering.catalogue import (
    IDENTIFIERS,
    MEDIA,
    SUB_METERS,
    TEXT_UNITS,
    Quantity,
    Register,
    is_buffer,
    lookup,
)
from custom_components.obis_meter.metering.links.dlt645 import KINDS
from custom_components.obis_meter.metering.links.dlt645.identifiers import items
from custom_components.obis_meter.metering.model import ObisCode
from custom_components.obis_meter.metering.units import convert

TEXTS = Path(__file__).parents[2] / "custom_components/obis_meter/translations/en.json"


@cache
def every_row() -> dict[ObisCode, Register]:
    """Return the row of every code that has one."""
    e_groups = (*range(12), 21, 63, 64, 129)
    codes = (
        ObisCode(a, 0, *cde) for a in (0, 1) for cde in product(range(256), range(40), e_groups)
    )
    media = (
        ObisCode(a, 0, c, d, e) for a in range(10) for c, d, e in product((23, 24), (1, 2), (0, 1))
    )
    return {code: row for code in (*codes, *media) if (row := lookup(code))}


def test_the_catalogue_is_not_empty() -> None:
    assert len({row.key for row in every_row().values()}) > 50


def test_a_key_with_its_phase_and_tariff_means_one_thing() -> None:
    meanings = {(row.key, row.phase, row.tariff): row for row in every_row().values()}
    assert set(meanings.values()) == set(every_row().values())


def test_a_measured_meaning_has_one_code_a_medium() -> None:
    seen: dict[Register, ObisCode] = {}
    for code, row in every_row().items():
        if code.a == 1 and row.quantity not in (Quantity.TEXT, Quantity.VOLUME):
            assert seen.setdefault(row, code) == code


def test_every_key_has_a_name_with_its_placeholders() -> None:
    names = json.loads(TEXTS.read_text())["entity"]["sensor"]
    for row in (*every_row().values(), *IDENTIFIERS.values()):
        name = names[row.key]["name"]
        assert ("{phase}" in name) == (row.phase is not None), row
        assert ("{tariff}" in name) == (row.tariff is not None), row


def test_an_identifier_has_a_row_only_where_it_has_no_code() -> None:
    for identifier in IDENTIFIERS:
        rows = items(identifier)
        assert identifier.partition(".")[0] in KINDS or [name for name, _ in rows] == [identifier]


def test_history_is_not_in_the_catalogue() -> None:
    assert not any(lookup(code._replace(f=f)) for code in every_row() for f in (0, 1, 101, 254))


@pytest.mark.parametrize(
    ("code", "key"),
    [
        ("1-0:1.8.0", "energy_import"),
        ("1-0:2.8.0", "energy_export"),
        ("1-1:1.8.11", "energy_import_tariff"),
        ("1-0:16.7.0", "power_net"),
        ("1-0:21.7.0", "power_import_phase"),
        ("1-0:42.7.0", "power_export_phase"),
        ("1-0:71.7.0", "current_phase"),
        ("1-0:52.7.0", "voltage_phase"),
        ("1-0:52.32.0", "voltage_sags"),
        ("1-0:33.7.0", "power_factor_phase"),
        ("1-0:14.7.0", "frequency"),
        ("0-1:24.2.1", "volume"),
        ("7-0:23.1.0", "gas"),
        ("0-0:96.14.0", "tariff"),
        ("1-0:1.8.64", None),
        ("1-0:21.8.1", None),
        ("1-0:1.7.1", None),
        ("4-0:1.8.0", None),
        ("1-0:99.97.0", None),
        ("1-0:1.8.0*96", "energy_import_day"),
        ("1-0:2.8.0*100", "energy_export_reset"),
        ("1-0:1.8.1*96", None),
        ("1-0:1.8.0*95", None),
        ("7-0:1.8.0*96", None),
        ("1-0:16.7.0*96", None),
        ("1-0:81.7.26", "current_angle_phase"),
        ("1-0:96.5.0", "status_word"),
        ("1-0:96.50.1*1", "maker"),
        ("129-129:199.130.5", "public_key"),
        ("129-129:1.8.0", None),
        ("0-0:97.97.0", "error_code"),
        ("6-0:1.0.0", "heat_total"),
        ("6-0:2.0.0", "heat_volume"),
        ("6-0:2.0.0*1", None),
    ],
)
def test_a_register_has_the_row_of_its_group(code: str, key: str | None) -> None:
    parsed = ObisCode.parse(code)
    assert parsed
    row = lookup(parsed)
    assert (row.key if row else None) == key


def test_phases_and_tariffs_are_told_apart() -> None:
    phases = [lookup(ObisCode(1, 0, c, 7, 0)) for c in (32, 52, 72)]
    tariffs = [lookup(ObisCode(1, 0, 1, 8, e)) for e in (1, 2, 3)]
    assert [row.phase for row in phases if row] == [1, 2, 3]
    assert [row.tariff for row in tariffs if row] == [1, 2, 3]


def test_only_totals_count_for_ever_and_only_differences_may_fall() -> None:
    for code, row in every_row().items():
        mbus_total = (code.c, code.d) in ((23, 1), (24, 2), (24, 3))
        assert row.total == (code.d == 8 or mbus_total), code
        assert row.signed == (code.d == 8 and code.c in (16, 36, 56, 76)), code


def test_a_span_that_is_over_is_no_total_and_waits_to_be_asked_for() -> None:
    spans = [lookup(ObisCode(1, 0, c, 8, 0, f)) for c in (1, 2) for f in range(96, 101)]
    rows = [row for row in spans if row]
    assert len({row.key for row in rows}) == len(spans)
    assert all(row.hidden and not row.total and not row.lasting for row in rows)


def test_the_unit_of_a_bare_number_is_one_that_can_be_converted() -> None:
    for unit in TEXT_UNITS.values():
        assert convert(Decimal(1), unit, unit.removeprefix("k")) is not None


def test_what_a_sub_meter_counts_is_a_total() -> None:
    assert all(row.total for row in (*chain(*SUB_METERS.values()), *MEDIA.values()))


def test_buffers_are_known_by_their_group() -> None:
    assert [is_buffer(ObisCode(1, 0, c, 1, 0)) for c in (97, 98, 99, 1)] == [
        False,
        True,
        True,
        False,
    ]
