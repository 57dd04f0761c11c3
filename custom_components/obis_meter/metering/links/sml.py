"""SML transport 1: 1B1B1B1B 01010101, messages, 1B1B1B1B 1A padding(1) CRC(2).

SML 1.04, chapter 8 (BSI TR-03109-1): 1B1B1B1B among the messages is doubled;
the CRC covers everything before it.
"""

import re
from typing import Final, NoReturn

from ..errors import FrameError
from ..sml import is_check

_ESCAPE: Final = b"\x1b" * 4
START: Final = _ESCAPE + b"\x01" * 4
_END: Final = 0x1A
_CHECKED: Final = 6  # bytes of the end that the CRC covers: escape, 1A, padding
_ENDING: Final = 8  # bytes of the end
_INSIDE: Final = re.compile(rb"(?:[^\x1b]++|\x1b{8}|(?!\x1b{4})\x1b)*+")
"""Messages, up to an escape that is not doubled."""
_TEXT: Final = b"\0\t\n\r\xff" + bytes(range(0x20, 0x7F))
"""What may stand between frames: COM-1 gateways append lines of text, padded with FF."""


def take(buffer: bytearray) -> bytes | None:
    """Remove the first frame and return its messages, padding included.

    A frame that does not check is dropped up to the last start inside it: the
    end belongs to that. Text between frames is dropped silently and not counted.
    """
    _to_start(buffer)
    at = _end(buffer)
    if at is None:
        return None
    if not is_check(buffer[: at + _CHECKED], buffer[at + _CHECKED : at + _ENDING]):
        inner = buffer.rfind(START, 1, at)
        _drop(buffer, inner if inner > 0 else at + len(_ESCAPE) + 1, "CRC of the frame is wrong")
    messages = bytes(buffer[len(START) : at]).replace(_ESCAPE * 2, _ESCAPE)
    del buffer[: at + _ENDING]
    return messages


def _to_start(buffer: bytearray) -> None:
    """Drop what stands before a start, or what may become one."""
    if (at := buffer.find(START)) == 0:
        return
    if at < 0:
        begun = (n for n in range(len(START) - 1, 0, -1) if buffer.endswith(START[:n]))
        at = len(buffer) - next(begun, 0)
    skipped = bytes(buffer[:at])
    del buffer[:at]
    if noise := len(skipped.translate(None, _TEXT)):
        raise FrameError("bytes between frames", noise)


def _end(buffer: bytearray) -> int | None:
    """Return where the end of the frame begins; None while it is not all there."""
    at = buffer.find(_ESCAPE, len(START))
    if buffer.startswith(_ESCAPE * 2, at) and (doubled := _INSIDE.match(buffer, at)):
        at = doubled.end()
    if at < 0:
        return None
    mark = buffer[at + len(_ESCAPE) : at + _ENDING]
    if len(mark) < _ENDING - len(_ESCAPE):
        return None
    if mark[0] == _END:
        return at
    if buffer.startswith(START, at):
        _drop(buffer, at, "a frame without its end")
    return _drop(buffer, at + 1, "an escape that means nothing")


def _drop(buffer: bytearray, count: int, why: str) -> NoReturn:
    del buffer[:count]
    raise FrameError(why, count)
