"""What no Python can do without: checks and unpacking, each in as few calls into C as there are.

Not a decoder: it takes the bytes of these streams for granted, and makes one number of four
bytes of each reading.
"""

from binascii import crc_hqx
from collections.abc import Callable
import re
from struct import Struct

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

from metering.checksum import crc16_arc

from ..jobs import Job, Reader

_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_UNSHIFTED = bytes((byte - 0x33) % 256 for byte in range(256))
_DATA_SET = re.compile(rb"([\d:.-]+)\((?:([\d]+S|W)\)\()?([^*)]*)\*?([^)]*)\)\r\n")
_NUMBER = 4  # bytes
_BYTES_A_READING = 10  # of a list with OBIS codes
_X25 = 0xFFFF  # where its register starts


def _numbers(octets: bytes) -> int:
    count = max(1, len(octets) // _BYTES_A_READING)
    Struct(f">{count}I").unpack_from(octets.ljust(_NUMBER))
    return count


def _hdlc(job: Job) -> Reader:
    def read(chunk: bytes) -> int:
        crc_hqx(chunk[1:-3].translate(_MIRRORED), _X25)
        return _numbers(chunk[20:-3])

    return read


def _glo(job: Job) -> Reader:
    key, additional = AES(bytes.fromhex(job.key)), b"\x30" + bytes.fromhex(job.auth_key)

    def read(chunk: bytes) -> int:
        crc_hqx(chunk[1:-3].translate(_MIRRORED), _X25)
        at = chunk.index(b"\xdb\x08") + 2
        iv = chunk[at : at + 8] + chunk[at + 12 : at + 16]
        opener = Cipher(key, GCM(iv, chunk[-15:-3], min_tag_length=12)).decryptor()
        opener.authenticate_additional_data(additional)
        return _numbers(opener.update(chunk[at + 16 : -15]) + opener.finalize())

    return read


def _p1(job: Job) -> Reader:
    def read(chunk: bytes) -> int:
        crc16_arc(chunk)  # C has none: the big integers of ours
        return len(_DATA_SET.findall(chunk))

    return read


def _sml(job: Job) -> Reader:
    def read(chunk: bytes) -> int:
        mirrored = chunk[:-2].translate(_MIRRORED)
        crc_hqx(mirrored, _X25)
        crc_hqx(mirrored, _X25)  # of the messages
        return _numbers(chunk)

    return read


def _dlt645(job: Job) -> Reader:
    def read(chunk: bytes) -> int:
        sum(chunk[4:-2])
        return _numbers(chunk[14:-2].translate(_UNSHIFTED))

    return read


def _by_link(job: Job) -> Reader:
    link = "glo" if job.key else job.link
    begin: dict[str, Callable[[Job], Reader]] = {
        "hdlc": _hdlc,
        "glo": _glo,
        "p1": _p1,
        "sml": _sml,
        "dlt645": _dlt645,
    }
    return begin[link](job)


WAYS = {"": _by_link}
