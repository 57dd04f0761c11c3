"""Streams: each link by its session, and all of them by the detector."""

from collections.abc import Iterator, Sequence
from functools import partial
from random import Random
from typing import Final
from zlib import crc32

from metering.detect import Detector
from metering.dialogue import MAX_PENDING
from metering.links import LINKS
from metering.model import Telegram
from metering.security import Security
from metering.session import Event, Session

from .cases import Case
from .engine import Verdict
from .oracles import CHUNKING, LAYOUTS, bounded, not_invented, plainly, published, reference, same

type Burst = Sequence[bytes]
"""Chunks between two silences."""

_CLOSING: Final = {"iec62056-21": 0x03, "p1": ord("!")}
"""Behind which the check of a telegram stands, where some meters send none."""
_UNCHECKED: Final = "the check of a telegram did not come"
_DOUBTS: Final = 3  # that a session says before it believes a meter that checks no more
_PLAIN = {name: plainly(link) for name, link in LINKS.items()}


def bursts(data: bytes) -> Iterator[Burst]:
    """Cut bytes into chunks and silences, in a way that they decide themselves."""
    random = Random(crc32(data))
    match random.randrange(4):
        case 0:
            yield (data,)
        case 1:
            size = random.choice((1, 2, 7, 64))
            yield [data[at : at + size] for at in range(0, len(data), size)]
        case _:
            cuts = sorted(random.choices(range(len(data) + 1), k=random.randrange(1, 9)))
            chunks = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
            for at in range(0, len(chunks), 3):
                yield chunks[at : at + 3]


def hear(session: Session, stream: Sequence[Burst]) -> list[Event]:
    """Return all that a session says of bursts."""
    said = list[Event]()
    for burst in stream:
        for chunk in burst:
            said += session.feed(chunk)
            if session.pending > MAX_PENDING:
                bounded(session)
        said += session.idle()
        bounded(session)
    return said


def loses_check(link: str, stream: Sequence[Burst]) -> bool:
    """Tell whether a silence cuts a telegram off before its check.

    It counts without one, unless its meter has been heard to send checks.
    """
    ends = (b"".join(burst)[-1:] for burst in stream)
    return link in _CLOSING and any(end and end[0] & 0x7F == _CLOSING[link] for end in ends)


def on_session(case: Case) -> Verdict | None:
    """Feed a link's session, and one without layouts to hold against it."""
    link, keys = case.seed.link, case.seed.keys
    stream = list[Burst]()
    if known := crc32(case.data[::-1]) & 1:
        stream.append((case.seed.data,))  # its layouts, and that it sends checks
    stream += bursts(case.data)
    events = hear(Session(LINKS[link], Security(keys)), stream)
    heard = published(events)
    whole = [(b"".join(burst),) for burst in stream]
    plain = published(hear(Session(_PLAIN[link], Security(keys)), whole))
    if heard != plain:
        same(LAYOUTS, heard, published(hear(Session(_PLAIN[link], Security(keys)), stream)))
    if not case.seed.checked:
        return None  # nothing but a silence tells where a frame ends that bears no check
    if link not in _CLOSING or LINKS[link].silence not in case.data:  # it ends one with a chunk
        same(CHUNKING, heard, plain)
    doubted = sum(str(each).startswith(_UNCHECKED) for each in events)
    # some seeds' own checks are wrong, and who goes on without them is believed again
    checks = bool(known and reference(case.seed)) and doubted < _DOUBTS
    if case.damaged and (checks or not loses_check(link, stream)):
        data = b"".join(map(b"".join, stream))
        return partial(not_invented, case.seed, data, heard, checks=checks)
    return None


def on_detector(case: Case) -> Verdict | None:
    """Feed every link at once; what is found must have said something."""
    detector, stream = Detector(case.seed.keys), list(bursts(case.data))
    for burst in stream:
        for chunk in burst:
            detector.feed(chunk)
        detector.idle()
    if detector.link and detector.link.checked and detector.link.name == case.seed.link:
        said = [each for each in detector.telegrams if isinstance(each, Telegram)]
        if case.damaged and case.seed.checked and not loses_check(case.seed.link, stream):
            return partial(not_invented, case.seed, case.data, said)
    return None
