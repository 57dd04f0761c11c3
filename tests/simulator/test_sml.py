"""SML frames, type-length-value and meters against bytes written by hand from the standard."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from simulator import sml, smlmeters
from simulator.checksums import crc16_x25
from simulator.smlmeter import SmlMeter
from simulator.snapshot import Phase, Snapshot

from .reading import sml_messages

IMPORTING = Snapshot(
    when=datetime(2026, 7, 1, 0, 0, 5, tzinfo=ZoneInfo("Europe/Berlin")),
    phases=(Phase(active_import=400, current=1750, voltage=2316), Phase(), Phase()),
    active_import=400,
    energy_import=2_324_987,
    tariffs_import=(324_000, 2_000_987),
    energy_export=12,
)
EXPORTING = Snapshot(
    when=IMPORTING.when,
    phases=(Phase(active_export=417), Phase(), Phase()),
    active_export=417,
    energy_import=2_324_987,
)


@pytest.mark.parametrize(
    ("encoded", "by_hand"),
    [
        (sml.octets(b"ISK"), "04 49534b"),
        (sml.octets(bytes(48))[:2], "83 02"),
        (sml.unsigned(0), "62 00"),
        (sml.unsigned(193), "62 c1"),
        (sml.unsigned(257, 2), "63 0101"),
        (sml.signed(-1), "52 ff"),
        (sml.signed(-417), "53 fe5f"),
        (sml.signed(193), "53 00c1"),
        (sml.signed(1, 8), "59 0000000000000001"),
        (sml.mistyped(35624), "53 8b28"),
        (sml.mistyped(-1), "52 ff"),
        (sml.items([sml.ABSENT] * 7), "77 01010101010101"),
        (sml.items([sml.ABSENT] * 20)[:2], "f1 04"),
        (sml.uptime(5), "72 6201 6500000005"),
    ],
)
def test_type_length_value(encoded: bytes, by_hand: str) -> None:
    assert encoded == bytes.fromhex(by_hand)


def test_a_message_checks_itself() -> None:
    raw = sml.message(1, 0x0201, sml.items([sml.ABSENT]), sml.x25)
    begun = bytes.fromhex("76 0500000001 6200 6200 72 630201 7101")
    assert raw == begun + b"\x63" + crc16_x25(begun).to_bytes(2, "little") + b"\0"


@pytest.mark.parametrize("size", range(4))
def test_a_frame_pads_and_doubles_escapes(size: int) -> None:
    inside = b"\x76" + b"\x1b" * 4 + bytes([0x77]) * size
    raw = sml.frame(inside, sml.x25)
    assert raw.count(b"\x1b" * 8) == 1
    assert sml_messages(raw).rstrip(b"\0") == inside


def said(meter: SmlMeter, snapshot: Snapshot) -> dict[str, Decimal | str]:
    return {code: value for code, (value, _) in meter.truth(snapshot).items()}


def test_without_its_pin_a_meter_tells_whole_kilowatt_hours() -> None:
    full, reduced = (said(m, IMPORTING) for m in (smlmeters.WITH_PIN, smlmeters.WITHOUT_PIN))
    assert (full["1-0:1.8.0"], full["1-0:16.7.0"]) == (Decimal("2324987.0"), Decimal(400))
    assert reduced["1-0:1.8.0"] == Decimal(2_324_000)
    assert "1-0:16.7.0" not in reduced


def test_the_status_word_tells_the_direction() -> None:
    assert said(smlmeters.WITH_PIN, IMPORTING)["1-0:96.5.0"] == 0x1C0104
    assert said(smlmeters.WITH_PIN, EXPORTING)["1-0:96.5.0"] == 0x1C1904
    assert said(smlmeters.EMH, IMPORTING)["1-0:96.5.5"] == 0x182
    assert said(smlmeters.EMH, EXPORTING)["1-0:96.5.5"] == 0x1A2
    assert said(smlmeters.EMH, EXPORTING)["1-0:15.7.0"] == 417


def test_an_entry_as_a_dzg_sends_it() -> None:
    raw = smlmeters.DZG.telegram(IMPORTING)
    by_hand = "77 070100100700ff 01 01 621b 52fe 53 9c40 01"  # 400.00 W
    assert bytes.fromhex(by_hand) in raw


def test_there_is_one_list_only() -> None:
    with pytest.raises(KeyError):
        smlmeters.WITH_PIN.telegram(IMPORTING, 2)
