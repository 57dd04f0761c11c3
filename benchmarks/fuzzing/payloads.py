"""Readers of payloads, fed without a link: A-XDR, APDUs, ciphers, SML, P1 text, layouts."""

from collections.abc import Callable, Sequence

from metering import cosem, descriptors, dlms, notification, p1text, shapes, sml
from metering.cosem import Cursor
from metering.errors import DecryptError, FrameError, MeteringError
from metering.keys import Keys
from metering.links import LINKS
from metering.model import Message, Telegram
from metering.security import Security
from metering.traces import remembering

from .cases import Case
from .grammar import KEYED
from .oracles import INVENTED, LAYOUTS, caught, reference, require, same
from .seeds import cut

ZEROS = Keys(KEYED.key, KEYED.authentication)
_WRONG = (None, Keys(bytes(15) + b"\1"), Keys(bytes(16), b"\1" * 16), Keys(bytes(32)))


def on_axdr(case: Case) -> None:
    """Read values, lists of descriptors, and times."""
    for read in (cosem.data, descriptors.body):
        try:
            body = read(Cursor(case.data))
        except MeteringError:
            continue
        shapes.readings(body)
        shapes.plain(body)
    cosem.date_time(case.data[:12])


def on_dlms(case: Case) -> None:
    """Read APDUs, alone and inside others, as from a sender whose keys are known."""
    try:
        for apdu in dlms.apdus(Cursor(case.data)):
            if not isinstance(apdu, dlms.Sealed):
                notification.telegram(apdu)
    except MeteringError:
        pass
    for keys in (None, ZEROS):
        attempted(lambda keys=keys: notification.decode(case.data, Security(keys)))  # type: ignore[misc]


def attempted(read: Callable[[], object]) -> object:
    """Return what is read, or the error by which it says why nothing is."""
    try:
        return read()
    except MeteringError as err:
        return caught(err)


def on_cipher(case: Case) -> None:
    """Read damaged ciphers, the same twice, and with keys that do not fit."""
    decode, keys = LINKS[case.seed.link].decode, case.seed.keys
    for wrong in _WRONG:
        attempted(lambda wrong=wrong: decode(case.data, Security(wrong)))  # type: ignore[misc]
    security = Security(keys)
    said = _opened(case, security)
    if said and security.ciphered:
        require(INVENTED, not _opened(case, security), "a ciphered telegram was read twice")
    if case.damaged and keys and keys.authentication:
        known = reference(case.seed)
        for each in said:
            require(INVENTED, each in known, f"not authenticated: {each!r:.300}")


def _opened(case: Case, security: Security) -> Sequence[Telegram | Message]:
    try:
        said = LINKS[case.seed.link].decode(case.data, security)
    except DecryptError, MeteringError:
        return ()
    return [each for each in said if isinstance(each, Telegram) and each.readings]


def on_sml(case: Case) -> None:
    """Read messages without a frame."""
    attempted(lambda: sml.decode(case.data, Security()))


def on_p1_text(case: Case) -> None:
    """Read text as it is cut from a stream, and text that came whole."""
    buffer = bytearray(case.data)
    while buffer:
        before = len(buffer)
        try:
            text = p1text.take(buffer)
        except FrameError:
            require("bound", len(buffer) < before, "nothing was removed")
            continue
        if text is None:
            break
        attempted(lambda text=text: p1text.telegram(text))  # type: ignore[misc]
    attempted(lambda: p1text.telegram(p1text.whole(case.data)))


def on_layouts(case: Case) -> None:
    """Read a payload by the layout of an intact one, and without."""
    link = LINKS[case.seed.link]
    remembered = remembering(link.decode)
    for payload in (*cut(case.seed)[:1], case.data, case.data):
        one = attempted(lambda p=payload: remembered(p, Security(case.seed.keys)))  # type: ignore[misc]
        other = attempted(lambda p=payload: link.decode(p, Security(case.seed.keys)))  # type: ignore[misc]
        same(LAYOUTS, _plain(one), _plain(other))


def _plain(said: object) -> list[object]:
    """Return what can be compared: errors among what was read by kind and words."""
    if not isinstance(said, list | tuple):
        return [said]
    return [caught(each) if isinstance(each, MeteringError) else each for each in said]
