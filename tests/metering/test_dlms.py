"""Data-notifications: their date-time, what follows them, and other APDUs."""

from datetime import datetime

import pytest

from custom_components.obis_meter.metering.cosem import Cursor
from custom_components.obis_meter.metering.dlms import LLC, notifications
from custom_components.obis_meter.metering.errors import DecodeError, Incomplete
from custom_components.obis_meter.metering.notification import decode
from custom_components.obis_meter.metering.security import Security

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
    (notification,) = notifications(Cursor(HEAD + sent + BODY))
    assert (notification.time, notification.body) == (when, [0x457])


@pytest.mark.parametrize("sent", [b"\x01", b"\x09\x05" + CLOCK, b"\xff"])
def test_any_other_date_time_is_refused(sent: bytes) -> None:
    with pytest.raises(DecodeError):
        list(notifications(Cursor(HEAD + sent + BODY)))


def test_any_other_apdu_is_refused() -> None:
    for tag in set(range(256)) - {0x0F}:
        with pytest.raises(DecodeError, match=f"APDU {tag:02X}"):
            list(notifications(Cursor(bytes([tag]) + bytes(30))))


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
