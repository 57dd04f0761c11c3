"""What each meter of the simulator says, line by line."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import pytest
from syrupy.assertion import SnapshotAssertion

from custom_components.obis_meter.metering.model import Reading, Telegram, Value

from .captures import SIMULATED, Capture
from .hearing import telegrams

_FRAMED = ("dlt645", "hdlc", "iec62056-21", "mbus", "p1", "sml", "wrapper")
FRAMED = [capture for capture in SIMULATED if capture.link in _FRAMED]


@pytest.mark.parametrize("capture", FRAMED, ids=[capture.name for capture in FRAMED])
def test_a_meter_says_the_same_as_ever(capture: Capture, snapshot: SnapshotAssertion) -> None:
    (telegram,) = telegrams(capture, capture.raw)
    assert "\n".join(lines(telegram)) == snapshot


def lines(telegram: Telegram) -> Iterator[str]:
    yield f"{telegram.ident}, meter {telegram.meter}, at {telegram.time}"
    yield from map(line, telegram.readings)


def line(reading: Reading) -> str:
    unit = f" {reading.unit}" if reading.unit else ""
    read_at = f" at {reading.time}" if reading.time else ""
    return f"{reading.id} = {plain(reading.value)}{unit}{read_at}"


def plain(value: Value) -> str:
    match value:
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.isoformat()
    return repr(value)
