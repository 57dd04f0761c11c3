"""What is read by a layout that was seen before is what the link reads: never more, never less."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.obis_meter.metering import notification, p1traces, sml
from custom_components.obis_meter.metering.datasets import moment
from custom_components.obis_meter.metering.errors import Incomplete, MeteringError
from custom_components.obis_meter.metering.keys import Keys
from custom_components.obis_meter.metering.layouts import Decode, Remembering, Said
from custom_components.obis_meter.metering.links import LINKS, p1
from custom_components.obis_meter.metering.p1traces import of_text
from custom_components.obis_meter.metering.security import Security
from custom_components.obis_meter.metering.smltraces import of_messages
from custom_components.obis_meter.metering.traces import of_content, of_notification, remembering
from simulator.clock import instants
from simulator.meters import METERS, meter

from .captures import EVERY, Capture, keys_of
from .hearing import LONG
from .laws import over

TRACES = {notification.decode: of_notification, sml.decode: of_messages, p1.decode: of_text}
REMEMBERED = [
    capture
    for capture in EVERY
    if remembering(LINKS[capture.link].decode) is not LINKS[capture.link].decode
]
TRACED = [capture for capture in REMEMBERED if LINKS[capture.link].decode in TRACES]


def payloads(link: str, *chunks: bytes) -> tuple[bytes, ...]:
    """Return what a link cuts out of chunks."""
    take, buffer, found = LINKS[link].take, bytearray(b"".join(chunks)), list[bytes]()
    while True:
        try:
            if (payload := take(buffer)) is None:
                return tuple(found)
        except Incomplete:
            return tuple(found)
        except MeteringError:
            continue
        found.append(payload)


def said(decode: Decode, payload: bytes, keys: Keys | None) -> Said | str:
    """Return what is said, or why nothing is; counters of the peer are not looked at."""
    try:
        return decode(payload, Security(keys))
    except MeteringError as err:
        return f"{type(err).__name__}: {err}"


def told(heard: Said | str) -> object:
    """Return what can be compared: an error is as good as another of its kind and words."""
    return heard if isinstance(heard, str) else [repr(each) for each in heard]


def changed(payload: bytes, random: Random) -> Iterator[bytes]:
    """Yield a payload with octets changed where they stand: numbers, tags, codes, anything.

    Eight times, or a hundred times in the long form.
    """
    for _ in range((100 if LONG else 8) if payload else 0):
        octets = bytearray(payload)
        for at in random.choices(range(len(octets)), k=random.choice((1, 1, 2, 5))):
            octets[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
        yield bytes(octets)


@over(REMEMBERED)
def test_a_damaged_payload_reads_as_the_link_reads_it(capture: Capture) -> None:
    plain = LINKS[capture.link].decode
    remembered = remembering(plain)
    random = Random(capture.name)
    for payload in payloads(capture.link, capture.raw):
        for each in (payload, payload, *changed(payload, random), payload):
            assert told(said(remembered, each, capture.keys)) == told(
                said(plain, each, capture.keys)
            ), each.hex()


TEXT = b"0123456789.-*kWS()\r\n \xb3"
_LINKS = ("hdlc", "mbus", "p1", "sml", "wrapper")
STREAMS = [name for name, model in METERS.items() if model.device.link in _LINKS]


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_reads_as_the_link_reads_it(name: str) -> None:
    start = datetime(2026, 6, 2, 17, 59, tzinfo=ZoneInfo(METERS[name].zone))
    one, link = meter(name, start), METERS[name].device.link
    plain, keys = LINKS[link].decode, keys_of(METERS[name].device)
    remembered = remembering(plain)
    for when in instants(start, max(one.pace, timedelta(seconds=2))):
        if when > start + timedelta(minutes=2):
            break
        for payload in payloads(link, *one.telegrams(when)):
            assert told(said(remembered, payload, keys)) == told(said(plain, payload, keys))


@cache
def holed() -> list[Capture]:
    """Return captures of one telegram in the clear that a trace can be made of."""
    return [
        capture
        for capture in TRACED
        if capture.valid and not capture.sealed
        if len(found := payloads(capture.link, capture.raw)) == 1
        if TRACES[LINKS[capture.link].decode](found[0])
    ]


@settings(derandomize=True)
@given(st.data())
def test_any_octets_in_holes_read_as_the_link_reads_them(data: st.DataObject) -> None:
    """Whatever a trace takes for a hole says nothing beyond it."""
    capture = data.draw(st.sampled_from(holed()))
    decode = LINKS[capture.link].decode
    payload = payloads(capture.link, capture.raw)[0]
    trace = TRACES[decode](payload)
    assert trace
    remembered = remembering(decode)
    remembered(payload, Security())
    octets = bytearray(payload)
    for hole in data.draw(st.lists(st.sampled_from(trace.holes), min_size=1, max_size=4)):
        size = hole.end - hole.start
        octets[hole.start : hole.end] = data.draw(
            st.binary(min_size=size, max_size=size)
            | st.lists(st.sampled_from(TEXT), min_size=size, max_size=size).map(bytes)
        )
    filled = bytes(octets)
    assert told(said(remembered, filled, None)) == told(said(decode, filled, None))


def test_what_was_ciphered_and_ends_early_is_damage() -> None:
    """Its end is known: nothing more is waited for."""

    def plain(octets: bytes, _security: Security) -> Said:
        return [notification.content(octets)]

    (capture,) = (capture for capture in holed() if capture.name == "aidon/2")
    (payload,) = payloads(capture.link, capture.raw)
    remembered = Remembering(plain, of_content)
    for end in range(len(payload)):
        fault = told(said(remembered, payload[:end], None))
        assert str(fault).startswith("DecodeError"), end
        assert fault == told(said(plain, payload[:end], None))


def test_meters_are_traced() -> None:
    names = {capture.name for capture in holed()}
    assert {
        "aidon/2",
        "kaifa/2",
        "kamstrup/1",
        "kaifa-se/1",
        "sml/1",
        "sml-holley/1",
        "p1/1",
    } <= names


def test_only_so_many_layouts_are_kept() -> None:
    calls = []

    def trace(payload: bytes) -> None:
        calls.append(payload)

    remembered = Remembering(lambda payload, security: [], trace)
    for size in range(100):
        for _ in range(10):
            remembered(bytes(size), Security())
    assert len(calls) == 4 * 100
    remembered(bytes(99), Security())
    assert len(calls) == 4 * 100
    remembered(bytes(0), Security())
    assert len(calls) == 4 * 100 + 1


@pytest.mark.parametrize(
    "text",
    [
        *("260304175940W", "260304175940S", "260304175941W", "260304175999W", "2603041759W"),
        *(
            "26030417594",
            "260304175940",
            "260304175941",
            "2603041759",
            "260304 17:59:40",
            "260304 17:58:40",
        ),
        *("2026-03-04 17:59:40", "20260304 17:59:40", "26-03-04 17:59:40", "26-03-04 17:59"),
        *(
            "700304175940W",
            "261304175940W",
            "632525252525S",
            "2603041759\xb2\xb2W",
            "2603041759  W",
            "",
        ),
    ],
)
def test_a_clock_reads_as_any_time_does(text: str) -> None:
    """The minute of a time is remembered, and only where its seconds stand as DSMR has them."""
    for _ in range(2):
        reading = p1traces._clock(text.encode("latin-1"))
        assert (reading and reading.value) == moment(text)
        if reading and isinstance(reading.value, datetime):
            assert reading.value.fold == text.endswith("W")
