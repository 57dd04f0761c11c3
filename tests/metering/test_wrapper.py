"""The wrapper of TCP and UDP."""

from custom_components.obis_meter.metering.links import LINKS
from custom_components.obis_meter.metering.session import Session
from simulator.dlms import LLC
from simulator.frames import blocks, wrapper

from .building import notification
from .hearing import bytewise, events, only_telegrams, skipped, telegrams

APDU = notification(b"\x02\x02\x09\x06\x01\0\1\x08\0\xff\x06\0\0\x04\x57")[3:]
ONE = telegrams("apdu", APDU)
RAW = wrapper(APDU)


def test_frames_follow_each_other() -> None:
    assert telegrams("wrapper", RAW + RAW) == telegrams("wrapper", *bytewise(RAW + RAW)) == 2 * ONE


def test_one_frame_may_carry_several_apdus() -> None:
    assert telegrams("wrapper", wrapper(APDU + LLC + APDU)) == 2 * ONE


def test_blocks_may_come_in_frames_of_their_own() -> None:
    assert telegrams("wrapper", b"".join(map(wrapper, blocks(APDU, 8)))) == ONE


def test_a_datagram_is_a_frame_and_a_silence() -> None:
    session = Session(LINKS["wrapper"])
    heard = []
    for datagram in (RAW[:20], RAW, RAW[9:], RAW):
        heard += [*session.feed(datagram), *session.idle()]
        assert session.pending == 0
    assert only_telegrams(heard) == 2 * ONE


def test_another_version_is_an_error() -> None:
    heard = events("wrapper", b"\0\2" + RAW[2:])
    assert only_telegrams(heard) == []
    assert skipped(heard) > 0


def test_bytes_that_look_like_a_header_are_not_believed() -> None:
    false = bytes.fromhex("0001000100010100")
    assert telegrams("wrapper", false, RAW) == ONE
    assert telegrams("wrapper", false[:6] + b"\xff\xff\x0f", RAW) == ONE
    assert telegrams("wrapper", b"\0\0" + RAW) == ONE
