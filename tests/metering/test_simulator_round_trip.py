"""Whatever a meter measures, it is decoded to exactly that, and to nothing else."""

from datetime import datetime
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.obis_meter.metering.model import Reading, Telegram
from simulator.clock import wall
from simulator.device import Device
from simulator.meters import METERS
from simulator.snapshot import Phase, Snapshot

from .captures import Capture, keys_of
from .hearing import LONG, telegrams

LISTS = [(name, turn.number) for name, model in METERS.items() for turn in model.device.turns]
FIRST_OF_TWO = {"1-1:31.4.0"}  # a range, which `truth` leaves out


def counts(most: int) -> st.SearchStrategy[int]:
    return st.sampled_from((0, 1, most)) | st.integers(0, most)


def moments(zone: str) -> st.SearchStrategy[datetime]:
    zones = st.just(ZoneInfo(zone))
    years = (datetime(2020, 1, 1), datetime(2059, 12, 31))
    drawn = st.datetimes(*years, timezones=zones, allow_imaginary=False)
    return drawn.map(lambda when: when.replace(microsecond=0))


WATTS = counts(2**32 - 1)
MILLIAMPERES = st.sampled_from((0, -1, -327_670, 327_670)) | st.integers(-327_670, 327_670)
PHASES = st.builds(Phase, WATTS, WATTS, WATTS, WATTS, MILLIAMPERES, counts(65_535))
FLOWS = ("active", "reactive", "apparent", "energy", "reactive_energy")


@cache
def snapshots(phases: int, zone: str) -> st.SearchStrategy[Snapshot]:
    sums = {f"{flow}_{way}": WATTS for flow in FLOWS for way in ("import", "export")}
    tariffs = {f"tariffs_{way}": st.tuples(WATTS, WATTS) for way in ("import", "export")}
    others = dict.fromkeys(("gas", "water", "demand", "peak"), WATTS)
    times = dict.fromkeys(("gas_time", "peak_time"), moments(zone))
    return st.builds(
        Snapshot,
        when=moments(zone),
        phases=st.tuples(*[PHASES] * phases),
        tariff=st.sampled_from((1, 2)),
        **sums,
        **tariffs,
        **others,
        **times,
    )


@pytest.mark.parametrize(("name", "number"), LISTS)
@settings(max_examples=200 if LONG else 8, derandomize=True)
@given(data=st.data())
def test_every_list_says_what_the_meter_knows(name: str, number: int, data: st.DataObject) -> None:
    device, zone = METERS[name].device, METERS[name].zone
    snapshot = data.draw(snapshots(device.phases, zone))
    capture = Capture(name, device.link, (), keys=keys_of(device))
    (telegram,) = telegrams(capture, device.telegram(snapshot, number))
    truth = device.truth(snapshot, number)
    said = {str(reading.id): reading for reading in telegram.readings}
    assert len(said) == len(telegram.readings)
    assert said.keys() - FIRST_OF_TWO == truth.keys()
    for code, (value, unit) in truth.items():
        assert spoken(said[code], value, unit) == (value, unit)
        assert said[code].time == sent(code, device, snapshot)
    assert_clock(telegram, said)


def spoken(
    reading: Reading, value: Decimal | str, unit: str | None
) -> tuple[Decimal | str, str | None]:
    """Return value and unit of a reading in the form in which the truth is told."""
    said_unit = unit if unit and (reading.unit or "").lower() == unit.lower() else reading.unit
    match reading.value, value:
        case datetime() as when, _:
            return wall(when).isoformat(timespec="seconds"), said_unit
        case Decimal() as number, str() if int(value) == number:  # a count with leading zeros
            return value, said_unit
        case said, _:
            return said, said_unit


def sent(code: str, device: Device, snapshot: Snapshot) -> datetime | None:
    """Return the time that is sent with a value."""
    if device.link != "p1":
        return None
    if code == "1-0:1.6.0":
        return wall(snapshot.peak_time or snapshot.when)
    sub_meter = ":24.2." in code or ":24.3." in code
    return wall(snapshot.gas_time or snapshot.when) if sub_meter else None


def assert_clock(telegram: Telegram, said: dict[str, Reading]) -> None:
    """Check that the telegram's own time, where it has one, is that of its clock."""
    clock = next((r.value for code, r in said.items() if code.endswith(":1.0.0")), None)
    if telegram.time and isinstance(clock, datetime):
        assert wall(telegram.time) == wall(clock)
