"""SML: what a frame is, what its messages say, and what some meters say wrongly."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from custom_components.obis_meter.metering.cosem import Cursor
from custom_components.obis_meter.metering.errors import (
    DecodeError,
    FrameError,
    Incomplete,
    InnerCheckError,
)
from custom_components.obis_meter.metering.model import Reading, Telegram
from custom_components.obis_meter.metering.security import Security
from custom_components.obis_meter.metering.session import Event
from custom_components.obis_meter.metering.sml import MAX_DEPTH, decode, element
from simulator.sml import (
    ABSENT,
    frame,
    get_list_file,
    items,
    kermit,
    message,
    mistyped,
    octets,
    signed,
    unsigned,
    uptime,
    x25,
)

from .hearing import events, only_telegrams, telegrams

ESCAPE = b"\x1b" * 4
SERVER = bytes.fromhex("0a0149534b00042c2252")
DZG = bytes.fromhex("0a01445a47000282225e")
DWSB20 = bytes.fromhex("0a01445a470002632316")
TOTAL = bytes.fromhex("0100010800ff")
POWER = bytes.fromhex("0100100700ff")
UPTIME = uptime(1000)


def entry(
    obis: bytes,
    value: bytes,
    *,
    status: bytes = ABSENT,
    time: bytes = ABSENT,
    unit: int = 30,
    scaler: int = -1,
) -> bytes:
    return items([octets(obis), status, time, unsigned(unit), signed(scaler), value, ABSENT])


def file(*entries: bytes, server: bytes = SERVER, clock: bytes = UPTIME) -> bytes:
    return get_list_file(1, server, clock, entries, x25)


def heard(*entries: bytes, server: bytes = SERVER) -> Telegram:
    (telegram,) = telegrams("sml", file(*entries, server=server))
    return telegram


def said(*entries: bytes, server: bytes = SERVER) -> dict[str, Reading]:
    return {str(reading.id): reading for reading in heard(*entries, server=server).readings}


def value(*entries: bytes, server: bytes = SERVER) -> str:
    """Return what the last entry says."""
    last = heard(*entries, server=server).readings[len(entries) - 1].value
    return f"{last:f}" if isinstance(last, Decimal) else str(last)


def faults(heard: list[Event]) -> list[str]:
    return [str(event) for event in heard if not isinstance(event, Telegram)]


ONE = entry(TOTAL, unsigned(12345))


class TestFrame:
    """The transport."""

    @pytest.mark.parametrize("check", [x25, kermit])
    def test_either_check_is_right(self, check: Callable[[bytes], bytes]) -> None:
        assert len(telegrams("sml", get_list_file(1, SERVER, UPTIME, [ONE], check))) == 1

    @pytest.mark.parametrize("count", [4, 5, 8, 9, 13])
    def test_escapes_among_the_messages_are_doubled(self, count: int) -> None:
        key = b"\xee" + b"\x1b" * count + b"\xee"
        raw = file(entry(TOTAL, octets(key)))
        assert raw.count(ESCAPE * 2) == count // 4
        (telegram,) = telegrams("sml", raw)
        assert telegram.readings[0].value == key.hex()

    def test_a_start_among_the_messages_is_no_start(self) -> None:
        key = ESCAPE + b"\1\1\1\1" + ESCAPE + b"\x1a\0\0\0"
        raw = file(entry(TOTAL, octets(key)))
        assert [t.readings[0].value for t in telegrams("sml", raw, raw)] == [key.hex()] * 2

    @pytest.mark.parametrize("zeros", range(6))
    def test_padding_is_not_counted(self, zeros: int) -> None:
        body = file(ONE)[8:-8].rstrip(b"\0") + b"\0"
        end = ESCAPE + bytes([0x1A, 3])
        checked = ESCAPE + b"\1\1\1\1" + body + bytes(zeros) + end
        assert len(telegrams("sml", checked + x25(checked))) == 1

    def test_a_truncated_frame_never_swallows_the_next(self) -> None:
        raw = file(ONE, entry(POWER, signed(-5), unit=27, scaler=0))
        for at in range(len(raw)):
            assert telegrams("sml", raw[:at] + raw) == telegrams("sml", raw), at

    @pytest.mark.parametrize("lost", [1, 2, 3, 4])
    def test_an_end_that_lost_its_last_bytes_leaves_the_next_start_whole(self, lost: int) -> None:
        raw = file(ONE)
        assert telegrams("sml", raw[:-lost] + raw) == telegrams("sml", raw)

    def test_text_between_frames_is_no_fault(self) -> None:
        tail = b"\xff" * 20 + b"1-0:96.1.0*255(1ISK0070001234)\r\nCOM-1 v2.1\r\n\0\0"
        found = events("sml", file(ONE) + tail, file(ONE) + tail)
        assert len(only_telegrams(found)) == len(found) == 2

    def test_noise_between_frames_is_one(self) -> None:
        found = events("sml", b"ab\x80\x81", file(ONE))
        assert [event.skipped for event in found if isinstance(event, FrameError)] == [2]


class TestMessages:
    """What a payload holds."""

    def test_a_wrong_message_check_is_a_warning(self) -> None:
        raw = file(ONE)
        broken = raw[8:-8].replace(b"\x62\x1e", b"\x62\x1f", 1)  # another unit
        found = events("sml", frame(broken, x25))
        assert len(only_telegrams(found)) == 1
        assert sum(isinstance(event, InnerCheckError) for event in found) == 1

    def test_messages_of_other_kinds_are_passed_over(self) -> None:
        other = message(9, 0x0501, items([octets(b"x")]), x25)
        payload = other + file(ONE)[8:-8] + other
        assert len(decode(payload, Security())) == 1

    def test_two_lists_in_one_frame_are_two_telegrams(self) -> None:
        payload = file(ONE)[8:-8].rstrip(b"\0") + b"\0" + file(ONE)[8:-8]
        assert len(telegrams("sml", frame(payload, x25))) == 2

    def test_what_follows_a_list_and_cannot_be_read_is_a_warning(self) -> None:
        payload = file(ONE)[8:-8].rstrip(b"\0") + b"\0" + b"\x76\x05"
        found = events("sml", frame(payload, x25))
        assert len(only_telegrams(found)) == 1
        assert len(faults(found)) == 1

    def test_messages_that_cannot_be_read_never_wait_for_the_next_frame(self) -> None:
        half = frame(file(ONE)[8:60], x25)
        found = events("sml", half, file(ONE))
        assert len(only_telegrams(found)) == len(faults(found)) == 1

    def test_a_file_without_a_list_says_nothing(self) -> None:
        assert events("sml", frame(message(1, 0x0101, items([ABSENT]), x25), x25)) == []


class TestTypeLength:
    """One TLV."""

    @pytest.mark.parametrize("size", range(1, 9))
    def test_integers_of_any_size_are_extended(self, size: int) -> None:
        assert element(Cursor(signed(-2, size))) == -2
        assert element(Cursor(unsigned(2, size))) == 2
        assert element(Cursor(unsigned(256**size - 1, size))) == 256**size - 1

    @pytest.mark.parametrize("size", [14, 15, 48, 253])
    def test_lengths_beyond_one_nibble(self, size: int) -> None:
        assert element(Cursor(octets(bytes(size)))) == bytes(size)

    def test_lists_count_their_elements_without_themselves(self) -> None:
        assert element(Cursor(items([unsigned(n) for n in range(20)]))) == list(range(20))

    def test_a_longer_length_than_needed(self) -> None:
        assert element(Cursor(b"\x80\x80\x05ab")) == b"ab"

    @pytest.mark.parametrize(
        ("raw", "meaning"),
        [(b"\x01", None), (b"\x00", None), (b"\x42\x01", True), (b"\x42\0", False)],
    )
    def test_absence_ends_and_truth(self, raw: bytes, meaning: object) -> None:
        assert element(Cursor(raw)) is meaning

    @pytest.mark.parametrize(
        "raw",
        [
            b"\x6a" + bytes(9),  # an integer of nine bytes
            b"\x12\x00",  # no type
            b"\x80\x01",  # shorter than its own length
            b"\x80" * 4 + b"\x01",
            b"\x60",
            b"\x71" * (MAX_DEPTH + 1) + b"\x01",
        ],
    )
    def test_nonsense_is_refused(self, raw: bytes) -> None:
        with pytest.raises(DecodeError):
            element(Cursor(raw))

    def test_an_early_end_is_noticed(self) -> None:
        for raw in (b"\x05abc", b"\x73\x01\x01", b"\xff\xff\xff\x0f\x01"):
            with pytest.raises(Incomplete):
                element(Cursor(raw))

    def test_nesting_is_bounded_but_deep_enough(self) -> None:
        assert element(Cursor(b"\x71" * MAX_DEPTH + b"\x01"))


class TestEntries:
    """What a list says."""

    def test_a_number_is_exact(self) -> None:
        assert value(entry(TOTAL, unsigned(2**64 - 1, 8), scaler=-4)) == "1844674407370955.1615"
        assert value(entry(TOTAL, unsigned(2324), scaler=3)) == "2324000"
        assert value(entry(TOTAL, signed(-12), scaler=0, unit=27)) == "-12"
        assert value(entry(TOTAL, b"\x42\x01", scaler=0)) == "1"

    @pytest.mark.parametrize(
        "missing", [ABSENT, items([unsigned(1), UPTIME])], ids=["absent", "list"]
    )
    def test_an_entry_without_a_value_costs_itself_only(self, missing: bytes) -> None:
        assert said(entry(POWER, missing), ONE).keys() & {"1-0:16.7.0", "1-0:1.8.0"} == {
            "1-0:1.8.0"
        }

    def test_an_entry_without_scaler_and_unit(self) -> None:
        bare = items([octets(TOTAL), *[ABSENT] * 4, unsigned(15), ABSENT])
        reading = said(bare)["1-0:1.8.0"]
        assert (reading.value, reading.unit) == (Decimal(15), None)

    def test_an_absurd_scaler_says_nothing(self) -> None:
        assert "1-0:1.8.0" not in said(entry(TOTAL, unsigned(1), scaler=100))

    @pytest.mark.parametrize(
        ("raw", "text"),
        [
            (b"ISK", "ISK"),
            (b"1.02\0\0", "1.02"),
            (bytes.fromhex("0a01ff"), "0a01ff"),
            (b"\xe9t\xe9", "e974e9"),
            (b"\0\0", "0000"),
        ],
    )
    def test_octets_are_text_where_they_can_be_read(self, raw: bytes, text: str) -> None:
        assert value(entry(TOTAL, octets(raw))) == text

    @pytest.mark.parametrize(
        ("number", "unit"), [(30, "Wh"), (27, "W"), (8, "°"), (0, None), (255, None), (7, "dlms:7")]
    )
    def test_units(self, number: int, unit: str | None) -> None:
        assert said(entry(TOTAL, unsigned(1), unit=number))["1-0:1.8.0"].unit == unit

    @pytest.mark.parametrize(
        ("time", "moment"),
        [
            (UPTIME, None),
            (uptime(1_729_848_098), None),
            (unsigned(1_729_848_098, 4), None),
            (ABSENT, None),
            (
                items([unsigned(2), unsigned(1_729_848_098)]),
                datetime(2024, 10, 25, 9, 21, 38, tzinfo=UTC),
            ),
            (
                items([unsigned(3), items([unsigned(1_729_848_098), signed(60), signed(60)])]),
                datetime(2024, 10, 25, 11, 21, 38, tzinfo=timezone(timedelta(hours=2))),
            ),
            (items([unsigned(2), unsigned(1000)]), None),
            (items([unsigned(2), unsigned(2**63)]), None),
            (items([unsigned(3), items([unsigned(1_729_848_098), signed(9999), signed(0)])]), None),
        ],
    )
    def test_only_a_clock_is_a_time(self, time: bytes, moment: datetime | None) -> None:
        (telegram,) = telegrams("sml", file(entry(TOTAL, unsigned(1), time=time), clock=time))
        assert (telegram.time, telegram.readings[0].time) == (moment, moment)
        assert not any(isinstance(r.value, datetime) for r in telegram.readings)


class TestIdentity:
    """Who speaks, and in which state."""

    def test_the_id_of_a_meter_that_does_not_list_it_is_added(self) -> None:
        assert said(ONE)["1-0:0.0.9"].value == SERVER.hex()
        listed = entry(bytes.fromhex("0100600100ff"), octets(SERVER))
        assert "1-0:0.0.9" not in said(listed)

    def test_a_meter_is_known_as_printed_on_it(self) -> None:
        telegram = heard(ONE)
        assert (telegram.meter, telegram.ident) == ("1ISK0070001234", "ISK")

    def test_the_maker_may_stand_in_the_list_only(self) -> None:
        maker = entry(bytes.fromhex("8181c78203ff"), octets(b"HAGER"))
        telegram = heard(maker, server=b"1001185")
        assert (telegram.meter, telegram.ident) == ("1001185", "HAG")

    @pytest.mark.parametrize(
        ("word", "code"), [(0x1C0104, "1-0:96.5.0"), (0x182, "1-0:96.5.5"), (0x41B0, "1-0:96.5.5")]
    )
    def test_the_status_of_a_total_becomes_a_reading(self, word: int, code: str) -> None:
        assert said(entry(TOTAL, unsigned(1), status=unsigned(word)))[code].value == Decimal(word)

    def test_a_status_that_the_meter_names_itself_is_not_repeated(self) -> None:
        named = entry(bytes.fromhex("0100600500ff"), unsigned(0x1C0104), unit=255, scaler=0)
        total = entry(TOTAL, unsigned(1), status=unsigned(0x1C0904))
        readings = [r.value for r in heard(named, total).readings if str(r.id) == "1-0:96.5.0"]
        assert readings == [Decimal(0x1C0104)]


IMPORT, EXPORT = unsigned(0x1C0104), unsigned(0x1C0904)


def power(number: bytes, status: bytes, server: bytes, obis: bytes = POWER) -> str:
    total = entry(TOTAL, unsigned(1), status=status)
    return value(total, entry(obis, number, unit=27, scaler=-2), server=server)


class TestShortPowers:
    """DZG DVS74 call a power signed, but send only the bytes of an unsigned number."""

    @pytest.mark.parametrize(
        ("watts", "sent"),
        [
            ("1.28", "52 80"),
            ("356.24", "53 8b28"),
            ("507.00", "53 c60c"),
            ("84000.00", "54 802c80"),
        ],
    )
    def test_a_power_is_what_the_display_says(self, watts: str, sent: str) -> None:
        number = mistyped(int(Decimal(watts) * 100))
        assert number == bytes.fromhex(sent)
        assert power(number, IMPORT, DZG) == watts
        assert power(number, IMPORT, DZG, bytes.fromhex("0100240700ff")) == watts

    def test_four_bytes_are_enough(self) -> None:
        assert power(signed(-29912, 4), IMPORT, DZG) == "-299.12"

    def test_while_it_exports_a_power_is_negative(self) -> None:
        assert power(signed(-29912), EXPORT, DZG) == "-299.12"

    @pytest.mark.parametrize("status", [ABSENT, unsigned(0x182 | 0x10000)])
    def test_without_a_direction_a_power_is_left_alone(self, status: bytes) -> None:
        assert power(signed(-29912), status, DZG) == "-299.12"

    @pytest.mark.parametrize(
        "server", [DWSB20, SERVER, bytes.fromhex("0a01445a4700039e2053"), b"1001185"]
    )
    def test_other_meters_mean_what_they_say(self, server: bytes) -> None:
        assert power(signed(-31064), IMPORT, server) == "-310.64"

    def test_other_registers_mean_what_they_say(self) -> None:
        assert power(signed(-5), IMPORT, DZG, bytes.fromhex("0100100800ff")) == "-0.05"
