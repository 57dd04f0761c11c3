"""Bodies without a frame, and hex text."""

import pytest

from .building import frame, notification
from .captures import SIMULATED
from .hearing import bytewise, events, skipped, telegrams

BODIES = {capture.name: capture.raw for capture in SIMULATED if capture.link == "llc-apdu"}
BODY = BODIES["llc-apdu/aidon/2"]
ONE = telegrams("llc-apdu", BODY)


@pytest.mark.parametrize(
    ("link", "body"), [("llc-apdu", BODY), ("apdu", BODY[3:])], ids=["llc-apdu", "apdu"]
)
class TestBody:
    """With an LLC header or without."""

    def test_follows_another(self, link: str, body: bytes) -> None:
        assert telegrams(link, body, body) == telegrams(link, body + body) == 2 * ONE

    def test_is_found_behind_noise(self, link: str, body: bytes) -> None:
        heard = events(link, b"\x7e\xa0\x01" + body)
        assert (skipped(heard), len(heard)) == (3, 2)

    def test_counts_only_whole(self, link: str, body: bytes) -> None:
        assert not any(telegrams(link, body[:end]) for end in range(len(body)))

    def test_is_given_up_in_a_silence(self, link: str, body: bytes) -> None:
        assert telegrams(link, body[:50]) == []


@pytest.mark.parametrize("rest", [BODY[:50], BODY[:8] + b"\xff" * 20], ids=["half", "damaged"])
@pytest.mark.parametrize("start", [0, 3], ids=["llc-apdu", "apdu"])
def test_what_follows_a_body_never_costs_it(start: int, rest: bytes) -> None:
    link = "apdu" if start else "llc-apdu"
    raw = BODY[start:] + rest
    assert telegrams(link, raw) == telegrams(link, *bytewise(raw)) == ONE


@pytest.mark.parametrize("name", ["aidon/3", "kaifa/1", "kaifa/2", "kamstrup/2", "kaifa-se/1"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r", b"\n\n\r\n", b""])
@pytest.mark.parametrize("form", ["frame", "body with header", "body"])
def test_a_line_of_hex_is_a_frame_or_a_body(name: str, end: bytes, form: str) -> None:
    body = BODIES[f"llc-apdu/{name}"]
    binary = {"frame": framed(name), "body with header": body, "body": body[3:]}[form]
    for digits in (binary.hex(), binary.hex().upper()):
        assert telegrams("hex", digits.encode() + end) == telegrams("llc-apdu", body)


def framed(name: str) -> bytes:
    return next(capture.raw for capture in SIMULATED if capture.name == name)


def test_hex_may_stand_behind_other_words() -> None:
    line = b"[12:00:01] telegram: " + frame(b"\x02\x01\x06\0\0\0\7").hex().encode() + b" ok\r\n"
    assert len(telegrams("hex", line, line)) == 2


@pytest.mark.parametrize(
    "line", [b"hello\n", b"00112233\n", b"00" * 40 + b"\n", b"7e" * 40 + b"\n"]
)
def test_a_line_that_holds_no_telegram_is_a_fault(line: bytes) -> None:
    assert telegrams("hex", line) == []
    assert len(events("hex", line)) == 1
    assert telegrams("hex", line, BODY.hex().encode() + b"\n") == ONE


def test_a_frame_in_hex_keeps_its_check() -> None:
    damaged = bytearray(frame(b"\x02\x01\x06\0\0\0\7"))
    damaged[-5] ^= 1
    assert telegrams("hex", damaged.hex().encode() + b"\n") == []


def test_a_list_of_one_power_is_the_shortest_body() -> None:
    assert len(telegrams("apdu", notification(b"\x02\x01\x06\0\0\0\7")[3:])) == 1
