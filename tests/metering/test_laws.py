"""Laws that hold for every link and every telegram."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice
from random import Random
from zoneinfo import ZoneInfo

import pytest

from custom_components.obis_meter.metering.dialogue import MAX_PENDING
from custom_components.obis_meter.metering.errors import MeteringError
from custom_components.obis_meter.metering.model import Message, Telegram
from custom_components.obis_meter.metering.security import Security
from simulator.faults import Line
from simulator.meters import METERS, meter

from .captures import CHECKED, EVERY, INTACT, Capture, keys_of
from .hearing import (
    LONG,
    bytewise,
    clean,
    damaged,
    events,
    only_telegrams,
    pieces,
    skipped,
    telegrams,
)
from .laws import over


@over(EVERY)
def test_chunking_is_invisible(capture: Capture) -> None:
    whole = events(capture, capture.raw)
    cut = {capture.chunks, bytewise(capture.raw), pieces(capture.raw, Random(1))}
    for chunks in cut - {(capture.raw,)}:
        heard = events(capture, *chunks)
        assert only_telegrams(heard) == only_telegrams(whole)
        assert capture.link == "p1" or skipped(heard) == skipped(whole)


FRAMED = ("hdlc", "mbus", "p1", "sml", "dlt645", "iec62056-21")
CHECKED_FRAMES = [capture for capture in CHECKED if capture.link in FRAMED]
INTACT_FRAMES = [capture for capture in INTACT if capture.link in FRAMED]


def sampled(kinds: Iterable[str], capture: Capture, among: Sequence[Capture]) -> Iterator[str]:
    """Yield each fourth of kinds, all in the long form; among them a link's captures meet all."""
    peers = [each for each in among if each.link == capture.link]
    step = 1 if LONG else min(4, len(peers))
    return islice(kinds, peers.index(capture) % step, None, step)


GARBAGE = {
    "noise": Random(2).randbytes(300),
    "flags": b"\x7e" * 20,
    "text": b"ATZ\r\nOK\r\nnothing to see (here)! /\r\n",
    "fill": b"\xff" * 40,
    "padding": b"\x00" * 40,
    "half a telegram": b"/ISk5\\2MT382-1003\r\n\r\n1-0:1.8.1(00001.0",
    "wake-up": b"\xfe" * 30,
    "half a frame of a bus": bytes.fromhex("fefe6829250707212068911833323433"),
    "half a frame": bytes.fromhex("7ea02a410883130413e6e7000f400000"),
    "an identification": b"/?!\r\n/LGZ5\\2ZMD3104407.B32\r\n\x06050\r\n",
    "half a data message": b"\x02F.F(00000000)\r\n1.8.0(000102.28*kWh)\r\n1.8.1(00",
    "half a file": bytes.fromhex("1b1b1b1b0101010176050000011b1b1b1b"),
}


@over(CHECKED_FRAMES)
def test_garbage_around_a_frame_changes_nothing(capture: Capture) -> None:
    said = clean(capture)
    half = capture.raw[: len(capture.raw) // 2] if len(said) == 1 else b""
    for kind in sampled(GARBAGE, capture, CHECKED_FRAMES):
        garbage = GARBAGE[kind]
        raw = (garbage, capture.raw, garbage, half, capture.raw, garbage)
        assert telegrams(capture, *raw) == capture.repeated(said, 2), kind


@over(CHECKED)
def test_damage_never_publishes(capture: Capture) -> None:
    said = clean(capture)
    for what, raw in damaged(capture.raw, capture.name):
        for telegram in telegrams(capture, raw):
            assert telegram in said, what


@over(INTACT_FRAMES)
def test_a_damaged_telegram_never_costs_the_next(capture: Capture) -> None:
    said = clean(capture)
    for what, raw in damaged(capture.raw, capture.name):
        assert telegrams(capture, raw, capture.raw)[-len(said) :] == said, what


@over(INTACT)
def test_a_silence_inside_a_telegram_never_costs_the_next(capture: Capture) -> None:
    session = capture.session()
    for at in Random(capture.name).sample(range(len(capture.raw)), 3):
        list(session.feed(capture.raw[:at]))
        list(session.idle())
        list(session.feed(capture.raw[at:]))
        list(session.idle())
        session.security = Security(capture.keys)  # or it would be a repeat
        heard = [*session.feed(capture.raw), *session.idle()]
        assert only_telegrams(heard) == clean(capture), at


@over(EVERY)
def test_a_second_silence_says_nothing_new(capture: Capture) -> None:
    session = capture.session()
    for at in Random(capture.name).sample(range(len(capture.raw)), 3):
        list(session.feed(capture.raw[:at]))
        list(session.idle())
        assert list(session.idle()) == []
        assert session.pending <= len(session.link.flag)


UNCHECKED = ("p1-v2", "dlms-tcp")


@pytest.mark.parametrize("name", [name for name in METERS if name not in UNCHECKED])
def test_a_noisy_line_costs_no_intact_telegram(name: str) -> None:
    start = datetime(2026, 6, 2, 18, tzinfo=ZoneInfo(METERS[name].zone))
    one = meter(name, start)
    link = Capture(name, one.model.device.link, (), keys=keys_of(one.model.device))
    sent = [raw for n in range(15) for raw in one.telegrams(start + n * timedelta(seconds=10))]
    line = Line(damage=0.0005, lose=0.0005, noise=0.5, chunk=7)
    arrived = [tuple(line.carry(raw)) for raw in sent]
    heard = telegrams(link, *chain.from_iterable(arrived))
    intact = [raw for raw, came in zip(sent, arrived, strict=True) if raw in b"".join(came)]
    assert intact
    assert telegrams(link, *intact) == [said for said in heard if said in telegrams(link, *intact)]
    assert all(said in telegrams(link, *sent) for said in heard)


def mistreated(raw: bytes) -> dict[str, bytes]:
    """Return what bad wiring, wrong settings and two readers on one port make of bytes."""
    half = len(raw) // 2
    return {
        "truncated": raw[: half + 1],
        "beheaded": raw[half:],
        "every byte twice": bytes(byte for byte in raw for _ in range(2)),
        "two at once": bytes(byte for pair in zip(raw, raw[7:], strict=False) for byte in pair),
        "halves swapped": raw[half:] + raw[:half],
        "backwards": raw[::-1],
        "inverted": bytes(byte ^ 0xFF for byte in raw),
        "mark parity": bytes(byte | 0x80 for byte in raw),
        "space parity": bytes(byte & 0x7F for byte in raw),
        "odd parity": bytes(byte & 0x7F | (byte.bit_count() % 2 == 0) << 7 for byte in raw),
        "bits reversed": bytes(int(f"{byte:08b}"[::-1], 2) for byte in raw),
    }


@over(EVERY)
def test_no_treatment_ends_a_session_or_fills_its_memory(capture: Capture) -> None:
    said, treated = clean(capture), mistreated(capture.raw)
    for what in sampled(treated, capture, EVERY):
        raw = treated[what]
        session = capture.session()
        for _ in range(3):
            heard = list(session.feed(raw))
            assert session.pending <= MAX_PENDING
            assert all(isinstance(event, Telegram | Message | MeteringError) for event in heard)
        list(session.idle())
        session.security = Security(capture.keys)
        heard = [*session.feed(capture.raw), *session.idle()]
        assert only_telegrams(heard)[-len(said) :] == said, what
