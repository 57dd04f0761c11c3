"""Messages as bytes: what opens and ends them, their check, and what we send."""

from dataclasses import dataclass
import re
from typing import Final

from ...dialogue import Unchecked
from ...errors import FrameError, RequestError

SOH, STX, ETX, EOT, ACK, NAK = 0x01, 0x02, 0x03, 0x04, 0x06, 0x15
SILENCE: Final = b"\x80\x83\x85\x80"
"""What a pause on the line is read as: four bytes whose parity is wrong on every such line."""
BREAK: Final = b"\x01B0\x03q"

_SEVEN_BITS: Final = bytes(n & 0x7F for n in range(256))
_EVEN: Final = bytes(n | (n.bit_count() % 2) << 7 for n in range(128)) * 2
_START: Final = re.compile(rb"[\x01\x02]")
_TEXT: Final = rb"[\t\n\r -~]*+"
_MESSAGE: Final = re.compile(rb"(?:\x01" + _TEXT + rb")?+\x02?+" + _TEXT)
_QUIET: Final = bytes(range(0x20, 0x7F)) + b"\0\t\n\r\x06\x15\x7f"
"""What may stand between messages: text, the NULs that wake a meter, acknowledgements, fill."""
_ADDRESS: Final = re.compile(r"[0-9A-Za-z ]{0,32}")
_QUERY: Final = re.compile(r"[!-~]{1,8}")


def seven_bits(data: bytes | bytearray) -> bytes:
    """Return data without parity bits."""
    return bytes(data).translate(_SEVEN_BITS)


def with_parity(data: bytes) -> bytes:
    """Return seven-bit data with even parity in bit 7."""
    return data.translate(_EVEN)


def bcc(data: bytes) -> int:
    """Return the check of what follows the first SOH or STX, up to and including ETX or EOT."""
    check = 0
    for byte in data:
        check ^= byte
    return check


@dataclass(frozen=True, slots=True)
class Span:
    """A message in a text: where it ends, its check included, and whether that is right.

    payload goes from SOH or STX to ETX or EOT; right is None where no check has come.
    """

    payload: bytes
    end: int
    right: bool | None


def span(text: bytes, at: int) -> Span | None:
    """Return the message that opens at a place; None where its end has not come.

    FrameError, whose skipped says how far it went, where it holds what no message does.
    """
    match = _MESSAGE.match(text, at)
    end = match.end() if match else at
    if end == len(text):
        return None
    if text[end] not in (ETX, EOT):
        raise FrameError("a message without its end", end - at)
    payload = text[at : end + 1]
    if len(text) == end + 1:
        return Span(payload, end + 1, None)
    return Span(payload, end + 2, bcc(payload[1:]) == text[end + 1])


def take(buffer: bytearray) -> bytes | None:
    """Remove the first data message; return it from STX to ETX or EOT, without parity bits.

    Without a check it counts once the line is quiet, and with its closing `!`, as Unchecked.
    Other messages, which may hold passwords, are removed and not shown. Text between
    messages is dropped silently, noise with a fault.
    """
    quiet = buffer.find(SILENCE)
    text = seven_bits(buffer if quiet < 0 else buffer[:quiet])
    start = _START.search(text)
    _skip(buffer, text[: start.start() if start else len(text)])
    text = text[start.start() :] if start else b""
    if not text:
        if quiet < 0:
            return None
        del buffer[: len(SILENCE)]
        return b""
    try:
        found = span(text, 0)
    except FrameError as err:
        raise _damaged(buffer, text, str(err), err.skipped + 1) from None
    if quiet < 0 and (found is None or found.right is None):
        return None
    return _taken(buffer, text, found)


def _taken(buffer: bytearray, text: bytes, found: Span | None) -> bytes:
    """Remove a message and return it if it counts; nothing more of it will come."""
    if found is None:
        raise _damaged(buffer, text, "a message without its end", len(text))
    if found.right is False:
        raise _damaged(buffer, text, "BCC of the message is wrong", found.end)
    if found.right is None and not closed(found.payload):
        raise _damaged(buffer, text, "a message without its check", found.end)
    del buffer[: found.end]
    if found.payload[0] != STX:
        return b""
    return Unchecked(found.payload) if found.right is None else found.payload


def closed(payload: bytes) -> bool:
    """Tell whether a message is a readout to its very end."""
    return payload[0] == STX and payload[-1] == ETX and payload[1:-1].rstrip().endswith(b"!")


def _damaged(buffer: bytearray, text: bytes, why: str, size: int) -> FrameError:
    """Remove a damaged message up to the next possible start in it."""
    again = _START.search(text, 1, size)
    size = again.start() if again else min(size, len(text))
    del buffer[:size]
    return FrameError(why, size)


def _skip(buffer: bytearray, text: bytes) -> None:
    """Remove what stands before a message."""
    del buffer[: len(text)]
    if noise := len(text.translate(None, _QUIET)):
        raise FrameError("noise between messages", noise)


def sign_on(query: str, address: str) -> bytes:
    """Return the request message; RequestError for what cannot be sent."""
    if not _ADDRESS.fullmatch(address):
        raise RequestError("address_form", address)
    if not _QUERY.fullmatch(query):
        raise RequestError("query_form", query)
    return f"/{query}{address}!\r\n".encode("ascii")


def acknowledge(protocol: str, baud: str, mode: str) -> bytes:
    """Return the acknowledgement that selects protocol, speed and mode, a character each."""
    return b"\x06%b\r\n" % f"{protocol}{baud}{mode}".encode("ascii")


def command(name: str, data: str = "") -> bytes:
    """Return a command message such as R5 with its data; RequestError for what is not text."""
    if not (data.isascii() and data.isprintable()):
        raise RequestError("value_not_visible", name)
    text = f"{name}\x02{data}\x03".encode("ascii")
    return b"\x01" + text + bytes([bcc(text)])
