"""These tests need no Home Assistant: its fixtures, slower than the tests, are left out."""

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.amber import AmberSnapshotExtension

_OF_HOME_ASSISTANT = (
    "configure_event_loop",
    "disable_http_server",
    "disable_mock_zeroconf_resolver",
    "enable_event_loop_debug",
    "fail_on_log_exception",
    "garbage_collection",
    "reset_globals",
    "skip_stop_scripts",
    "verify_cleanup",
)


def _nothing() -> None:
    """Take the place of a fixture."""


for _name in _OF_HOME_ASSISTANT:
    globals()[_name] = pytest.fixture(name=_name, autouse=True)(_nothing)


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Return snapshots as they are kept without Home Assistant: in __snapshots__."""
    return snapshot.use_extension(AmberSnapshotExtension)
