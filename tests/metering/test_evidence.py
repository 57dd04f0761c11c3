"""What bytes tell of the settings at which they were sent."""

from random import Random

import pytest

from custom_components.obis_meter.metering.chances import chances, suspects
from custom_components.obis_meter.metering.evidence import Evidence, hearable
from custom_components.obis_meter.metering.model import LineSettings
from simulator.pusher import pusher
from simulator.uart import Uart

KINDS = pytest.mark.parametrize("eager", [False, True], ids=["waiting", "eager"])
LINES = tuple(chances())
PAIRS = [(sent, at) for sent in LINES for at in LINES]


def through(sent: LineSettings, at: LineSettings, octets: bytes, *, eager: bool) -> bytes:
    return Uart.parse(str(at), eager=eager).hear(octets, Uart.parse(str(sent)))


def evidence(line: str, *bursts: bytes, seconds: float = 0.0) -> Evidence:
    """Return what bursts tell that came while the line was set so, each over some seconds."""
    found = Evidence(LineSettings.parse(line))
    for number, burst in enumerate(bursts):
        found.feed(burst[:1], 10.0 * number)
        found.feed(burst[1:], 10.0 * number + seconds)
        found.pause()
    return found


@KINDS
def test_nothing_is_heard_that_cannot_be(eager: bool) -> None:
    for sent, at in PAIRS:
        octets = bytes(o & (2**sent.byte_size - 1) for o in Random(str(sent)).randbytes(150))
        said = set(through(sent, at, octets, eager=eager))
        assert said <= set(hearable(sent, at)), f"{sent} at {at}"


def test_shares_are_whole() -> None:
    for sent, at in PAIRS:
        assert sum(hearable(sent, at).values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("aidon", "9600 8N1"),
        ("kaifa-at", "9600 8N1"),
        ("p1-v2", "9600 8N1"),
        ("sml", "115200 8N1"),
        ("aidon", "115200 8N1"),
        ("p1", "9600 8N1"),
    ],
)
@KINDS
def test_the_speed_of_a_sender_is_more_likely_than_any_other(
    name: str, at: str, eager: bool
) -> None:
    sent = pusher(name)
    octets = sent.telegrams[0]
    sender = Uart.parse(sent.line)
    said = Uart.parse(at, eager=eager).hear(octets, sender)
    heard = evidence(at, said, said, seconds=sender.seconds(len(octets)))
    best = max(LINES, key=heard.likelihood)
    assert best.baudrate == sender.baudrate


def test_a_telegram_is_known_by_its_first_byte_at_any_parity() -> None:
    right = evidence("2400 8N1", b"\x68\x35\x99" + Random(1).randbytes(60))
    even, faster = LineSettings.parse("2400 8E1"), LineSettings.parse("9600 8N1")
    assert right.likelihood(even) > right.likelihood(faster)
    wrong = evidence("2400 8N1", b"\x35\x99" + Random(1).randbytes(60))
    assert wrong.likelihood(even) < wrong.likelihood(faster)


def test_beginnings_of_telegrams_are_counted_across_reads() -> None:
    heard = Evidence(LineSettings.parse("9600 8N1"))
    for piece in (
        b"\x1b\x1b\x1b",
        b"\x1b\x01\x01\x01\x01\x76",
        b"\x07",
        b"/ISK5\x7e\xa0\x27\x01\x02\x01\x10",
    ):
        heard.feed(piece, 0.0)
    assert heard.begun == 3
    seven = Evidence(LineSettings.parse("9600 7E1"))
    seven.feed(b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01/ISK5", 0.0)
    assert seven.begun == 1


def test_a_burst_that_was_under_way_is_not_counted() -> None:
    heard = Evidence(LineSettings.parse("9600 8N1"), missed=True)
    heard.feed(bytes(50), 0.0)
    heard.pause()
    assert (heard.bursts, heard.firsts) == (0, b"")
    heard.feed(bytes(50), 10.0)
    heard.pause()
    assert (heard.bursts, heard.firsts) == (1, b"\0")


def test_what_is_kept_holds_no_content() -> None:
    heard = evidence("2400 8N1", b"\x00\x01\x03/ISK5 secret")
    assert heard.attempt(2.345, "broken", 1).record == {
        "line": "2400 8N1",
        "seconds": 2.3,
        "bytes": 15,
        "verdict": "broken",
        "errors": {"zeros": 1, "odd": 5, "begun": 1, "unread": 1},
    }


@pytest.mark.parametrize(
    ("name", "bridge", "suspected"),
    [
        ("aidon", "9600 8N1", ("2400 8N1", "9600 8N1")),
        ("p1-v2", "9600 8N1", ("9600 7E1", "9600 8N1")),
    ],
)
@KINDS
def test_how_a_bridge_is_set_wrongly_is_told(
    name: str, bridge: str, suspected: tuple[str, str], eager: bool
) -> None:
    """At a bridge nobody knows how it is set: the line of the search stands for nothing."""
    sent = pusher(name)
    said = Uart.parse(bridge, eager=eager).hear(sent.telegrams[0], Uart.parse(sent.line))
    pair = suspects(evidence("115200 8N1", said), chances(), LINES)
    assert pair is not None
    assert (str(pair[0]), str(pair[1])) == suspected


def test_nothing_is_suspected_of_noise_or_of_few_bytes() -> None:
    noise = evidence("115200 8N1", Random(1).randbytes(400))
    assert suspects(noise, chances(), LINES) is None
    assert suspects(evidence("115200 8N1", b"\x78\xf8\x78"), chances(), LINES) is None
    assert suspects(noise, chances(), [LineSettings(300)]) is None
