"""amshan: frames and lists of Norwegian and Swedish meters."""

from han.autodecoder import AutoDecoder
from han.hdlc import HdlcFrameReader

from ..jobs import Job, Reader


def autodecoder(job: Job) -> Reader:
    """Return its reader of frames, with the decoder that finds out whose they are."""
    frames, decoder = HdlcFrameReader(), AutoDecoder()

    def read(chunk: bytes) -> int:
        found = 0
        for frame in frames.read(chunk):
            if not frame.is_valid:
                raise ValueError("check sequence")
            found += len(decoder.decode_message(frame) or ())
        return found

    return read


WAYS = {"": autodecoder}
