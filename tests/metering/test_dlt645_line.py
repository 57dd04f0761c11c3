"""Dialogues of DL/T 645 in real time, on a pseudo terminal with meters made of software."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from custom_components.obis_meter.metering.errors import NoAnswer, Refused
from custom_components.obis_meter.metering.links import LINKS, dlt645
from custom_components.obis_meter.metering.links.dlt645 import Operation, Progress
from custom_components.obis_meter.metering.model import Access
from simulator.dlt645 import Bus, Meter2007
from simulator.dlt645data import Happened
from simulator.faults import Line
from simulator.lines import home
from simulator.serve import serve_pty

from .talking import PortTalk

NOW = datetime(2026, 6, 2, 18, 30, 10)
ADDRESSES = ("202107072529", "202107072530", "260305510031")
METER = Access(ADDRESSES[0])
UNTIL = NOW + timedelta(hours=1)
PACE = 0.06  # of the time that dialogues wait: the meters answer at once


@asynccontextmanager
async def port(
    meters: Sequence[Meter2007], line: Line | None = None, *, strict: bool = False
) -> AsyncIterator[PortTalk]:
    async with await serve_pty(Bus(meters, NOW), line=line, strict=strict) as server:
        talk = PortTalk(server.path, PACE)
        try:
            yield talk
        finally:
            talk.close()


def meter(address: str = ADDRESSES[0], longest: int = 200) -> Meter2007:
    return Meter2007(address, home(NOW, 1), longest)


async def test_a_line_with_three_meters_is_scanned() -> None:
    reports: list[Progress] = []
    async with port([meter(address) for address in ADDRESSES]) as talk:
        assert await talk.run(dlt645.scan(reports.append)) == ADDRESSES
    assert reports[-1].part == pytest.approx(1)


async def test_a_relay_is_tripped_with_the_right_password_only_and_read_back() -> None:
    one = meter()
    wrong, right = (replace(METER, password=text) for text in ("02111111", "02123456"))
    async with port([one]) as talk:
        with pytest.raises(Refused, match="password"):
            await talk.run(dlt645.control(wrong, Operation.TRIP, UNTIL))
        assert not (await talk.run(dlt645.relay(METER))).is_open
        assert (await talk.run(dlt645.control(right, Operation.TRIP, UNTIL))).is_open
        assert (await talk.run(dlt645.relay(METER))).is_open
        assert not (await talk.run(dlt645.control(right, Operation.CLOSE, UNTIL))).is_open


async def test_an_event_record_is_read_on_with_its_following_frames() -> None:
    one = meter(longest=40)
    one.state.happened.append(Happened("0103", NOW, NOW + timedelta(hours=1), bytes(119)))
    async with port([one]) as talk:
        (reading,) = (await talk.run(dlt645.read(METER, "03010301"))).readings
    assert reading.value == "2026-06-02T18:30:10/2026-06-02T19:30:10"


async def test_a_meter_goes_away_and_returns() -> None:
    one = meter()
    async with port([one, meter(ADDRESSES[1])]) as talk:
        assert (await talk.run(dlt645.read(METER, "0001FF00"))).meter == METER.address
        one.away = True
        with pytest.raises(NoAnswer):
            await talk.run(dlt645.read(METER, "0001FF00"))
        other = await talk.run(dlt645.read(Access(ADDRESSES[1]), "0001FF00"))
        assert other.meter == ADDRESSES[1]
        one.away = False
        assert (await talk.run(dlt645.read(METER, "0001FF00"))).meter == METER.address


async def test_a_meter_is_found_at_the_speed_of_its_line() -> None:
    lines = LINKS["dlt645"].lines[::-1]
    async with port([meter()], strict=True) as talk:
        found = await talk.run(dlt645.find(lines, lambda _: None))
    assert found
    assert (found.addresses, str(found.line)) == ((METER.address,), "2400 8E1")


async def test_a_noisy_line_is_read_all_the_same() -> None:
    async with port([meter()], Line(noise=0.5, damage=0.002, chunk=7)) as talk:
        heard = [await talk.run(dlt645.read(METER, "0203FF00")) for _ in range(10)]
    assert {len(telegram.readings) for telegram in heard} == {4}
