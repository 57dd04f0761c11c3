"""Meters of DL/T 645 made of software: what they hear, what they say, and together."""

import asyncio
from datetime import datetime, timedelta
from random import Random

from hypothesis import given, settings, strategies as st
import pytest

from simulator.dlt645 import BROADCAST, Bus, Meter2007
from simulator.dlt645wire import bcd, fits, frame, minutes, requests, seconds
from simulator.lines import LINES, answering, home
from simulator.serve import serve_tcp
from tests.metering.hearing import LONG

START = datetime(2026, 1, 15, 18)
ADDRESS = "202107072529"
WITHIN = 5.0  # s

BUSES = [name for name in LINES if name.startswith("dlt645")]


def bus(*addresses: str) -> Bus:
    return Bus([Meter2007(address, home(START, 1)) for address in addresses], START)


def read(di: str, address: str = ADDRESS, *, old: bool = False) -> bytes:
    return frame(address, 0x01 if old else 0x11, bytes.fromhex(di)[::-1])


def data(answer: bytes) -> bytes:
    """Return what stands in an answer, without wake-up bytes and offset."""
    inner = answer.lstrip(b"\xfe")
    return bytes((byte - 0x33) % 256 for byte in inner[10:-2])


def test_a_frame_is_laid_out_as_the_standard_says() -> None:
    sent = frame("000000193600", 0x93, bytes.fromhex("003619000000"), 0)
    assert sent.hex() == "6800361900000068930633694c3333333916"  # a meter in the field


@pytest.mark.parametrize(
    ("value", "size", "octets"),
    [(0, 2, "0000"), (123456, 4, "56341200"), (-5123, 3, "235180"), (9, 1, "09")],
)
def test_numbers_are_bcd_with_the_low_byte_first(value: int, size: int, octets: str) -> None:
    assert bcd(value, size).hex() == octets


def test_times_are_bcd_with_the_low_byte_first() -> None:
    assert seconds(datetime(2026, 11, 20, 15, 4, 5)).hex() == "050415201126"
    assert minutes(datetime(2026, 11, 20, 15, 4)).hex() == "0415201126"


@pytest.mark.parametrize(
    ("asked", "meant"),
    [(ADDRESS, True), ("AA" * 6, True), ("AAAAAAAAAA29", True), ("AAAAAAAAAA30", False)],
)
def test_an_address_may_end_in_open_digits(asked: str, meant: bool) -> None:
    assert fits(asked, ADDRESS) == meant


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_request_is_heard_in_pieces_and_amid_noise(size: int) -> None:
    random, buffer = Random(1), bytearray()
    sent = random.randbytes(30) + read("00010000") + b"\x68\x68" + read("04000401")
    heard = []
    for at in range(0, len(sent), size):
        buffer += sent[at : at + size]
        heard += list(requests(buffer))
    assert [asked.data[::-1].hex() for asked in heard] == ["00010000", "04000401"]


def test_noise_does_not_fill_the_memory() -> None:
    line = bus(ADDRESS)
    for seed in range(50):
        line.respond(Random(seed).randbytes(200), START)
    assert len(line._heard) <= 400


@settings(max_examples=200 if LONG else 25, derandomize=True)
@given(
    st.sampled_from((0x01, 0x04, 0x08, 0x11, 0x12, 0x14, 0x16, 0x19, 0x1C)), st.binary(max_size=30)
)
def test_no_request_breaks_a_meter(control: int, asked: bytes) -> None:
    for name in BUSES:
        line = answering(name, START)
        for address in ("AA" * 6, BROADCAST):
            for octets in (asked, bytes.fromhex("01000006") + asked, bytes(4) + asked):
                assert isinstance(line.respond(frame(address, control, octets), START), bytes)


def test_a_meter_of_one_phase_leaves_the_others_absent() -> None:
    meter = Meter2007(ADDRESS, home(START, 1, phases=1))
    asked = bytes.fromhex("01000006") + b"\x01" + minutes(START - timedelta(hours=1))
    record = data(Bus([meter], START).respond(frame(ADDRESS, 0x11, asked), START))[4:]
    assert record[10:14] == b"\xff" * 4


def test_only_the_meter_that_is_meant_answers() -> None:
    line = bus(ADDRESS, "202107072530")
    answer = line.respond(read("04000401", "202107072530"), START)
    assert data(answer)[4:][::-1].hex() == "202107072530"
    assert not line.respond(read("04000401", "000000000001"), START)
    assert not line.respond(read("04000401", BROADCAST), START)


def test_who_answers_together_is_garbled() -> None:
    line = bus(ADDRESS, "202107072530")
    garbled = line.respond(read("04000401", "AA" * 6), START)
    apart = {
        line.respond(read("04000401", address), START) for address in (ADDRESS, "202107072530")
    }
    assert len(garbled) >= 20
    assert not any(answer in garbled for answer in apart)


def test_who_is_away_says_nothing() -> None:
    line = bus(ADDRESS)
    line.meters[0].away = True
    assert not line.respond(read("00010000"), START)


def test_a_meter_counts_what_its_home_uses() -> None:
    line = bus(ADDRESS)
    earlier = data(line.respond(read("00010000"), START))
    later = data(line.respond(read("00010000"), START + timedelta(hours=6)))
    assert int(later[:3:-1].hex()) > int(earlier[:3:-1].hex())


def test_the_clock_is_set_by_those_near_it_only() -> None:
    line = bus(ADDRESS)
    (meter,) = line.meters
    assert isinstance(meter, Meter2007)
    for away, off in ((4, 4), (10, 4), (-1, -1)):
        told = START + timedelta(minutes=away)
        assert not line.respond(frame(BROADCAST, 0x08, seconds(told)), START)
        assert meter.state.clock_off == timedelta(minutes=off)


@pytest.mark.parametrize("name", BUSES)
def test_every_line_can_be_had(name: str) -> None:
    line = answering(name, START)
    assert line.line == LINES[name].line
    old = name.endswith("1997")
    asked = read("9010" if old else "00010000", "000000063295" if old else ADDRESS, old=old)
    assert line.respond(asked, START)
    assert not list(line.telegrams(START))


@pytest.mark.usefixtures("socket_enabled")
async def test_a_line_is_served_over_tcp() -> None:
    async with await serve_tcp(bus(ADDRESS)) as server, asyncio.timeout(WITHIN):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(read("04000401"))
        assert data(await reader.readexactly(26))[4:][::-1].hex() == ADDRESS
        writer.close()
