"""The lists of the HAN meters: their layout, their truth and their times."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given, settings, strategies as st
import pytest

from simulator import han
from simulator.device import due
from simulator.dlms import LLC
from simulator.han import Country, Grid
from simulator.hanmeter import HanMeter
from simulator.snapshot import Phase, Snapshot

from .reading import hdlc_information

UINT32 = st.integers(0, 2**32 - 1)
PHASES = st.builds(
    Phase,
    active_import=UINT32,
    active_export=UINT32,
    reactive_import=UINT32,
    reactive_export=UINT32,
    current=st.integers(-320_000, 320_000),
    voltage=st.integers(0, 2**16 - 1),
)
SNAPSHOTS = st.builds(
    Snapshot,
    when=st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)),
    phases=st.tuples(PHASES, PHASES, PHASES),
    active_import=UINT32,
    active_export=UINT32,
    reactive_import=UINT32,
    reactive_export=UINT32,
    energy_import=UINT32,
    energy_export=UINT32,
    reactive_energy_import=UINT32,
    reactive_energy_export=UINT32,
)
METERS = {
    "aidon": han.aidon(),
    "aidon-it": han.aidon(grid=Grid.IT),
    "aidon-1ph": han.aidon(phases=1),
    "aidon-se": han.aidon_se(),
    "embriq": han.embriq(),
    "kaifa": han.kaifa(),
    "kaifa-it": han.kaifa(grid=Grid.IT),
    "kaifa-1ph": han.kaifa(phases=1),
    "kaifa-se": han.kaifa_se(),
    "kaifa-pairs": han.kaifa_pairs(),
    "kamstrup": han.kamstrup(),
    "kamstrup-1ph": han.kamstrup(phases=1),
    "kamstrup-se": han.kamstrup(country=Country.SE),
}
EXAMPLE = Snapshot(
    when=datetime(2026, 1, 15, 18),
    phases=(Phase(current=-5149, voltage=2316), Phase(current=4999), Phase(voltage=2399)),
    active_import=1672,
    energy_import=123_456_789,
)


@pytest.mark.parametrize("name", METERS)
@settings(max_examples=5)
@given(snapshot=SNAPSHOTS)
def test_every_list_frames_well_whatever_its_values(name: str, snapshot: Snapshot) -> None:
    meter = METERS[name]
    for number in meter.lists:
        information = hdlc_information(meter.telegram(snapshot, number))
        assert information == LLC + meter.apdu(snapshot, number)


@pytest.mark.parametrize(
    ("meter", "counts"),
    [
        (han.aidon(), {1: 1, 2: 13, 3: 18}),
        (han.aidon(grid=Grid.IT), {1: 1, 2: 12, 3: 17}),
        (han.aidon(phases=1), {1: 1, 2: 9, 3: 14}),
        (han.aidon_se(), {1: 27}),
        (han.kaifa(), {1: 1, 2: 13, 3: 18}),
        (han.kaifa(phases=1), {1: 1, 2: 9, 3: 14}),
        (han.kaifa_pairs(), {1: 36}),
        (han.kamstrup(), {1: 25, 2: 35}),
        (han.kamstrup(phases=1), {1: 25, 2: 35}),
    ],
)
def test_lists_have_as_many_elements_as_the_makers_say(
    meter: HanMeter, counts: dict[int, int]
) -> None:
    for number, count in counts.items():
        apdu = meter.apdu(EXAMPLE, number)
        data = {0x00: 6, 0x09: 6 + 13, 0x0C: 6 + 12}[apdu[5]]
        assert apdu[data] in (0x01, 0x02)
        assert apdu[data + 1] == count


def test_truth_is_what_is_left_after_the_wire_has_cut() -> None:
    truth = han.aidon().truth(EXAMPLE, 3)
    assert truth["1-0:1.7.0"] == (Decimal(1672), "W")
    assert truth["1-0:31.7.0"] == (Decimal("-5.1"), "A")
    assert truth["1-0:51.7.0"] == (Decimal("4.9"), "A")
    assert truth["1-0:32.7.0"] == (Decimal("231.6"), "V")
    assert truth["1-0:1.8.0"] == (Decimal(123_456_780), "Wh")
    assert truth["0-0:96.1.7"] == ("6534", None)
    assert truth["0-0:1.0.0"] == ("2026-01-15T18:00:00", None)


def test_truth_of_makers_that_count_otherwise() -> None:
    kaifa, kamstrup = han.kaifa().truth(EXAMPLE, 3), han.kamstrup().truth(EXAMPLE, 2)
    assert kaifa["1-0:31.7.0"] == (Decimal("5.149"), "A")
    assert kaifa["1-0:1.8.0"] == (Decimal(123_456_789), "Wh")
    assert kamstrup["1-1:31.7.0"] == (Decimal("5.14"), "A")
    assert kamstrup["1-1:72.7.0"] == (Decimal(239), "V")
    assert kamstrup["1-1:1.8.0"] == (Decimal(123_456_780), "Wh")
    assert kamstrup["0-1:1.0.0"] == ("2026-01-15T18:00:00", None)
    swedish = han.kamstrup(country=Country.SE).truth(EXAMPLE, 2)
    assert swedish["1-1:1.8.0"] == (Decimal(123_456_789), "Wh")


def test_it_grid_leaves_something_out() -> None:
    assert "1-0:51.7.0" not in han.aidon(grid=Grid.IT).truth(EXAMPLE, 2)
    assert han.kaifa(grid=Grid.IT).truth(EXAMPLE, 2)["1-0:52.7.0"] == (Decimal(0), "V")


def test_one_phase_leaves_the_others_out() -> None:
    alone = replace(EXAMPLE, phases=EXAMPLE.phases[:1])
    for meter in (han.aidon(phases=1), han.kaifa(phases=1), han.kamstrup(phases=1)):
        codes = {code.partition(":")[2] for code in meter.truth(alone, 2)}
        assert "31.7.0" in codes
        assert not codes & {"51.7.0", "71.7.0", "52.7.0", "72.7.0"}


def test_padding_of_an_id_is_sent_but_is_no_truth() -> None:
    meter = han.embriq()
    assert b"10001234" + bytes(8) in meter.telegram(EXAMPLE, 2)
    assert meter.truth(EXAMPLE, 2)["0-0:96.1.0"] == ("10001234", None)


def test_clocks_in_summer() -> None:
    summer = replace(EXAMPLE, when=datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Oslo")))
    assert han.aidon().truth(summer, 3)["0-0:1.0.0"] == ("2026-07-01T11:00:00", None)
    assert han.kaifa().truth(summer, 3)["0-0:1.0.0"] == ("2026-07-01T12:00:00", None)
    assert han.kamstrup().truth(summer, 2)["0-1:1.0.0"] == ("2026-07-01T11:00:00", None)


@pytest.mark.parametrize(
    ("meter", "schedule"),
    [
        (han.aidon(), {0: 2, 2.5: 1, 7.5: 1, 10: 3, 12.5: 1, 20: 2, 21: None}),
        (han.aidon_se(), {0: 1, 2.5: None, 10: 1}),
        (han.kaifa(), {0: 2, 2: 1, 8: 1, 10: 3, 12: 1, 20: 2, 21: None}),
        (han.kamstrup(), {0: 1, 5: 2, 10: 1, 15: None, 20: 1}),
    ],
)
def test_what_is_due_around_the_full_hour(
    meter: HanMeter, schedule: dict[float, int | None]
) -> None:
    hour = datetime(2026, 1, 15, 18)
    turns = {after: due(meter, hour + timedelta(seconds=after)) for after in schedule}
    assert {after: turn and turn.number for after, turn in turns.items()} == schedule


def test_a_value_that_does_not_fit_is_refused() -> None:
    with pytest.raises(OverflowError):
        han.aidon().telegram(replace(EXAMPLE, active_import=2**32))
