"""The cipher against the example that the standard prints, and frames against bytes by hand."""

from datetime import datetime

import pytest

from simulator.ciphering import Cipher, counter
from simulator.frames import blocks, mbus, wrapper
from simulator.meters import METERS, meter

from .reading import mbus_data

KEY = bytes(range(16))
AUTHENTICATION = bytes(range(0xD0, 0xE0))
TITLE = bytes.fromhex("4D4D4D0000BC614E")
CONTENT = bytes.fromhex("C0010000080000010000FF0200")


@pytest.mark.parametrize(
    ("control", "sealed"),
    [
        (0x10, "C0010000080000010000FF0200 06725D910F9221D263877516"),
        (0x20, "411312FF935A47566827C467BC"),
        (0x30, "411312FF935A47566827C467BC 7D825C3BE4A77C3FCC056B6B"),
    ],
)
def test_the_example_of_the_green_book(control: int, sealed: str) -> None:
    cipher = Cipher(title=TITLE, key=KEY, authentication=AUTHENTICATION, control=control)
    head = bytes([control]) + bytes.fromhex("01234567")
    assert cipher.body(CONTENT, 0x01234567) == head + bytes.fromhex(sealed)


def test_an_apdu_names_its_title_and_its_length() -> None:
    cipher = Cipher(title=TITLE, key=KEY, authentication=b"", control=0x20)
    assert cipher.seal(bytes(200), 1)[:14] == b"\xdb\x08" + TITLE + b"\x81\xcd\x20\x00"


def test_the_counter_rises_with_the_clock() -> None:
    moments = [datetime(2026, 1, 1, 0, 0, second) for second in range(5)]
    counters = list(map(counter, moments))
    assert counters == sorted(set(counters))


def test_a_long_apdu_takes_two_frames() -> None:
    frames = mbus(bytes(300))
    assert frames[:9] == bytes.fromhex("68fafa6853ff000167")
    assert frames[256:265] == bytes.fromhex("683c3c6853ff110167")
    assert mbus_data(frames) == bytes(300)


def test_a_length_of_257_overflows() -> None:
    assert mbus(bytes(252), 252)[:4] == bytes.fromhex("68010168")


def test_blocks_are_numbered_and_the_last_one_says_so() -> None:
    assert [block.hex() for block in blocks(b"abc", 2)] == [
        "e04000010000026162",
        "e0c00002000001" + "63",
    ]


def test_the_wrapper_counts_the_apdu() -> None:
    assert wrapper(b"abc").hex() == "0001000100010003616263"


def test_every_ciphered_meter_tells_its_keys() -> None:
    told = {name: meter(name).secrets for name in METERS}
    assert told["aidon"] == told["dlms-tcp"] == ""
    assert told["kaifa-at"] == "encryption key " + "A1" * 16
    assert told["e450-ch"] == f"encryption key {'A3' * 16}, authentication key {'B3' * 16}"
