"""Every capture says what its source says it says."""

import pytest

from .captures import EVERY, Capture
from .comparing import complaints
from .hearing import telegrams


@pytest.mark.parametrize("capture", EVERY, ids=[capture.name for capture in EVERY])
def test_a_capture_says_what_is_expected(capture: Capture) -> None:
    heard = telegrams(capture, *capture.chunks)
    assert not list(complaints(capture, heard))
