"""One stream: segments, silences, and what is kept."""

import re

import pytest

from custom_components.obis_meter.metering.dialogue import MAX_PENDING, Cut
from custom_components.obis_meter.metering.errors import DecryptError, Lock
from custom_components.obis_meter.metering.links import LINKS
from custom_components.obis_meter.metering.links.iec62056_21.ears import AnswerEar
from custom_components.obis_meter.metering.session import KEPT_PAYLOADS, Answer, Session
from simulator.optical import block

from .building import ADDRESS, IDENT, notification, p1
from .captures import CHECKED, SIMULATED, Capture
from .hearing import events, only_telegrams, telegrams
from .laws import over

FRAMES = {capture.name: capture.raw for capture in SIMULATED if capture.link == "hdlc"}
AIDON, KAIFA = FRAMES["aidon/3"], FRAMES["kaifa/3"]
ENDLESS = ADDRESS.frame(notification(b"\x09\x84\x7f\xff\xff\xff"))  # 2 GiB of octets to come


def information(frame: bytes) -> bytes:
    """Return the information field of a frame with a header of eight bytes."""
    return frame[9:-3]


def segments(frame: bytes, size: int, *bits: bool) -> list[bytes]:
    """Return a frame as shorter ones, with segmentation bits as given."""
    whole = information(frame)
    cut = [whole[at : at + size] for at in range(0, len(whole), size)]
    return [ADDRESS.frame(part, segmented=bits[n % len(bits)]) for n, part in enumerate(cut)]


@pytest.mark.parametrize("size", [1, 7, 50, 128, 300])
@pytest.mark.parametrize("bits", [(True,), (False,), (True, False)], ids=str)
def test_segments_are_joined_whatever_their_bits_say(size: int, bits: tuple[bool, ...]) -> None:
    clean = telegrams("hdlc", AIDON)
    assert telegrams("hdlc", *segments(AIDON, size, *bits)) == clean
    assert telegrams("hdlc", *segments(AIDON, size, *bits), AIDON) == 2 * clean


@pytest.mark.parametrize("lost", range(1, 4))
def test_a_damaged_segment_costs_its_telegram_only(lost: int) -> None:
    parts = segments(AIDON, 80, True)
    parts[lost] = parts[lost][:20] + b"\x55" + parts[lost][21:]
    assert telegrams("hdlc", *parts, AIDON) == telegrams("hdlc", AIDON)


def test_a_silence_ends_a_half_received_telegram() -> None:
    session = Session(LINKS["hdlc"])
    first, *rest = segments(AIDON, 200, True)
    assert list(session.feed(first)) == []
    assert len(list(session.idle())) == 1
    assert not only_telegrams(event for part in rest for event in session.feed(part))


@pytest.mark.parametrize("frame", [AIDON, KAIFA], ids=["aidon", "kaifa"])
def test_a_telegram_whose_end_never_came_costs_only_itself(frame: bytes) -> None:
    clean, whole = telegrams("hdlc", frame), information(frame)
    for end in range(10, len(whole)):
        session = Session(LINKS["hdlc"])
        heard = [*session.feed(ADDRESS.frame(whole[:end])), *session.feed(frame)]
        assert only_telegrams(heard) == clean, end


def test_a_length_beyond_any_frame_is_not_waited_for() -> None:
    session = Session(LINKS["hdlc"])
    heard = [*session.feed(ENDLESS), *session.feed(AIDON)]
    assert only_telegrams(heard) == telegrams("hdlc", AIDON)


def test_what_is_begun_and_what_is_unfinished_stay_within_the_bound_together() -> None:
    session = Session(LINKS["hdlc"])
    list(session.feed(ENDLESS))
    for _ in range(10):
        rest = ADDRESS.frame(bytes(2000))
        for chunk in (rest[:-2], rest[-2:]):
            list(session.feed(chunk))
            assert session.pending <= MAX_PENDING


def test_a_half_telegram_inside_a_half_frame_ends_in_the_same_silence() -> None:
    session = Session(LINKS["hdlc"])
    list(session.feed(AIDON[:20] + segments(AIDON, 120, True)[0]))
    list(session.idle())
    assert session.pending <= 1
    assert list(session.idle()) == []


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
@pytest.mark.parametrize("byte", [0x00, 0x0F, 0x1B, 0x21, 0x2F, 0x30, 0x7E, 0xAF, 0xFF], ids=hex)
def test_no_byte_fills_the_memory(link, byte: int) -> None:
    session = Session(link)
    for _ in range(5):
        list(session.feed(bytes([byte]) * 10_000))
        assert session.pending <= MAX_PENDING
    list(session.idle())
    assert session.pending <= 1


def test_the_last_payloads_are_kept_for_diagnostics() -> None:
    session = Session(LINKS["hdlc"])
    for number in range(KEPT_PAYLOADS + 2):
        list(session.feed(ADDRESS.frame(bytes([number]))))
    assert [payload[0] for payload in session.payloads] == list(range(2, KEPT_PAYLOADS + 2))


def test_a_payload_can_be_read_again_without_its_frame() -> None:
    for capture in SIMULATED:
        session, again = capture.session(), capture.session()
        heard = [*session.feed(capture.raw), *session.idle()]
        read = [said for payload in session.payloads for said in again.read(payload)]
        assert read == heard, capture.name


def test_an_open_flag_survives_a_silence() -> None:
    session = Session(LINKS["hdlc"])
    list(session.feed(AIDON[:1]))
    list(session.idle())
    assert len(list(session.feed(AIDON[1:]))) == 1


def test_the_check_of_a_telegram_may_come_after_a_silence_but_not_without_it() -> None:
    session = Session(LINKS["p1"])
    assert list(session.feed(IDENT.encode() + b"1-3:0.2.8(50)\r\n1-0:1.8.0(1*kWh)\r\n!")) == []
    assert not only_telegrams(session.idle())


SEALED = [capture for capture in SIMULATED if capture.sealed]


@pytest.mark.parametrize("capture", SEALED, ids=[capture.name for capture in SEALED])
def test_a_telegram_that_stays_shut_is_one_fault_however_many_frames_it_has(
    capture: Capture,
) -> None:
    (fault,) = events(capture.link, capture.raw)
    assert isinstance(fault, DecryptError)
    assert fault.lock is Lock.NO_KEY


@pytest.mark.parametrize("size", [50, 80])
def test_a_ciphered_telegram_whose_end_never_came_is_no_wrong_key(size: int) -> None:
    capture = next(each for each in SEALED if each.name == "am550-at/1")
    cut = information(capture.raw)
    pieces = [ADDRESS.frame(cut[at : at + size]) for at in range(0, len(cut), size)]
    heard = events(capture, *pieces[:-1], *pieces)
    assert only_telegrams(heard) == telegrams(capture, capture.raw)
    assert not any(isinstance(event, DecryptError) for event in heard)


@pytest.mark.parametrize(
    ("body", "is_kept"),
    [("1.8.0(1.0*kWh)", True), ("(ER02)", False), ("1.8.0(1.0*kWh)" * 2000, False)],
    ids=["a readout", "a refusal", "a giant"],
)
def test_what_a_dialogue_cuts_is_kept_where_the_link_reads_it(body: str, is_kept: bool) -> None:
    session = Session(LINKS["iec62056-21"])
    message = block(body)
    session.hold()
    list(session.expect(Cut(AnswerEar().take, 1.0, 2 * MAX_PENDING)))
    (answer,) = session.feed(message)
    assert answer == Answer(message[:-1])
    assert list(session.payloads) == [message[:-1]] * is_kept


def test_what_was_interrupted_again_and_again_never_costs_what_comes_whole() -> None:
    whole = information(AIDON)
    pieces = [ADDRESS.frame(whole[at : at + 20]) for at in range(0, len(whole), 20)]
    session = Session(LINKS["hdlc"])
    for _ in range(8):
        list(session.feed(b"".join(pieces[:2])))
    heard = only_telegrams([*session.idle(), *session.feed(b"".join(pieces))])
    assert heard == telegrams("hdlc", AIDON)


BODY = "1.8.0(1.5*kWh)\r\n!\r\n"
WITH_AND_WITHOUT = {
    "p1": (p1("1-0:1.8.0(1.5*kWh)"), p1("1-0:1.8.0(1.5*kWh)", crc=False)),
    "iec62056-21": (block(BODY), block(BODY, check=False)),
}
"""A telegram with its check, and without."""


def heard(session: Session, raw: bytes) -> list[str]:
    """Return what a session says of some bytes and the silence behind them, a word for each."""
    said = [*session.feed(raw), *session.idle()]
    return ["telegram" if only_telegrams([event]) else str(event) for event in said]


@pytest.mark.parametrize("link", WITH_AND_WITHOUT)
def test_who_sends_checks_is_not_believed_without_them(link: str) -> None:
    """A silence may come before the check, whatever happened to what it covers."""
    checked, unchecked = WITH_AND_WITHOUT[link]
    session = Session(LINKS[link])
    assert heard(session, unchecked) == ["telegram"]
    for _ in range(2):
        assert heard(session, checked) == ["telegram"]
        for _ in range(3):
            assert heard(session, unchecked) == ["the check of a telegram did not come"]
        assert heard(session, unchecked) == ["telegram"]  # a meter that sends none, by now
        assert heard(session, unchecked) == ["telegram"]


@over(each for each in CHECKED if each.link in WITH_AND_WITHOUT and not each.sealed)
def test_a_silence_before_the_check_lets_no_damage_through(capture: Capture) -> None:
    session, mark = capture.session(), b"!" if capture.link == "p1" else b"\x03"
    clean = [*session.feed(capture.raw), *session.idle()]
    end = with_seven_bits(capture.raw).rindex(mark) + 1
    digit = re.search(rb"(?<=\()\d", with_seven_bits(capture.raw))
    assert only_telegrams(clean)
    assert digit
    damaged = bytearray(capture.raw[:end])
    damaged[digit.start()] ^= 0x01
    assert not only_telegrams([*session.feed(bytes(damaged)), *session.idle()])


def with_seven_bits(raw: bytes) -> bytes:
    return bytes(byte & 0x7F for byte in raw)
