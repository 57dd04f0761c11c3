"""What an owner sees of a German meter: its flags, its past, and that its PIN is missing."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_meter.const import DOMAIN
from custom_components.obis_meter.diagnostics import blank
from custom_components.obis_meter.metering.links import LINKS
from custom_components.obis_meter.metering.pin import CERTAIN
from custom_components.obis_meter.metering.security import Security
from simulator.meters import meter
from simulator.sml import ABSENT, get_list_file, items, octets, signed, unsigned, uptime, x25

from .conftest import Wire, entry_for, p1, set_up, until

SERVER = bytes.fromhex("0a0149534b00042c2252")
METER = "1ISK0070001234"
IMPORTING, EXPORTING = 0x1C0104, 0x1C2904


def sml(totals: dict[str, int], *, scaler: int = -1, status: int = IMPORTING) -> bytes:
    """Return a file with some totals, the status word in the first."""
    entries = [
        items(
            [
                octets(bytes.fromhex(code)),
                ABSENT if n else unsigned(status),
                ABSENT,
                unsigned(30),
                signed(scaler),
                unsigned(value),
                ABSENT,
            ]
        )
        for n, (code, value) in enumerate(totals.items())
    ]
    return get_list_file(1, SERVER, uptime(1), entries, x25)


def telegrams(name: str, count: int) -> list[bytes]:
    """Return the first telegrams of a software meter."""
    start = datetime(2026, 6, 2, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    one = meter(name, start)
    moments = (start + n * timedelta(seconds=2) for n in range(count))
    return [raw for when in moments for raw in one.telegrams(when)]


async def set_up_meter(hass: HomeAssistant, wire: Wire) -> MockConfigEntry:
    return await set_up(hass, entry_for(wire.url, "sml", title="Meter", unique_id=METER))


def flag(hass: HomeAssistant, name: str) -> str:
    found = hass.states.get(f"binary_sensor.meter_{name}")
    assert found, f"no flag {name}: {sorted(hass.states.async_entity_ids('binary_sensor'))}"
    return found.state


TOTAL = "0100010800ff"


async def test_the_bits_of_a_status_word_are_binary_sensors(
    hass: HomeAssistant, wire: Wire
) -> None:
    await set_up_meter(hass, wire)
    await wire.send(sml({TOTAL: 5}))
    await until(hass, lambda: hass.states.get("binary_sensor.meter_exporting") is not None)
    assert flag(hass, "exporting") == STATE_OFF
    await wire.send(sml({TOTAL: 5}, status=EXPORTING | 1 << 9))
    await until(hass, lambda: flag(hass, "exporting") == STATE_ON)
    assert (flag(hass, "magnetic_field"), flag(hass, "meter_error")) == (STATE_ON, STATE_OFF)
    await wire.hang_up()
    await until(hass, lambda: flag(hass, "connection") == STATE_OFF)


async def test_flags_of_phases_wait_to_be_asked_for(hass: HomeAssistant, wire: Wire) -> None:
    await set_up_meter(hass, wire)
    await wire.send(sml({TOTAL: 5}))
    await until(hass, lambda: hass.states.get("binary_sensor.meter_exporting") is not None)
    registry = er.async_get(hass)
    names = {
        registry.async_get(entity_id).original_name
        for bit in (12, 13, 14)
        if (
            entity_id := registry.async_get_entity_id(
                "binary_sensor", DOMAIN, f"{METER}_1-0:96.5.0_{bit}"
            )
        )
    }
    assert names == {"Exporting L1", "Exporting L2", "Exporting L3"}
    assert hass.states.get("binary_sensor.meter_exporting_l1") is None


async def test_a_status_word_in_text_says_the_same(hass: HomeAssistant, wire: Wire) -> None:
    await set_up(hass, entry_for(wire.url, "p1", title="Meter"))
    await wire.send(p1("1-0:1.8.0(1*kWh)", "1-0:96.5.0(001C0904)"))
    await until(hass, lambda: hass.states.get("binary_sensor.meter_exporting") is not None)
    assert flag(hass, "exporting") == STATE_ON
    await wire.send(p1("1-0:1.8.0(1*kWh)", "1-0:96.5.0(80)"))
    await until(hass, lambda: flag(hass, "exporting") == STATE_UNKNOWN)


async def test_power_of_an_old_meter_gets_its_sign(hass: HomeAssistant, wire: Wire) -> None:
    await set_up(hass, entry_for(wire.url, "sml", title="Meter"))
    await wire.send(telegrams("sml-emh", 1)[0])
    await until(hass, lambda: hass.states.get("sensor.meter_power_net") is not None)
    net = float(hass.states.get("sensor.meter_power_net").state)
    assert abs(net) == float(hass.states.get("sensor.meter_power_both_directions").state)
    assert net < 0  # noon in June


async def test_energy_of_the_past_is_no_total_and_disabled(hass: HomeAssistant, wire: Wire) -> None:
    await set_up_meter(hass, wire)
    await wire.send(sml({TOTAL: 50001, "010001080060": 193}))
    await until(hass, lambda: hass.states.get("sensor.meter_energy_import") is not None)
    registry = er.async_get(hass)
    past = registry.async_get_entity_id("sensor", DOMAIN, f"{METER}_1-0:1.8.0*96")
    assert registry.async_get(past).disabled
    assert registry.async_get(past).original_name == "Energy import last day"
    assert "state_class" not in (registry.async_get(past).capabilities or {})


@pytest.fixture
def issue(hass: HomeAssistant):
    """Return what the repairs say of a missing PIN."""

    def find(entry: MockConfigEntry) -> ir.IssueEntry | None:
        return ir.async_get(hass).async_get_issue(DOMAIN, f"pin_missing_{entry.entry_id}")

    return find


async def test_a_repair_tells_of_the_pin_until_it_was_entered(
    hass: HomeAssistant, wire: Wire, issue
) -> None:
    entry = await set_up_meter(hass, wire)
    *some, last = telegrams("sml-no-pin", CERTAIN)
    await wire.send(*some)
    statistics = entry.runtime_data.connection.channel.statistics
    await until(hass, lambda: statistics.telegrams == len(some))
    assert issue(entry) is None
    await wire.send(last)
    await until(hass, lambda: issue(entry) is not None)
    assert issue(entry).translation_placeholders == {"name": "Meter"}
    assert issue(entry).severity is ir.IssueSeverity.WARNING
    await wire.send(telegrams("sml", 1)[0])
    await until(hass, lambda: issue(entry) is None)


async def test_the_repair_goes_with_the_entry(hass: HomeAssistant, wire: Wire, issue) -> None:
    entry = await set_up_meter(hass, wire)
    await wire.send(*telegrams("sml-no-pin", CERTAIN))
    await until(hass, lambda: issue(entry) is not None)
    await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done()
    assert issue(entry) is None


async def test_meters_of_other_interfaces_have_no_such_pin(
    hass: HomeAssistant, wire: Wire, issue
) -> None:
    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter"))
    await wire.send(*[p1("1-0:1.8.0(5*kWh)")] * (CERTAIN + 1))
    await until(hass, lambda: entry.runtime_data.connection.channel.statistics.telegrams > CERTAIN)
    assert issue(entry) is None


def test_payloads_in_a_download_name_nobody() -> None:
    for name in ("sml", "sml-emh"):
        (raw,) = telegrams(name, 1)
        payload = LINKS["sml"].take(bytearray(raw))
        (said,) = LINKS["sml"].decode(payload, Security())
        blanked = blank(payload, LINKS["sml"])
        ids = [str(r.value) for r in said.readings if len(str(r.value)) == 20]
        assert ids
        assert all(each in payload.hex() and each not in blanked for each in ids)
        read = LINKS["sml"].decode(bytes.fromhex(blanked), Security())
        again = [each for each in read if hasattr(each, "meter")]
        assert [len(each.readings) for each in again] == [len(said.readings)]
