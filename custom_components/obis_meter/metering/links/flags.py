"""What links whose frames stand between flags 7E share: finding the next one."""

from typing import Final, NoReturn

from ..errors import FrameError

FLAG: Final = 0x7E


def to_flag(buffer: bytearray) -> None:
    """Drop what is no frame; of several flags in a row the last opens it."""
    start = buffer.find(FLAG)
    if skipped := len(buffer) if start < 0 else start:
        del buffer[:skipped]
        raise FrameError("bytes between frames", skipped)
    while buffer.startswith(b"\x7e\x7e"):
        del buffer[0]


def hunt(buffer: bytearray, why: str) -> NoReturn:
    """Give up the flag at the start: the next frame may begin right behind it."""
    del buffer[0]
    raise FrameError(why, 1)
