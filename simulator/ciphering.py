"""Ciphered telegrams on the way out: general-glo-ciphering of DLMS (IEC 62056-5-3, 9.2.7).

DB title(8) length control counter(4) content [tag(12)]
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.ciphers import Cipher as AesCipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

from .clock import standard
from .dlms import length

AUTHENTICATED, ENCRYPTED, BROADCAST = 0x10, 0x20, 0x40  # bits of the control byte
_TAG = 12  # bytes
_GENERAL_GLO = 0xDB
_FIRST = datetime(2000, 1, 1)
_TICK = timedelta(milliseconds=500)  # no meter sends faster


@dataclass(frozen=True, slots=True, kw_only=True)
class Cipher:
    """The keys of a meter, and how it uses them; an empty title stands for eight zero bytes."""

    title: bytes
    key: bytes = field(repr=False)
    authentication: bytes = field(repr=False)
    control: int

    def __str__(self) -> str:
        """Return the keys as their owner would type them in."""
        authentication = f", authentication key {self.authentication.hex().upper()}"
        needed = authentication if self.control & AUTHENTICATED else ""
        return f"encryption key {self.key.hex().upper()}{needed}"

    def seal(self, content: bytes, counter: int) -> bytes:
        """Return the APDU that hides content."""
        title = bytes([_GENERAL_GLO, len(self.title)]) + self.title
        body = self.body(content, counter)
        return title + length(len(body)) + body

    def body(self, content: bytes, counter: int) -> bytes:
        """Return control byte, counter, content and tag."""
        count = counter.to_bytes(4, "big")
        iv = (self.title or bytes(8)) + count
        encryptor = AesCipher(AES(self.key), GCM(iv)).encryptor()
        encryptor.authenticate_additional_data(bytes([self.control]) + self.authentication)
        if self.control & ENCRYPTED:
            content = encryptor.update(content)
        else:
            encryptor.authenticate_additional_data(content)
        encryptor.finalize()
        tag = encryptor.tag[:_TAG] if self.control & AUTHENTICATED else b""
        return bytes([self.control]) + count + content + tag


def counter(when: datetime) -> int:
    """Return an invocation counter that rises with the clock of the meter."""
    return (standard(when) - _FIRST) // _TICK
