"""Every capture says what its source says it says."""

from .captures import EVERY, Capture
from .comparing import complaints
from .hearing import telegrams
from .laws import over


@over(EVERY)
def test_a_capture_says_what_is_expected(capture: Capture) -> None:
    heard = telegrams(capture, *capture.chunks)
    assert not list(complaints(capture, heard))
