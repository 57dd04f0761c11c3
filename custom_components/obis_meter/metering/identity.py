"""Who a meter says it is: its own id, maker, model, firmware, and the sub-meters behind it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
import re
from typing import Final

from .makers import FLAG_MAKERS
from .model import ObisCode, Reading, Telegram

_IDS: Final = (
    ObisCode(0, 0, 96, 1, 0),
    ObisCode(0, 0, 96, 1, 1),
    ObisCode(1, 1, 0, 0, 5),
    ObisCode(1, 0, 0, 0, 0),
    ObisCode(0, 0, 42, 0, 0),
    ObisCode(1, 0, 0, 0, 9),
    ObisCode(0, 0, 0, 0, 9),
    ObisCode(1, 1, 0, 0, 0),
    ObisCode(0, 0, 0, 0, 0),
)
"""Where meters put their id, best first: device ids, GS1 number, property number, device name;
then how older ones do, some of them without medium and channel.
"""

_TYPES: Final = (ObisCode(0, 0, 96, 1, 7), ObisCode(1, 1, 96, 1, 1), "0400040B")
_FIRMWARES: Final = (
    *(ObisCode(1, 0, 0, 2, 0), ObisCode(0, 0, 0, 2, 0), ObisCode(1, 0, 0, 2, 0, 0)),
    "04800001",
)

_LIST_MAKERS: Final = {
    "AIDON": "Aidon",
    "KFM": "Kaifa",
    "Kamstrup": "Kamstrup",
    "EMBRIQ": "Landis+Gyr",
}

_HEX_ID: Final = re.compile(r"(?:[0-9A-Fa-f]{2}){6,}")
_SOFTWARE: Final = re.compile(r"\d{6}")
_REMEMBERED: Final = 256  # ids; the same ones come with every telegram
_BLANK: Final = frozenset("0 ")


@dataclass(frozen=True, slots=True)
class Identity:
    """What is known of a meter; None where it does not say."""

    serial: str | None = None
    maker: str | None = None
    model: str | None = None
    firmware: str | None = None

    def updated(self, said: Identity) -> Identity:
        """Return what is known after the meter said more; what it leaves out stays."""
        return Identity(
            said.serial or self.serial,
            said.maker or self.maker,
            said.model or self.model,
            said.firmware or self.firmware,
        )


def meter_id(readings: Iterable[Reading]) -> str | None:
    """Return the id that the meter gives itself, decoded; None where the telegram has none."""
    by_code = {reading.id: reading.value for reading in readings}
    for code in _IDS:
        match by_code.get(code):
            case str(text) if name := readable(text):
                return name
    return None


@lru_cache(_REMEMBERED)
def readable(text: str) -> str | None:
    """Return an id as printed on the meter: decoded where it is the hex of letters and digits.

    None for an id of nothing but zeros or blanks, as unconfigured meters send.
    """
    text = text.strip().strip("\0")
    if _HEX_ID.fullmatch(text):
        octets = bytes.fromhex(text).strip(b" \0")
        if octets.isalnum():
            text = octets.decode("ascii")
    return None if set(text) <= _BLANK else text


@dataclass(frozen=True, slots=True)
class ServerId:
    """The id by which an SML meter signs: as printed on the meter or in hex, its maker, its number.

    maker holds three letters; None, and number None, where the id does not say.
    """

    text: str
    maker: str | None = None
    number: int | None = None


def server_id(octets: bytes) -> ServerId | None:
    """Read the id of an SML meter; None for one of nothing but zeros.

    0A (09 on older meters), medium, maker(3), block, number(4) is the number of DIN 43863-5
    on the meter's plate; old EMH and EasyMeter send 06, maker(3), .. or 01, M-Bus maker(2),
    BCD number(4), version, medium. Some old meters send text.
    """
    if not octets.strip(b"\0"):
        return None
    match len(octets), octets[0]:
        case 10, 0x09 | 0x0A if maker := _letters(octets[2:5]):
            number = int.from_bytes(octets[6:])
            text = f"{octets[1]:X}{maker}{octets[5]:02X}{number:08}"
            return ServerId(text, maker, number)
        case 10, 0x06:
            return ServerId(octets.hex(), _letters(octets[1:4]))
        case 9, 0x01 if maker := _mbus_maker(octets[1:3]):
            return ServerId(maker + octets[6:2:-1].hex(), maker)
    name = readable(octets.decode("ascii")) if octets.isalnum() else octets.hex()
    return ServerId(name) if name else None


def _letters(octets: bytes) -> str | None:
    return octets.decode("ascii") if octets.isalpha() and octets.isupper() else None


def _mbus_maker(octets: bytes) -> str | None:
    """Return the three letters that M-Bus packs into 15 bits (EN 13757-3)."""
    packed = int.from_bytes(octets, "little")
    return _letters(bytes(64 + (packed >> shift & 0x1F) for shift in (10, 5, 0)))


def describe(telegram: Telegram) -> Identity:
    """Return what one telegram tells about its meter."""
    by_code = {each.id: each.value for each in telegram.readings if isinstance(each.value, str)}
    return Identity(
        serial=telegram.meter,
        maker=_maker(telegram.ident),
        model=_first(by_code, _TYPES) or _model(telegram.ident),
        firmware=_first(by_code, _FIRMWARES),
    )


def _first(by_code: Mapping[ObisCode | str, str], codes: tuple[ObisCode | str, ...]) -> str | None:
    return next((text for code in codes if (text := by_code.get(code))), None)


def flag_maker(flag: str) -> str | None:
    """Return the maker of a FLAG manufacturer id; None where it is not known."""
    return FLAG_MAKERS.get(flag.upper())


def _maker(ident: str | None) -> str | None:
    if not ident:
        return None
    prefix, is_list, _ = ident.partition("_")
    return (_LIST_MAKERS.get(prefix) if is_list else None) or flag_maker(ident[:3])


@lru_cache(_REMEMBERED)
def _model(ident: str | None) -> str | None:
    """Return the part of a P1 identification that names the type, not a number of its software."""
    if not ident or ident.partition("_")[0] in _LIST_MAKERS:
        return None
    model = re.sub(r"^.{3}\d?(?:\\[\d@]?)*[-: ]*", "", ident).strip()
    return None if not model or _SOFTWARE.match(model) else model
