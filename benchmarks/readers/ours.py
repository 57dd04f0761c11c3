"""The integration itself: a session, as a port feeds it."""

from metering.errors import MeteringError
from metering.keys import Keys
from metering.links import LINKS
from metering.model import Telegram
from metering.security import Security
from metering.session import Session

from ..jobs import Job, Reader


def session(job: Job) -> Reader:
    """Return a reader that raises what the session reports as a fault."""
    keys = Keys.parse(job.key, job.auth_key or None) if job.key else None
    heard = Session(LINKS[job.link], Security(keys))

    def read(chunk: bytes) -> int:
        found = 0
        for event in heard.feed(chunk):
            if isinstance(event, MeteringError):
                raise event
            if isinstance(event, Telegram):
                found += len(event.readings)
        return found

    return read


WAYS = {"": session}
