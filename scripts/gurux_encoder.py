"""Print notifications that gurux_dlms encodes, one JSON row each; it runs without our code.

Every interface, security byte and suite, whole and in blocks, integers and floats.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from itertools import product
import json
from random import Random
from typing import Any

SECURE: Any = import_module("gurux_dlms.secure.GXDLMSSecureNotify").GXDLMSSecureNotify
ENUMS: Any = import_module("gurux_dlms.enums")
SUITE: Any = import_module("gurux_dlms.objects.enums").SecuritySuite
COMMON: Any = import_module("gurux_dlms.internal._GXCommon")._GXCommon
BUFFER: Any = import_module("gurux_dlms").GXByteBuffer

TYPE = ENUMS.DataType
REGISTERS = (
    ("1.0.1.8.0", TYPE.UINT32, 30, "Wh", (0, 2**32 - 1)),
    ("1.0.2.8.0", TYPE.UINT64, 30, "Wh", (0, 2**60)),
    ("1.0.3.8.0", TYPE.INT64, 32, "varh", (-(2**60), 2**60)),
    ("1.0.1.7.0", TYPE.INT32, 27, "W", (-(2**31), 2**31 - 1)),
    ("1.0.32.7.0", TYPE.UINT16, 35, "V", (0, 65535)),
    ("1.0.31.7.0", TYPE.INT16, 33, "A", (-32768, 32767)),
    ("1.0.14.7.0", TYPE.UINT8, 44, "Hz", (0, 255)),
    ("1.0.13.7.0", TYPE.INT8, 255, None, (-128, 127)),
)
LINKS = {
    ENUMS.InterfaceType.HDLC: "hdlc",
    ENUMS.InterfaceType.WRAPPER: "wrapper",
    ENUMS.InterfaceType.PDU: "apdu",
}
SECURITIES = (0x00, 0x10, 0x20, 0x30)
EACH = 4  # telegrams of a kind


def body(random: Random, floats: bool) -> tuple[Any, dict[str, tuple[str, str | None]]]:
    """Return a list of registers with their scalers, and what it says."""
    said = BUFFER()
    said.setUInt8(TYPE.ARRAY)
    COMMON.setObjectCount(len(REGISTERS), said)
    expected = {}
    for name, kind, unit, symbol, (least, most) in REGISTERS:
        wanted = random.choice((TYPE.FLOAT32, TYPE.FLOAT64)) if floats else kind
        scaler = 0 if floats else random.randint(-3, 3)
        value = random.randint(-4000, 4000) / 4 if floats else random.randint(least, most)
        said.setUInt8(TYPE.STRUCTURE)
        said.setUInt8(3)
        COMMON.setData(None, said, TYPE.OCTET_STRING, bytes((*map(int, name.split(".")), 255)))
        COMMON.setData(None, said, wanted, value)
        said.setUInt8(TYPE.STRUCTURE)
        said.setUInt8(2)
        COMMON.setData(None, said, TYPE.INT8, scaler)
        COMMON.setData(None, said, TYPE.ENUM, unit)
        a, b, c, d, e = name.split(".")
        number = format(Decimal(str(value)).scaleb(scaler), "f")
        expected[f"{a}-{b}:{c}.{d}.{e}"] = (number, symbol)
    return said, expected


def sender(random: Random, link: Any, security: int, suite: int, blocks: bool) -> Any:
    """Return a meter of gurux's with keys of its own."""
    made = SECURE(True, 1, 1, link)
    size = 32 if suite == SUITE.SUITE_2 else 16
    ciphering = made.ciphering
    ciphering.securitySuite = SUITE(suite)
    ciphering.security = ENUMS.Security(security)
    ciphering.systemTitle = b"GRX" + random.randbytes(5)
    ciphering.blockCipherKey = random.randbytes(size)
    ciphering.authenticationKey = random.randbytes(size)
    ciphering.invocationCounter = random.randint(1, 2**31)
    conformance = ENUMS.Conformance.GENERAL_PROTECTION
    if blocks:
        conformance |= ENUMS.Conformance.GENERAL_BLOCK_TRANSFER
    made.maxReceivePDUSize = 64 if blocks else 0xFFFF
    made.settings.negotiatedConformance = made.conformance = conformance
    if link == ENUMS.InterfaceType.HDLC:
        made.hdlcSettings.maxInfoTX = 128 if blocks else 2030
    return made


def rows() -> Iterator[dict[str, Any]]:
    """Yield frames, keys and what is to be read."""
    random = Random(7)
    kinds = product(LINKS, SECURITIES, range(3), (False, True), (False, True), (False, True))
    for link, security, suite, blocks, floats, authenticates in kinds:
        if (not security and suite) or (authenticates and not security & 0x10):
            continue
        for _ in range(EACH):
            made = sender(random, link, security, suite, blocks)
            said, expected = body(random, floats)
            when = random.choice((None, datetime(2026, 3, 4, 5, 6, 7)))
            frames = made.generateDataNotificationMessages(when, said)
            keys = made.ciphering
            row: dict[str, Any] = {
                "link": LINKS[link],
                "frames": [bytes(frame).hex() for frame in frames],
                "expected": expected,
                "security": security,
                "suite": suite,
                "blocks": blocks,
            }
            if security:
                row["key"] = bytes(keys.blockCipherKey).hex()
            if authenticates:
                row["auth_key"] = bytes(keys.authenticationKey).hex()
            yield row


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        for each in rows():
            print(json.dumps(each))
