"""P1: a telegram as text, or ciphered: DB 08 title(8) length control counter(4) cipher [tag(12)].

Luxembourg and Austria cipher the whole text. Elgama in Poland leaves identification and
check in the clear: / identification CRLF CRLF 00 length control counter(4) cipher tag(12)
! CRC; the title is empty. Text and its check: see p1text.
"""

import re
from typing import Final

from .. import p1text
from ..checksum import crc16_arc
from ..cosem import Cursor
from ..errors import DecodeError, FrameError, Incomplete
from ..model import Message, Telegram
from ..notification import Read
from ..security import Security
from . import sealed

SILENCE: Final = p1text.SILENCE

_NAMED: Final = re.compile(
    rb"/[A-Za-z]{3}[^\r\n/]{0,60}\r\n\r\n(?=\0" + sealed.LENGTH + b")", re.DOTALL
)
_BODY: Final = b"\n\r\n\0"  # behind every identification that stands before ciphered bytes
_CIPHERED: Final = re.compile(_NAMED.pattern + b"|" + sealed.HEADER, re.DOTALL)
_KEY: Final = 10  # bytes of a header that stay the same from one telegram to the next
_CHECK: Final = 5  # bytes: ! and four digits


def take(buffer: bytearray) -> bytes | None:
    """Remove the first telegram; return its text from / to before the !, or its ciphered bytes.

    Ciphered bytes are no text, whatever they look like; a text with its check may stand
    before them. What ends like the start of the next telegram is left for it, because bytes
    may have been lost.
    """
    ciphered = b"\xdb" in buffer or _BODY in buffer  # or no search can find it
    if not ciphered or not (found := _CIPHERED.search(buffer)):
        return p1text.take(buffer)
    header = found[0]
    sealed_part = len(buffer) - found.start()
    if (text := _text_before(buffer, found.start())) is not None:
        return text
    begin = len(buffer) - sealed_part  # what is no text is gone
    if (size := _size(header, bytes(buffer[begin + len(header) :]))) is None:
        return None
    p1text.skip(buffer, begin)
    if (again := buffer.find(header[:_KEY], _KEY, size + _KEY - 1)) > 0:
        del buffer[:again]
        raise FrameError("a ciphered telegram without its end", again)
    if len(buffer) < size:
        return None
    telegram = bytes(buffer[:size])
    starts = (n for n in range(_KEY - 1, 0, -1) if telegram.endswith(header[:n]))
    del buffer[: size - next(starts, 0)]
    return telegram


def _size(header: bytes, rest: bytes) -> int | None:
    """Return the length of a ciphered telegram; None where its header is not all here."""
    named = header.startswith(b"/")
    cursor = Cursor(header + rest[:_KEY])
    cursor.take(len(header) if named else 1)
    try:
        cursor.take(cursor.length())
        length = cursor.length()
    except Incomplete:
        return None
    return cursor.at + length + (_CHECK if named else 0)


def _text_before(buffer: bytearray, end: int) -> bytes | None:
    """Take text, and leave what may become a header."""
    rest = bytes(buffer[end:])
    del buffer[end:]
    try:
        return p1text.take(buffer)
    finally:
        buffer += rest


def decode(
    payload: bytes, security: Security, read: Read = p1text.telegram
) -> list[Telegram | Message]:
    """Read the lines of a telegram; DecodeError where none of them says anything.

    read stands for `p1text.telegram`.
    """
    if _BODY in payload and (named := _NAMED.match(payload)):
        return [_named(named[0], payload, security, read)]
    if payload.startswith(b"/"):
        security.plain()
        return [read(payload)]
    title, body = _sealed(payload[1:])
    return [security.open(title, body, lambda text: read(p1text.whole(text)))]


def _named(ident: bytes, payload: bytes, security: Security, read: Read) -> Telegram:
    """Open what stands between identification and check, whose CRC may cover either form."""
    check = payload[-_CHECK:]

    def opened(content: bytes) -> Telegram:
        forms = (payload[: -_CHECK + 1], ident + content + b"!")
        if check not in (b"!%04X" % crc16_arc(form) for form in forms):
            raise DecodeError("CRC of the telegram is wrong")
        return read(ident + content)

    return security.open(*_sealed(payload[len(ident) :]), opened)


def _sealed(rest: bytes) -> tuple[bytes, bytes]:
    """Return system title and ciphered body."""
    cursor = Cursor(rest)
    return cursor.take(cursor.length()), cursor.take(cursor.length())
