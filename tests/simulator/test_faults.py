"""What a bad line does, and that it does the same again."""

import pytest

from simulator.faults import Line

TELEGRAM = bytes(range(256)) * 4


def test_a_good_line_changes_nothing() -> None:
    assert list(Line().carry(TELEGRAM)) == [TELEGRAM]


def test_chunks() -> None:
    pieces = list(Line(chunk=7).carry(TELEGRAM))
    assert b"".join(pieces) == TELEGRAM
    assert {len(piece) for piece in pieces[:-1]} == {7}


def test_damage_flips_bits_and_keeps_the_length() -> None:
    (arrived,) = Line(damage=0.1).carry(TELEGRAM)
    flips = [a ^ b for a, b in zip(arrived, TELEGRAM, strict=True) if a != b]
    assert 40 < len(flips) < 250
    assert all(flip.bit_count() == 1 for flip in flips)


def test_lost_bytes_are_gone() -> None:
    (arrived,) = Line(lose=0.1).carry(TELEGRAM)
    assert 750 < len(arrived) < 1000
    assert list(Line(lose=1).carry(TELEGRAM)) == []


def test_noise_comes_before_the_telegram() -> None:
    (arrived,) = Line(noise=1).carry(TELEGRAM)
    assert arrived.endswith(TELEGRAM)
    assert 1 <= len(arrived) - len(TELEGRAM) <= 32


def test_the_seed_decides() -> None:
    def day(seed: int) -> list[bytes]:
        line = Line(damage=0.01, lose=0.01, noise=0.5, seed=seed)
        return [piece for _ in range(5) for piece in line.carry(TELEGRAM)]

    assert day(1) == day(1) != day(2)


@pytest.mark.parametrize("chances", [(1.5, 0.0, 0.0), (0.0, -0.1, 0.0), (0.0, 0.0, 2.0)])
def test_impossible_chances_are_refused(chances: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="probabilities"):
        Line(*chances)


def test_a_chunk_has_a_size() -> None:
    with pytest.raises(ValueError, match="chunk"):
        Line(chunk=-1)
