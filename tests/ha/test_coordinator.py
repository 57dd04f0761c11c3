"""What is told, to whom, and when; and what is held back."""

from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.entity_component import async_update_entity
import pytest

from custom_components.obis_meter.const import DOMAIN

from .conftest import Wire, entry_for, p1, set_up, until

ENERGY, POWER = "sensor.meter_energy_import", "sensor.meter_power_import"


def telegram(*lines: str, meter: str = "M1") -> bytes:
    """Return a telegram of a meter with an id."""
    return p1(f"0-0:96.1.0({meter})", *lines)


def said(hass: HomeAssistant, entity_id: str) -> str | None:
    found = hass.states.get(entity_id)
    return found.state if found else None


@pytest.fixture
def written(hass: HomeAssistant) -> list[tuple[str, str]]:
    """Every state written from now on."""
    states: list[tuple[str, str]] = []

    @callback
    def note(event: Event) -> None:
        if (new := event.data["new_state"]) and new.domain == "sensor":
            states.append((new.entity_id, new.state))

    hass.bus.async_listen(EVENT_STATE_CHANGED, note)
    return states


async def test_only_what_changed_is_written(
    hass: HomeAssistant, wire: Wire, written: list[tuple[str, str]]
) -> None:
    await set_up(hass, entry_for(wire.url, "p1", title="Meter"))
    await wire.send(telegram("1-0:1.8.0(1*kWh)", "1-0:1.7.0(1*kW)"))
    await until(hass, lambda: said(hass, POWER) == "1000")
    written.clear()
    await wire.send(telegram("1-0:1.8.0(1*kWh)", "1-0:1.7.0(2*kW)"))
    await until(hass, lambda: said(hass, POWER) == "2000")
    assert written == [(POWER, "2000")]


async def test_writes_are_spaced_and_the_last_value_comes_at_the_end(
    hass: HomeAssistant, wire: Wire, written: list[tuple[str, str]]
) -> None:
    entry = entry_for(wire.url, "p1", title="Meter", options={"write_interval": 0.5})
    await set_up(hass, entry)
    await wire.send(telegram("1-0:1.8.0(1*kWh)", "1-0:1.7.0(0*kW)"))
    await until(hass, lambda: said(hass, POWER) == "0")
    written.clear()
    for step in range(1, 6):
        await wire.send(telegram("1-0:1.8.0(1*kWh)", f"1-0:1.7.0({step}*kW)"))
    await until(hass, lambda: said(hass, POWER) == "5000")
    assert [state for _, state in written] == ["1000", "5000"]
    assert entry.runtime_data.main.readings  # and nothing was missed meanwhile


async def test_a_rare_total_does_not_wait_for_the_interval(hass: HomeAssistant, wire: Wire) -> None:
    entry = entry_for(wire.url, "p1", title="Meter", options={"write_interval": 3600})
    await set_up(hass, entry)
    await wire.send(telegram("1-0:1.8.0(1*kWh)", "1-0:1.7.0(0*kW)"))
    await until(hass, lambda: said(hass, ENERGY) == "1")
    await wire.send(telegram("1-0:1.8.0(2*kWh)", "1-0:1.7.0(1*kW)"))
    await until(hass, lambda: said(hass, ENERGY) == "2")
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_a_total_that_falls_waits_until_it_is_confirmed(
    hass: HomeAssistant, wire: Wire
) -> None:
    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter"))
    for total in ("100.0", "3.0", "100.1"):
        await wire.send(telegram(f"1-0:1.8.0({total}*kWh)"))
    await until(hass, lambda: said(hass, ENERGY) == "100.1")
    assert entry.runtime_data.trackers[entry.entry_id].guards[entry.entry_id].held == 1
    for total in ("3.0", "3.1", "3.2"):
        await wire.send(telegram(f"1-0:1.8.0({total}*kWh)"))
    await until(hass, lambda: said(hass, ENERGY) == "3.2")


async def test_a_damaged_telegram_changes_nothing(hass: HomeAssistant, wire: Wire) -> None:
    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter"))
    await wire.send(telegram("1-0:1.7.0(1*kW)"))
    await until(hass, lambda: said(hass, POWER) == "1000")
    await wire.send(telegram("1-0:1.7.0(2*kW)").replace(b"(2", b"(9"))
    await wire.send(telegram("1-0:1.8.0(7*kWh)"))
    await until(hass, lambda: said(hass, ENERGY) == "7")
    assert said(hass, POWER) == "1000"
    assert entry.runtime_data.connection.channel.statistics.faults == {
        "CRC of the telegram is wrong": 1
    }


async def test_another_meter_on_the_port_is_not_mixed_in(hass: HomeAssistant, wire: Wire) -> None:
    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter", unique_id="M1"))
    await wire.send(telegram("1-0:1.8.0(1*kWh)"))
    await until(hass, lambda: said(hass, ENERGY) == "1")
    await wire.send(telegram("1-0:1.8.0(2*kWh)", meter="M2"))
    await wire.send(telegram("1-0:1.8.0(3*kWh)", meter="M2"))
    issue = ir.async_get(hass).async_get_issue(DOMAIN, f"other_meter_{entry.entry_id}")
    assert issue
    assert issue.translation_placeholders == {"name": "Meter", "expected": "M1", "found": "M2"}
    assert said(hass, ENERGY) == "1"
    await wire.send(telegram("1-0:1.8.0(4*kWh)"))
    await until(hass, lambda: said(hass, ENERGY) == "4")
    assert ir.async_get(hass).async_get_issue(DOMAIN, f"other_meter_{entry.entry_id}") is None


async def test_asking_for_an_update_changes_nothing(hass: HomeAssistant, wire: Wire) -> None:
    await set_up(hass, entry_for(wire.url, "p1", title="Meter"))
    await wire.send(telegram("1-0:1.7.0(1*kW)"))
    await until(hass, lambda: said(hass, POWER) == "1000")
    await async_update_entity(hass, POWER)
    await hass.async_block_till_done()
    assert said(hass, POWER) == "1000"
