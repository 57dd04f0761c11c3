"""P1 telegrams: what is one, and which of them count."""

from decimal import Decimal

import pytest

from custom_components.obis_meter.metering.links import LINKS
from custom_components.obis_meter.metering.model import Telegram
from custom_components.obis_meter.metering.session import Session

from .building import IDENT, p1
from .hearing import bytewise, events, telegrams

LINE = "1-0:1.8.0(000001.234*kWh)"
V5 = ("1-3:0.2.8(50)", LINE)
CHECKED = p1(LINE)
UNCHECKED = p1(LINE, crc=False)


def values(*chunks: bytes) -> list[list[str]]:
    """Return the numbers of each telegram."""
    return [
        [
            f"{reading.value:f}"
            for reading in telegram.readings
            if isinstance(reading.value, Decimal)
        ]
        for telegram in telegrams("p1", *chunks)
    ]


def with_check(wanted: str) -> tuple[bytes, str]:
    """Return a telegram whose CRC begins with some digits, and what it counts."""
    for number in range(100_000):
        raw = p1(f"1-0:1.8.0({number}*kWh)")
        if raw[-6:].startswith(wanted.encode()):
            return raw, str(number)
    raise AssertionError(wanted)


def with_even_parity(raw: bytes) -> bytes:
    return bytes(byte | (byte.bit_count() % 2) << 7 for byte in raw)


@pytest.mark.parametrize("raw", [CHECKED, UNCHECKED], ids=["checked", "unchecked"])
class TestEveryTelegram:
    """With a check or without."""

    def test_is_read(self, raw: bytes) -> None:
        (telegram,) = telegrams("p1", raw)
        assert telegram.ident == "TST5 1"
        assert [str(reading.id) for reading in telegram.readings] == ["1-0:1.8.0"]

    def test_may_have_lost_its_carriage_returns(self, raw: bytes) -> None:
        assert values(raw.replace(b"\r", b"")) == [["1.234"]]

    def test_may_be_followed_by_nul_or_fill(self, raw: bytes) -> None:
        assert values(raw + b"\0" * 3, raw + b"\xff" * 20 + b"\r\n", raw) == [["1.234"]] * 3

    def test_may_be_followed_by_text(self, raw: bytes) -> None:
        assert values(raw + b"RSSI 17! (3)\r\n", raw) == [["1.234"]] * 2

    def test_may_come_with_its_parity_bits(self, raw: bytes) -> None:
        assert values(*[with_even_parity(raw)] * 2) == [["1.234"]] * 2

    def test_may_stand_behind_half_of_another(self, raw: bytes) -> None:
        assert values(raw[:20] + raw, raw[:-7] + b"\r\n" + raw) == [["1.234"]] * 2

    def test_is_not_believed_with_odd_parity(self, raw: bytes) -> None:
        assert values(bytes(byte ^ 0x80 for byte in with_even_parity(raw))) == []


def test_the_end_mark_may_stand_on_the_last_line() -> None:
    assert values(p1(LINE, crc=False).replace(b")\r\n!", b")!")) == [["1.234"]]


def test_the_check_may_be_in_lower_case() -> None:
    raw, number = with_check("ABC")
    assert values(raw[:-6] + raw[-6:].lower()) == [[number]]


@pytest.mark.parametrize("zeros", [1, 2])
def test_the_check_may_lack_leading_zeros(zeros: int) -> None:
    raw, number = with_check("0" * zeros)
    assert values(raw[:-6] + raw[-6 + zeros :], CHECKED) == [[number], ["1.234"]]


def test_a_wrong_check_is_damage() -> None:
    wrong = CHECKED[:-6] + (b"0000" if CHECKED[-6:-2] != b"0000" else b"1111") + b"\r\n"
    assert values(wrong, CHECKED) == [["1.234"]]


@pytest.mark.parametrize("check", [b"12G4", b"....", b"-1F0", b"\xff\xff\xff\xff"])
def test_four_characters_that_are_no_check_are_damage(check: bytes) -> None:
    assert values(CHECKED[:-6] + check + b"\r\n", CHECKED) == [["1.234"]]


@pytest.mark.parametrize(
    "line",
    ["1-3:0.2.8(40)", "1-3:0.2.8(42)", "1-3:0.2.8(50)", "1-3:0.2.8*255(50)", "0-0:96.1.4(50217)"],
)
def test_a_version_that_has_a_check_must_carry_it(line: str) -> None:
    assert values(p1(line, LINE, crc=False)) == []
    assert len(telegrams("p1", p1(line, LINE))) == 1
    assert len(telegrams("p1", p1(LINE, line, crc=False), CHECKED)) == 1


def test_an_old_version_needs_no_check() -> None:
    assert len(telegrams("p1", p1("1-3:0.2.8(30)", LINE, crc=False))) == 1


def test_a_telegram_that_begins_inside_a_line_counts_with_a_check_only() -> None:
    assert values(b"/TST5 2\r\n\r\n1-0:1.7.0(00.3" + CHECKED) == [["1.234"]]
    assert values(b"1-0:1.7.0(00.3" + UNCHECKED) == []


def test_a_slash_in_the_text_is_no_start() -> None:
    raw = p1("0-0:96.13.0(and/or /abc)", LINE)
    assert values(raw, raw) == [["1.234"]] * 2


def test_a_telegram_without_readings_is_a_fault() -> None:
    assert telegrams("p1", p1("hello"), b"/\r\n\r\n!\r\n") == []


def test_an_odd_line_costs_that_line() -> None:
    odd = ("", "(", "1-0:1.7.0", "1-0:1.7.0(1", "1-0:1.7.0)1(", "\xff\xfe", "=?/", "1-0:1.7.0((1))")
    assert values(p1(*odd, LINE, *odd)) == [["1.234"]]


def test_text_between_telegrams_is_no_fault_but_noise_is() -> None:
    assert len(events("p1", b"hello\r\n" + CHECKED)) == 1
    assert len(events("p1", b"hel\x80lo\r\n" + CHECKED)) == 2


def test_the_newest_of_several_rows_counts() -> None:
    rows = [f"7-0:23.1.0(24-01-0{day} 06:00:00)(0000{day}*m3)" for day in (2, 3, 1)]
    assert values(p1(*rows)) == [["3"]]


def test_the_last_of_several_lines_without_time_counts() -> None:
    assert values(p1("1-0:1.7.0(1*kW)", "1-0:1.7.0(2*kW)")) == [["2"]]


def test_the_meter_s_clock_is_the_telegram_s_time() -> None:
    (telegram,) = telegrams("p1", p1("0-0:1.0.0(240102030405W)", LINE))
    assert telegram.time is not None
    assert f"{telegram.time}" == "2024-01-02 03:04:05"


def test_a_byte_that_is_not_ascii_costs_nothing() -> None:
    raw = p1("0-0:96.13.0(" + "\xff" * 1024 + ")", "0-1:24.2.1(240101000000W)(1.5*m\xb3)", LINE)
    assert values(raw) == [["1.5", "1.234"]]


def test_an_endless_telegram_is_given_up() -> None:
    session = Session(LINKS["p1"])
    heard = [event for _ in range(100) for event in session.feed(IDENT.encode() + b"(" * 999)]
    assert heard
    assert [event for event in session.feed(CHECKED) if isinstance(event, Telegram)]


@pytest.mark.parametrize("stray", [b")!\r\n", b")!\n", b")\r\n!\r\n"])
def test_a_stray_end_mark_never_publishes_half_a_telegram(stray: bytes) -> None:
    raw = p1("1-0:1.7.0(00.300*kW)", LINE)
    assert values(raw.replace(b")\r\n", stray, 1)) in ([], [["0.300", "1.234"]])


def test_a_mark_before_one_with_a_wrong_check_ends_nothing() -> None:
    """Heard at once or in single bytes: what ends with the second mark is damaged."""
    wrong = CHECKED[: CHECKED.rindex(b"!")] + b"!\r\n24.2.1(00001)\r\n!0000\r\n"
    for chunks in ((wrong + CHECKED,), bytewise(wrong + CHECKED)):
        assert values(*chunks) == [["1.234"]]
