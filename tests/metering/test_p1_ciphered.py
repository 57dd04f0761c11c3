"""P1 in cipher: where it begins and ends, and what is inside."""

import pytest

from custom_components.obis_meter.metering.errors import DecodeError, DecryptError, Lock
from custom_components.obis_meter.metering.keys import Keys
from custom_components.obis_meter.metering.links import LINKS
from custom_components.obis_meter.metering.security import Security
from custom_components.obis_meter.metering.session import Event, Session
from simulator.checksums import crc16_arc
from simulator.ciphering import Cipher

from .building import IDENT, notification, p1
from .hearing import bytewise, only_telegrams, telegrams

KEYS = Keys(bytes(range(16)), bytes(range(0xD0, 0xE0)))
PLAIN_LIST = notification(b"\x02\x01\x06\0\0\0\7")[3:]
AT_ONCE = p1("1-0:1.8.0(000001.234*kWh)", "0-0:96.1.0(303132333435)")
LINES = AT_ONCE[len(IDENT) : -7]


def ciphered(counter: int = 1, text: bytes = AT_ONCE, title: bytes = b"SAGgp\0\4\xd2") -> bytes:
    return _cipher(title).seal(text, counter)


def _cipher(title: bytes) -> Cipher:
    key, authentication = KEYS.encryption, KEYS.authentication or b""
    return Cipher(title=title, key=key, authentication=authentication, control=0x30)


def named(counter: int = 1, lines: bytes = LINES, *, over: str = "wire") -> bytes:
    """Return a telegram of Elgama: what stands between identification and check is ciphered."""
    body = _cipher(b"").body(lines, counter)
    wire = IDENT.encode() + b"\0\x81" + bytes([len(body)]) + body + b"!"
    checked = wire if over == "wire" else IDENT.encode() + lines + b"!"
    return wire + b"%04X\r\n" % crc16_arc(checked)


def opened(*chunks: bytes, keys: Keys | None = KEYS) -> list[Event]:
    session = Session(LINKS["p1"], Security(keys))
    return [*(event for chunk in chunks for event in session.feed(chunk)), *session.idle()]


(CLEAR,) = telegrams("p1", AT_ONCE)
FORMS = [ciphered(), named(), named(over="text")]
over_forms = pytest.mark.parametrize("raw", FORMS, ids=["whole", "named", "named, CRC of text"])


@over_forms
class TestCiphered:
    """All of it, or all between identification and check."""

    def test_is_opened(self, raw: bytes) -> None:
        assert opened(raw) == opened(*bytewise(raw)) == [CLEAR]

    def test_counts_once(self, raw: bytes) -> None:
        said = opened(raw, raw)
        assert said[0] == CLEAR
        assert isinstance(said[1], DecryptError)
        assert said[1].lock is Lock.REPLAY

    def test_needs_a_key(self, raw: bytes) -> None:
        (fault,) = opened(raw, keys=None)
        assert isinstance(fault, DecryptError)
        assert fault.lock is Lock.NO_KEY

    def test_is_found_behind_anything(self, raw: bytes) -> None:
        before = (
            b"\x55" * 100,
            b"\xdb\x01\x02\xdb",
            b"\xdb\x08SA",
            b"/abc5 half\r\n\r\n1-0:1.8",
            b"\r\n",
        )
        for garbage in before:
            assert only_telegrams(opened(garbage + raw)) == [CLEAR], garbage
            assert only_telegrams(opened(*bytewise(garbage + raw))) == [CLEAR], garbage

    def test_costs_no_text_before_it(self, raw: bytes) -> None:
        for before in (AT_ONCE, 2 * AT_ONCE, b"\r\n" + AT_ONCE + b"\xff\r\n"):
            clear = telegrams("p1", before)
            assert clear
            for cut in (len(raw), 1, 9, 30):
                said = only_telegrams(opened(before + raw[:cut], keys=None))
                assert said == clear
                assert said == only_telegrams(opened(*bytewise(before + raw[:cut]), keys=None))

    def test_is_not_looked_into_for_text(self, raw: bytes) -> None:
        assert opened(raw[:-30], raw)[-1] == CLEAR


@pytest.mark.parametrize("lost", [1, 2, 5, 9])
def test_lost_bytes_cost_only_their_telegram(lost: int) -> None:
    first, second = ciphered(1), ciphered(2)
    for at in (20, 60, len(first) - lost):
        raw = first[:at] + first[at + lost :] + second
        assert only_telegrams(opened(raw)) == [CLEAR]
        assert only_telegrams(opened(*bytewise(raw))) == [CLEAR]


def test_a_telegram_that_ends_like_the_next_begins_is_whole() -> None:
    counter = next(n for n in range(1, 10_000) if ciphered(n).endswith(b"\xdb"))
    raw = ciphered(counter) + ciphered(counter + 1)
    assert only_telegrams(opened(raw)) == only_telegrams(opened(*bytewise(raw))) == 2 * [CLEAR]


def test_text_and_its_check_must_be_right_inside_a_cipher_too() -> None:
    wrong = AT_ONCE[:-6] + b"0000\r\n"
    for text in (wrong, AT_ONCE[:-10], b"/abc5\r\n\r\n", PLAIN_LIST):
        (fault,) = opened(ciphered(1, text))
        assert isinstance(fault, DecodeError)
    check = b"0000\r\n"
    (fault,) = (event for event in opened(named()[:-6] + check) if isinstance(event, DecodeError))
    assert "CRC" in str(fault)


def test_a_meter_without_title_does_not_count() -> None:
    """Its counter stands at zero for ever: only the same telegram again is a repeat."""
    texts = (f"1-0:1.8.0({n}*kWh)\r\n".encode() for n in range(3))
    assert len(only_telegrams(opened(*(named(0, text) for text in texts)))) == 3
