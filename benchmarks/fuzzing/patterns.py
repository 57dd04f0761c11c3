"""FLOODS: bytes that, repeated, promise much: starts, headers and lengths without what follows."""

from typing import Final

from simulator import sml
from simulator.dlms import Address
from simulator.frames import mbus_frame

_ADDRESS: Final = Address(b"\x41", b"\x08\x83", 0x13)
_LONGEST: Final = _ADDRESS.frame(bytes(2000))[:12]  # a header that holds, and promises 2 KiB
_DEEP: Final = b"\x0f" + bytes(5) + b"\x02\xff" * 7
_SML_START: Final = sml.frame(b"", sml.x25)[:8]

FLOODS: Final = {
    "flags": b"\x7e",
    "short frames": b"\x7e\xa0\x07",
    "headers of long frames": _LONGEST,
    "bodies": b"\x0f\0\0\0\0\0",
    "bodies with a header": b"\xe6\xe7\x00\x0f\0\0\0\0\0",
    "long lists": b"\x0f\0\0\0\0\0\x01\x82\x40\x00",
    "deep lists": _DEEP,
    "starts": b"/abc",
    "starts with parity": b"\xaf\xe1\xe2\xe3",
    "ends": b"!",
    "empty telegrams": b"/abc\r\n!\r\n",
    "hex": b"7ea0",
    "hex lines": b"0f0000000000" * 6 + b"\n",
    "line ends": b"\r\n",
    "fill": b"\xff",
    "escapes": b"\x1b\x1b\x1b\x1b",
    "starts of files": _SML_START,
    "starts inside escapes": b"\x1b\x1b\x1b\x1b" + _SML_START,
    "escapes that mean nothing": _SML_START + b"\x1b\x1b\x1b\x1b\2\2\2\2",
    "files with a wrong check": b"\x1b\x1b\x1b\x1b" + _SML_START + b"\x1b\x1b\x1b\x1b\x1a\0\0\0",
    "deep files": sml.frame(b"\x76" * 200, sml.x25),
    "starts of M-Bus": b"\x68",
    "M-Bus without data": bytes.fromhex("68040468530000005716"),
    "heads of M-Bus": bytes.fromhex("6801016853ff00"),
    "headers of the wrapper": bytes.fromhex("00010001000120000f"),
    "false headers of the wrapper": b"\0\1",
    "headers of a cipher": b"\xdb\x08ABCdefgh\x82\x1f\xff\x30",
    "other headers of a cipher": b"\xdb\x08ABCdefg\xdb\x82\x1f\xff\x30",
    "half headers of a cipher": b"\xdb\x08ABC",
    "ciphers with a name": b"/abc5\r\n\r\n\0\x82\x1f\xff\x30",
    "first blocks": bytes.fromhex("e6e700e0400001000000"),
    "blocks": _ADDRESS.frame(bytes.fromhex("e6e700e04000010000021234")),
    "first frames of M-Bus": mbus_frame(0, b"\xdb\x08ABCdefgh\x82\x1f\xff\x30", last=False),
    "starts of data messages": b"\x02",
    "starts of commands": b"\x01",
    "commands and data": b"\x01P1\x02",
    "data messages without an end": b"\x02F.F(00)\r\n",
    "data messages with a wrong check": b"\x02F.F(00)!\r\n\x03x",
    "open brackets": b"\x02((((",
    "silences": b"\x80\x83\x85\x80",
    "wake-up": b"\xfe",
    "frames of a bus": b"\x68",
    "heads of a bus": b"\x68\x29\x25\x07\x07\x21\x20\x68\x91\xff",
}
