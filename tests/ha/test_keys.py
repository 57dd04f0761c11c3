"""Meters that encrypt: asking for their keys, keeping them, and what happens when none fits."""

import asyncio
from datetime import timedelta
import json
from typing import Any

from homeassistant.components.repairs import repairs_flow_manager
from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_USER, ConfigFlowResult
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.obis_meter.const import DOMAIN
from custom_components.obis_meter.diagnostics import plain
from simulator import dlms
from simulator.carried import Carried
from simulator.ciphering import Cipher
from simulator.meters import METERS, meter
from simulator.serve import PtyServer, TcpServer

from .conftest import START, WRONG_KEY, Serve, Wire, entry_for, place, reason, set_up, until

CIPHERED = ("kaifa-at", "e450-ch", "p1-lu-ciphered")
E450_ID, E450_NUMBER = "LGZ1030600001234", "1001234"
POWER = "sensor.meter_power_import"

pytestmark = pytest.mark.usefixtures("keys_stay_in_the_entry")


def device(name: str) -> Carried:
    found = METERS[name].device
    assert isinstance(found, Carried)
    return found


def cipher(name: str) -> Cipher:
    found = device(name).cipher
    assert found
    return found


def key(name: str) -> str:
    return cipher(name).key.hex().upper()


def auth_key(name: str) -> str:
    return cipher(name).authentication.hex().upper()


def e450(counter: int) -> bytes:
    """Return a telegram of the Swiss meter, whose readings differ with its counter."""
    model, household = device("e450-ch"), meter("e450-ch", START).household
    apdu = model.inner.apdu(household.at(START + timedelta(minutes=counter)))
    return model.frame(cipher("e450-ch").seal(apdu, counter))


def power(counter: int) -> str:
    """Return what that telegram says."""
    truth = meter("e450-ch", START).household.at(START + timedelta(minutes=counter))
    return str(truth.active_import)


def swiss(url: str, **keys: str) -> MockConfigEntry:
    entry = entry_for(url, "hdlc", title="Meter")
    fitting = {"key": key("e450-ch"), "auth_key": auth_key("e450-ch")}
    return MockConfigEntry(
        domain=DOMAIN,
        data={**entry.data, **fitting, **keys},
        title="Meter",
        options={"write_interval": 0},
    )


def said(hass: HomeAssistant) -> str | None:
    state = hass.states.get(POWER)
    return state and state.state


async def listen(hass: HomeAssistant, typed: dict[str, Any], step: str) -> ConfigFlowResult:
    """Open the dialog, say where the meter is, and wait until it has been heard."""
    flows = hass.config_entries.flow
    menu = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    form = await flows.async_configure(menu["flow_id"], {"next_step_id": step})
    result = await flows.async_configure(form["flow_id"], {**typed})
    async with asyncio.timeout(40):
        while result["type"] is FlowResultType.SHOW_PROGRESS:
            await asyncio.sleep(0.05)
            result = await flows.async_configure(form["flow_id"])
    return result


async def hear(hass: HomeAssistant, server: PtyServer | TcpServer | Wire) -> ConfigFlowResult:
    if isinstance(server, PtyServer):
        return await listen(hass, place(port=server.url, line="2400 8E1"), "serial")
    network = {"host": "127.0.0.1", "port": server.port, "protocol": "socket"}
    return await listen(hass, place(**network), "network")


def spaced(digits: str) -> str:
    """Return a key as it stands in letters."""
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({"key": "my key"}, {"key": "not_hex"}),
        ({"key": "A3" * 15}, {"key": "key_length"}),
        ({"key": "A3" * 32}, {"key": "key_length"}),
        ({"key": WRONG_KEY}, {"key": "wrong_key"}),
        ({"key": WRONG_KEY, "auth_key": auth_key("e450-ch")}, {"key": "wrong_key"}),
        ({"key": key("e450-ch"), "auth_key": "?"}, {"auth_key": "not_hex"}),
        ({"key": key("e450-ch"), "auth_key": "B3"}, {"auth_key": "key_length"}),
        ({"key": key("e450-ch"), "auth_key": WRONG_KEY}, {"auth_key": "wrong_authentication_key"}),
    ],
)
async def test_a_mistake_is_named_beside_its_field_and_can_be_mended(
    hass: HomeAssistant, wire: Wire, typed: dict[str, str], errors: dict[str, str]
) -> None:
    sending = asyncio.create_task(wire.send(e450(1), e450(2)))
    form = await hear(hass, wire)
    await sending
    again = await hass.config_entries.flow.async_configure(form["flow_id"], typed)
    assert (again["step_id"], again["errors"]) == ("key", errors)
    fields = again["data_schema"].schema
    assert not any(field.description for field in fields)  # nothing typed is suggested again
    right = {"key": key("e450-ch"), "auth_key": auth_key("e450-ch")}
    found = await hass.config_entries.flow.async_configure(form["flow_id"], right)
    assert found["step_id"] == "confirm"
    added = await hass.config_entries.flow.async_configure(form["flow_id"], {})
    assert added["data"]["auth_key"] == auth_key("e450-ch").lower()


async def test_an_authentication_key_for_a_meter_without_tags_is_refused(
    hass: HomeAssistant, pty_meter: Serve[PtyServer]
) -> None:
    form = await hear(hass, await pty_meter("kaifa-at"))
    typed = {"key": key("kaifa-at"), "auth_key": WRONG_KEY}
    again = await hass.config_entries.flow.async_configure(form["flow_id"], typed)
    assert again["errors"] == {"auth_key": "not_authenticated"}


def sealed(apdu: bytes, control: int = 0x30) -> bytes:
    """Return an APDU ciphered and framed as the Swiss meter does, with another control byte."""
    kept = cipher("e450-ch")
    other = Cipher(
        title=kept.title, key=kept.key, authentication=kept.authentication, control=control
    )
    return device("e450-ch").frame(other.seal(apdu, 1))


async def test_a_right_key_for_what_nobody_understands_says_so(
    hass: HomeAssistant, wire: Wire
) -> None:
    damaged = b"\x0f\0\0\0\0\0\x02\x05\x99"
    sending = asyncio.create_task(wire.send(sealed(damaged), sealed(damaged)))
    form = await hear(hass, wire)
    await sending
    typed = {"key": key("e450-ch")}
    again = await hass.config_entries.flow.async_configure(form["flow_id"], typed)
    assert again["errors"] == {"base": "unreadable"}


async def test_compressed_telegrams_end_the_search_with_their_reason(
    hass: HomeAssistant, wire: Wire
) -> None:
    squeezed = sealed(b"\x0f\0\0\0\0\0\x02\x00", control=0xB0)
    sending = asyncio.create_task(wire.send(squeezed, squeezed))
    menu = await hear(hass, wire)
    await sending
    assert reason(menu).startswith("This meter compresses")
    assert menu["menu_options"] == ["again", "network"]  # it speaks: nobody asks it


async def test_the_right_key_opens_what_was_caught(hass: HomeAssistant, wire: Wire) -> None:
    sending = asyncio.create_task(wire.send(e450(1), e450(2)))
    form = await hear(hass, wire)
    await sending
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "key")
    assert form["description_placeholders"] == {
        "title": "4C475A67730004D2",
        "maker": "Landis+Gyr",
        "digits": "32",
    }
    typed = {"key": spaced(key("e450-ch")), "auth_key": spaced(auth_key("e450-ch").lower())}
    confirm = await hass.config_entries.flow.async_configure(form["flow_id"], typed)
    assert confirm["step_id"] == "confirm"
    assert confirm["description_placeholders"]["meter"] == E450_NUMBER
    wire.connected.clear()
    added = await hass.config_entries.flow.async_configure(form["flow_id"], {})
    assert added["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    await wire.send(e450(3))
    entity = "sensor.landis_gyr_power_import"
    await until(hass, lambda: hass.states.is_state(entity, power(3)))
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    assert entry.unique_id == E450_NUMBER
    kept = {name: entry.data[name] for name in ("key", "auth_key", "link")}
    own = {"key": key("e450-ch").lower(), "auth_key": auth_key("e450-ch").lower()}
    assert kept == {**own, "link": "hdlc"}


async def reauth(hass: HomeAssistant) -> ConfigFlowResult:
    """Wait for the question about keys, and open it."""
    flows = hass.config_entries.flow

    def asked() -> list[Any]:
        return [f for f in flows.async_progress() if f["context"]["source"] == SOURCE_REAUTH]

    await until(hass, lambda: bool(asked()))
    (flow,) = asked()
    return await flows.async_configure(flow["flow_id"])


async def test_a_key_that_opens_nothing_is_asked_for_again(
    hass: HomeAssistant, pty_meter: Serve[PtyServer]
) -> None:
    server = await pty_meter("e450-ch")
    entry = await set_up(hass, swiss(server.url, key=WRONG_KEY))
    form = await reauth(hass)
    assert form["step_id"] == "reauth_confirm"
    assert form["description_placeholders"] == {"name": "Meter", "digits": "32"}
    assert said(hass) is None
    flows = hass.config_entries.flow
    again = await flows.async_configure(form["flow_id"], {"key": WRONG_KEY[2:]})
    assert again["errors"] == {"key": "key_length"}
    again = await flows.async_configure(form["flow_id"], {"key": WRONG_KEY})
    assert again["errors"] == {"key": "wrong_key"}
    done = await flows.async_configure(form["flow_id"], {"key": key("e450-ch")})
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    await until(hass, lambda: said(hass) not in (None, STATE_UNAVAILABLE))
    assert entry.data["key"] == key("e450-ch").lower()
    assert "auth_key" not in entry.data
    assert entry.data["link"] == "hdlc"


async def test_keys_can_be_entered_while_the_meter_is_not_read(
    hass: HomeAssistant, wire: Wire
) -> None:
    entry = await set_up(hass, swiss(wire.url, key=WRONG_KEY))
    await wire.send(e450(1), e450(2), e450(3))
    form = await reauth(hass)
    await hass.config_entries.async_unload(entry.entry_id)
    flows = hass.config_entries.flow
    again = await flows.async_configure(form["flow_id"], {"key": "no key"})
    assert again["errors"] == {"key": "not_hex"}
    assert again["description_placeholders"]["digits"] == "32 or 64"
    done = await flows.async_configure(form["flow_id"], {"key": key("e450-ch")})
    assert done["reason"] == "reauth_successful"
    assert entry.data["key"] == key("e450-ch").lower()


async def test_keys_are_asked_for_when_a_meter_begins_to_encrypt(
    hass: HomeAssistant, wire: Wire
) -> None:
    entry = entry_for(wire.url, "hdlc", title="Meter")
    await set_up(hass, entry)
    open_list = device("e450-ch").frame(
        device("e450-ch").inner.apdu(meter("e450-ch", START).household.at(START))
    )
    await wire.send(open_list)
    await until(hass, lambda: said(hass) is not None)
    before = said(hass)
    await wire.send(e450(1), e450(2), e450(3))
    form = await reauth(hass)
    assert said(hass) == before
    wire.connected.clear()
    done = await hass.config_entries.flow.async_configure(
        form["flow_id"], {"key": key("e450-ch"), "auth_key": auth_key("e450-ch")}
    )
    assert done["reason"] == "reauth_successful"
    await wire.send(e450(4))
    await until(hass, lambda: said(hass) == power(4))


async def test_keys_are_asked_for_no_more_when_a_meter_can_be_read_again(
    hass: HomeAssistant, wire: Wire
) -> None:
    await set_up(hass, entry_for(wire.url, "hdlc", title="Meter"))
    await wire.send(e450(1), e450(2), e450(3))
    await reauth(hass)
    issues = ir.async_get(hass).issues
    assert [issue for _, issue in issues if issue.startswith("config_entry_reauth")]
    apdu = device("e450-ch").inner.apdu(meter("e450-ch", START).household.at(START))
    await wire.send(device("e450-ch").frame(apdu))
    await until(hass, lambda: not hass.config_entries.flow.async_progress())
    assert not [issue for _, issue in issues if issue.startswith("config_entry_reauth")]


async def test_a_download_names_no_ciphered_meter_and_shows_lists_nobody_knows(
    hass: HomeAssistant, wire: Wire, hass_client: ClientSessionGenerator
) -> None:
    entry = await set_up(hass, swiss(wire.url))
    items = [dlms.octet_string(b"LGZ1030600001234"), *map(dlms.LONG_UNSIGNED.encode, (230, 7))]
    unknown = dlms.data_notification(7, b"\0", dlms.structure(items))
    await wire.send(device("e450-ch").frame(cipher("e450-ch").seal(unknown, 7)))
    channel = entry.runtime_data.connection.channel
    await until(hass, lambda: channel.statistics.telegrams == 1)
    download = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert isinstance(download, dict)
    assert download["unknown_lists"] == [["**REDACTED**", "230", "7"]]
    spelled = json.dumps(download).lower()
    for name in (E450_ID.lower(), E450_ID.encode().hex(), cipher("e450-ch").title.hex()):
        assert name not in spelled


@pytest.mark.parametrize("damage", [{"key": WRONG_KEY}, {"auth_key": WRONG_KEY}])
async def test_two_telegrams_that_no_key_opens_are_not_enough(
    hass: HomeAssistant, wire: Wire, damage: dict[str, str]
) -> None:
    await set_up(hass, swiss(wire.url, **damage))
    await wire.send(e450(1), e450(2))
    await hass.async_block_till_done()
    assert not hass.config_entries.flow.async_progress()
    await wire.send(e450(3))
    await reauth(hass)


async def test_a_repeated_telegram_is_not_published_nor_after_a_restart(
    hass: HomeAssistant, wire: Wire, hass_storage: dict[str, Any]
) -> None:
    entry = await set_up(hass, swiss(wire.url))
    await wire.send(e450(100))
    await until(hass, lambda: said(hass) == power(100))
    await wire.send(e450(99), e450(100))
    assert said(hass) == power(100) != power(99)
    wire.connected.clear()
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    title = cipher("e450-ch").title.hex()
    assert hass_storage[f"{DOMAIN}.{entry.entry_id}"]["data"]["counters"] == {title: 100}
    await wire.send(e450(98), e450(100))
    assert said(hass) not in (power(98), power(100))
    await wire.send(e450(101))
    await until(hass, lambda: said(hass) == power(101))


async def test_what_was_remembered_before_there_were_counters_is_read(
    hass: HomeAssistant, wire: Wire, hass_storage: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    entry = await set_up(hass, swiss(wire.url))
    await wire.send(e450(100))
    await until(hass, lambda: said(hass) == power(100))
    assert await hass.config_entries.async_unload(entry.entry_id)
    del hass_storage[f"{DOMAIN}.{entry.entry_id}"]["data"]["counters"]
    wire.connected.clear()
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert "cannot be read" not in caplog.text
    await wire.send(e450(7))
    await until(hass, lambda: said(hass) == power(7))


def reset_issue(hass: HomeAssistant, entry: MockConfigEntry) -> ir.IssueEntry | None:
    return ir.async_get(hass).async_get_issue(DOMAIN, f"counter_reset_{entry.entry_id}")


async def begins_anew(hass: HomeAssistant, wire: Wire) -> MockConfigEntry:
    """Have a meter whose counter falls, and wait until its owner is told."""
    assert await async_setup_component(hass, "repairs", {})
    entry = await set_up(hass, swiss(wire.url))
    await wire.send(e450(100))
    await until(hass, lambda: said(hass) == power(100))
    await wire.send(e450(5), e450(6), e450(7), e450(8))
    await until(hass, lambda: reset_issue(hass, entry) is not None)
    assert said(hass) == power(100)
    return entry


async def test_the_counter_of_a_reset_meter_is_accepted_by_its_owner(
    hass: HomeAssistant, wire: Wire
) -> None:
    entry = await begins_anew(hass, wire)
    issue = reset_issue(hass, entry)
    assert issue
    assert issue.is_fixable
    assert issue.translation_placeholders == {"name": "Meter"}
    repairs = repairs_flow_manager(hass)
    assert repairs
    context = {"issue_id": issue.issue_id}
    form = await repairs.async_init(DOMAIN, context=context)
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "confirm")
    assert form["description_placeholders"] == {"name": "Meter"}
    done = await repairs.async_configure(form["flow_id"], {})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert reset_issue(hass, entry) is None
    await wire.send(e450(9))
    await until(hass, lambda: said(hass) == power(9))
    await wire.send(e450(3))
    assert said(hass) == power(9)


async def test_the_question_goes_when_the_counter_goes_on(hass: HomeAssistant, wire: Wire) -> None:
    entry = await begins_anew(hass, wire)
    await wire.send(e450(101))
    await until(hass, lambda: reset_issue(hass, entry) is None)
    assert said(hass) == power(101)


@pytest.mark.parametrize("name", CIPHERED)
async def test_the_payloads_of_a_download_hold_no_system_title(
    hass: HomeAssistant,
    tcp_meter: Serve[TcpServer],
    hass_client: ClientSessionGenerator,
    name: str,
) -> None:
    server = await tcp_meter(name)
    link = device(name).link
    entry = await set_up(hass, entry_for(server.url, link, title="Meter"))
    payloads = entry.runtime_data.connection.channel.session.payloads
    await until(hass, lambda: len(payloads) > 4)
    download = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert download["payloads"]
    assert cipher(name).title.hex() not in json.dumps(download)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0x0100010800FF", "0x0100010800FF"),
        ("0x4C475A31303330", "**REDACTED**"),
        ("12345678", "12345678"),
        ("123456789", "**REDACTED**"),
        ("[1, 1KFM0200001234]", "[1, **REDACTED**]"),
        ("-42", "-42"),
    ],
)
def test_a_value_of_an_unknown_list_is_shown_unless_it_may_name_somebody(
    value: str, shown: str
) -> None:
    assert plain(value) == shown
