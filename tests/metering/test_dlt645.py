"""Frames and values of DL/T 645: what the laws over captures leave open."""

from datetime import datetime
from decimal import Decimal
import re

from hypothesis import given, strategies as st
import pytest

from custom_components.obis_meter.metering.errors import (
    DecodeError,
    MeteringError,
    NoSuchData,
    Refused,
    RequestError,
)
from custom_components.obis_meter.metering.links.dlt645 import present_rate, present_step
from custom_components.obis_meter.metering.links.dlt645.answers import (
    decode,
    joined,
    refusal,
    telegram,
)
from custom_components.obis_meter.metering.links.dlt645.data import readings
from custom_components.obis_meter.metering.links.dlt645.events import KINDS
from custom_components.obis_meter.metering.links.dlt645.frame import (
    address_of,
    frames,
    request,
    take,
)
from custom_components.obis_meter.metering.links.dlt645.identifiers import IDENTIFIERS, items
from custom_components.obis_meter.metering.links.dlt645.polls import polls
from custom_components.obis_meter.metering.links.dlt645.status import BITS
from custom_components.obis_meter.metering.model import Access, ObisCode, Reading, Telegram
from custom_components.obis_meter.metering.security import Security
from simulator.dlt645wire import bcd, frame, requests

from .hearing import events, telegrams

ADDRESS = "202107072529"


def answer(identifier: str, octets: bytes, control: int = 0x91) -> bytes:
    return frame(ADDRESS, control, bytes.fromhex(identifier)[::-1] + octets)


def read(identifier: str, octets: bytes) -> dict[str, Decimal | str | datetime]:
    return {str(reading.id): reading.value for reading in readings(identifier, octets)}


# --- frames ---


@given(
    st.text("0123456789", min_size=12, max_size=12), st.integers(0, 0x7F), st.binary(max_size=200)
)
def test_a_meter_understands_our_requests(address: str, function: int, data: bytes) -> None:
    buffer = bytearray(request(address, function, data))
    assert list(requests(buffer)) == [(address, function, data)]


@given(st.binary(max_size=255), st.integers(0x80, 0xFF))
def test_what_a_meter_sends_is_taken_whole(data: bytes, control: int) -> None:
    buffer = bytearray(frame(ADDRESS, control, data))
    assert take(buffer) == bytes.fromhex(ADDRESS)[::-1] + bytes([control, len(data)]) + data
    assert not buffer


@pytest.mark.parametrize("wake", [0, 1, 4, 40])
def test_any_number_of_wake_up_bytes_may_come_first(wake: int) -> None:
    raw = frame(ADDRESS, 0x91, bytes.fromhex("00010000")[::-1] + bcd(123, 4), wake)
    (event,) = events("dlt645", raw)
    assert isinstance(event, Telegram)


def test_a_request_is_no_event() -> None:
    assert events("dlt645", request(ADDRESS, 0x11, bytes(4))) == []


@pytest.mark.parametrize("address", ["AA" * 6, "AAAAAAAA2529", "99" * 6])
def test_an_address_that_others_share_is_not_learnt(address: str) -> None:
    raw = frame(address, 0x91, bytes.fromhex("00010000")[::-1] + bcd(123, 4))
    assert [telegram.meter for telegram in telegrams("dlt645", raw)] == [None]
    assert telegrams("dlt645", frame(address, 0x93, bytes.fromhex(address)[::-1])) == [
        Telegram((), None)
    ]


def test_an_address_that_was_asked_for_is_an_identity_and_no_reading() -> None:
    raw = frame("AA" * 6, 0x93, bytes.fromhex(ADDRESS)[::-1])
    assert telegrams("dlt645", raw) == [Telegram((), ADDRESS)]


def test_an_address_may_be_given_as_it_is_printed() -> None:
    assert address_of(" 2021 0707 2529 ") == ADDRESS
    assert address_of("193600") == "000000193600"
    for text in ("2021070725290", "20210707252x"):
        with pytest.raises(RequestError):
            address_of(text)


@pytest.mark.parametrize(
    ("control", "bits", "kind", "why"),
    [
        (0xD1, 0x02, NoSuchData, "it has no such data"),
        (0xC1, 0x02, NoSuchData, "it has no such data"),
        (0xD4, 0x02, Refused, "it has no such data"),
        (0xD4, 0x04, Refused, "the password is wrong or does not suffice"),
        (0xD7, 0x08, Refused, "the speed cannot be changed"),
        (0xD4, 0x70, Refused, "too many year zones, .* day slots, .* rates"),
        (0xDC, 0x01, Refused, "it gives another reason"),
        (0xDC, 0x00, Refused, "it does not say why"),
    ],
)
def test_a_refusal_says_why(control: int, bits: int, kind: type[MeteringError], why: str) -> None:
    (event,) = events("dlt645", frame(ADDRESS, control, bytes([bits])))
    assert type(event) is kind
    with pytest.raises(kind, match=why):
        raise event


# --- values ---


@given(st.integers(-79_999_999, 79_999_999))
def test_numbers_are_exact(number: int) -> None:
    (value,) = read("00000000", bcd(number, 4)).values()
    assert value == Decimal(number).scaleb(-2)
    assert f"{value}" == f"{Decimal(number).scaleb(-2) + 0}"


@pytest.mark.parametrize("row", [di for di in IDENTIFIERS if "." not in di])
def test_what_is_absent_is_left_out(row: str) -> None:
    ((_, field),) = items(row)
    assert not readings(row, b"\xff" * field.octets)


@pytest.mark.parametrize(
    "identifier", ["00010000", "02030000", "04000101", "03110000", "901F", "B611", "05060001"]
)
@pytest.mark.parametrize("size", [0, 1, 7, 9, 21])
def test_a_value_of_a_wrong_length_is_not_read(identifier: str, size: int) -> None:
    with pytest.raises(DecodeError):
        readings(identifier, bytes(size))


@given(
    st.sampled_from([row.replace(".", "1") for row in IDENTIFIERS if len(row) == 8]),
    st.binary(max_size=14),
    st.sampled_from([0x91, 0xB1, 0x81, 0xD1]),
)
def test_an_answer_reads_the_same_whether_its_head_was_seen_before(
    identifier: str, octets: bytes, control: int
) -> None:
    payload = take(bytearray(answer(identifier, octets, control)))
    assert payload
    first, *rest = frames(payload)

    def plainly() -> list[Telegram]:
        if first.refused:
            raise refusal(first)
        return [telegram(joined(first, rest))]

    for _ in range(2):
        try:
            wanted: object = plainly()
        except MeteringError as err:
            with pytest.raises(type(err), match=re.escape(str(err))):
                decode(payload, Security())
        else:
            assert decode(payload, Security()) == wanted


def test_a_value_that_is_no_bcd_costs_itself_only() -> None:
    octets = bcd(2301, 2) + b"\x0b\x22" + bcd(2299, 2)
    assert read("0201FF00", octets) == {
        "1-0:32.7.0": Decimal("230.1"),
        "1-0:72.7.0": Decimal("229.9"),
    }


@pytest.mark.parametrize("count", range(2, 65))
def test_separated_items_read_like_plain_ones(count: int) -> None:
    parts = [bcd(1000 + n, 4) for n in range(count)]
    plain = readings("0001FF00", b"".join(parts))
    assert len(plain) == count
    assert readings("0001FF00", b"\xaa".join(parts)) == plain


def test_every_rate_and_settlement_has_its_code() -> None:
    codes = [str(name) for name, _ in items("0001FF0C")]
    assert codes == [f"1-0:1.8.{rate}*12" for rate in range(64)]
    assert not items("00014000")
    assert not items("0001000D")


@pytest.mark.parametrize(
    ("identifier", "octets", "expected"),
    [
        ("01010000", "005000 5512071126", {"1-0:1.6.0": Decimal("0.5")}),
        ("04000101", "01201126", {"04000101": "2026-11-20"}),
        ("04000106", "0000010127", {"04000106": datetime(2027, 1, 1)}),
        ("0400010C", "301505 05 201126", {"0400010C": datetime(2026, 11, 20, 5, 15, 30)}),
        ("04010000", "010101 020107", {"04010000": "01-01 1", "04010000.1": "07-01 2"}),
        ("04010001", "020007 040023", {"04010001": "07:00 2", "04010001.1": "23:00 4"}),
        ("0280000B", "70560000", {"0280000B": Decimal("0.5670")}),
        ("02800007", "3580", {"0-0:96.9.0": Decimal("-3.5")}),
        ("0280000A", "21430500", {"0-0:96.6.0": Decimal(54321)}),
        ("00900200", "45230100", {"00900200": Decimal("123.45")}),
        ("04050101", "12560000", {"04050101": Decimal("0.5612")}),
        ("04000404", "000056303232", {"04000404": "220V"}),
        ("00150000", "01000000", {"1-0:21.8.0": Decimal("0.01")}),
        ("003E0000", "01000000", {"1-0:62.8.0": Decimal("0.01")}),
    ],
)
def test_a_layout_reads(identifier: str, octets: str, expected: dict[str, object]) -> None:
    assert read(identifier, bytes.fromhex(octets)) == expected


def test_a_demand_bears_its_time() -> None:
    (reading,) = readings("01010000", bytes.fromhex("0050005512071126"))
    assert reading == Reading(
        ObisCode(1, 0, 1, 6, 0), Decimal("0.5"), "kW", datetime(2026, 11, 7, 12, 55)
    )


def test_counts_of_phases_come_with_the_minutes_they_took() -> None:
    octets = b"".join(bcd(n, 3) + bcd(10 * n, 3) for n in (1, 2, 3))
    assert readings("03010000", octets)[:2] == [
        Reading("03010100", Decimal(1)),
        Reading("03010100.1", Decimal(10), "min"),
    ]


def test_a_record_bears_its_begin() -> None:
    begin, end = bytes.fromhex("001510191126"), bytes.fromhex("302010191126")
    when = datetime(2026, 11, 19, 10, 15)
    span = "2026-11-19T10:15:00/2026-11-19T10:20:30"
    operator = bytes(4)
    for identifier, octets in {
        "03110001": begin + end,
        "03050001": begin + bytes(3) + end,
        "03300401": operator + begin + end,
        "03300D01": begin + end + bytes(48),
    }.items():
        assert readings(identifier, octets) == [Reading(identifier, span, time=when)]
    assert readings("03300001", begin + bytes(44)) == [Reading("03300001", when, time=when)]
    assert read("03110001", begin + bytes(6)) == {"03110001": "2026-11-19T10:15:00/"}
    assert read("03110001", bytes(12)) == {}


def load_record(content: bytes) -> bytes:
    record = b"\xa0\xa0" + bytes([len(content)]) + content
    return record + bytes([sum(record) % 256, 0xE5])


def test_load_records_follow_each_other() -> None:
    energies = b"".join(bcd(n, 4) for n in (100, 200, 300, 400))
    records = [
        load_record(bytes.fromhex(f"{minute}15201126") + b"\xaa" * 3 + energies + b"\xaa" * 3)
        for minute in ("00", "15")
    ]
    said = readings("06000001", b"".join(records))
    assert [(str(r.id), r.value, r.time) for r in said[::4]] == [
        ("1-0:1.8.0", 1, datetime(2026, 11, 20, 15)),
        ("1-0:1.8.0", 1, datetime(2026, 11, 20, 15, 15)),
    ]
    alone = load_record(bytes.fromhex("0015201126") + energies + b"\xaa")
    assert readings("06040001", alone) == said[:4]


@pytest.mark.parametrize("at", range(0, 32, 3))
def test_a_damaged_load_record_publishes_nothing(at: int) -> None:
    raw = bytearray(
        load_record(bytes.fromhex("0015201126") + b"\xaa" * 3 + bytes(16) + b"\xaa" * 3)
    )
    raw[at % len(raw)] ^= 0x11
    with pytest.raises(DecodeError):
        readings("06000001", bytes(raw))


def test_an_unknown_identifier_is_a_fault() -> None:
    (event,) = events("dlt645", answer("028022FF", bytes(8)))
    assert isinstance(event, DecodeError)


# --- tables ---


def test_a_pattern_is_as_long_as_an_identifier() -> None:
    assert {len(pattern) for pattern in IDENTIFIERS} == {4, 8}


def test_a_code_has_one_identifier() -> None:
    blocks = ("00{:02X}FF00", "01{:02X}FF00", "02{:02X}FF00")
    names = [name for form in blocks for n in range(0x60) for name, _ in items(form.format(n))]
    names += [items(di)[0][0] for di in IDENTIFIERS if "." not in di and len(di) == 8]
    assert len(set(names)) == len(names)
    assert len([name for name in names if isinstance(name, ObisCode)]) > 1000


@pytest.mark.parametrize(
    ("identifier", "size"),
    [("03100000", 27), ("03110000", 4), ("0311000B", 12), ("03110001", 11), ("05061101", 4)],
)
def test_what_no_layout_fits_is_a_fault(identifier: str, size: int) -> None:
    with pytest.raises(DecodeError):
        readings(identifier, bytes(size))


def test_frozen_powers_are_total_and_phases() -> None:
    said = read("05001001", b"".join(bcd(n, 3) for n in range(8)))
    assert list(said) == ["05001001", *(f"05001001.{n}" for n in range(1, 8))]


def test_every_kind_of_event_has_a_count_and_records() -> None:
    named = [(kind.key, kind.phase) for kind in KINDS.values()]
    assert len(set(named)) == len(named)
    for kind in KINDS.values():
        assert kind.record(10) == f"{kind.counter[:6]}0A"
        assert not readings(kind.record(10), bytes(60))


def test_a_bit_of_a_word_is_named_once() -> None:
    for word, bits in BITS.items():
        assert items(word)
        assert len({bit.bit for bit in bits}) == len(bits)
    named = [(bit.key, bit.phase) for bits in BITS.values() for bit in bits]
    assert len(set(named)) == len(named)


def test_everything_that_is_polled_is_known() -> None:
    for access in (Access(ADDRESS), Access(ADDRESS, dialect="1997")):
        keys = [poll.key for poll in polls(access)]
        assert len(set(keys)) == len(keys)
        for poll in polls(access):
            for key in (poll.key, *(single.key for single in poll.instead)):
                assert items(key) or key[:2] == "03", key


# --- tariffs ---

TABLES = {
    "04010000": "03-01 1",
    "04010000.1": "11-01 2",
    "04010001": "07:00 2",
    "04010001.1": "23:00 4",
    "04010002": "00:00 3",
    "04010003": "00:00 1",
}


@pytest.mark.parametrize(
    ("when", "rate"),
    [
        (datetime(2026, 6, 2, 7), 2),
        (datetime(2026, 6, 2, 22, 59), 2),
        (datetime(2026, 6, 2, 23), 4),
        (datetime(2026, 6, 2, 6, 59), 4),
        (datetime(2026, 11, 1), 3),
        (datetime(2026, 1, 1), 3),
    ],
)
def test_the_rate_follows_from_the_tables(when: datetime, rate: int) -> None:
    assert present_rate(TABLES, when) == rate
    assert present_rate(TABLES, when, second=True) is None


def test_holidays_and_days_off_have_tables_of_their_own() -> None:
    holiday = {"04000205": Decimal(1), "04030001": "26060203"}
    assert present_rate(TABLES | holiday, datetime(2026, 6, 2, 12)) == 1
    assert present_rate(TABLES | holiday, datetime(2026, 6, 3, 12)) == 2
    off = {"04000801": Decimal(0b0111110), "04000802": Decimal(2)}
    assert present_rate(TABLES | off, datetime(2026, 6, 5, 12)) == 2
    assert present_rate(TABLES | off, datetime(2026, 6, 6, 12)) == 3
    assert present_rate(TABLES | off, datetime(2026, 6, 7, 12)) == 3


def test_a_rate_is_unknown_where_holidays_are_not_told() -> None:
    assert present_rate(TABLES | {"04000205": Decimal(2)}, datetime(2026, 6, 2)) is None
    assert present_rate({}, datetime(2026, 6, 2)) is None


def test_the_step_follows_from_what_was_used() -> None:
    steps = {"04060001": Decimal(240), "04060002": Decimal(400), "04060003": Decimal(0)}
    for used, step in ((0, 1), (239, 1), (240, 2), (399, 2), (1000, 3)):
        assert present_step(steps | {"000B0000": Decimal(used)}) == step
    assert present_step(steps) is None
    assert present_step({"000B0000": Decimal(1)}) is None
