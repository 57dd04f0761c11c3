"""Where a ciphered APDU begins that stands in no frame, and how long it is.

DB 08 title(8) length control ..; a title opens with the three letters of its maker. All
of that together is not met by chance.
"""

from typing import Final

_CONTROL: Final = b"[%b]" % b"".join(
    b"\\x%02x" % n for n in range(256) if n & 0x30 and n & 0x0F <= 2
)
"""Authenticated or encrypted, of a known security suite."""
_TITLE: Final = (rb"\xdb", rb"\x08", *(rb"[A-Z]",) * 3, *(rb"[\0-\xff]",) * 5)
_LENGTHS: Final = (
    (rb"[\x12-\x7f]",),
    (rb"\x81", rb"[\x80-\xff]"),
    (rb"\x82", rb"[\0-\x1f]", rb"."),
)
"""The forms of a length; 8 KiB are more than any telegram has."""


def growing(parts: tuple[bytes, ...], rest: bytes = b"") -> bytes:
    """Return a pattern for bytes of which the last ones may not have come yet."""
    pattern = rest
    for part in reversed(parts):
        pattern = part + (rb"(?:\Z|" + pattern + b")" if pattern else b"")
    return pattern


HEADER: Final = growing(_TITLE, b"|".join(growing((*length, _CONTROL)) for length in _LENGTHS))
"""A header, or as much of it as stands at the end of what came."""
LENGTH: Final = rb"(?:\x81.|\x82[\0-\x1f].)" + _CONTROL
"""A length beyond 127, and the control byte behind it."""
