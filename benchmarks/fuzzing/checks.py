"""Whether a frame checks, reckoned by no code of the links."""

from collections.abc import Callable
from functools import partial, reduce
from operator import xor
import re
from typing import Final

from simulator.checksums import crc16_arc, crc16_kermit, crc16_x25

_ESCAPED: Final = re.compile(rb"\x7d(.)", re.DOTALL)
_DATA: Final = re.compile(rb"[^\x01-\x04]*\x02([^\x03\x04]*[\x03\x04])(.?)", re.DOTALL)
"""What stands before a data message of IEC 62056-21, what its check covers, and the check."""


def holds(link: str, frame: bytes, *, last: bool) -> bool:
    """Tell whether a frame checks, or its link has no checks; last: a silence came behind it."""
    if link == "iec62056-21":
        return _bcc(frame, last)
    return link not in _CHECKS or _CHECKS[link](frame)


def _hdlc(frame: bytes) -> bool:
    text = frame.strip(b"\x7e")
    return _x25(text.replace(b"\r\n", b"\n")) or _x25(text)


def _x25(text: bytes) -> bool:
    return crc16_x25(text[:-2]).to_bytes(2, "little") == text[-2:]


def _module(frame: bytes) -> bool:
    """Tell whether a module's frame checks, as it came or with its octets escaped."""
    text = frame.lstrip(b"\x7e")  # its closing flag may open the next one, and was left
    return any(map(_module_holds, (text, _ESCAPED.sub(_unescaped, text))))


def _module_holds(text: bytes) -> bool:
    """Tell whether FF 03 protocol(2) length(2) command body FCS(2) checks and is that long."""
    length = len(text) - 8
    whole = text.startswith(b"\xff\x03") and int.from_bytes(text[4:6], "big") == length
    return whole and crc16_x25(text[:-2]).to_bytes(2, "big") == text[-2:]


def _unescaped(escaped: re.Match[bytes]) -> bytes:
    return bytes([escaped[1][0] ^ 0x20])


def _sml(frame: bytes) -> bool:
    begin = frame.find(b"\x1b\x1b\x1b\x1b\1\1\1\1")
    check = frame[-2:]
    crcs = crc16_x25(frame[begin:-2]), crc16_kermit(frame[begin:-2])
    return check in (crcs[0].to_bytes(2, "little"), crcs[1].to_bytes(2, "big"))


def _sum(start: int, frame: bytes) -> bool:
    """Tell whether the sum holds; start: how far behind the opening 68 it begins."""
    text = frame[frame.index(0x68) :]
    return sum(text[start:-2]) & 0xFF == text[-2]


def _bcc(frame: bytes, last: bool) -> bool:
    """Tell whether a data message checks, parity aside, or a silence came for its check."""
    if not (message := _DATA.fullmatch(bytes(byte & 0x7F for byte in frame))):
        return False
    covered, check = message.groups()
    return reduce(xor, covered) == check[0] if check else last


def _arc(frame: bytes) -> bool:
    """Tell whether a P1 telegram checks, as it came or without parity, or has no check at all."""
    return any(map(_arc_holds, (frame, bytes(byte & 0x7F for byte in frame))))


def _arc_holds(frame: bytes) -> bool:
    text, mark, check = frame.rpartition(b"!")
    wholes = [text[at:] for at, byte in enumerate(text) if byte == 0x2F]
    sent = [each.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for each in wholes]
    crcs = {f"{crc16_arc(form + mark):04X}" for form in (*wholes, *sent)}
    return not check.strip() or check.strip().upper().decode("latin-1").zfill(4) in crcs


_CHECKS: Final[dict[str, Callable[[bytes], bool]]] = {
    "hdlc": _hdlc,
    "rfc1662": _module,
    "sml": _sml,
    "mbus": partial(_sum, 4),
    "dlt645": partial(_sum, 0),
    "p1": _arc,
}
