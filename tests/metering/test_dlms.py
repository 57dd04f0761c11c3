"""Data-notifications: their date-time, what follows them, and other APDUs."""

from datetime import datetime

import pytest

from custom_components.obis_meter.metering.cosem import Cursor
from custom_components.obis_meter.metering.dlms import LLC, Notification, apdus
from custom_components.obis_meter.metering.errors import DecodeError, Incomplete
from custom_components.obis_meter.metering.keys import Keys
from custom_components.obis_meter.metering.model import Telegram
from custom_components.obis_meter.metering.notification import decode
from custom_components.obis_meter.metering.security import Security
from simulator.ciphering import Cipher
from simulator.frames import blocks

from .building import p1

HEAD = bytes.fromhex("0f40000000")
CLOCK = bytes.fromhex("07e8031f070c1e0fff800000")
BODY = bytes.fromhex("02010600000457")  # a list of one number
WHEN = datetime(2024, 3, 31, 12, 30, 15)


@pytest.mark.parametrize(
    ("sent", "when"),
    [
        (b"\x00", None),
        (b"\x0c" + CLOCK, WHEN),
        (b"\x09\x0c" + CLOCK, WHEN),
        (b"\x19" + CLOCK, WHEN),
        (b"\x0c" + b"\xff" * 12, None),
    ],
    ids=["none", "bare length", "octet string", "date-time", "unset"],
)
def test_a_date_time_comes_in_four_forms(sent: bytes, when: datetime | None) -> None:
    assert list(apdus(Cursor(HEAD + sent + BODY))) == [Notification(when, [0x457])]


@pytest.mark.parametrize("sent", [b"\x01", b"\x09\x05" + CLOCK, b"\xff"])
def test_any_other_date_time_is_refused(sent: bytes) -> None:
    with pytest.raises(DecodeError):
        list(apdus(Cursor(HEAD + sent + BODY)))


def test_any_other_apdu_is_refused() -> None:
    for tag in set(range(256)) - {0x0F, 0x2F, 0xC2, 0xDB, 0xDC, 0xE0, 0xE6}:
        with pytest.raises(DecodeError, match=f"APDU {tag:02X}"):
            list(apdus(Cursor(bytes([tag]) + bytes(30))))


ENERGY = bytes.fromhex("0003 0100010800ff 02")  # class, name and attribute of a register


def said(apdu: bytes) -> list[tuple[str, str]]:
    """Return the readings of the only telegram in an APDU."""
    (telegram,) = decode(apdu, Security())
    assert isinstance(telegram, Telegram)
    return [(str(reading.id), str(reading.value)) for reading in telegram.readings]


@pytest.mark.parametrize(
    ("sent", "when"), [(b"\x00", None), (b"\x01\x0c" + CLOCK, WHEN)], ids=["none", "date-time"]
)
def test_an_event_notification_is_one_attribute(sent: bytes, when: datetime | None) -> None:
    apdu = b"\xc2" + sent + ENERGY + bytes.fromhex("0600000457")
    assert said(apdu) == [("1-0:1.8.0", "1111")]
    (telegram,) = decode(apdu, Security())
    assert isinstance(telegram, Telegram)
    assert telegram.time == when


def test_an_event_notification_may_carry_a_list() -> None:
    pushed = bytes.fromhex("0028 0000190900ff 02") + bytes.fromhex(
        "0202 09060100010800ff 0600000457"
    )
    assert said(b"\xc2\x00" + pushed) == [("1-0:1.8.0", "1111")]


def test_another_attribute_is_no_reading() -> None:
    unit = ENERGY[:-1] + b"\x03" + bytes.fromhex("0202 0f00 161e")
    assert said(b"\xc2\x00" + unit) == []


def test_an_event_notification_with_half_a_date_time_is_refused() -> None:
    with pytest.raises(DecodeError):
        decode(b"\xc2\x01\x05" + CLOCK + ENERGY + b"\x00", Security())


def test_several_notifications_stand_behind_headers_of_their_own() -> None:
    payload = LLC + HEAD + b"\x00" + BODY
    assert len(decode(payload + payload, Security())) == 2


def test_padding_behind_a_notification_is_ignored() -> None:
    payload = LLC + HEAD + b"\x00" + BODY
    assert len(decode(payload + bytes(5), Security())) == 1


def test_a_notification_that_ends_early_is_incomplete() -> None:
    payload = LLC + HEAD + b"\x09\x0c" + CLOCK + BODY
    for end in range(len(LLC), len(payload)):
        with pytest.raises(Incomplete):
            decode(payload[:end], Security())


def test_an_unknown_layout_is_a_telegram_without_readings() -> None:
    (telegram,) = decode(HEAD + b"\x00" + b"\x02\x02\x00\x00", Security())
    assert not telegram.readings


CONTENT = HEAD + b"\x00" + BODY
READ = [Notification(None, [0x457])]


def joined(*pieces: bytes) -> list[object]:
    return list(apdus(Cursor(b"".join(pieces))))


@pytest.mark.parametrize("size", [1, 3, 5, 100])
@pytest.mark.parametrize("header", [b"", LLC, b"\xe6\xe6\x00"], ids=["none", "meter", "command"])
def test_blocks_are_joined(size: int, header: bytes) -> None:
    pieces = list(blocks(CONTENT, size))
    assert joined(*(header + piece for piece in pieces)) == READ
    assert joined(header, *pieces) == READ


def test_a_message_of_blocks_waits_for_its_last_one() -> None:
    pieces = list(blocks(CONTENT, 3))
    for count in range(1, len(pieces)):
        with pytest.raises(Incomplete):
            joined(*pieces[:count])


def test_a_message_may_end_without_a_block_that_says_so() -> None:
    pieces = [bytes([0xE0, 0x01]) + piece[2:] for piece in blocks(CONTENT, 4)]
    assert joined(*pieces) == READ
    for count in range(1, len(pieces)):
        with pytest.raises(Incomplete):
            joined(*pieces[:count])


def test_text_in_blocks_ends_with_the_block_that_says_so() -> None:
    text = p1("1-0:1.8.0(1.5*kWh)")
    (telegram,) = decode(b"".join(blocks(text, 9)), Security())
    assert len(telegram.readings) == 1


def test_a_repeated_block_is_dropped() -> None:
    first, second, third, fourth = blocks(CONTENT, 4)
    assert joined(first, first, second, second, first[:0], third, third, fourth) == READ
    assert joined(first, second, third, second, third, fourth) == READ


def test_a_first_block_begins_the_message_anew() -> None:
    first, second, third, fourth = blocks(CONTENT, 4)
    assert joined(first, second, first, second, third, fourth) == READ
    other = first[:-4] + b"\x0f\1\2\3"
    assert joined(other, first, second, third, fourth) == READ


def test_a_lost_block_ends_the_message() -> None:
    pieces = list(blocks(CONTENT, 4))
    for lost in range(len(pieces) - 1):
        with pytest.raises(DecodeError, match="block") as caught:
            joined(*pieces[:lost], *pieces[lost + 1 :])
        assert caught.type is DecodeError  # and not Incomplete


def test_something_else_among_blocks_ends_the_message() -> None:
    first, *_ = blocks(CONTENT, 4)
    with pytest.raises(DecodeError, match="among blocks"):
        joined(first, CONTENT)


def test_a_message_whose_blocks_are_all_here_is_not_waited_for() -> None:
    with pytest.raises(DecodeError, match="ends early") as caught:
        joined(*blocks(CONTENT[:-2], 4))
    assert caught.type is DecodeError


@pytest.mark.parametrize("depth", [1, 2, 500])
def test_blocks_inside_blocks_are_refused(depth: int) -> None:
    message = CONTENT
    for _ in range(depth):
        message = LLC + b"".join(blocks(message, 16_000))
    with pytest.raises(DecodeError, match="inside blocks"):
        joined(*blocks(message, 16_000))


def test_blocks_may_be_inside_a_cipher_that_came_in_blocks() -> None:
    cipher = Cipher(title=b"ABCg\x70\0\4\xd2", key=bytes(16), authentication=b"", control=0x20)
    raw = b"".join(blocks(cipher.seal(b"".join(blocks(CONTENT, 4)), 1), 20))
    assert decode(raw, Security(Keys(bytes(16)))) == decode(CONTENT, Security())


def test_descriptors_without_tags_stand_in_structures_of_two() -> None:
    item = bytes.fromhex("0202000301000108 00ff0206 00000007")
    body = HEAD + b"\x00" + bytes.fromhex("02021601 0102") + item
    (telegram,) = decode(body + item, Security())
    assert [str(reading.id) for reading in telegram.readings] == ["1-0:1.8.0"] * 2
    with pytest.raises(DecodeError, match="descriptor"):
        decode(body + b"\x02\x03" + item[2:], Security())


def test_what_is_missing_is_told_and_never_too_much() -> None:
    for end in range(len(CONTENT)):
        with pytest.raises(Incomplete) as caught:
            list(apdus(Cursor(CONTENT[:end])))
        assert 1 <= caught.value.missing <= len(CONTENT) - end


def test_a_list_is_missing_a_byte_for_each_element_to_come() -> None:
    with pytest.raises(Incomplete) as caught:
        list(apdus(Cursor(HEAD + b"\x00\x01\x82\x10\x00\x11\x05\x11")))
    assert caught.value.missing == 0x1000 - 1


def test_blocks_that_hold_no_telegram_are_given_up_at_once() -> None:
    first, second, *_ = blocks(b"\x0f\0\0\0\0\0\x0e" + bytes(20), 8)
    with pytest.raises(DecodeError, match="data type") as caught:
        joined(first, second)
    assert caught.type is DecodeError


def test_a_message_begins_anew_or_goes_on_only_so_often() -> None:
    first, second, *_ = blocks(CONTENT, 4)
    with pytest.raises(DecodeError, match="again and again"):
        joined(*[first] * 5)
    with pytest.raises(DecodeError, match="does not end"):
        joined(first, *[second] * 256)
