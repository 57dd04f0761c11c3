"""Octets sent at some line settings and heard at others, as a UART has it."""

from random import Random

import pytest

from simulator.uart import Uart

SETTINGS = ("300 7E1", "2400 8N1", "2400 8E1", "9600 7E1", "9600 8N1", "115200 8N1", "9600 8O1")
KINDS = pytest.mark.parametrize("eager", [False, True], ids=["waiting", "eager"])


def octets(size: int, count: int = 300) -> bytes:
    return bytes(octet & (2**size - 1) for octet in Random(size).randbytes(count))


def heard(sent: str, at: str, data: bytes, *, eager: bool = False) -> bytes:
    return Uart.parse(at, eager=eager).hear(data, Uart.parse(sent))


@KINDS
@pytest.mark.parametrize("line", SETTINGS)
def test_at_the_same_settings_all_is_heard_as_it_was_sent(line: str, eager: bool) -> None:
    data = octets(int(line.split()[1][0]))
    assert heard(line, line, data, eager=eager) == data


@KINDS
def test_seven_bits_and_even_parity_are_eight_bits_with_an_even_number_of_ones(eager: bool) -> None:
    data = octets(7)
    said = heard("9600 7E1", "9600 8N1", data, eager=eager)
    assert bytes(octet & 0x7F for octet in said) == data
    assert all(octet.bit_count() % 2 == 0 for octet in said)


@KINDS
@pytest.mark.parametrize("sent", ["2400 8N1", "9600 8N1", "9600 7E1", "2400 8E1"])
def test_a_low_level_longer_than_a_frame_is_one_zero(sent: str, eager: bool) -> None:
    data = octets(7)
    said = heard(sent, "115200 8N1", data, eager=eager)
    assert set(said) == {0}
    assert len(data) <= len(said) <= 5 * len(data)  # one for every low level


@KINDS
def test_a_sender_four_times_slower_leaves_few_values(eager: bool) -> None:
    said = set(heard("2400 8N1", "9600 8N1", octets(8, 3000), eager=eager))
    assert {0x00, 0x78, 0x80, 0xF8} <= said
    assert len(said) == 4 or eager
    assert len(said) < 14


@KINDS
def test_a_sender_that_is_much_faster_leaves_few_bytes(eager: bool) -> None:
    assert 0 < len(heard("115200 8N1", "2400 8N1", octets(8, 1000), eager=eager)) < 40


def test_a_parity_bit_where_the_stop_bit_should_be() -> None:
    """Who waits for the line to go high reads on; who takes it for a start bit does not."""
    data = octets(8)
    assert heard("2400 8E1", "2400 8N1", data) == data
    assert heard("2400 8E1", "2400 8N1", data, eager=True) != data


def test_a_start_bit_where_the_stop_bit_should_be() -> None:
    data = octets(8)
    assert heard("2400 8N1", "2400 8E1", data, eager=True) == data
    assert heard("2400 8N1", "2400 8E1", data) != data


def test_a_parity_error_is_no_mark() -> None:
    data = octets(8)
    assert heard("9600 8O1", "9600 8E1", data) == data


@KINDS
def test_a_pulse_shorter_than_half_a_bit_is_no_start_bit(eager: bool) -> None:
    assert heard("115200 8N1", "9600 8N1", b"\xff", eager=eager) == b""


def test_octets_take_their_time() -> None:
    assert Uart.parse("2400 8E1").seconds(240) == pytest.approx(1.1)
    assert Uart.parse("115200 8N1").seconds(11520) == pytest.approx(1.0)
