"""What can go wrong on the way from bytes to readings."""

from enum import Enum


class MeteringError(Exception):
    """Base of every error this package raises."""


class FrameError(MeteringError):
    """Bytes arrived damaged or belong to no frame; they were dropped, the stream goes on."""

    def __init__(self, why: str, skipped: int = 0) -> None:
        """Say why, and how many bytes were dropped."""
        super().__init__(why)
        self.skipped = skipped


class DecodeError(MeteringError):
    """An intact frame carries content we do not understand; the frame is dropped."""


class Incomplete(DecodeError):
    """The payload ends early; it waits for the rest in the next frame.

    missing: bytes without which it cannot be whole; until they have come, it need not be
    read again.
    """

    def __init__(self, why: str, missing: int = 1) -> None:
        """Say why, and how many bytes are missing at the least."""
        super().__init__(why)
        self.missing = missing


class NoAnswer(MeteringError):
    """A meter that was asked did not answer in time; what was asked for is unknown."""


class Unconfirmed(MeteringError):
    """A meter acknowledged a command, but what became of it could not be read."""


class RequestError(MeteringError):
    """A request cannot be put as it was asked for; nothing was sent.

    key is the word for why, as translations name it; detail completes its text.
    """

    def __init__(self, key: str, detail: str = "") -> None:
        """Keep the word."""
        super().__init__(f"{key}: {detail}" if detail else key)
        self.key = key
        self.detail = detail


class Refused(MeteringError):
    """The meter answered that it will not do or does not know what it was asked; it goes on."""


class NoSuchData(Refused):
    """The meter does not have what it was asked for; asking again is of no use."""


class Lock(Enum):
    """Why a ciphered telegram stays shut; the values are words for translations."""

    NO_KEY = "no_key"
    WRONG_KEY = "wrong_key"
    WRONG_AUTHENTICATION_KEY = "wrong_authentication_key"
    NOT_AUTHENTICATED = "not_authenticated"
    REPLAY = "replay"
    COUNTER_RESET = "counter_reset"
    COMPRESSED = "compressed"
    DEDICATED_KEY = "dedicated_key"


class DecryptError(MeteringError):
    """An intact telegram is ciphered and is not opened; it is dropped, the stream goes on."""

    def __init__(self, lock: Lock, why: str) -> None:
        """Keep what tells this from the other reasons; why names no key."""
        super().__init__(why)
        self.lock = lock


class KeyMistake(Enum):
    """What is wrong with a key as typed in; the values are words for translations."""

    NOT_HEX = "not_hex"
    LENGTH = "key_length"


class KeyFormatError(MeteringError):
    """A text is no key."""

    def __init__(self, mistake: KeyMistake) -> None:
        """Keep the mistake, and nothing of the text."""
        super().__init__("a key has 32 or 64 hexadecimal digits")
        self.mistake = mistake


class InnerCheckError(MeteringError):
    """A check inside an intact frame is wrong; what it covers is read all the same."""
