"""DLMS wrapper over TCP or UDP: 00 01 source(2) destination(2) length(2) APDU (IEC 62056-47, 5.3).

There is no check sequence: TCP and UDP have their own.
"""

import re
from typing import Final

from ..errors import FrameError

_START: Final = re.compile(rb"\0(?:\Z|\x01)")
_HEADER: Final = 8  # bytes
_LONGEST: Final = 8 * 1024  # bytes; no pushed APDU is longer
_TAGS: Final = b"\x0f\xc2\xdb\xdc\xe0\xe6"
"""How an APDU begins that a meter pushes."""


def take(buffer: bytearray) -> bytes | None:
    """Remove the first frame and return its APDU."""
    found = _START.search(buffer)
    if skipped := found.start() if found else len(buffer):
        del buffer[:skipped]
        raise FrameError("bytes between frames, or another version of the wrapper", skipped)
    if len(buffer) <= _HEADER:
        return None
    length = int.from_bytes(buffer[6:_HEADER], "big")
    if not 0 < length <= _LONGEST or buffer[_HEADER] not in _TAGS:
        del buffer[0]
        raise FrameError("not a frame of the DLMS wrapper", 1)
    if len(buffer) < _HEADER + length:
        return None
    apdu = bytes(buffer[_HEADER : _HEADER + length])
    del buffer[: _HEADER + length]
    return apdu
