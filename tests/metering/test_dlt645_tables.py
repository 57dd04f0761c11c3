"""Tables of a meter, told as a whole, and what follows from them now."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

import pytest

from custom_components.obis_meter.metering.catalogue import IDENTIFIERS
from custom_components.obis_meter.metering.links.dlt645 import KINDS, OLD, Tables, polls
from custom_components.obis_meter.metering.links.dlt645.events import readings as events
from custom_components.obis_meter.metering.links.dlt645.identifiers import items
from custom_components.obis_meter.metering.model import Access, ObisCode, Reading, Value
from custom_components.obis_meter.metering.submeters import register_of

NOON, NIGHT = datetime(2026, 6, 2, 12, 0), datetime(2026, 6, 2, 23, 30)
DAY = {"04010000": "01-01 1", "04010001": "07:00 2", "04010001.1": "23:00 4"}
PRICES = {"04050102": Decimal("0.9000"), "04050104": Decimal("0.3000")}


def sift(
    said: dict[str, Value], when: datetime = NOON, tables: Tables | None = None
) -> dict[str, Value]:
    """Return what is told of some values, by id."""
    fresh = [Reading(name, value, "CNY/kWh") for name, value in said.items()]
    return {str(each.id): each.value for each in (tables or Tables()).sift(fresh, when)}


@pytest.mark.parametrize(("when", "rate"), [(NOON, 2), (NIGHT, 4)])
def test_the_rate_and_its_price_follow_from_the_tables(when: datetime, rate: int) -> None:
    told = sift(DAY | PRICES, when)
    assert told["computed:rate"] == rate
    assert told["computed:rate_price"] == PRICES[f"0405010{rate}"]


def test_tables_are_told_as_a_whole_and_only_when_they_were_read() -> None:
    tables = Tables()
    assert sift(DAY, NOON, tables) == {
        "table:zones": "01-01 1",
        "table:day_1": "07:00 2, 23:00 4",
        "computed:rate": 2,
    }
    assert sift({"02800004": Decimal(3)}, NIGHT, tables) == {
        "02800004": Decimal(3),
        "computed:rate": 4,
    }


def test_nothing_is_told_of_the_second_tables_that_nobody_read() -> None:
    assert "computed:rate" not in sift(DAY | {"04000503": Decimal(1)})
    assert sift(DAY | {"04000503": Decimal(0)})["computed:rate"] == 2


def test_the_step_follows_from_what_was_used() -> None:
    steps: dict[str, Value] = {"04060001": Decimal(1000), "04060002": Decimal(2000)}
    told = sift(steps | {"000B0000": Decimal(1500)})
    assert told["computed:step"] == 2
    assert told["table:steps"] == "1000, 2000"
    assert "computed:step" not in sift({"000B0000": Decimal(1500)})


def test_the_clock_is_no_reading() -> None:
    assert not sift({"04000101": "2026-06-02", "04000102": "12:00:00", "C010": "2026-06-02"})


def ids(identifier: str) -> Iterable[ObisCode | str]:
    """Return the ids of all readings behind what is polled."""
    if not identifier.startswith("03"):
        return [name for name, _ in items(identifier)]
    kinds = [kind for kind in KINDS.values() if kind.block == identifier]
    size = 3 if identifier.startswith(("0311", "0312", "0330")) else 6
    return [reading.id for reading in events(identifier, bytes(size * len(kinds)))]


@pytest.mark.parametrize("dialect", ["", OLD])
def test_everything_that_is_polled_has_a_name_or_is_part_of_a_table(dialect: str) -> None:
    for poll in polls(Access("1", dialect=dialect)):
        fresh = [Reading(name, Decimal(1)) for name in ids(poll.key)]
        assert fresh, poll.key
        kept = [reading.id for reading in Tables().sift(fresh, NOON)]
        assert not [name for name in kept if register_of(name) is None]


def test_every_table_has_a_row() -> None:
    told = sift(DAY | PRICES | {"04030001": "26010101", "04060101": Decimal(1)})
    assert all(register_of(name) for name in told)
    assert not any(name in IDENTIFIERS for name in told)
