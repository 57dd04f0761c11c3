"""No input raises, fills the memory, or is looked at for ever."""

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import given, settings, strategies as st
import pytest

from benchmarks.fuzzing.patterns import FLOODS
from custom_components.obis_meter.metering.detect import Detector
from custom_components.obis_meter.metering.dialogue import MAX_PENDING
from custom_components.obis_meter.metering.errors import FrameError, MeteringError
from custom_components.obis_meter.metering.keys import Keys
from custom_components.obis_meter.metering.links import LINKS, Link
from custom_components.obis_meter.metering.model import Message, Telegram
from custom_components.obis_meter.metering.security import Security
from custom_components.obis_meter.metering.session import Session
from simulator import sml
from simulator.ciphering import Cipher
from simulator.dlt645wire import frame as dlt645_frame
from simulator.frames import blocks, mbus, wrapper
from simulator.optical import block

from .building import ADDRESS, notification, p1
from .captures import SIMULATED
from .hearing import LONG

EXAMPLES = 3000 if LONG else 30
FUZZ = settings(max_examples=EXAMPLES, derandomize=not LONG)
OPENINGS = (
    b"\x7e\xa0",
    b"\xe6\xe7\x00\x0f",
    b"\x0f\0\0\0\0\0",
    b"/abc",
    b"\xaf\xe1bc",
    b"!",
    b"\n",
    b"\x1b\x1b\x1b\x1b\1\1\1\1",
    b"\x1b\x1b\x1b\x1b\x1a\0\0\0",
    b"\x68\x10\x10\x68\x53\xff\x00",
    b"\x68\x01\x01\x68",
    b"\0\1\0\1\0\1\0\x20\x0f",
    b"\xdb\x08ABCdefgh\x40\x30",
    b"\xdb\x08ABCdefgh\x82\x01\x00\x30\0\0\0\1",
    b"/abc5\r\n\r\n\0\x82\0\x40\x30\0\0\0\1",
    b"\xe0\x40\0\1\0\0",
    b"\x02F.F(00)\r\n",
    b"/abc5\r\n\x02",
    b"!\r\n\x03",
    b"\x80\x83\x85\x80",
    b"\xfe\xfe\x68\x29\x25\x07\x07\x21\x20\x68\x91",
)

KEYS = Keys(bytes(16))
BYTES = st.lists(st.binary(max_size=40) | st.sampled_from(OPENINGS), max_size=20).map(b"".join)


def _length(count: int, size: int) -> bytes:
    return bytes([count & 0x7F]) if not size else bytes([0x80 | size]) + count.to_bytes(size, "big")


LENGTHS = st.builds(_length, st.integers(0, 255), st.integers(0, 4))
LEAVES = st.one_of(
    st.builds(lambda tag, rest: bytes([tag]) + rest, st.integers(0, 0x1B), st.binary(max_size=8)),
    st.builds(lambda size, rest: b"\x09" + size + rest, LENGTHS, st.binary(max_size=12)),
    st.sampled_from(
        (b"\x00", b"\x06\0\0\0\1", b"\x09\x06\1\0\1\7\0\xff", b"\x02\x02\x0f\0\x16\x1b")
    ),
)
AXDR = st.recursive(
    LEAVES,
    lambda items: st.builds(
        lambda tag, size, inner: tag + size + b"".join(inner),
        st.sampled_from((b"\x01", b"\x02", b"\x13\x11", b"\x13\x02\x02\x06", b"\x13\x01\xff\xff")),
        LENGTHS,
        st.lists(items, max_size=5),
    ),
    max_leaves=12,
)
TLV = st.recursive(
    st.builds(
        lambda kind, size, rest: bytes([kind << 4 | size]) + rest,
        st.integers(0, 15),
        st.integers(0, 15),
        st.binary(max_size=9),
    )
    | st.sampled_from(
        (b"\x01", b"\x62\x1e", b"\x52\xff", b"\x72\x62\x01\x65\0\0\0\1", b"\x07\1\0\1\x08\0\xff")
    ),
    lambda members: st.lists(members, max_size=15).map(sml.items),
    max_leaves=20,
)
GROUPS = st.text("0123456789.*-+:SWkhm3 \xb3()!/", max_size=16)
DATA_LINES = st.builds(
    lambda address, groups: address + "".join(f"({group})" for group in groups),
    st.sampled_from(("1-0:1.8.0", "0-1:24.3.0", "0-0:1.0.0", "1-0:99.97.0", "F.F", "0-0:96.1.0"))
    | st.text("0123456789.:*-CF", max_size=12),
    st.lists(GROUPS, max_size=8),
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    raw = bytearray(draw(st.sampled_from(SIMULATED)).raw)
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(raw)))
        raw[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(raw)


def assert_hears(data: bytes) -> None:
    """Feed data to every link and to a detector, whole, in pieces, and after a silence."""
    detector = Detector(KEYS)
    for link in LINKS.values():
        session = Session(link, Security(KEYS))
        for chunk in (data, data[: len(data) // 2], data[len(data) // 2 :]):
            for event in session.feed(chunk):
                assert isinstance(event, Telegram | Message | MeteringError)
            assert session.pending <= MAX_PENDING
        assert all(
            isinstance(event, Telegram | Message | MeteringError) for event in session.idle()
        )
        assert session.pending <= MAX_PENDING
    detector.feed(data)
    detector.idle()
    detector.feed(data)


TEXTS = BYTES.map(lambda rest: b"/abc5\r\n\r\n" + rest)


@FUZZ
@given(BYTES)
def test_any_bytes(data: bytes) -> None:
    assert_hears(data)


@FUZZ
@given(mutated())
def test_mutated_telegrams(data: bytes) -> None:
    assert_hears(data)


@FUZZ
@given(AXDR, st.booleans())
def test_any_data_in_intact_frames(body: bytes, twice: bool) -> None:
    information = notification(body)
    assert_hears(ADDRESS.frame(information) * (1 + twice))
    assert_hears(information)
    assert_hears(information[3:])
    assert_hears(information.hex().encode() + b"\r\n")


@FUZZ
@given(st.lists(TLV, max_size=8), st.booleans())
def test_any_list_in_intact_files(entries: list[bytes], right: bool) -> None:
    check = sml.x25 if right else lambda data: b"\0\0"
    assert_hears(sml.get_list_file(1, b"server", sml.uptime(1), entries, sml.x25))
    message = sml.message(1, 0x0701, sml.items(entries), check)
    assert_hears(sml.frame(message + b"".join(entries), sml.kermit))


@FUZZ
@given(
    AXDR | BYTES | BYTES.map(lambda rest: b"/abc5\r\n\r\n" + rest),
    st.sampled_from((0x10, 0x20, 0x30)),
)
def test_any_content_in_a_cipher(content: bytes, control: int) -> None:
    cipher = Cipher(title=b"ABCdefgh", key=KEYS.encryption, authentication=b"", control=control)
    for inside in (content, notification(content)[3:], *blocks(content, 50)):
        apdu = cipher.seal(inside, 1)
        assert_hears(apdu)
        assert_hears(mbus(apdu))
        assert_hears(wrapper(apdu))
        assert_hears(ADDRESS.frame(apdu) + b"".join(map(ADDRESS.frame, blocks(apdu, 30))))


@FUZZ
@given(st.lists(DATA_LINES, max_size=8), st.booleans())
def test_any_lines_in_intact_telegrams(lines: list[str], crc: bool) -> None:
    assert_hears(p1(*lines, crc=crc))


@FUZZ
@given(st.lists(DATA_LINES, max_size=8), st.sampled_from((0x03, 0x04)), st.booleans())
def test_any_lines_in_intact_data_messages(lines: list[str], end: int, check: bool) -> None:
    body = "\r\n".join(lines).encode("ascii", "ignore").decode() + "!\r\n"
    assert_hears(block(body, end, check=check))
    assert_hears(block(body.replace("!", ""), end, check=check))


KNOWN = (
    *("00010000", "0001FF00", "0000FFFF", "0101FF00", "0203FF00", "02060000", "04000101"),
    *("04000404", "040005FF", "04010001", "03010000", "03110001", "03300401", "05060101"),
    *("05040001", "06000001", "06010001", "901F", "B63F", "C010"),
)


@FUZZ
@given(
    st.integers(0x80, 0xFF), st.binary(min_size=2, max_size=4), st.binary(max_size=100), st.data()
)
def test_any_data_in_intact_frames_of_a_bus(
    control: int, identifier: bytes, rest: bytes, data: st.DataObject
) -> None:
    asked = data.draw(st.sampled_from((identifier, *map(bytes.fromhex, KNOWN))))
    sent = dlt645_frame("202107072529", control, asked[::-1] + rest)
    assert_hears(sent)
    assert_hears(dlt645_frame("202107072529", 0xB1, asked[::-1] + rest) + sent)


KIB = 16 * 1024


def counted(link: Link) -> tuple[Link, list[int]]:
    """Return a link that counts how often it is asked for a frame, and the count."""
    calls = [0]

    def take(buffer: bytearray) -> bytes | None:
        calls[0] += 1
        before = len(buffer)
        try:
            return link.take(buffer)
        except FrameError:
            assert len(buffer) < before, "nothing was removed"
            raise

    return replace(link, take=take), calls


def floods() -> Iterator[bytes]:
    size = KIB if LONG else KIB // 4
    for pattern in FLOODS.values():
        yield (pattern * (size // len(pattern) + 1))[:size]


@pytest.mark.parametrize("flood", floods(), ids=FLOODS)
def test_no_flood_is_looked_at_for_ever(flood: bytes) -> None:
    for plain in LINKS.values():
        link, calls = counted(plain)
        session = Session(link)
        for at in range(0, len(flood), 1024):
            list(session.feed(flood[at : at + 1024]))
            assert session.pending <= MAX_PENDING
        list(session.idle())
        assert calls[0] <= 2 * len(flood) + 100, link.name
        assert session.pending <= 1
