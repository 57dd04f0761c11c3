"""An optical head: how a meter is woken, asked who it is, and followed to its speed."""

from dataclasses import dataclass, replace
from typing import Final

from ...dialogue import Become, Dialogue, Hold, Line, Pause, Send, Step
from ...errors import FrameError, NoAnswer, Refused, RequestError
from ...model import Access, LineSettings
from ...sign_on import SignOn
from . import frame
from .ears import Ear, EchoEar, IdentificationEar, hear
from .identification import Identification, letter, parse

READOUT, PROGRAMMING, BINARY = "0", "1", "2"
"""What an acknowledgement asks for (IEC 62056-21, 6.3.3, the third character)."""
NORMAL, HDLC = "0", "2"
"""In which protocol: the first character."""

_ATTEMPTS: Final = 2  # of sign-ons
_BITS: Final = 10  # of a character on the wire
_WAKE: Final = 2.2  # seconds of NULs: 2.1 to 2.3
_AWAKE: Final = 1.6  # seconds until the meter listens: 1.5 to 1.7


@dataclass(slots=True)
class Head:
    """The head of one conversation, and the speed at which it is, bit/s."""

    sign_on: SignOn
    baud: int

    def line(self, baud: int, *, eight_bits: bool = False) -> Dialogue[None]:
        """Set the speed, once what was sent has left; nothing where the port cannot."""
        if not self.sign_on.can_switch:
            return
        self.baud = baud
        plain = eight_bits or self.sign_on.parity_bit
        yield Line(LineSettings(baud) if plain else LineSettings(baud, 7, "E"))

    def send(self, data: bytes) -> Step:
        """Return the step that sends, with a parity bit where the port adds none."""
        return Send(frame.with_parity(data) if self.sign_on.parity_bit else data)

    def ask(self, data: bytes, ear: Ear) -> Dialogue[bytes]:
        """Drop what waits, send, and return what the ear hears."""
        yield Hold()
        yield self.send(data)
        return (yield from hear(ear, self.patience(data)))

    def patience(self, data: bytes = b"") -> float:
        """Return the seconds of silence after sending that mean no answer."""
        return self.sign_on.answer_timeout + _BITS * len(data) / self.baud

    def wake(self) -> Dialogue[None]:
        """Wake a battery meter."""
        yield self.send(bytes(round(_WAKE * self.baud / _BITS)))
        if self.sign_on.can_switch:
            yield from self.line(self.baud)  # the NULs have left
            yield Pause(_AWAKE)
        else:
            yield Pause(_WAKE + _AWAKE)


@dataclass(frozen=True, slots=True)
class Answered:
    """A meter that has said who it is; begun: its data follow without being asked for."""

    head: Head
    identification: Identification
    begun: bool


def greet(access: Access) -> Dialogue[Answered]:
    """Have a meter say who it is; NoAnswer where none does, RequestError where none may be asked.

    The line is dropped to its first speed, and left there.
    """
    if access.sign_on.listen_only:
        raise RequestError("listen_only")
    request = frame.sign_on(access.sign_on.query, access.address)
    head = Head(access.sign_on, access.sign_on.start_baud)
    yield from head.line(head.baud)
    for attempt in range(1, _ATTEMPTS + 1):
        if access.sign_on.wake:
            yield from head.wake()
        ear = IdentificationEar()
        try:
            heard = yield from head.ask(request, ear)
        except (NoAnswer, FrameError) as err:
            if attempt == _ATTEMPTS:
                raise NoAnswer("no identification came") from err
            continue
        if identification := parse(heard):
            return Answered(head, identification, ear.begun)
    raise NoAnswer("no identification came")


def select(answered: Answered, mode: str, protocol: str = NORMAL) -> Dialogue[bytes]:
    """Choose what comes next and follow the meter to its speed; return what was sent.

    A meter of mode A or B is not acknowledged, nor one that is sending already.
    """
    head, said = answered.head, answered.identification
    stays = head.sign_on.fixed or not head.sign_on.can_switch
    speed = head.baud if stays else said.speed
    sent = b""
    if said.waits and not answered.begun:
        sent = frame.acknowledge(protocol, letter(speed) if stays else said.baud, mode)
        yield Hold()
        yield head.send(sent)
    if speed != head.baud and not answered.begun:
        yield from head.line(speed)
    return sent


def hand_over(access: Access) -> Dialogue[Identification]:
    """Turn a port over to HDLC, where a meter of mode E offers it; Refused where it does not.

    The meter confirms at its speed with the bytes that it was sent; the port is then set
    to 8N1 at that speed and speaks HDLC from then on.
    """
    answered = yield from greet(access)
    said, head = answered.identification, answered.head
    if not said.hdlc:
        raise Refused("the meter does not offer HDLC")
    sent = yield from select(answered, BINARY, HDLC)
    yield from hear(EchoEar(sent), head.patience(sent))
    yield from head.line(head.baud, eight_bits=True)
    yield Become("hdlc")
    return said


def without_switch(access: Access) -> Access:
    """Return the access that keeps to the speed of the sign-on."""
    return replace(access, sign_on=replace(access.sign_on, fixed=True))
