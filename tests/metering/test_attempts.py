"""A search finds the line settings of every meter, and ends where there is none."""

from collections.abc import Iterable
from itertools import product
from random import Random

import pytest

from custom_components.obis_meter.metering.attempts import Patience, Search, links_at
from custom_components.obis_meter.metering.chances import Chances, chances, opening
from custom_components.obis_meter.metering.detect import Detector
from custom_components.obis_meter.metering.links import LINKS
from custom_components.obis_meter.metering.model import LineSettings
from simulator.frames import mbus_frame
from simulator.meters import METERS
from simulator.pusher import Pusher, listen, pusher
from simulator.uart import Uart

from .captures import EVERY, SIMULATED, Capture
from .hearing import LONG, events, skipped, tells

PATIENCE = Patience()
COUNTRIES = (None, "NO", "SE", "NL", "DE", "AT", "CH", "CN")
HEARD = ("aidon", "kamstrup", "kaifa-at", "e450-ch", "p1", "p1-lu-ciphered", "p1-v2", "sml")
LINES = tuple(chances())


def searched(
    sent: Pusher, shares: Chances, since: float = 0.0, *, eager: bool = False
) -> tuple[Search, float]:
    search = Search(shares, PATIENCE, since)
    ended = listen(sent, search, since, PATIENCE.gap, eager=eager)
    return search, ended - since


def silence(search: Search, now: float = 0.0, until: float = 200.0) -> float:
    """Let nothing come; return when the search ended."""
    while not search.ended and now < until:
        now += PATIENCE.gap
        search.hear(b"", now)
    return now


def same_bytes(sent: Pusher, line: LineSettings, *, eager: bool) -> bool:
    """Tell whether a UART set so hears what was sent all the same."""
    octets = max(sent.telegrams, key=len)
    return Uart.parse(str(line), eager=eager).hear(octets, Uart.parse(sent.line)) == octets


@pytest.mark.parametrize("name", HEARD)
def test_every_meter_is_found_in_every_country_at_its_settings(name: str) -> None:
    sent, random = pusher(name), Random(name)
    everything = list(product(COUNTRIES, range(12), (False, True)))
    for country, moment, eager in everything if LONG else random.sample(everything, 3):
        search, _ = searched(sent, chances(country), sent.every * moment / 6, eager=eager)
        found = search.link or (search.locked and search.locked.link)
        assert found
        assert found.name == METERS[name].device.link
        assert search.attempts[-1].verdict in ("understood", "locked")
        right = LineSettings.parse(sent.line)
        assert search.line == right or same_bytes(sent, search.line, eager=eager)


@pytest.mark.parametrize(("name", "country"), [("aidon", "NO"), ("p1", "NL"), ("sml", "DE")])
def test_usual_settings_need_one_interval(name: str, country: str) -> None:
    sent = pusher(name)
    for moment in range(6):
        search, _ = searched(sent, chances(country), moment * sent.every / 6)
        assert len(search.attempts) == 1
        assert search.understood - moment * sent.every / 6 <= sent.every + 5


@pytest.mark.parametrize(
    ("name", "country"), [("aidon", "DE"), ("sml", "NO"), ("p1", "AT"), ("p1-v2", "DE")]
)
def test_other_settings_need_two_intervals(name: str, country: str) -> None:
    """The interval is that of the telegrams: P1 of DSMR 2 comes every 10 s."""
    sent = pusher(name)
    for moment in range(6):
        since = moment * sent.every / 6
        search, _ = searched(sent, chances(country), since)
        assert search.understood - since <= 2 * sent.every + 5


def test_the_right_link_is_found_in_every_capture_at_its_settings() -> None:
    """All with readings; those that are damaged or say nothing are left out.

    So are ciphered ones with noise on purpose: nobody can tell them without a key.
    """
    telling = [capture for capture in EVERY if tells(capture)]
    noisy = [c for c in telling if c.sealed and skipped(events(c, *c.chunks))]
    heard = [capture for capture in telling if capture not in noisy]
    for capture in heard:
        search = Search({LINKS[capture.link].lines[0]: 1.0}, PATIENCE, 0.0)
        _push(search, capture)
        found = search.link or (search.locked and search.locked.link)
        assert found, capture.name
        assert found.name == capture.link, capture.name
    assert len(noisy) <= 1
    assert len(heard) > 0.75 * len(EVERY)


def _push(search: Search, capture: Capture) -> None:
    """Send a capture every 10 s."""
    now = 0.0
    while not search.ended:
        now += 5.0
        for chunk in capture.chunks:
            now += 0.05
            search.hear(chunk, now)
        for _ in range(12):
            now += PATIENCE.gap
            search.hear(b"", now)


def _garbled(capture: Capture, line: LineSettings, *, eager: bool) -> Iterable[bytes]:
    for usual in LINKS[capture.link].lines[:2]:
        said = Uart.parse(str(line), eager=eager).hear(capture.raw, Uart.parse(str(usual)))
        if said != capture.raw and usual != line and usual.byte_size == 8:
            yield said


def test_nothing_is_understood_at_wrong_settings() -> None:
    random = Random(1)
    for capture in filter(tells, EVERY if LONG else random.sample(EVERY, 20)):
        for line in LINES if LONG else random.sample(LINES, 2):
            for said in _garbled(capture, line, eager=random.random() < 0.5):
                detector = Detector(links=links_at(line))
                for _ in range(2):
                    detector.feed(said)
                    detector.idle()
                assert detector.link is None, f"{capture.name} at {line}"
                assert detector.locked is None, f"{capture.name} at {line}"


def test_a_body_without_a_check_is_not_believed_at_seven_bits() -> None:
    body = next(capture.raw for capture in SIMULATED if capture.name == "apdu/kaifa/2")
    seven = bytes(octet & 0x7F for octet in body)
    for links, link in ((LINKS.values(), "apdu"), (links_at(LineSettings(2400, 7, "E")), None)):
        detector = Detector(links=links)
        detector.feed(seven)
        detector.idle()
        assert (detector.link and detector.link.name) == link


def test_silence_at_two_very_different_speeds_is_silence() -> None:
    for country in COUNTRIES:
        search = Search(chances(country), PATIENCE, 0.0)
        ended = silence(search)
        assert search.reason == "silent"
        first, second = (attempt.line.baudrate for attempt in search.attempts)
        assert max(first, second) >= 4 * min(first, second)
        assert ended < 2 * PATIENCE.longest + 2


def test_a_click_is_silence() -> None:
    search = Search(chances("NL"), PATIENCE, 0.0)
    search.hear(b"\0", 1.0)
    silence(search, 1.0)
    assert (search.reason, search.count) == ("silent", 1)


def test_fixed_settings_are_kept() -> None:
    line = LineSettings(2400)
    search = Search({line: 1.0}, PATIENCE, 0.0)
    assert silence(search) < 2 * PATIENCE.longest + 1
    assert [attempt.line for attempt in search.attempts] == [line]
    wrong, _ = searched(pusher("sml"), {line: 1.0})
    assert (wrong.reason, len(wrong.attempts)) == ("garbled", 1)


def test_noise_without_end_ends() -> None:
    for country in COUNTRIES if LONG else ("NL",):
        search, random, now = Search(chances(country), PATIENCE, 0.0), Random(1), 0.0
        while not search.ended:
            now += 0.1
            search.hear(random.randbytes(100), now)
        assert search.reason == "garbled"
        assert now < PATIENCE.most + 1
        assert search.part(now) == 1.0


def test_telegrams_that_break_off_are_told_from_noise() -> None:
    whole = pusher("aidon")
    cut = Pusher(whole.line, tuple(each[:-9] for each in whole.telegrams), whole.every)
    search, _ = searched(cut, chances("NO"))
    assert search.reason == "broken"
    assert search.attempts[0].line == LineSettings(2400)


def test_telegrams_that_nobody_knows_are_told() -> None:
    unknown = mbus_frame(0, b"\x0f\0\0\0\0\0\x02\x01\x77" + bytes(30), last=True)
    search, _ = searched(Pusher("2400 8E1", (unknown,), 5.0), chances("AT"))
    assert search.reason == "opaque"


def test_settings_that_a_port_refuses_are_not_tried_again() -> None:
    search, refused = Search(chances("NO"), PATIENCE, 0.0), []
    while not search.ended:
        assert search.line not in refused
        refused.append(search.line)
        search.refuse(1.0)
    assert set(refused) == set(LINES)
    assert search.is_refused


def test_a_damaged_telegram_costs_no_more_than_a_detour() -> None:
    whole = pusher("sml")
    spoiled = bytes(byte ^ (at == 40) for at, byte in enumerate(whole.telegrams[0]))
    sent = Pusher(whole.line, (spoiled, *whole.telegrams), whole.every)
    search, taken = searched(sent, chances("DE"))
    assert search.link
    assert taken < 30


def test_attempts_are_counted() -> None:
    search = Search(chances("NL"), PATIENCE, 0.0)
    assert (search.number, search.of) == (1, 5)
    alone = Search({LineSettings(2400): 1.0}, PATIENCE, 0.0)
    assert (alone.number, alone.of) == (1, 1)


@pytest.mark.parametrize(
    ("country", "port", "first"),
    [
        ("NO", "", "2400 8N1"),
        ("NL", "", "115200 8N1"),
        ("BE", "", "115200 8N1"),
        ("SE", "", "115200 8N1"),
        ("DE", "", "9600 8N1"),
        ("AT", "", "2400 8E1"),
        ("XX", "", "115200 8N1"),
        ("SE", "/dev/serial/by-id/usb-M-Bus_Converter-if00", "2400 8N1"),
        (None, "esphome-hass://p1-reader/uart", "115200 8N1"),
        (None, "/dev/serial/by-id/usb-Lesekopf_IR-if00", "9600 8N1"),
        ("CN", "", "2400 8E1"),
        (None, "/dev/serial/by-id/usb-FTDI_USB-RS485_Cable-if00", "2400 8E1"),
    ],
)
def test_country_and_port_say_where_to_begin(country: str, port: str, first: str) -> None:
    shares = chances(country, port)
    assert str(max(shares, key=shares.__getitem__)) == first


def test_a_port_is_opened_without_parity_before_it_is_searched() -> None:
    assert opening(chances("AT")) == LineSettings(2400)
    assert opening({LineSettings(2400, parity="E"): 1.0}) == LineSettings(2400, parity="E")


def test_all_settings_of_all_links_are_tried() -> None:
    assert set(chances("NO")) == {line for link in LINKS.values() for line in link.lines}
