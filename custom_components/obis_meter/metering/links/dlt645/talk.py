"""Questions to meters: read, write, and what else the control byte can ask for.

An answer is known by address, control byte and data identifier; a refusal bears
no identifier, so the next question to a meter waits until no answer to the last
can come any more. Only what reads is asked again.
"""

from dataclasses import dataclass
from typing import Final

from ...dialogue import Dialogue, Expect, Send, Settle
from ...errors import DecodeError, MeteringError, NoAnswer, Refused, RequestError
from ...model import ANYONE, Access, Telegram
from .answers import Block, continues, identifier_of, joined, refusal, telegram
from .frame import BROADCAST, Frame, Function, address_of, frames, request

ANSWER: Final = 2.5  # seconds: 0.5 to the first byte, and 212 bytes at 1200 bit/s
LONGEST: Final = 3.0  # seconds after which no answer comes any more
ATTEMPTS: Final = 3  # of questions that change nothing

CONTROL_LEVEL: Final = "02"  # of a password that was given without its level
WRITE_LEVEL: Final = "04"
_CIPHERS: Final = ("98", "99")  # levels whose passwords only the utility can make
_MOST_FRAMES: Final = 255  # of one block
_MOST_SENT: Final = 200  # bytes of data in a request
_OWN_ADDRESS: Final = "04000401"


@dataclass(frozen=True, slots=True)
class Question:
    """One request; its data may hold a password and never shows."""

    address: str
    function: int
    identifier: str = ""
    number: int = 0

    def fits(self, payload: bytes) -> bool:
        """Tell whether a payload answers this: with data, with nothing to add, or with a no."""
        try:
            (frame,) = frames(payload)
        except MeteringError:
            return False
        if frame.function != self.function or not fits_address(self.address, frame.address):
            return False
        if frame.refused or self.function not in _NAMED:
            return True
        numbered = not self.number or frame.data[-1] == self.number
        return identifier_of(frame) == self.identifier and numbered


_NAMED: Final = (Function.READ, Function.READ_ON, Function.OLD_READ, Function.OLD_READ_ON)


def fits_address(asked: str, said: str) -> bool:
    """Tell whether a meter of this address answers to the one asked for, AA meaning any digits."""
    if asked == BROADCAST:
        return True
    pairs = range(0, len(asked), 2)
    return all(asked[at : at + 2] in ("AA", said[at : at + 2]) for at in pairs)


def ask(question: Question, data: bytes = b"", *, attempts: int = 1) -> Dialogue[Frame]:
    """Put a question until it is answered; Refused where the meter says no."""
    for attempt in range(1, attempts + 1):
        yield Settle(question.address)
        yield Send(request(question.address, question.function, data))
        try:
            payload = yield Expect(question.fits, ANSWER, question.address, LONGEST)
        except NoAnswer:
            if attempt == attempts:
                raise
            continue
        (frame,) = frames(payload)
        if frame.refused:
            raise refusal(frame)
        return frame
    raise AssertionError  # pragma: no cover


def octets_of(identifier: str) -> bytes:
    """Return an identifier as it is sent; RequestError for what is none."""
    try:
        octets = bytes.fromhex(identifier)[::-1]
    except ValueError:
        octets = b""
    if len(octets) not in (2, 4):
        raise RequestError("parameter_unknown", identifier)
    return octets


def is_old(identifier: str) -> bool:
    """Tell whether an identifier is one of DL/T 645-1997."""
    return len(identifier) == 4


def fetch(access: Access, identifier: str, further: bytes = b"") -> Dialogue[Block]:
    """Read what stands behind an identifier, with all frames that continue it."""
    address, name = address_of(access.address), octets_of(identifier)
    function = Function.OLD_READ if is_old(identifier) else Function.READ
    question = Question(address, function, identifier.upper())
    first = yield from ask(question, name + further, attempts=ATTEMPTS)
    rest: list[Frame] = []
    while (rest or [first])[-1].more:
        if len(rest) == _MOST_FRAMES:
            raise DecodeError(f"data identifier {identifier} does not end")
        rest.append((yield from _next(first, len(rest) + 1)))
    return joined(first, rest)


def _next(first: Frame, number: int) -> Dialogue[Frame]:
    """Read the frame of a number, from 1, behind the first of a block."""
    identifier = identifier_of(first)
    counted = b"" if is_old(identifier) else bytes([number])
    question = Question(first.address, first.function + 1, identifier, number if counted else 0)
    frame = yield from ask(question, octets_of(identifier) + counted, attempts=ATTEMPTS)
    if not continues(first, frame, number):
        raise DecodeError(f"data identifier {identifier} goes on with something else")
    return frame


def read(access: Access, identifier: str, further: bytes = b"") -> Dialogue[Telegram]:
    """Read the values behind an identifier."""
    return telegram((yield from fetch(access, identifier, further)))


def identify() -> Dialogue[str | None]:
    """Ask any one meter who it is; None where it does not say."""
    try:
        return (yield from read(ANYONE, _OWN_ADDRESS)).meter
    except Refused:
        return None


def write(access: Access, identifier: str, octets: bytes) -> Dialogue[None]:
    """Write what stands behind an identifier, low byte first; it is tried once."""
    name = octets_of(identifier)
    key = password(access, WRITE_LEVEL)
    if is_old(identifier):
        function, data = Function.OLD_WRITE, name + key + octets
    else:
        function, data = Function.WRITE, name + key + operator(access) + octets
    if len(data) > _MOST_SENT:
        raise RequestError("value_too_long", f"{len(data)} > {_MOST_SENT}")
    yield from ask(Question(own_address(access), function), data)


def own_address(access: Access) -> str:
    """Return the address of one meter: what changes a meter is never sent to a wildcard."""
    address = address_of(access.address)
    if "AA" in (address[at : at + 2] for at in range(0, len(address), 2)):
        raise RequestError("address_missing")
    return address


def password(access: Access, level: str) -> bytes:
    """Return PA P0 P1 P2 of a password of six digits, or of its level and six digits.

    RequestError, which never shows it, where there is none, or one of the utility's ciphers.
    """
    digits = access.password.strip()
    if not digits:
        raise RequestError("password_missing")
    if len(digits) == 6:
        digits = level + digits
    if len(digits) != 8 or not (digits.isascii() and digits.isdecimal()):
        raise RequestError("password_form")
    if digits[:2] in _CIPHERS:
        raise RequestError("password_cipher")
    return bytes.fromhex(digits[:2]) + bytes.fromhex(digits[2:])[::-1]


def check(access: Access) -> None:
    """See whether password and operator are in form, where there are any; RequestError says no."""
    if access.password.strip():
        password(access, CONTROL_LEVEL)
    operator(access)


def operator(access: Access) -> bytes:
    """Return C0..C3 of an operator's number; RequestError for what is none."""
    digits = access.operator.strip() or "0"
    if len(digits) > 8 or not (digits.isascii() and digits.isdecimal()):
        raise RequestError("operator_form")
    return bytes.fromhex(digits.zfill(8))[::-1]
