"""Meters of Austria, Switzerland and Luxembourg: ciphered, on M-Bus, in blocks, over TCP."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from . import p1
from .carried import Carried
from .ciphering import AUTHENTICATED, ENCRYPTED, Cipher
from .clock import wall
from .device import Turn
from .dlms import (
    LLC,
    LONG_UNSIGNED,
    UNITS,
    Address,
    array,
    obis,
    octet_string,
    scaler_unit,
    structure,
)
from .frames import blocks_in_hdlc, mbus, wrapper
from .hanlists import CLOCK, ENERGY, FLOWS, POWER, SECOND, date_time, named, wires
from .hanmeter import Dialect, HanMeter, Item, Wire

__all__ = ["AM550", "E450", "KAIFA", "LUXEMBOURG", "TCP"]

_EVERY_5_S = (Turn(1, 5 * SECOND),)
_NAME, _ID = "0-0:42.0.0", "0-0:96.1.0"
_VOLTAGES, _CURRENTS = FLOWS[3][3:], FLOWS[3][:3]


def _octets(text: str) -> bytes:
    return octet_string(text.encode("ascii"))


def _key(digits: str) -> bytes:
    """Return a key that nobody takes for a real one."""
    return bytes.fromhex(digits * 16)


# --- Kaifa MA309M of Austria: M-Bus, two frames, encrypted only; OBIS, value, scaler and unit ---


def _nested(item: Item) -> bytes:
    meaning = () if item.unit is None else (scaler_unit(item.scaler, UNITS[item.unit]),)
    return structure([obis(item.code), item.data, *meaning])


def _clock_first(items: Sequence[Item]) -> bytes:
    """Return a structure that begins with code and value of the clock."""
    clock, *rest = items
    return structure([obis(clock.code), clock.data, *map(_nested, rest)])


_AUSTRIAN = Dialect(
    address=Address(b"\x01", b"\x01", 0x13),
    text=_octets,
    header=date_time,
    body=_clock_first,
    wires=wires(Wire(LONG_UNSIGNED, -2), Wire(LONG_UNSIGNED, -1), 0),
    local=wall,
)
_KAIFA_CODES = (CLOCK, _ID, _NAME, *_VOLTAGES, *_CURRENTS, *POWER[:2], *ENERGY)
_KAIFA = HanMeter(
    dialect=_AUSTRIAN,
    lists={1: _KAIFA_CODES},
    turns=_EVERY_5_S,
    texts={_ID: "1KFM0200001234", _NAME: "KFM1200200001234"},
)
KAIFA = Carried(
    inner=_KAIFA,
    link="mbus",
    frame=mbus,
    cipher=Cipher(
        title=b"KFM\x10\x20\x00\x04\xd2",
        key=_key("A1"),
        authentication=b"",
        control=ENCRYPTED,
    ),
)

# --- Iskraemeco AM550 of Vienna: HDLC, encrypted only; by position ---

_SETUP_6 = octet_string(bytes((0, 6, 25, 9, 0, 0xFF)))
_NOT_SPECIFIED = (octet_string(b"\xff" * 4), octet_string(b"\xff" * 5))  # time, date
_EMPTY = octet_string(b"")


def _by_position(items: Sequence[Item]) -> bytes:
    meter, *values = (item.data for item in items)
    return structure([_SETUP_6, meter, *_NOT_SPECIFIED, *values, _EMPTY, _EMPTY])


_VIENNA = Address(b"\xcf", b"\x02\x23", 0x13)
AM550 = Carried(
    inner=HanMeter(
        dialect=replace(_AUSTRIAN, body=_by_position),
        lists={1: (_ID, *ENERGY, *POWER[:2])},
        turns=(Turn(1, SECOND),),
        texts={_ID: "1ISK0000001234"},
    ),
    link="hdlc",
    frame=lambda apdu: _VIENNA.frame(LLC + apdu),
    cipher=Cipher(
        title=b"ISKg\x75\x00\x04\xd2", key=_key("A2"), authentication=b"", control=ENCRYPTED
    ),
    line="9600 8N1",
)

# --- Landis+Gyr E450 of Switzerland: HDLC, blocks, authenticated; objects first, values behind ---

_SETUP_8 = bytes((0, 8, 25, 9, 0, 0xFF))
_REGISTER, _PUSH = 3, 40  # interface classes


def _object(interface: int, name: bytes) -> bytes:
    """Return what names attribute 2 of an object."""
    attribute = bytes((0x0F, 2))
    index = LONG_UNSIGNED.encode(0)
    return structure([LONG_UNSIGNED.encode(interface), name, attribute, index])


def _objects_first(items: Sequence[Item]) -> bytes:
    """Return the list of objects, the list itself among them, and the values behind it."""
    own = _object(_PUSH, octet_string(_SETUP_8))
    objects = array([own, *(_object(_REGISTER, obis(item.code)) for item in items)])
    return structure([objects, *(item.data for item in items)])


_TOTALS = tuple(code.replace("1-0:", "1-1:") for code in ENERGY)
_SWISS = Address(b"\xce", b"\xff\x03", 0x13)
_E450_NAMES: Mapping[str, str] = named((_NAME, "0-0:96.1.1"), "LGZ1030600001234", "1001234")
E450 = Carried(
    inner=HanMeter(
        dialect=replace(
            _AUSTRIAN,
            body=_objects_first,
            wires=wires(Wire(LONG_UNSIGNED, -2), Wire(LONG_UNSIGNED, 0), 0),
        ),
        lists={1: (*_E450_NAMES, CLOCK, *_TOTALS, *POWER[:2], *_VOLTAGES, *_CURRENTS)},
        turns=_EVERY_5_S,
        texts=_E450_NAMES,
    ),
    link="hdlc",
    frame=partial(blocks_in_hdlc, address=_SWISS, size=120),
    cipher=Cipher(
        title=b"LGZgs\x00\x04\xd2",
        key=_key("A3"),
        authentication=_key("B3"),
        control=AUTHENTICATED | ENCRYPTED,
    ),
    line="2400 8E1",
)

# --- P1 of Luxembourg: the whole telegram ciphered, the authentication key is public ---

LUXEMBOURG = Carried(
    inner=p1.LU,
    link="p1",
    cipher=Cipher(
        title=b"SAGgp\x00\x04\xd2",
        key=_key("A4"),
        authentication=bytes.fromhex("00112233445566778899AABBCCDDEEFF"),
        control=AUTHENTICATED | ENCRYPTED,
    ),
    line=p1.LU.line,
)

# --- The Austrian list in the clear, over TCP ---

TCP = Carried(inner=_KAIFA, link="wrapper", frame=wrapper, line="9600 8N1")
