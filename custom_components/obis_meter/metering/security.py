"""AES-GCM and invocation counters of ciphered telegrams (IEC 62056-5-3, 9.2.7).

A ciphered APDU is security control, invocation counter(4), content, tag(12) where the
control byte says authenticated. IV = system title(8) + counter; additional data = control
byte + authentication key (+ content where that is not encrypted).
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
import re
from typing import Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR, GCM

from .errors import DecodeError, DecryptError, Incomplete, Lock
from .identity import flag_maker
from .keys import AES_128, AES_256, Keys

_KEY_SIZES: Final = {0: AES_128, 1: AES_128, 2: AES_256}
"""Security suite -> bytes of its keys."""
_SUITE, _AUTHENTICATED, _ENCRYPTED, _COMPRESSED = 0x0F, 0x10, 0x20, 0x80  # of the control byte
_TAG: Final = 12  # bytes
_COUNTER: Final = 4  # bytes
_TITLE: Final = 8  # bytes
_CTR_START: Final = b"\0\0\0\2"  # GCM keeps block 1 for the tag
_REMEMBERED: Final = 16  # telegrams whose exact repeats are dropped
RISING: Final = 3  # low counters in a row, each above the last, that look like a meter reset

PUBLIC_AUTHENTICATION_KEY: Final = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
"""Published for all meters of Luxembourg (P1 port specification 1.1.3, 3.2.5); most keep to it."""

_KNOWN: Final = re.compile(
    rb"(?:\xe6[\xe6\xe7]\x00)?"
    rb"(?:\x0f.{4}(?:\x00|\x0c|\x09\x0c|\x19)|\xc2(?:\x00|\x01\x0c)|\xe0.\x00\x01)"
    rb"|/[A-Za-z]{3}|\d-\d{1,2}:\d",
    re.DOTALL,
)
"""How a content begins that was opened rightly."""


@dataclass(frozen=True, slots=True)
class Ciphered:
    """What a ciphered telegram says of itself in the clear."""

    title: bytes
    control: int

    def __str__(self) -> str:
        """Return the system title as hexadecimal digits, as its meter is known by."""
        return self.title.hex().upper()

    @property
    def maker(self) -> str | None:
        """Return the maker, whose FLAG id opens a system title; None where it is not known."""
        return flag_maker(self.title[:3].decode("latin-1"))

    @property
    def authenticated(self) -> bool:
        """Tell whether a tag is sent, which an authentication key can check."""
        return bool(self.control & _AUTHENTICATED)

    @property
    def encrypted(self) -> bool:
        """Tell whether the content can be read with a key only."""
        return bool(self.control & _ENCRYPTED)

    @property
    def key_size(self) -> int:
        """Return how many bytes a key of its security suite has."""
        return _KEY_SIZES.get(self.control & _SUITE, 0)


@dataclass(frozen=True, slots=True)
class _Counter:
    """The highest counter with a good tag; the last one below it, and how many in a row rose."""

    highest: int
    low: int = -1
    rising: int = 0


class Security:
    """Opens what one peer ciphers, and remembers its invocation counters.

    ciphered is what the last ciphered telegram said of itself, opened or not.
    """

    def __init__(self, keys: Keys | None = None, counters: Mapping[str, int] | None = None) -> None:
        """Start with the counters of an earlier run, as `counters` gave them."""
        self.keys = keys
        self.ciphered: Ciphered | None = None
        self._counters: dict[bytes, _Counter] = {}
        self._tags: dict[bytes, bool] = {}
        self._heard: deque[bytes] = deque(maxlen=_REMEMBERED)
        self.recall(counters or {})

    def recall(self, counters: Mapping[str, int]) -> None:
        """Take over the counters of an earlier run; higher ones met since stand."""
        for title, highest in ((bytes.fromhex(text), n) for text, n in counters.items()):
            if self._counters.get(title, _Counter(-1)).highest < highest:
                self._counters[title] = _Counter(highest)

    @property
    def counters(self) -> dict[str, int]:
        """Return the highest counter with a good tag by system title, to be stored."""
        return {title.hex(): counter.highest for title, counter in self._counters.items()}

    def accept_reset(self) -> None:
        """Believe the meters whose low counters rose: the owner says that they were reset."""
        for title, counter in self._counters.items():
            if counter.rising >= RISING:
                self._counters[title] = _Counter(counter.low)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Note nothing of a payload that ends early: it will be read again with its rest."""
        counters, heard = dict(self._counters), self._heard.copy()
        try:
            yield
        except Incomplete:
            self._counters, self._heard = counters, heard
            raise

    def plain(self) -> None:
        """Refuse a telegram without any tag where the owner wants tags to be checked."""
        if self.keys and self.keys.authentication:
            raise DecryptError(
                Lock.NOT_AUTHENTICATED,
                "the telegram is not authenticated, though an authentication key is set",
            )

    def dedicated(self, title: bytes, body: bytes) -> NoReturn:
        """Refuse what is ciphered with a key that only the partner of a session has."""
        self.ciphered = Ciphered(title, body[0] if body else 0)
        raise DecryptError(Lock.DEDICATED_KEY, "the telegram is ciphered with a session's own key")

    def open[T](self, title: bytes, body: bytes, read: Callable[[bytes], T]) -> T:
        """Return what read makes of a ciphered APDU: control byte, counter, content, tag.

        An empty title stands for eight zero bytes; such meters do not count either.
        DecryptError says what keeps the APDU shut; DecodeError, also that of read, is
        damage: a wrong tag around content that reads well is another key.
        """
        if len(title) not in (0, _TITLE) or len(body) <= 1 + _COUNTER:
            raise DecodeError("a ciphered telegram without system title or content")
        self.ciphered = sealed = Ciphered(title, body[0])
        self._require_supported(sealed)
        content, verified = self._opened(sealed, body[1 : 1 + _COUNTER], body[1 + _COUNTER :])
        complaint = None if verified else self._complaint(sealed)
        said = read(content)
        if complaint:
            raise complaint
        if verified and title:
            self._count(title, int.from_bytes(body[1 : 1 + _COUNTER], "big"))
        else:
            self._hear(title + body)
        return said

    def _require_supported(self, sealed: Ciphered) -> None:
        if sealed.control & _COMPRESSED:
            raise DecryptError(Lock.COMPRESSED, "the telegram is compressed: not supported")
        if not sealed.key_size:
            raise DecodeError(f"security suite {sealed.control & _SUITE}")
        if not sealed.authenticated:
            self.plain()

    def _opened(self, sealed: Ciphered, counter: bytes, rest: bytes) -> tuple[bytes, bool]:
        """Return the content, and whether its tag was checked and is right."""
        if sealed.authenticated and len(rest) <= _TAG:
            raise DecodeError("a ciphered telegram shorter than its tag")
        keys, iv = self.keys, (sealed.title or bytes(_TITLE)) + counter
        content = rest[:-_TAG] if sealed.authenticated else rest
        if keys is None:
            if sealed.encrypted:
                raise DecryptError(Lock.NO_KEY, "the telegram is ciphered, and no key is set")
            return content, False
        if len(keys.encryption) != sealed.key_size:
            raise DecryptError(Lock.WRONG_KEY, f"the key must have {sealed.key_size} bytes")
        if sealed.authenticated and (found := _verified(sealed, keys, iv, rest)) is not None:
            self._tags[sealed.title] = True
            return found, True
        if sealed.encrypted:
            content = _counted(keys.encryption, iv, content)
        if not _KNOWN.match(content):
            raise DecryptError(Lock.WRONG_KEY, "the encryption key does not open the telegram")
        return content, False

    def _complaint(self, sealed: Ciphered) -> DecryptError | None:
        """Return what a tag means that is not right; None where it cannot be checked.

        A wrong one right behind good ones is damage; twice in a row it is another key.
        """
        if not (sealed.authenticated and self.keys):
            return None
        good = self._tags.get(sealed.title)
        if good:
            self._tags[sealed.title] = False
            raise DecodeError("the tag of a ciphered telegram is wrong")
        if good is None and not self.keys.authentication:
            return None
        return DecryptError(
            Lock.WRONG_AUTHENTICATION_KEY,
            "the authentication key does not fit, the encryption key does",
        )

    def _count(self, title: bytes, counter: int) -> None:
        """Let the counter of a good telegram rise, and no other pass."""
        seen = self._counters.get(title, _Counter(-1))
        if counter > seen.highest:
            self._counters[title] = _Counter(counter)
            return
        rising = seen.rising + 1 if counter > seen.low else int(counter < seen.highest)
        self._counters[title] = replace(seen, low=counter, rising=rising)
        if rising >= RISING and counter < seen.highest:
            raise DecryptError(
                Lock.COUNTER_RESET, "the counter begins anew: the meter was reset, or is imitated"
            )
        raise DecryptError(Lock.REPLAY, "a telegram was repeated")

    def _hear(self, telegram: bytes) -> None:
        """Let a telegram whose tag cannot be checked pass once."""
        if telegram in self._heard:
            raise DecryptError(Lock.REPLAY, "a telegram was repeated")
        self._heard.append(telegram)


def _verified(sealed: Ciphered, keys: Keys, iv: bytes, rest: bytes) -> bytes | None:
    """Return the content where the tag is right."""
    authentication = keys.authentication or PUBLIC_AUTHENTICATION_KEY
    content, tag = rest[:-_TAG], rest[-_TAG:]
    opener = Cipher(AES(keys.encryption), GCM(iv, tag, min_tag_length=_TAG)).decryptor()
    opener.authenticate_additional_data(bytes([sealed.control]) + authentication)
    try:
        if sealed.encrypted:
            return opener.update(content) + opener.finalize()
        opener.authenticate_additional_data(content)
        opener.finalize()
    except InvalidTag:
        return None
    return content


def _counted(key: bytes, iv: bytes, content: bytes) -> bytes:
    """Return the content without a look at its tag: GCM encrypts as AES-CTR from block 2 on."""
    return Cipher(AES(key), CTR(iv + _CTR_START)).decryptor().update(content)
