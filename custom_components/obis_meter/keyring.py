"""Keys of ciphered meters: as they stand in an entry, and as their owners type them in."""

from collections.abc import Mapping
from typing import Any, Final

from .const import CONF_AUTH_KEY, CONF_KEY
from .finder import Found, NotFoundError, opened
from .metering.detect import Locked
from .metering.errors import DecryptError, KeyFormatError, KeyMistake, Lock
from .metering.keys import Keys, parse_key

_FIELDS: Final = {
    Lock.WRONG_KEY: CONF_KEY,
    Lock.WRONG_AUTHENTICATION_KEY: CONF_AUTH_KEY,
    Lock.NOT_AUTHENTICATED: CONF_AUTH_KEY,
}


class WrongKeysError(Exception):
    """Keys were not accepted; errors has the word for why beside its field, and nothing of them."""

    def __init__(self, field: str, word: str) -> None:
        """Keep where and why."""
        super().__init__(word)
        self.errors = {field: word}


def stored(data: Mapping[str, Any]) -> Keys | None:
    """Return the keys in the data of an entry."""
    return Keys.parse(data[CONF_KEY], data.get(CONF_AUTH_KEY)) if CONF_KEY in data else None


def packed(keys: Keys) -> dict[str, str]:
    """Return what an entry keeps."""
    settings = {CONF_KEY: keys.encryption.hex()}
    if keys.authentication:
        settings[CONF_AUTH_KEY] = keys.authentication.hex()
    return settings


def read(typed: Mapping[str, str], size: int = 0) -> Keys:
    """Return the keys as typed in; WrongKeysError names the mistake.

    size is how many bytes the meter's keys have, where that is known.
    """
    authentication = typed.get(CONF_AUTH_KEY, "").strip()
    return Keys(
        _read(CONF_KEY, typed[CONF_KEY], size),
        _read(CONF_AUTH_KEY, authentication, size) if authentication else None,
    )


def _read(field: str, text: str, size: int) -> bytes:
    try:
        key = parse_key(text)
    except KeyFormatError as err:
        raise WrongKeysError(field, err.mistake.value) from None
    if size and len(key) != size:
        raise WrongKeysError(field, KeyMistake.LENGTH.value)
    return key


def unlock(locked: Locked, typed: Mapping[str, str]) -> tuple[Keys, Found]:
    """Return the keys, and what they open; WrongKeysError where they do not."""
    keys = read(typed, locked.ciphered.key_size)
    try:
        return keys, opened(locked, keys)
    except DecryptError as err:
        raise WrongKeysError(_FIELDS.get(err.lock, "base"), err.lock.value) from None
    except NotFoundError as err:
        raise WrongKeysError("base", err.key) from None
