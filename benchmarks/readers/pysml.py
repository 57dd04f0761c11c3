"""pysml: SML frames, as its serial client reads them."""

from sml import SmlBase

from ..jobs import Job, Reader


def frames(job: Job) -> Reader:
    """Return a reader that looks for frames in what has come."""
    waiting = b""

    def read(chunk: bytes) -> int:
        nonlocal waiting
        waiting += chunk
        end, frame = SmlBase.find_frame(waiting)
        waiting = waiting[end:]
        bodies = (message.get("messageBody", {}) for message in frame or ())
        return sum(len(body.get("valList", ())) for body in bodies)

    return read


WAYS = {"": frames}
