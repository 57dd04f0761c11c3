"""M-Bus frames: what one is, and how several make a telegram."""

from itertools import permutations

import pytest

from custom_components.obis_meter.metering.errors import DecodeError, FrameError
from custom_components.obis_meter.metering.links import LINKS
from custom_components.obis_meter.metering.links.mbus import take
from simulator.frames import mbus, mbus_frame

from .building import notification
from .captures import SIMULATED
from .hearing import events, only_telegrams, telegrams

BODY = b"\x02\x02\x09\x06\x01\0\1\x08\0\xff\x06\0\0\x04\x57"
APDU = notification(BODY)[3:]
ONE = telegrams("apdu", APDU)
METER = next(capture for capture in SIMULATED if capture.name == "kaifa-at/1")


def cut(size: int) -> list[bytes]:
    """Return the frames of a telegram, apart."""
    count = -(-len(APDU) // size)
    pieces = [APDU[n * size : (n + 1) * size] for n in range(count)]
    return [mbus_frame(n, piece, last=n == count - 1) for n, piece in enumerate(pieces)]


@pytest.mark.parametrize("size", [2, 5, 10, 40])
def test_frames_are_joined(size: int) -> None:
    assert telegrams("mbus", mbus(APDU, size)) == ONE
    assert telegrams("mbus", *cut(size), *cut(size)) == 2 * ONE


def test_a_telegram_ends_where_its_content_does_whatever_the_last_bit_says() -> None:
    first, second = APDU[:10], APDU[10:]
    for bits in ((True, True), (False, False), (True, False)):
        frames = (mbus_frame(n, each, last=bits[n]) for n, each in enumerate((first, second)))
        assert telegrams("mbus", *frames) == ONE


def test_frames_out_of_order_are_no_telegram() -> None:
    first, second, third = cut(9)
    for order in permutations((first, second, third)):
        expected = ONE if order == (first, second, third) else []
        assert telegrams("mbus", *order) == expected
    assert telegrams("mbus", first, third) == []


def test_a_first_frame_begins_the_telegram_anew() -> None:
    first, second, third = cut(9)
    assert telegrams("mbus", first, second, first, second, third) == ONE
    assert telegrams("mbus", first, first, second, third, first) == ONE


def test_a_lost_frame_of_a_ciphered_telegram_costs_only_that() -> None:
    first, second = METER.raw[:256], METER.raw[256:]
    clean = telegrams(METER, METER.raw)
    for raw in ((first, METER.raw), (second, METER.raw), (second, first, METER.raw)):
        assert telegrams(METER, *raw) == clean


def test_a_length_of_257_bytes_overflows() -> None:
    long = b"\x02\x02\x09\x81\xd8" + bytes(216) + BODY[2:]
    apdu = notification(long)[3:].ljust(252, b"\0")
    raw = mbus(apdu, 252)
    assert raw.startswith(b"\x68\x01\x01\x68")
    assert telegrams("mbus", raw) == telegrams("apdu", apdu)


@pytest.mark.parametrize("at", range(len(mbus(APDU))))
def test_no_byte_of_a_frame_may_be_another(at: int) -> None:
    raw = bytearray(mbus(APDU))
    raw[at] ^= 0x20
    heard = only_telegrams(events("mbus", bytes(raw), mbus(APDU)))
    assert heard == ONE


def test_a_frame_is_returned_whole() -> None:
    buffer = bytearray(b"\x55" + mbus(APDU) + b"\x68")
    with pytest.raises(FrameError):
        take(buffer)
    assert take(buffer) == mbus(APDU)
    assert buffer == b"\x68"


def test_half_a_frame_is_no_payload() -> None:
    session = METER.session()
    with pytest.raises(DecodeError):
        LINKS["mbus"].decode(METER.raw[:100], session.security)
