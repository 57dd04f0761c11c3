"""The nouns of metering: OBIS codes, readings, telegrams, line settings."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
import re
from typing import Final, Literal, NamedTuple, Self, override

from .errors import MeteringError
from .sign_on import SignOn

type Value = Decimal | str | datetime

_OBIS = re.compile(
    r"(?:(\d{1,3})-(\d{1,3}):)?([0-9CFLP]{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?(?:[*&](\d{1,3}))?"
)
_LETTERS = {"C": 96, "F": 97, "L": 98, "P": 99}  # IEC 62056-61, 5.2
_ELECTRICITY, _ABSTRACT = 1, 0


class ObisCode(NamedTuple):
    """Names a register: medium, channel, quantity, processing, tariff, history (IEC 62056-6-1).

    A tuple, because codes are keys everywhere: one is made in a third of the time that a
    dataclass takes, and looked up in a tenth.
    """

    a: int
    b: int
    c: int
    d: int
    e: int
    f: int = 255

    @override
    def __str__(self) -> str:
        """Return A-B:C.D.E, with *F only where it is not 255 (the present value)."""
        history = "" if self.f == 255 else f"*{self.f}"
        return f"{self.a}-{self.b}:{self.c}.{self.d}.{self.e}{history}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read A-B:C.D.E*F; A-B, E and F may be missing. None for anything else."""
        if not (match := _OBIS.fullmatch(text)):
            return None
        letter = _LETTERS.get(match[3])
        if letter is None and not match[3].isdigit():
            return None
        c = letter or int(match[3])
        medium = _ELECTRICITY if 0 < c < 96 else _ABSTRACT
        groups = (
            int(match[1] or medium),
            int(match[2] or 0),
            c,
            int(match[4]),
            int(match[5] or 0),
            int(match[6] or 255),
        )
        return cls(*groups) if max(groups) <= 255 else None


@dataclass(frozen=True, slots=True)
class Reading:
    """One value the meter named.

    id is the OBIS code, or the address as sent where no code exists; unit is
    the unit as sent ("kWh", "Wh", "V" ...), None for text, counts and times,
    and for a number whose scaler is not known. A time is the meter's local
    wall time, with an offset only where the meter sent one.
    """

    id: ObisCode | str
    value: Value
    unit: str | None = None
    time: datetime | None = None

    def resembles(self, other: Reading) -> bool:
        """Tell whether both say the same but for a number or a time."""
        alike = self.id == other.id and self.unit == other.unit
        if isinstance(self.value, str):
            return alike and self.value == other.value
        return alike and type(self.value) is type(other.value)


@dataclass(frozen=True, slots=True)
class Telegram:
    """Everything one push said.

    meter is the id the meter gives itself, ident the identification or list
    version it opens with; both None where the telegram carries none. plain is
    what a list says whose layout nobody knows, element by element.
    """

    readings: tuple[Reading, ...]
    meter: str | None = None
    time: datetime | None = None
    ident: str | None = None
    plain: tuple[str, ...] = ()

    def resembles(self, other: Telegram) -> bool:
        """Tell whether both say the same but for numbers and times."""
        said, old = self.readings, other.readings
        if len(said) != len(old) or self.meter != other.meter or self.ident != other.ident:
            return False
        for new, before in zip(said, old, strict=True):
            if new is not before and not new.resembles(before):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Message:
    """A frame whose content is not readings: protocol and command numbers, and the body.

    quality is the signal quality that came with it, where the link sends one.
    """

    protocol: int
    command: int
    data: bytes
    quality: int | None = None


type Verb = Literal["get", "set", "action", "send"]


@dataclass(frozen=True, slots=True)
class Command:
    """What an owner wants of a meter; the link reads the form of parameter and value.

    value is text that suits type, the name of a data type, or hex without one.
    item is the number that goes with a typed value; read_back asks for what
    was set afterwards.
    """

    verb: Verb
    parameter: str = ""
    value: str = ""
    type: str | None = None
    item: int = 1
    read_back: bool = True


@dataclass(frozen=True, slots=True)
class Access:
    """Which meter on a line is meant, and what it wants to hear before it obeys.

    address is the meter's own, as it gives it; empty where there is one only.
    dialect names the variety of the link that it speaks, as finding it told;
    sign_on how it is read where it waits to be asked. Secrets never show.
    """

    address: str = ""
    password: str = field(default="", repr=False)
    operator: str = field(default="", repr=False)
    dialect: str = ""
    sign_on: SignOn = field(default_factory=SignOn)


ANYONE: Final = Access()


@dataclass(frozen=True, slots=True)
class Reply:
    """What the meter answered: parameter, data type as sent, value, and its octets.

    read_back is what a parameter holds after it was set, or why nobody knows.
    """

    parameter: str | None
    type: str | None
    value: int | str | datetime | None
    data: bytes
    read_back: Reply | MeteringError | None = None


METER_EVENT: Final = "meter_event"  # the kind of a notice that says no more than its parameter


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the meter says has happened, named by a parameter, and what it says of it."""

    kind: str
    parameter: str
    value: int | str | datetime | None
    data: bytes


@dataclass(frozen=True, slots=True)
class Module:
    """Whom a meter talks to when it asks its communication module.

    link_quality is 0 to 31 as modems count it, 99 for unknown; meter is the
    meter's own serial number as far as it is known; name is ASCII.
    """

    name: str
    meter: str | None = None
    link_quality: int = 31
    state: int = 1


type Parity = Literal["N", "E", "O"]
type FlowControl = Literal["none", "rtscts", "xonxoff"]

_LINE = re.compile(r"(\d{3,7}) ([78])([NEO])([12])(?: (rtscts|xonxoff))?")


@dataclass(frozen=True, slots=True)
class LineSettings:
    """How a serial line is set: bits per second, data bits, parity, stop bits, flow control."""

    baudrate: int
    byte_size: int = 8
    parity: Parity = "N"
    stop_bits: int = 1
    flow_control: FlowControl = field(default="none")

    def __str__(self) -> str:
        """Return the usual short form: "2400 8E1", "9600 7E1 xonxoff"."""
        flow = "" if self.flow_control == "none" else f" {self.flow_control}"
        return f"{self.baudrate} {self.byte_size}{self.parity}{self.stop_bits}{flow}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the short form, in any letter case, with _ for blanks; ValueError otherwise."""
        shout = " ".join(text.replace("_", " ").split()).upper()
        head, _, flow = shout.partition(" ")
        frame, _, control = flow.partition(" ")
        match = _LINE.fullmatch(f"{head} {frame} {control.lower()}".strip())
        if not match:
            raise ValueError(f"not line settings such as 2400 8N1: {text}")
        baudrate, size, parity, stop, control = match.groups()
        return cls(int(baudrate), int(size), _parity(parity), int(stop), _flow_control(control))


def _parity(letter: str) -> Parity:
    match letter:
        case "E" | "O":
            return letter
    return "N"


def _flow_control(word: str | None) -> FlowControl:
    match word:
        case "rtscts" | "xonxoff":
            return word
    return "none"
