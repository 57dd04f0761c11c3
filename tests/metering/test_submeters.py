"""Gas, water and heat behind an electricity meter."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import chain, combinations

import pytest

from custom_components.obis_meter.metering.identity import describe
from custom_components.obis_meter.metering.model import ObisCode, Reading, Telegram
from custom_components.obis_meter.metering.p1text import telegram
from custom_components.obis_meter.metering.submeters import SubMeter, places, register_of

from .building import p1
from .captures import EVERY

OWN = "1-0:1.8.0(1*kWh)"


def found(*lines: str) -> tuple[list[Reading], dict[SubMeter, list[Reading]]]:
    raw = p1(OWN, *lines)
    said = telegram(raw[: raw.rindex(b"!")])
    return places(said).split(said)


def only(*lines: str) -> SubMeter:
    """Return the only sub-meter."""
    (meter,) = found(*lines)[1]
    return meter


def total(channel: int, unit: str = "m3") -> str:
    return f"0-{channel}:24.2.1(240101000000W)(1.5*{unit})"


@pytest.mark.parametrize(
    ("device_type", "unit", "key"),
    [
        (2, "kWh", "electricity"),
        (3, "m3", "gas"),
        (4, "GJ", "heat"),
        (4, "kWh", "heat_energy"),
        (4, "m3", "volume"),
        (6, "m3", "hot_water"),
        (7, "m3", "water"),
        (12, "MJ", "heat"),
        (99, "m3", "volume"),
        (99, "kWh", "heat_energy"),
    ],
)
def test_device_type_and_unit_tell_what_is_counted(device_type: int, unit: str, key: str) -> None:
    lines = (f"0-2:24.1.0({device_type:03})", "0-2:96.1.0(4731323334353637)", total(2, unit))
    meter = only(*lines)
    assert (meter.channel, meter.id, meter.kind.key) == ((0, 2), "G1234567", key)


def test_a_total_in_joules_is_heat_without_any_type() -> None:
    assert only(total(1, "GJ")).kind.key == "heat"
    assert only(total(1)).kind.key == "volume"


@pytest.mark.parametrize(
    ("medium", "unit", "key"),
    [(6, "GJ", "heat"), (7, "m3", "gas"), (8, "m3", "water"), (9, "m3", "hot_water")],
)
def test_the_medium_of_the_code_tells_what_is_counted(medium: int, unit: str, key: str) -> None:
    meter = only(f"{medium}-0:23.1.0(24-01-01 06:00:00)(5*{unit})")
    assert (meter.channel, meter.kind.key) == ((medium, 0), key)


def test_every_channel_is_a_meter_of_its_own() -> None:
    own, others = found(
        *("0-1:24.1.0(003)", "0-1:96.1.0(4731323334353637)", total(1)),
        *("0-2:24.1.0(007)", "0-2:96.1.1(5731323334353637)", total(2)),
    )
    assert [str(reading.id) for reading in own] == ["1-0:1.8.0"]
    assert [meter.id for meter in others] == ["G1234567", "W1234567"]
    assert [len(readings) for readings in others.values()] == [3, 3]


@pytest.mark.parametrize(
    "lines",
    [
        ("0-1:96.3.10(0)",),
        ("0-1:24.1.0(003)",),
        ("0-1:24.1.0(003)", "0-1:96.1.0()"),
        ("0-1:24.1.0(003)", "0-1:96.1.0(0000000000)"),
        ("0-1:96.1.0(4731323334353637)",),
    ],
)
def test_a_channel_to_which_nothing_is_connected_is_no_meter(lines: tuple[str, ...]) -> None:
    own, others = found(*lines)
    assert not others
    assert own[0].id == ObisCode(1, 0, 1, 8, 0)


def test_a_meter_that_has_not_answered_yet_is_known_by_its_id() -> None:
    lines = ("0-1:24.1.0(003)", "0-1:96.1.0(4731323334353637)", "0-1:24.2.1(632525252525S)(0)")
    assert only(*lines).kind.key == "gas"


def test_the_electricity_meter_s_own_channels_are_no_sub_meters() -> None:
    own, others = found("1-1:1.8.11(1*kWh)", "0-0:24.2.1(240101000000W)(1.5*m3)")
    assert len(own) == 3
    assert not others


def test_a_total_is_shown_under_what_the_sub_meter_counts() -> None:
    code = ObisCode(0, 2, 24, 2, 1)
    meter = only("0-2:24.1.0(007)", "0-2:96.1.0(5731323334353637)", total(2))
    assert [row.key for row in (register_of(code, meter), register_of(code)) if row] == [
        "water",
        "volume",
    ]


def said_by_all() -> list[Telegram]:
    """Return all telegrams that are known, and each once more with other numbers."""
    sessions = ((capture.session(), capture.raw) for capture in EVERY)
    events = chain.from_iterable(chain(one.feed(raw), one.idle()) for one, raw in sessions)
    said = [event for event in events if isinstance(event, Telegram)]
    return said + [replace(each, readings=tuple(map(counted_on, each.readings))) for each in said]


def counted_on(reading: Reading) -> Reading:
    return (
        replace(reading, value=reading.value + 1) if isinstance(reading.value, Decimal) else reading
    )


def test_what_resembles_is_split_and_described_alike() -> None:
    """Laws: who a telegram speaks of is not said by its numbers."""
    alike = [pair for pair in combinations(said_by_all(), 2) if pair[0].resembles(pair[1])]
    assert len(alike) >= len(EVERY) / 2
    for one, other in alike:
        assert other.resembles(one)
        assert places(one).hold(other, one)
        assert places(one) == places(other)
        assert describe(one) == describe(other)


CHANGES: dict[str, Callable[[Telegram], Telegram]] = {
    "id": lambda said: replace(said, meter="another"),
    "ident": lambda said: replace(said, ident="another"),
    "fewer": lambda said: replace(said, readings=said.readings[1:]),
    "register": lambda said: changed(said, id=ObisCode(0, 3, 24, 2, 1)),
    "unit": lambda said: changed(said, unit="GJ"),
    "text": lambda said: changed(said, value="4731"),
    "number for text": lambda said: changed(said, value=Decimal(7)),
}


def changed(said: Telegram, **how: object) -> Telegram:
    """Change the text that names the sub-meter."""
    (place,) = (n for n, each in enumerate(said.readings) if each.value == "4731323334353637")
    readings = list(said.readings)
    readings[place] = replace(readings[place], **how)  # type: ignore[arg-type]
    return replace(said, readings=tuple(readings))


@pytest.mark.parametrize("change", CHANGES)
def test_what_does_not_resemble(change: str) -> None:
    raw = p1(OWN, "0-1:24.1.0(003)", "0-1:96.1.0(4731323334353637)", total(1))
    said = telegram(raw[: raw.rindex(b"!")])
    assert said.resembles(said)
    assert not CHANGES[change](said).resembles(said)
    assert not said.resembles(CHANGES[change](said))


def test_numbers_may_name_a_sub_meter() -> None:
    """Lists of DLMS hold its type and its id as numbers."""
    lists = [said_of(*each) for each in ((0, 0), (3, 12345678), (3, 87654321), (7, 87654321))]
    for said in lists:
        found = places(said)
        (meter,) = found.channels
        assert (meter.id or "0") == str(said.readings[1].value)
        assert [other for other in lists if found.hold(other, said)] == [said]
        counted = replace(said.readings[2], value=Decimal(1))
        assert found.hold(replace(said, readings=(*said.readings[:2], counted)), said)


def said_of(kind: int, number: int) -> Telegram:
    """Return a list with a sub-meter of a type and an id."""
    return Telegram(
        (
            Reading(ObisCode(0, 1, 24, 1, 0), Decimal(kind)),
            Reading(ObisCode(0, 1, 96, 1, 0), Decimal(number)),
            Reading(ObisCode(0, 1, 24, 2, 1), Decimal(number + kind), "m3"),
        )
    )
