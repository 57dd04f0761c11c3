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


class NoAnswer(MeteringError):
    """A meter that was asked did not answer in time; what was asked for is unknown."""


class RequestError(MeteringError):
    """A request cannot be put as it was asked for; nothing was sent.

    key is the word for why, as translations name it; detail completes its text.
    """

    def __init__(self, key: str, detail: str = "") -> None:
        """Keep the word."""
        super().__init__(f"{key}: {detail}" if detail else key)
        self.key = key
        self.detail = detail


class Refused(MeteringError):
    """The meter answered that it will not do or does not know what it was asked; it goes on."""


class NoSuchData(Refused):
    """The meter does not have what it was asked for; asking again is of no use."""
