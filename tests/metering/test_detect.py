"""The link is found from the bytes alone, and never in what holds no telegram."""

from random import Random

import pytest

from custom_components.obis_meter.metering.detect import Detector
from custom_components.obis_meter.metering.errors import DecryptError, Lock
from custom_components.obis_meter.metering.keys import Keys
from custom_components.obis_meter.metering.links import LINKS
from simulator.ciphering import Cipher

from .captures import EVERY, SIMULATED, Capture
from .hearing import bytewise, clean, pieces, telegrams, tells
from .laws import over

SPEAKING = [capture for capture in EVERY if capture.count]
SILENT = [capture for capture in EVERY if not capture.count]
FRAMES = {c.name: c.raw for c in SIMULATED if c.link == "hdlc" and not c.sealed}


def detected(*bursts: bytes | tuple[bytes, ...], keys: Keys | None = None) -> Detector:
    """Return a detector that heard bursts, each a chunk or several, with a silence behind each."""
    detector = Detector(keys)
    for burst in bursts:
        for chunk in (burst,) if isinstance(burst, bytes) else burst:
            detector.feed(chunk)
        detector.idle()
    return detector


def name(detector: Detector) -> str | None:
    return detector.link.name if detector.link else None


@over(SPEAKING)
def test_the_link_of_a_telegram_is_found_if_it_has_readings(capture: Capture) -> None:
    has_readings = tells(capture)
    for chunks in {(capture.raw,), capture.chunks, pieces(capture.raw, Random(capture.name))}:
        bursts = [chunks] * (1 + capture.sealed)  # P1 proves itself by its second one in a row
        detector = detected(*bursts, keys=capture.keys)
        assert name(detector) == (capture.link if has_readings else None)
        assert detector.telegrams == (clean(capture) if has_readings else [])


def test_chunking_is_invisible() -> None:
    for capture in SIMULATED:
        detector = detected(bytewise(capture.raw), keys=capture.keys)
        assert name(detector) == capture.link, capture.name
        assert detector.telegrams == telegrams(capture, capture.raw)


@over(SILENT)
def test_no_link_is_found_where_there_is_no_telegram(capture: Capture) -> None:
    assert name(detected(capture.raw)) is None
    assert name(detected(pieces(capture.raw, Random(capture.name)))) is None


@pytest.mark.parametrize("seed", range(20))
def test_no_link_is_found_in_noise(seed: int) -> None:
    random = Random(seed)
    noise = random.randbytes(4096)
    assert name(detected(noise)) is None
    assert name(detected(*pieces(noise, random))) is None
    assert name(detected(bytes(byte & 0x7F for byte in noise))) is None


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_a_broken_frame_is_never_believed_as_a_bare_body(frame: bytes) -> None:
    broken = frame[:-2] + bytes([frame[-2] ^ 1]) + frame[-1:]
    assert name(detected(broken)) is None
    assert name(detected(broken, broken)) is None
    assert name(detected(bytewise(broken))) is None
    assert name(detected(broken, frame)) == "hdlc"


@pytest.mark.parametrize("name_", ["aidon/2", "kaifa/2", "kamstrup/2"])
def test_the_rest_of_a_frame_is_never_believed_as_a_bare_body(name_: str) -> None:
    frame = FRAMES[name_]
    for at in range(2, len(frame)):
        assert name(detected(frame[at:])) is None, at
        assert name(detected(frame[:at], frame[at:])) is None, at


def test_a_checked_link_is_believed_at_once() -> None:
    detector = Detector()
    detector.feed(FRAMES["aidon/1"])
    assert name(detector) == "hdlc"


@pytest.mark.parametrize("link", ["llc-apdu", "apdu", "hex"])
def test_an_unchecked_link_is_believed_after_a_silence_without_doubts(link: str) -> None:
    (body, *_) = (capture.raw for capture in SIMULATED if capture.link == link)
    detector = Detector()
    detector.feed(body)
    assert name(detector) is None
    detector.idle()
    assert name(detector) == link
    doubtful = detected(b"\x0f\xff\r\n" + body)
    assert name(doubtful) is None
    doubtful.feed(body)
    doubtful.idle()
    assert name(doubtful) == link


def test_the_link_once_found_is_kept() -> None:
    detector = detected(FRAMES["aidon/1"], b"\xff" * 50, FRAMES["aidon/2"])
    assert name(detector) == "hdlc"
    assert len(detector.telegrams) == 2


def test_every_link_can_be_found() -> None:
    assert {capture.link for capture in SIMULATED} == set(LINKS)


SEALED = [capture for capture in SIMULATED if capture.sealed]
WRONG = Keys(bytes(range(16)))


@over(SEALED)
def test_a_locked_link_is_found_without_a_key(capture: Capture) -> None:
    for chunks in ((capture.raw,), bytewise(capture.raw)):
        detector = detected(chunks)
        assert (detector.link, detector.telegrams) == (None, [])
        assert detector.locked is not None
        assert detector.locked.link.name == capture.link
        assert detector.locked.error.lock is Lock.NO_KEY
        session = capture.session()
        assert [event for each in detector.locked.payloads for event in session.read(each)]


@over(SEALED)
def test_a_wrong_key_is_told_from_none(capture: Capture) -> None:
    detector = detected(capture.raw, keys=WRONG)
    assert detector.locked is not None
    assert detector.locked.error.lock is Lock.WRONG_KEY


def test_a_locked_link_is_found_without_a_silence_at_its_second_telegram() -> None:
    for capture in SEALED:
        detector = Detector()
        for chunk in (b"\x55\x01\x02", capture.raw, capture.raw):
            assert detector.locked is None, capture.name
            detector.feed(chunk)
        assert detector.locked is not None, capture.name
        assert detector.locked.link.name == capture.link


def test_the_maker_of_a_locked_meter_is_known() -> None:
    makers = {capture.name: detected(capture.raw).locked for capture in SEALED}
    found = {name: locked.ciphered.maker for name, locked in makers.items() if locked}
    assert found["e450-ch/1"] == "Landis+Gyr"
    assert found["p1-lu-ciphered/1"] == "Sagemcom"


def test_no_link_is_locked_in_noise() -> None:
    for seed in range(20):
        noise = Random(seed).randbytes(8192)
        assert detected(noise, *pieces(noise, Random(seed))).locked is None


@over(SEALED)
def test_no_damaged_frame_is_locked(capture: Capture) -> None:
    """P1 carries its check inside the cipher: there nobody can tell without a key."""
    if capture.link != "p1":
        raw = bytearray(capture.raw)
        raw[-3] ^= 1
        assert detected(bytes(raw), bytes(raw)).locked is None


def test_a_meter_in_the_clear_is_not_locked() -> None:
    assert all(detected(c.raw).locked is None for c in SIMULATED if not c.sealed)


@over(SEALED)
def test_keys_are_tried_on_what_was_caught(capture: Capture) -> None:
    locked = detected(capture.raw).locked
    assert locked is not None
    assert capture.keys is not None
    link, said = locked.opened(capture.keys)
    assert (link.name, said) == (capture.link, telegrams(capture, capture.raw))
    _, said = locked.opened(WRONG)
    assert said
    assert all(isinstance(event, DecryptError) for event in said)


def test_a_body_without_a_frame_is_told_from_p1_once_it_is_open() -> None:
    cipher = Cipher(title=b"KFMdefgh", key=bytes(16), authentication=b"", control=0x20)
    body = next(capture.raw for capture in SIMULATED if capture.link == "apdu")
    locked = detected(cipher.seal(body, 1)).locked
    assert locked is not None
    assert str(locked.ciphered) == "4B464D6465666768"
    link, said = locked.opened(Keys(bytes(16)))
    assert (link.name, said) == ("apdu", telegrams("apdu", body))
