"""Programming mode: registers one by one, with a password where the meter wants one.

01 C D 02 address(data) 03 BCC: P0 the meter's operand, P1 password, R1 and R5 read, W1 and
W5 write, R2 and the others a maker's own. A password is sent once, and so is what is written.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
import re
from typing import Final

from ...dialogue import Dialogue
from ...errors import FrameError, MeteringError, Refused, RequestError
from ...model import ANYONE, Access, Command, Reply
from .answers import text_of
from .data import data_sets
from .ears import DATA, REPLY, AnswerEar, hear
from .frame import ACK, NAK, SOH, command as message, sign_on
from .head import PROGRAMMING, Head, greet, select
from .read import end

_PARAMETER: Final = re.compile(
    r"(?:(?P<verb>[RrWw]?[1-6])[: ] *)?(?P<address>[^()\s:]{1,32})(?:\((?P<data>[^()]*)\))?"
)
_PASSWORD: Final = re.compile(r"[ -'*-~]{1,32}")
_COMPUTED: Final = re.compile(r"[Pp]2\b")
_BLOCKWISE: Final = ("2",)  # commands whose data are a maker's own text, and end with CR LF
_ATTEMPTS: Final = 2  # to read
_MOST_BLOCKS: Final = 1000


@dataclass(frozen=True, slots=True)
class Parameter:
    """A register and the kind of command that reaches it; data narrow down what is read."""

    address: str
    kind: str = "5"
    data: str = ""

    @classmethod
    def parse(cls, text: str) -> Parameter:
        """Read 1.8.0, R1:0.9.2, R6:P.01(2609010000;); RequestError for anything else."""
        if not (match := _PARAMETER.fullmatch(text.strip())):
            raise RequestError("parameter_unknown", text)
        return cls(match["address"], (match["verb"] or "5")[-1], match["data"] or "")

    def request(self, verb: str, data: str) -> bytes:
        """Return the message that reads (R) or writes (W) it."""
        if self.kind in _BLOCKWISE:
            own = f"{self.address}({data})" if data else self.address
            return message(verb + self.kind, own) + b"\r\n"
        return message(verb + self.kind, f"{self.address}({data})")

    def __str__(self) -> str:
        """Return its address."""
        return self.address


def request(command: Command, access: Access = ANYONE) -> Dialogue[Reply]:
    """Return the dialogue that has a command done; RequestError where it cannot be put.

    get and set take an address, R5 and W5 unless another command stands before it.
    """
    wanted = Parameter.parse(command.parameter)
    match command.verb:
        case "get":
            return programmed(access, lambda head: get(head, wanted))
        case "set":
            value, back = _writable(command), command.read_back
            return programmed(access, lambda head: put(head, wanted, value, back))
    raise RequestError("not_supported", command.verb)


def _writable(wanted: Command) -> str:
    value = wanted.value
    if not (value.isascii() and value.isprintable()) or set("()") & set(value):
        raise RequestError("value_not_visible", wanted.parameter)
    if wanted.type not in (None, "ascii"):
        raise RequestError("type_unknown", wanted.type)
    return value


def programmed[T](access: Access, act: Callable[[Head], Dialogue[T]]) -> Dialogue[T]:
    """Enter programming mode, act, and leave it again, whatever became of it."""
    key = _password(access)
    answered = yield from greet(access)
    if not answered.identification.waits:
        raise Refused("the meter has no programming mode")
    head = answered.head
    sent = yield from select(answered, PROGRAMMING)
    try:
        operand = yield from _operand(head, sent)
        if key:
            yield from _open(head, key, operand)
        done = yield from act(head)
    except MeteringError:
        yield from end(head)
        raise
    yield from end(head)
    return done


def check(access: Access) -> None:
    """See whether a meter can be asked in an owner's way; RequestError says why not."""
    sign_on(access.sign_on.query, access.address)
    _password(access)


def _password(access: Access) -> str:
    """Return the password, which never shows; empty where there is none."""
    if not access.password:
        return ""
    if _COMPUTED.match(access.password):
        raise RequestError("password_computed")
    if not _PASSWORD.fullmatch(access.password):
        raise RequestError("password_not_text")
    return access.password


def _operand(head: Head, sent: bytes) -> Dialogue[str]:
    """Return what the meter wants its password computed from, where it is one that does."""
    heard = yield from hear(AnswerEar(), head.patience(sent))
    if not heard.startswith(b"\x01P0\x02"):
        raise _refusal(heard) or Refused("the meter does not enter programming mode")
    return heard[4:-1].decode("ascii").strip("()")


def _open(head: Head, key: str, operand: str) -> Dialogue[None]:
    sent = message("P1", f"({key})")
    heard = yield from head.ask(sent, AnswerEar(REPLY, sent))
    if heard[0] == ACK:
        return
    why = ", or wants one that its maker computes (P2), which is not supported" if operand else ""
    raise Refused(f"the meter does not accept the password{why}") from _refusal(heard)


def get(head: Head, wanted: Parameter) -> Dialogue[Reply]:
    """Read a register; Refused where the meter says no."""
    question = wanted.request("R", wanted.data)
    blocks = [(yield from _answer(head, question))]
    while blocks[-1][-1:] == b"\x04" and len(blocks) < _MOST_BLOCKS:
        blocks.append((yield from _answer(head, bytes([ACK]))))
    return _reply(wanted, "".join(map(text_of, blocks)))


def _answer(head: Head, question: bytes) -> Dialogue[bytes]:
    """Return the answer to what changes nothing; it is asked again after damage or a NAK."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            heard = yield from head.ask(question, AnswerEar(DATA + bytes([NAK]), question))
        except FrameError:
            if attempt == _ATTEMPTS:
                raise
            continue
        if heard[0] != NAK or attempt == _ATTEMPTS:
            break
    if refusal := _refusal(heard):
        raise refusal
    return heard


def put(head: Head, wanted: Parameter, value: str, read_back: bool) -> Dialogue[Reply]:
    """Write a register, once; Refused where the meter does not acknowledge that."""
    sent = wanted.request("W", value)
    heard = yield from head.ask(sent, AnswerEar(REPLY, sent))
    if heard[0] != ACK:
        raise _refusal(heard) or Refused(f"the meter did not acknowledge {wanted}")
    reply = Reply(str(wanted), None, None, value.encode("ascii"))
    if not read_back:
        return reply
    try:
        return replace(reply, read_back=(yield from get(head, wanted)))
    except MeteringError as err:
        return replace(reply, read_back=err)


def _refusal(heard: bytes) -> Refused | None:
    """Return what a meter says no with: NAK, B0, or a maker's error reply; None for a yes."""
    if heard[0] == NAK:
        return Refused("the meter did not accept the command (NAK)")
    if heard[0] == SOH:
        return Refused("the meter ended the conversation")
    if heard[0] == ACK:
        return None
    for said in data_sets(text_of(heard)):
        if said.refusal:
            return Refused(f"the meter answered {said.groups[0].strip('()')}")
    return None


def _reply(wanted: Parameter, body: str) -> Reply:
    """Return what stands in brackets, or all of it where that is more than one value."""
    match list(data_sets(body)):
        case [said] if len(said.groups) == 1:
            value = said.groups[0]
        case _:
            value = body.strip()
    return Reply(str(wanted), None, value or None, body.encode("ascii"))
