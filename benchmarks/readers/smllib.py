"""SmlLib: SML frames, read whole or for their values alone."""

from collections.abc import Callable

from smllib import SmlStreamReader
from smllib.sml_frame import SmlFrame

from ..jobs import Job, Reader


def _reader(values: Callable[[SmlFrame], int]) -> Callable[[Job], Reader]:
    def begin(job: Job) -> Reader:
        stream = SmlStreamReader()

        def read(chunk: bytes) -> int:
            stream.add(chunk)
            found = 0
            while (frame := stream.get_frame()) is not None:
                found += values(frame)
            return found

        return read

    return begin


def _all(frame: SmlFrame) -> int:
    """Read all messages, which its documentation shows first."""
    bodies = (message.message_body for message in frame.parse_frame())
    entries = (entry for body in bodies for entry in getattr(body, "val_list", ()))
    return sum(entry.get_value() is not None for entry in entries)


def _values(frame: SmlFrame) -> int:
    """Look for what begins like an electricity register, and read nothing else."""
    return sum(entry.get_value() is not None for entry in frame.get_obis())


WAYS = {"parse_frame": _reader(_all), "get_obis": _reader(_values)}
