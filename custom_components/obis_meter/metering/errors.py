"""What can go wrong on the way from bytes to readings."""


class MeteringError(Exception):
    """Base of every error this package raises."""


class FrameError(MeteringError):
    """Bytes arrived damaged or belong to no frame; they were dropped, the stream goes on."""

    def __init__(self, why: str, skipped: int = 0) -> None:
        """Say why, and how many bytes were dropped."""
        super().__init__(why)
        self.skipped = skipped


class DecodeError(MeteringError):
    """An intact frame carries content we do not understand; the frame is dropped."""


class Incomplete(DecodeError):
    """The payload ends early; it waits for the rest in the next frame."""


class InnerCheckError(MeteringError):
    """A check inside an intact frame is wrong; what it covers is read all the same."""
