"""Keys as owners get them from their grid operator."""

from dataclasses import dataclass, field
import re
from typing import Final, Self

from .errors import KeyFormatError, KeyMistake

AES_128, AES_256 = 16, 32  # bytes of a key
_SEPARATORS: Final = re.compile(r"0x|[\s:;,._\-\u200b\ufeff]", re.IGNORECASE)
_NOT_HEX: Final = re.compile(r"[^0-9A-Fa-f]")


@dataclass(frozen=True, slots=True)
class Keys:
    """What opens a peer's telegrams: 16 or 32 bytes each; the authentication key is optional."""

    encryption: bytes = field(repr=False)
    authentication: bytes | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, encryption: str, authentication: str | None = None) -> Self:
        """Read keys as owners paste them; KeyFormatError names the mistake."""
        return cls(parse_key(encryption), parse_key(authentication) if authentication else None)


def parse_key(text: str) -> bytes:
    """Read one key: hexadecimal digits with or without blanks, colons and dashes between them."""
    digits = _SEPARATORS.sub("", text)
    if _NOT_HEX.search(digits):
        raise KeyFormatError(KeyMistake.NOT_HEX)
    if len(digits) not in (2 * AES_128, 2 * AES_256):
        raise KeyFormatError(KeyMistake.LENGTH)
    return bytes.fromhex(digits)
