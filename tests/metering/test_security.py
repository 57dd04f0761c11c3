"""Ciphered telegrams: every key, every control byte, every mistake has its own word."""

import pickle
from random import Random

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.obis_meter.metering.errors import (
    DecodeError,
    DecryptError,
    Incomplete,
    KeyFormatError,
    KeyMistake,
    Lock,
    MeteringError,
)
from custom_components.obis_meter.metering.keys import Keys, parse_key
from custom_components.obis_meter.metering.links import LINKS
from custom_components.obis_meter.metering.model import Telegram
from custom_components.obis_meter.metering.notification import decode
from custom_components.obis_meter.metering.security import (
    PUBLIC_AUTHENTICATION_KEY,
    RISING,
    Security,
)
from custom_components.obis_meter.metering.session import Session
from simulator.ciphering import Cipher
from simulator.dlms import LLC

from .building import notification, p1
from .hearing import LONG

TITLE = b"ABCg\x70\x00\x04\xd2"
KEY, AUTHENTICATION = bytes(range(16)), bytes(range(0xD0, 0xE0))
KEYS = Keys(KEY, AUTHENTICATION)
PLAIN = notification(bytes.fromhex("0203090601000108 00ff06000004570202 0f00161e"))[3:]
OTHER = notification(bytes.fromhex("0203090601000108 00ff06000004580202 0f00161e"))[3:]
CONTROLS = [
    kind | suite | broadcast
    for kind in (0x10, 0x20, 0x30)
    for suite in (0, 1, 2)
    for broadcast in (0, 0x40)
]


def cipher(control: int = 0x30, keys: Keys = KEYS, title: bytes = TITLE) -> Cipher:
    return Cipher(
        title=title,
        key=keys.encryption,
        authentication=keys.authentication or b"",
        control=control,
    )


def keys_for(control: int) -> Keys:
    size = 32 if control & 0x0F == 2 else 16
    authentication = bytes(range(0x40, 0x40 + size)) if control & 0x10 else None
    return Keys(bytes(range(size)), authentication)


def sealed(counter: int = 1, content: bytes = PLAIN, control: int = 0x30, **kind: object) -> bytes:
    return cipher(control, **kind).seal(content, counter)  # type: ignore[arg-type]


def lock(payload: bytes, security: Security) -> Lock | None:
    """Return why a payload stays shut; None where it opens."""
    try:
        decode(payload, security)
    except DecryptError as err:
        return err.lock
    return None


class TestKeys:
    """What owners type in."""

    @pytest.mark.parametrize(
        "text",
        [
            "36C66639E48A8CA4D6BC8B282A793BBB",
            " 36c66639e48a8ca4d6bc8b282a793bbb\n",
            "36 C6 66 39 E4 8A 8C A4 D6 BC 8B 28 2A 79 3B BB",
            "36:C6:66:39:E4:8A:8C:A4:D6:BC:8B:28:2A:79:3B:BB",
            "36C66639-E48A8CA4-D6BC8B28-2A793BBB",
            "0x36, 0xC6, 0x66, 0x39, 0xE4, 0x8A, 0x8C, 0xA4, "
            "0xD6, 0xBC, 0x8B, 0x28, 0x2A, 0x79, 0x3B, 0xBB",
            "36C66639E48A8CA4\u00a0D6BC8B28\u200b2A793BBB",
        ],
    )
    def test_are_read_as_they_are_pasted(self, text: str) -> None:
        assert parse_key(text).hex() == "36c66639e48a8ca4d6bc8b282a793bbb"

    @pytest.mark.parametrize(
        ("text", "mistake"),
        [
            ("", KeyMistake.LENGTH),
            ("00" * 15, KeyMistake.LENGTH),
            ("0" * 33, KeyMistake.LENGTH),
            ("00" * 24, KeyMistake.LENGTH),
            ("O0" * 16, KeyMistake.NOT_HEX),
            ("my key", KeyMistake.NOT_HEX),
            ("é" * 32, KeyMistake.NOT_HEX),
            ("\u0663" * 32, KeyMistake.NOT_HEX),  # a digit, but not of ours
        ],
    )
    def test_name_their_mistake_and_not_themselves(self, text: str, mistake: KeyMistake) -> None:
        with pytest.raises(KeyFormatError) as caught:
            parse_key(text)
        assert caught.value.mistake is mistake
        assert not text or text not in str(caught.value)

    def test_may_come_without_an_authentication_key(self) -> None:
        assert Keys.parse("00" * 32) == Keys(bytes(32))
        assert Keys.parse("00" * 16, "") == Keys(bytes(16))
        assert Keys.parse("00" * 16, "11" * 16) == Keys(bytes(16), b"\x11" * 16)

    def test_are_never_shown(self) -> None:
        shown = f"{KEYS!r} {KEYS} {Security(KEYS)!r} {vars(DecryptError(Lock.NO_KEY, ''))}"
        for key in (KEYS.encryption, KEYS.authentication or b""):
            assert key.hex() not in shown.lower()
            assert repr(key) not in shown


@pytest.mark.parametrize("control", CONTROLS, ids=hex)
class TestControl:
    """Every security control byte, with keys of its suite."""

    def test_opens(self, control: int) -> None:
        security = Security(keys_for(control))
        payload = sealed(control=control, keys=keys_for(control))
        assert decode(payload, security) == decode(PLAIN, Security())
        assert security.ciphered is not None
        assert (security.ciphered.title, security.ciphered.control) == (TITLE, control)

    def test_opens_without_an_authentication_key(self, control: int) -> None:
        payload = sealed(control=control, keys=keys_for(control))
        security = Security(Keys(keys_for(control).encryption))
        assert decode(payload, security) == decode(PLAIN, Security())
        assert security.counters == {}

    def test_stays_shut_without_a_key_unless_it_can_be_read(self, control: int) -> None:
        payload = sealed(control=control, keys=keys_for(control))
        assert lock(payload, Security()) is (Lock.NO_KEY if control & 0x20 else None)

    def test_names_a_wrong_key(self, control: int) -> None:
        payload = sealed(control=control, keys=keys_for(control))
        right = keys_for(control)
        wrong = Keys(bytes(len(right.encryption)), right.authentication)
        if control & 0x20:
            assert lock(payload, Security(wrong)) is Lock.WRONG_KEY
            assert (
                lock(payload, Security(Keys(bytes(48 - len(right.encryption))))) is Lock.WRONG_KEY
            )
        else:
            assert lock(payload, Security(wrong)) is Lock.WRONG_AUTHENTICATION_KEY

    def test_names_a_wrong_authentication_key(self, control: int) -> None:
        payload = sealed(control=control, keys=keys_for(control))
        security = Security(Keys(keys_for(control).encryption, bytes(16)))
        expected = Lock.WRONG_AUTHENTICATION_KEY if control & 0x10 else Lock.NOT_AUTHENTICATED
        assert lock(payload, security) is expected

    @settings(max_examples=200 if LONG else 15, derandomize=True)
    @given(data=st.data())
    def test_any_content_comes_through(self, control: int, data: st.DataObject) -> None:
        content = PLAIN[:1] + data.draw(st.binary(min_size=4, max_size=4)) + b"\0"
        content += b"\x09\x82\x01\x00" + data.draw(st.binary(min_size=256, max_size=256))
        counter = data.draw(st.integers(0, 2**32 - 1))
        payload = sealed(counter, content, control, keys=keys_for(control))
        assert decode(payload, Security(keys_for(control))) == decode(content, Security())


@pytest.mark.parametrize("control", [each for each in CONTROLS if each & 0x10], ids=hex)
def test_no_bit_can_be_changed_where_the_authentication_key_is_known(control: int) -> None:
    payload = sealed(control=control, keys=keys_for(control))
    positions = range(8 * len(payload))
    for at in positions if LONG else Random(control).sample(positions, 120):
        changed = bytearray(payload)
        changed[at // 8] ^= 1 << at % 8
        for link in ("apdu", "llc-apdu", "p1"):
            session = Session(LINKS[link], Security(keys_for(control)))
            raw = LLC + changed if link == "llc-apdu" else bytes(changed)
            heard = [*session.feed(raw), *session.idle()]
            assert not any(isinstance(event, Telegram) for event in heard), at
        assert not session.security.counters


UNCIPHERED = b"\xdb\x08" + TITLE + bytes([5 + len(PLAIN)]) + bytes(5) + PLAIN  # control byte 00


@pytest.mark.parametrize("plain", [PLAIN, UNCIPHERED], ids=["plain", "not ciphered"])
def test_nothing_without_a_tag_counts_where_tags_are_to_be_checked(plain: bytes) -> None:
    assert lock(plain, Security(KEYS)) is Lock.NOT_AUTHENTICATED
    assert lock(plain, Security(Keys(KEY))) is None
    text = p1("1-0:1.8.0(1*kWh)")
    (heard,) = Session(LINKS["p1"], Security(KEYS)).feed(text)
    assert isinstance(heard, DecryptError)


def test_what_is_not_supported_is_said() -> None:
    assert lock(sealed(control=0xB0), Security(KEYS)) is Lock.COMPRESSED
    assert lock(b"\xdc" + sealed()[1:], Security(KEYS)) is Lock.DEDICATED_KEY
    with pytest.raises(DecodeError, match="suite 5"):
        decode(sealed(control=0x35), Security(KEYS))


@pytest.mark.parametrize("keys", [None, KEYS, Keys(KEY)])
@pytest.mark.parametrize("size", [0, 1, 5, 6, 16, 17])
def test_what_is_too_short_is_damage(size: int, keys: Keys | None) -> None:
    body = (b"\x30" + bytes(20))[:size]
    with pytest.raises(MeteringError) as caught:
        decode(b"\xdb\x08" + TITLE + bytes([size]) + body, Security(keys))
    assert not isinstance(caught.value, Incomplete)


def test_a_ciphered_telegram_inside_another_is_refused() -> None:
    with pytest.raises(DecodeError, match="inside another"):
        decode(sealed(2, sealed(1)), Security(KEYS))


def test_a_content_that_ends_early_is_damage_and_not_half_of_something() -> None:
    with pytest.raises(DecodeError) as caught:
        decode(sealed(1, PLAIN[:-3]), Security(KEYS))
    assert caught.type is DecodeError


class TestCounter:
    """A good tag moves it; it never goes back without its owner."""

    def test_rises(self) -> None:
        security = Security(KEYS)
        assert [lock(sealed(n), security) for n in (1, 2, 10, 4_000_000_000)] == [None] * 4
        assert security.counters == {TITLE.hex(): 4_000_000_000}

    def test_refuses_a_repeat(self) -> None:
        security = Security(KEYS)
        said = [lock(sealed(n), security) for n in (5, 5, 5, 5, 5)]
        assert said == [None] + [Lock.REPLAY] * 4

    def test_refuses_what_is_older(self) -> None:
        security = Security(KEYS)
        assert [lock(sealed(n), security) for n in (5, 4, 3, 2)] == [None] + [Lock.REPLAY] * 3

    def test_is_moved_by_good_tags_only(self) -> None:
        security = Security(Keys(KEY, bytes(16)))
        assert lock(sealed(100), security) is Lock.WRONG_AUTHENTICATION_KEY
        assert security.counters == {}

    def test_survives_a_restart(self) -> None:
        first = Security(KEYS)
        decode(sealed(7), first)
        again = Security(KEYS, first.counters)
        assert [lock(sealed(n), again) for n in (7, 8)] == [Lock.REPLAY, None]

    def test_is_kept_for_each_meter(self) -> None:
        security = Security(KEYS)
        other = sealed(1, title=b"XYZ" + bytes(5))
        assert [lock(each, security) for each in (sealed(5), other)] == [None, None]
        assert len(security.counters) == 2

    def test_that_begins_anew_is_told_from_a_repeat_and_accepted_by_the_owner(self) -> None:
        security = Security(KEYS, {TITLE.hex(): 1000})
        said = [lock(sealed(n), security) for n in range(1, RISING + 2)]
        assert said == [Lock.REPLAY] * (RISING - 1) + [Lock.COUNTER_RESET] * 2
        assert security.counters == {TITLE.hex(): 1000}
        security.accept_reset()
        assert security.counters == {TITLE.hex(): RISING + 1}
        assert [lock(sealed(n), security) for n in (RISING + 1, RISING + 2)] == [Lock.REPLAY, None]

    def test_that_does_not_rise_steadily_is_no_reset(self) -> None:
        security = Security(KEYS, {TITLE.hex(): 1000})
        said = [lock(sealed(n), security) for n in (1, 2, 1, 2, 1, 2)]
        assert said == [Lock.REPLAY] * 6
        security.accept_reset()
        assert security.counters == {TITLE.hex(): 1000}

    def test_without_a_checked_tag_only_exact_repeats_are_dropped(self) -> None:
        security = Security(Keys(KEY))
        said = [lock(sealed(n), security) for n in (9, 9, 3, 9)]
        assert said == [None, Lock.REPLAY, None, Lock.REPLAY]

    def test_is_not_moved_by_a_payload_that_will_be_read_again(self) -> None:
        security = Security(KEYS)
        begun = sealed(1) + LLC + sealed(2, OTHER)
        with pytest.raises(Incomplete):
            decode(begun[:-1], security)
        assert security.counters == {}
        assert len(decode(begun, security)) == 2


class TestPublicKey:
    """The authentication key that Luxembourg publishes is tried, and not required."""

    def test_checks_and_counts_where_it_fits(self) -> None:
        security = Security(Keys(KEY))
        public = Keys(KEY, PUBLIC_AUTHENTICATION_KEY)
        said = [lock(sealed(n, keys=public), security) for n in (5, 4)]
        assert said == [None, Lock.REPLAY]

    def test_is_required_once_it_fitted(self) -> None:
        security = Security(Keys(KEY))
        decode(sealed(1, keys=Keys(KEY, PUBLIC_AUTHENTICATION_KEY)), security)
        with pytest.raises(DecodeError, match="tag"):
            decode(sealed(2), security)
        assert lock(sealed(3), security) is Lock.WRONG_AUTHENTICATION_KEY


def flip(payload: bytes, at: int) -> bytes:
    return payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1 :]


def test_a_wrong_tag_behind_good_ones_is_damage_and_twice_another_key() -> None:
    security = Security(KEYS)
    decode(sealed(1), security)
    with pytest.raises(DecodeError, match="tag"):
        decode(flip(sealed(2), -20), security)
    decode(sealed(3), security)
    with pytest.raises(DecodeError, match="tag"):
        decode(flip(sealed(4), -20), security)
    assert lock(flip(sealed(5), -20), security) is Lock.WRONG_AUTHENTICATION_KEY


def test_a_wrong_tag_around_what_does_not_read_is_damage() -> None:
    """P1 has a CRC inside: it tells noise from a wrong authentication key at once."""
    text = p1("1-0:1.8.0(1.5*kWh)")
    raw = sealed(1, text)
    (good,) = Session(LINKS["p1"], Security(KEYS)).feed(raw)
    assert isinstance(good, Telegram)
    (noise,) = Session(LINKS["p1"], Security(KEYS)).feed(flip(raw, 40))
    assert isinstance(noise, DecodeError)
    (wrong,) = Session(LINKS["p1"], Security(Keys(KEY, bytes(16)))).feed(raw)
    assert isinstance(wrong, DecryptError)
    assert wrong.lock is Lock.WRONG_AUTHENTICATION_KEY


def test_no_telegram_is_remembered_for_ever() -> None:
    security = Security(Keys(KEY))
    for number in range(200):
        decode(sealed(number, title=bytes([number]) * 8), security)
    assert len(pickle.dumps(security)) < 20_000
    assert security.counters == {}
