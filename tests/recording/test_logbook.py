"""The logbook, as its page asks for it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from tests.ha.test_actions import on_pty


@pytest.fixture
async def stack(
    recorder_mock: Recorder, enable_custom_integrations: None, socket_enabled: None
) -> AsyncIterator[AsyncExitStack]:
    """What is opened here closes after the test."""
    async with AsyncExitStack() as opened:
        yield opened


async def test_a_command_to_a_meter_is_told(
    recorder_mock: Recorder,
    stack: AsyncExitStack,
    hass: HomeAssistant,
    hass_ws_client: WebSocketGenerator,
    tmp_path: Path,
) -> None:
    began = dt_util.utcnow() - timedelta(seconds=1)
    hass.config.components.add("frontend")  # whose files are not needed to be asked
    assert await async_setup_component(hass, "logbook", {})
    bench = await on_pty(hass, stack, tmp_path / "module")
    await bench.act("set_parameter", parameter="0x2802", type="unsigned8", value="3")
    await async_wait_recording_done(hass)
    page = await hass_ws_client(hass)
    await page.send_json_auto_id(
        {
            "type": "logbook/get_events",
            "start_time": began.isoformat(),
            "device_ids": [bench.device_id],
        }
    )
    answer = await page.receive_json()
    told = [row for row in answer["result"] if row.get("domain") == "obis_meter"]
    assert [(row["name"], row["message"]) for row in told] == [
        ("Flat 3", "was sent set_parameter 0x2802: done")
    ]
