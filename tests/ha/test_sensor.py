"""What an owner sees of the meter."""

from decimal import Decimal

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN, EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_meter.const import DOMAIN
from simulator.meters import METERS, meter
from simulator.serve import PtyServer, TcpServer

from .conftest import METER, Serve, Wire, entry_for, p1, set_up, until


async def hear(hass: HomeAssistant, wire: Wire, *lines: str, **more: object) -> er.EntityRegistry:
    """Set a P1 meter up and let it send one telegram."""
    await set_up(hass, entry_for(wire.url, "p1", title="Meter", **more))
    await wire.send(p1(*lines))
    await hass.async_block_till_done()
    return er.async_get(hass)


def state(hass: HomeAssistant, name: str) -> str:
    found = hass.states.get(f"sensor.meter_{name}")
    assert found, f"no sensor {name}: {sorted(hass.states.async_entity_ids('sensor'))}"
    return found.state


async def test_registers_become_sensors_that_the_energy_dashboard_takes(
    hass: HomeAssistant, pty_meter: Serve[PtyServer]
) -> None:
    server = await pty_meter("aidon", speed=200)
    await set_up(hass, entry_for(server.url, unique_id=METER, title="Meter"))
    await until(hass, lambda: hass.states.get("sensor.meter_energy_import") is not None)
    energy = hass.states.get("sensor.meter_energy_import")
    assert energy.attributes["device_class"] == SensorDeviceClass.ENERGY
    assert energy.attributes["state_class"] == SensorStateClass.TOTAL_INCREASING
    assert energy.attributes["unit_of_measurement"] == "kWh"
    power = hass.states.get("sensor.meter_power_import")
    assert power.attributes["device_class"] == SensorDeviceClass.POWER
    assert power.attributes["unit_of_measurement"] == "W"
    assert hass.states.get("sensor.meter_voltage_l2").attributes["unit_of_measurement"] == "V"


def shows(hass: HomeAssistant, prefix: str) -> bool:
    return any(each.startswith(prefix) for each in hass.states.async_entity_ids("sensor"))


@pytest.mark.parametrize("name", [name for name in METERS if not meter(name).secrets])
async def test_every_simulated_meter_is_shown(
    hass: HomeAssistant, tcp_meter: Serve[TcpServer], name: str
) -> None:
    server = await tcp_meter(name, speed=500)
    await set_up(hass, entry_for(server.url, METERS[name].device.link, title="Meter"))
    quantities = ("energy",) if name == "sml-no-pin" else ("energy", "power")
    for quantity in quantities:
        await until(hass, lambda q=quantity: shows(hass, f"sensor.meter_{q}_"))
    for each in hass.states.async_all("sensor"):
        assert each.state not in (STATE_UNAVAILABLE, STATE_UNKNOWN), each.entity_id


async def test_values_are_exact_and_in_one_unit(hass: HomeAssistant, wire: Wire) -> None:
    await hear(
        hass,
        wire,
        "1-0:1.8.0(00052185.7825309*kWh)",
        "1-0:2.8.0(0.0000000*kWh)",
        "1-0:1.7.0(00.503*kW)",
        "1-0:3.7.0(00.025*kVA)",
        "1-0:3.8.0(1234*varh)",
        "1-0:31.7.0(0.004*kA)",
        "1-0:14.7.0(50.01*Hz)",
        "1-0:13.7.0(0.98)",
        "1-0:9.8.0(1.5*kVAh)",
    )
    assert state(hass, "energy_import") == "52185.7825309"
    assert state(hass, "energy_export") == "0.0000000"
    assert state(hass, "power_import") == "503"
    assert state(hass, "reactive_power_import") == "25"
    assert state(hass, "reactive_energy_import") == "1.234"
    assert state(hass, "current_l1") == "4"
    assert state(hass, "frequency") == "50.01"
    assert state(hass, "power_factor") == "0.98"
    assert state(hass, "apparent_energy_import") == "1.5"


async def test_tariffs_are_named_and_the_present_one_is_an_enum(
    hass: HomeAssistant, wire: Wire
) -> None:
    registry = await hear(
        hass,
        wire,
        "1-0:1.8.1(1*kWh)",
        "1-0:2.8.2(2*kWh)",
        "0-0:96.14.0(0002)",
    )
    assert registry.async_get("sensor.meter_energy_import_tariff_1")
    assert registry.async_get("sensor.meter_energy_export_tariff_2")
    tariff = hass.states.get("sensor.meter_tariff")
    assert tariff.state == "2"
    assert tariff.attributes["device_class"] == SensorDeviceClass.ENUM
    await wire.send(p1("0-0:96.14.0(1234)"))
    await until(hass, lambda: state(hass, "tariff") == STATE_UNKNOWN)


async def test_a_register_nobody_knows_waits_disabled_under_its_code(
    hass: HomeAssistant, wire: Wire
) -> None:
    registry = await hear(hass, wire, "1-0:1.8.0(1*kWh)", "1-0:55.99.7(12.3*V)", "X.Y(abc)")
    entry_id = registry.async_get_entity_id("sensor", DOMAIN, f"{only(hass)}_1-0:55.99.7")
    unknown = registry.async_get(entry_id)
    assert unknown.disabled_by is er.RegistryEntryDisabler.INTEGRATION
    assert unknown.entity_category is EntityCategory.DIAGNOSTIC
    assert unknown.original_name == "1-0:55.99.7"
    assert unknown.unit_of_measurement == "V"
    assert registry.async_get_entity_id("sensor", DOMAIN, f"{only(hass)}_X.Y")


def only(hass: HomeAssistant) -> str:
    """Return the key of the one meter without an id: its entry's."""
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    return entry.entry_id


def device(hass: HomeAssistant, key: str) -> dr.DeviceEntry:
    found = dr.async_get(hass).async_get_device_by_identifier((DOMAIN, key), only(hass))
    assert found
    return found


async def test_history_is_a_disabled_sensor(hass: HomeAssistant, wire: Wire) -> None:
    registry = await hear(hass, wire, "1-0:1.8.0*255(2*kWh)", "1-0:1.8.0*01(1*kWh)")
    assert state(hass, "energy_import") == "2"
    entity_id = registry.async_get_entity_id("sensor", DOMAIN, f"{only(hass)}_1-0:1.8.0*1")
    assert registry.async_get(entity_id).disabled


async def test_sub_meters_are_devices_behind_their_meter(hass: HomeAssistant, wire: Wire) -> None:
    await hear(
        hass,
        wire,
        "0-0:96.1.1(4530303434303037313331363530363138)",
        "1-0:1.8.0(1*kWh)",
        "0-1:24.1.0(003)",
        "0-1:96.1.0(4730303339303031363532303530323136)",
        "0-1:24.2.1(260304180000W)(04890.857*m3)",
        "0-2:24.1.0(004)",
        "0-2:24.2.1(260304180000W)(240.860*GJ)",
        "0-3:24.1.0(003)",
        "0-3:96.1.0()",
    )
    main = device(hass, only(hass))
    gas = device(hass, "G0039001652050216")
    heat = device(hass, f"{only(hass)}_0-2")
    assert (gas.name, gas.serial_number) == ("Gas meter", "G0039001652050216")
    assert heat.name == "Heat meter"
    assert {gas.via_device_id, heat.via_device_id} == {main.id}
    assert len(dr.async_entries_for_config_entry(dr.async_get(hass), only(hass))) == 3
    consumption = hass.states.get("sensor.gas_meter_gas_consumption")
    assert consumption.state == "4890.857"
    assert consumption.attributes["device_class"] == SensorDeviceClass.GAS
    assert consumption.attributes["unit_of_measurement"] == "m³"
    assert hass.states.get("sensor.heat_meter_heat_consumption").state == "240.860"


async def test_the_device_tells_maker_model_serial_number_and_firmware(
    hass: HomeAssistant, wire: Wire
) -> None:
    await hear(hass, wire, "0-0:96.1.0(12345)", "1-0:0.2.0(V1.7)", "1-0:1.8.0(1*kWh)")
    meter = device(hass, only(hass))
    assert (meter.manufacturer, meter.model) == ("Iskraemeco", "MT382")
    assert (meter.serial_number, meter.sw_version) == ("12345", "V1.7")


async def test_texts_and_clocks_can_be_shown(hass: HomeAssistant, wire: Wire) -> None:
    await hass.config.async_set_time_zone("Europe/Amsterdam")
    lines = ("0-0:1.0.0(260304180000W)", f"0-0:96.13.0({'41' * 300})", "0-0:96.3.10(1)")
    registry = await hear(hass, wire, "1-0:1.8.0(1*kWh)", *lines)
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    for each in er.async_entries_for_config_entry(registry, entry.entry_id):
        registry.async_update_entity(each.entity_id, disabled_by=None)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    await wire.send(p1("1-0:1.8.0(1*kWh)", *lines))
    await hass.async_block_till_done()
    assert state(hass, "meter_clock") == "2026-03-04T17:00:00+00:00"
    assert state(hass, "message") == ("41" * 300)[:255]
    assert state(hass, "breaker_state") == "1"


async def test_a_total_whose_scaler_is_not_known_is_not_shown_as_energy(
    hass: HomeAssistant, wire: Wire
) -> None:
    await hear(hass, wire, "1-0:1.8.0(12*V)", "1-0:1.7.0(1*kW)")
    assert state(hass, "energy_import") == STATE_UNKNOWN
    assert Decimal(state(hass, "power_import")) == 1000


async def test_a_meter_that_says_who_it_is_anew_is_believed_at_once(
    hass: HomeAssistant, wire: Wire
) -> None:
    """Between telegrams of equal length, with equal registers."""
    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter", unique_id="M1"))
    for gas, firmware in (("G1", "V1"), ("G2", "V1"), ("G2", "V2"), ("W2", "V2")):
        kind = "003" if gas.startswith("G") else "007"
        lines = (f"0-1:24.1.0({kind})", f"0-1:96.1.0({gas})", "0-1:24.2.1(260304180000W)(4.5*m3)")
        await wire.send(p1("1-0:1.7.0(1*kW)", f"1-0:0.2.0({firmware})", *lines))
        await until(hass, lambda gas=gas: gas in devices(hass, entry))
        name = "Gas meter" if gas.startswith("G") else "Water meter"
        assert devices(hass, entry)[gas].name == name
        await until(hass, lambda new=firmware: devices(hass, entry)["M1"].sw_version == new)
    assert set(devices(hass, entry)) == {"M1", "G1", "G2", "W2"}


def devices(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, dr.DeviceEntry]:
    """Return the devices of an entry by their keys."""
    found = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    return {key: device for device in found for _, key in device.identifiers}


@pytest.mark.parametrize(
    ("gas", "water"),
    [("35353535", "35353535"), ("34373330", "35353535")],
    ids=["of each other", "of the meter"],
)
async def test_ids_that_are_no_ids_cost_no_reading(
    hass: HomeAssistant, wire: Wire, gas: str, water: str
) -> None:
    """Channels that name themselves alike, or as the meter does."""
    entry = await set_up(hass, entry_for(wire.url, "p1", title="Meter", unique_id="34373330"))
    for n in (1, 2, 3):
        await wire.send(
            p1(
                "0-0:96.1.1(34373330)",
                *(f"1-0:1.8.1(000123.45{n}*kWh)", "1-0:1.8.2(000099.456*kWh)"),
                *("0-1:24.1.0(003)", f"0-1:96.1.0({gas})"),
                f"0-1:24.2.1(260304180000W)(00100.00{n}*m3)",
                *("0-2:24.1.0(007)", f"0-2:96.1.0({water})"),
                f"0-2:24.2.1(260304180000W)(00050.00{n}*m3)",
            )
        )
    totals = {"123.453", "100.003", "50.003"}
    await until(hass, lambda: totals <= {state.state for state in hass.states.async_all("sensor")})
    guards = entry.runtime_data.trackers["34373330"].guards
    assert sum(guard.held for guard in guards.values()) == 0
