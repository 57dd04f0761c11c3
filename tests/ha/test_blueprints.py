"""The blueprints, as Home Assistant runs them."""

from datetime import timedelta
from pathlib import Path
import shutil
from typing import Any

from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    async_fire_time_changed,
    async_mock_service,
)
import yaml

ROOT = Path(__file__).parents[2]
BLUEPRINTS = Path("blueprints", "automation", "obis_meter")
README = (ROOT / "README.md").read_text("utf-8")
SENSOR = "sensor.meter"


async def use(
    hass: HomeAssistant, tmp_path: Path, name: str, inputs: dict[str, Any]
) -> list[ServiceCall]:
    """Import a blueprint and use it; return the calls that its actions make from now on."""
    await hass.async_add_executor_job(shutil.copytree, ROOT / BLUEPRINTS, tmp_path / BLUEPRINTS)
    hass.config.config_dir = str(tmp_path)
    calls = async_mock_service(hass, "test", "act")
    automation = {"use_blueprint": {"path": f"obis_meter/{name}.yaml", "input": inputs}}
    assert await async_setup_component(hass, "automation", {"automation": automation})
    await hass.async_block_till_done()
    assert hass.states.get("automation.automation_0").state == "on"
    return calls


def act(what: str, **data: str) -> list[dict[str, Any]]:
    return [{"action": "test.act", "data": {"what": what, **data}}]


async def becomes(hass: HomeAssistant, state: str, unit: str | None = None) -> None:
    hass.states.async_set(SENSOR, state, {"unit_of_measurement": unit} if unit else {})
    await hass.async_block_till_done()


async def passes(hass: HomeAssistant, seconds: int) -> None:
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=seconds))
    await hass.async_block_till_done()


def said(calls: list[ServiceCall]) -> list[dict[str, Any]]:
    """Return what was done since this was asked last."""
    done = [dict(call.data) for call in calls]
    calls.clear()
    return done


@pytest.mark.parametrize("unit", ["W", "kW"])
async def test_a_peak_is_warned_of_once_it_lasts_and_when_it_is_over(
    hass: HomeAssistant, tmp_path: Path, unit: str
) -> None:
    low, high = {"W": ("3999", "4500"), "kW": ("3.999", "4.5")}[unit]
    await becomes(hass, low, unit)
    inputs = {
        "power": SENSOR,
        "limit": 4,
        "hold": {"seconds": 30},
        "above": act("above", power="{{ power }}", limit="{{ limit }}"),
        "below": act("below", power="{{ power }}"),
    }
    calls = await use(hass, tmp_path, "peak_power_warning", inputs)
    await becomes(hass, high, unit)
    await passes(hass, 20)
    assert said(calls) == []
    await becomes(hass, low, unit)
    await becomes(hass, high, unit)
    await passes(hass, 31)
    assert said(calls) == [{"what": "above", "power": 4.5, "limit": 4}]
    await becomes(hass, "unavailable")
    await passes(hass, 62)
    assert said(calls) == []
    await becomes(hass, low, unit)
    await passes(hass, 93)
    assert said(calls) == [{"what": "below", "power": 3.999}]


async def test_a_change_of_tariff_is_acted_on_in_both_directions(
    hass: HomeAssistant, tmp_path: Path
) -> None:
    await becomes(hass, "2")
    inputs = {
        "tariff": SENSOR,
        "cheap": ["1", "valley"],
        "becomes_cheap": act("cheap", tariff="{{ tariff }}"),
        "becomes_dear": act("dear"),
    }
    calls = await use(hass, tmp_path, "tariff_change", inputs)
    await becomes(hass, "1")
    assert said(calls) == [{"what": "cheap", "tariff": 1}]
    await becomes(hass, "valley")  # as cheap as before
    assert said(calls) == []
    await becomes(hass, "3")
    assert said(calls) == [{"what": "dear"}]
    await becomes(hass, "2")
    await becomes(hass, "unavailable")
    assert said(calls) == []
    await becomes(hass, "1")  # it changed meanwhile
    assert said(calls) == [{"what": "cheap", "tariff": 1}]


@pytest.mark.parametrize("path", sorted((ROOT / BLUEPRINTS).glob("*.yaml")), ids=lambda p: p.stem)
def test_each_can_be_imported_from_where_it_says_it_is(path: Path) -> None:
    class Loader(yaml.SafeLoader):
        """Reads what Home Assistant's own tags stand before as it is."""

    Loader.add_constructor("!input", lambda loader, node: node.value)
    address = yaml.load(path.read_text("utf-8"), Loader)["blueprint"]["source_url"]
    assert address.endswith((BLUEPRINTS / path.name).as_posix())
    assert f"blueprint_url={address.replace(':', '%3A').replace('/', '%2F')}" in README
