"""What the bits of status words mean."""

from decimal import Decimal

import pytest

from custom_components.obis_meter.metering.flags import (
    EDL,
    FLAGS,
    FNN,
    exporting,
    is_set,
    status_word,
)
from custom_components.obis_meter.metering.model import ObisCode, Value


def flags(value: Value) -> set[tuple[str, int | None]]:
    """Return which flags a modern meter's word sets."""
    return {(flag.key, flag.phase) for flag in FLAGS[FNN] if is_set(FNN, value, flag.bit)}


VOLTAGES = {("voltage_present_phase", phase) for phase in (1, 2, 3)}


@pytest.mark.parametrize("word", [Decimal(0x1C7904), "001C7904"], ids=["number", "text"])
def test_a_dzg_that_exports_on_all_phases(word: Value) -> None:
    directions = {("exporting", None), *(("exporting_phase", n) for n in (1, 2, 3))}
    assert flags(word) == VOLTAGES | directions | {("above_starting_current", None)}


def test_an_iskra_whose_phases_are_wired_in_the_wrong_order() -> None:
    word = Decimal(0x1C8104)
    assert flags(word) == VOLTAGES | {("above_starting_current", None), ("phase_sequence", None)}


@pytest.mark.parametrize("word", [Decimal(0x182), Decimal(-1), Decimal("4.5"), "80", "no word"])
def test_another_word_says_nothing(word: Value) -> None:
    assert all(is_set(FNN, word, flag.bit) is None for flag in FLAGS[FNN])


def test_a_bit_of_a_word_without_fixed_bits() -> None:
    assert is_set("04000501", Decimal(0b100), 2) is True
    assert is_set("04000501", Decimal(0b100), 1) is False


@pytest.mark.parametrize(
    ("word", "exports"),
    [
        (0x1C0104, False),
        (0x1C0904, True),
        (0x182, False),
        (0x1A2, True),
        (0x41B0, True),  # EasyMeter Q3C
        (0x10180, None),  # eBZ: more than the 16 bits that are known
    ],
)
def test_the_direction_of_power(word: int, exports: bool | None) -> None:
    assert exporting(status_word(word), Decimal(word)) is exports


def test_other_registers_have_no_direction() -> None:
    assert exporting(ObisCode(1, 0, 1, 8, 0), Decimal(0x1C0904)) is None
    assert exporting(EDL, "A2") is None


def test_a_bit_has_one_meaning() -> None:
    for rows in FLAGS.values():
        assert (
            len({flag.bit for flag in rows}) == len({(f.key, f.phase) for f in rows}) == len(rows)
        )
