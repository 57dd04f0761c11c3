"""Meters that push DLMS to a listener: over TCP and UDP, in the clear and in cipher."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
import socket
from typing import Any

from homeassistant.components.repairs import repairs_flow_manager
from homeassistant.config_entries import (
    SOURCE_INTEGRATION_DISCOVERY,
    SOURCE_REAUTH,
    SOURCE_USER,
    ConfigFlowResult,
    ConfigSubentry,
)
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_meter import caller, datagrams
from custom_components.obis_meter.const import DOMAIN
from custom_components.obis_meter.datagrams import LONGEST, DatagramListener
from custom_components.obis_meter.dial_in import ListenerCoordinator
from custom_components.obis_meter.listener import MOST_OF_ONE, networks
from custom_components.obis_meter.port_error import PortError
from custom_components.obis_meter.transport import Port
from simulator import push
from simulator.carried import Carried
from simulator.frames import wrapper
from simulator.meters import meter

from .conftest import START, WRONG_KEY, free_port, set_up, until

pytestmark = pytest.mark.usefixtures("keys_stay_in_the_entry")

OPEN = push.TCP
SWISS = replace(push.E450, link="wrapper", frame=wrapper)
AUSTRIAN = replace(push.KAIFA, link="wrapper", frame=wrapper)
SWISS_TITLE, SWISS_ID = "4C475A67730004D2", "1001234"
AUSTRIAN_TITLE, AUSTRIAN_ID = "4B464D10200004D2", "1KFM0200001234"


def telegram(device: Carried, number: int = 1) -> bytes:
    """Return a telegram of a meter, whose readings and counter rise with its number."""
    household = meter("kaifa-at", START).household
    return device.telegram(household.at(START + timedelta(minutes=number)))


def power(number: int) -> str:
    """Return what that telegram says."""
    truth = meter("kaifa-at", START).household.at(START + timedelta(minutes=number))
    return str(truth.active_import)


def own_keys(device: Carried) -> dict[str, str]:
    assert device.cipher
    authentication = device.cipher.authentication.hex()
    own = {"key": device.cipher.key.hex()}
    return {**own, "auth_key": authentication} if authentication else own


class Pusher:
    """A meter that pushes: a connection for each telegram, or a datagram from one socket."""

    def __init__(self, entry: MockConfigEntry) -> None:
        scheme, _, number = entry.data["port"].rpartition(":")
        self._address = ("127.0.0.1", int(number))
        self._is_udp = scheme.startswith("listen+udp")
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    async def push(self, *telegrams: bytes) -> None:
        for each in telegrams:
            if self._is_udp:
                self._socket.sendto(each, self._address)
                await asyncio.sleep(0.02)
            else:
                _, writer = await asyncio.open_connection(*self._address)
                writer.write(each)
                writer.close()
                await writer.wait_closed()
                await asyncio.sleep(0.05)

    def close(self) -> None:
        self._socket.close()


def waiting(scheme: str, *known: dict[str, Any]) -> MockConfigEntry:
    """Return an entry to which meters push, on this machine."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="Meters",
        data={
            "port": f"{scheme}://127.0.0.1:{free_port()}",
            "link": "wrapper",
            "allowed": "127.0.0.1",
            "identity": {},
        },
        options={"write_interval": 0},
        subentries_data=[
            {"data": {}, "subentry_type": "meter", "title": "Flat", **each} for each in known
        ],
    )


@pytest.fixture(params=["listen", "listen+udp"])
async def entry(request: pytest.FixtureRequest, hass: HomeAssistant) -> MockConfigEntry:
    return await set_up(hass, waiting(request.param))


@pytest.fixture
def pusher(entry: MockConfigEntry, stack: AsyncExitStack) -> Pusher:
    return opened(entry, stack)


def opened(entry: MockConfigEntry, stack: AsyncExitStack) -> Pusher:
    made = Pusher(entry)
    stack.callback(made.close)
    return made


def state(hass: HomeAssistant, name: str = "flat") -> str | None:
    found = hass.states.get(f"sensor.{name}_power_import")
    return found and found.state


def flows(hass: HomeAssistant, source: str) -> list[Any]:
    running = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    return [flow for flow in running if flow["context"]["source"] == source]


async def offer(hass: HomeAssistant) -> Any:
    await until(hass, lambda: bool(flows(hass, SOURCE_INTEGRATION_DISCOVERY)))
    (offered,) = flows(hass, SOURCE_INTEGRATION_DISCOVERY)
    return offered


async def answer(hass: HomeAssistant, flow: Any, typed: dict[str, str]) -> ConfigFlowResult:
    return await hass.config_entries.flow.async_configure(flow["flow_id"], typed)


def subentry(entry: MockConfigEntry) -> ConfigSubentry:
    (only,) = entry.subentries.values()
    return only


async def test_an_open_meter_is_offered_and_read(
    hass: HomeAssistant, entry: MockConfigEntry, pusher: Pusher
) -> None:
    await pusher.push(telegram(OPEN))
    offered = await offer(hass)
    assert offered["context"]["unique_id"] == AUSTRIAN_ID
    added = await answer(hass, offered, {"name": "Flat"})
    assert added["reason"] == "meter_added"
    await hass.async_block_till_done()
    assert (subentry(entry).unique_id, dict(subentry(entry).data)) == (AUSTRIAN_ID, {})
    await pusher.push(telegram(OPEN, 2))
    await until(hass, lambda: state(hass) == power(2))


async def test_a_ciphered_meter_is_offered_and_opened_with_its_own_key(
    hass: HomeAssistant, entry: MockConfigEntry, pusher: Pusher
) -> None:
    await pusher.push(telegram(SWISS))
    offered = await offer(hass)
    assert offered["context"]["unique_id"] == SWISS_TITLE
    form = await answer(hass, offered, {"name": "Flat"})
    assert form["step_id"] == "key"
    again = await answer(hass, form, {"key": WRONG_KEY})
    assert again["errors"] == {"key": "wrong_key"}
    added = await answer(hass, form, own_keys(SWISS))
    assert added["reason"] == "meter_added"
    await hass.async_block_till_done()
    kept = {"title": SWISS_TITLE, **own_keys(SWISS)}
    assert (subentry(entry).unique_id, dict(subentry(entry).data)) == (SWISS_ID, kept)
    await pusher.push(telegram(SWISS, 2))
    await until(hass, lambda: state(hass) == power(2))
    await pusher.push(telegram(SWISS, 1))
    assert state(hass) == power(2)
    assert not flows(hass, SOURCE_INTEGRATION_DISCOVERY)


async def test_each_meter_has_its_own_key_and_is_known_after_a_restart(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    swiss = {"title": SWISS_TITLE, **own_keys(SWISS)}
    austrian = {"title": AUSTRIAN_TITLE, **own_keys(AUSTRIAN)}
    known = (
        {"title": "Swiss", "unique_id": SWISS_ID, "data": swiss},
        {"title": "Austrian", "unique_id": AUSTRIAN_ID, "data": austrian},
    )

    def said() -> tuple[str | None, str | None]:
        return state(hass, "swiss"), state(hass, "austrian")

    entry = await set_up(hass, waiting("listen+udp", *known))
    one, other = opened(entry, stack), opened(entry, stack)
    await one.push(telegram(SWISS, 1))
    await other.push(telegram(AUSTRIAN, 2))
    await until(hass, lambda: said() == (power(1), power(2)))
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    await other.push(telegram(AUSTRIAN, 3))
    await one.push(telegram(SWISS, 1), telegram(SWISS, 4))  # the first was heard before
    await until(hass, lambda: said() == (power(4), power(3)))


async def known_swiss(hass: HomeAssistant, **keys: str) -> MockConfigEntry:
    data = {"title": SWISS_TITLE, **own_keys(SWISS), **keys}
    return await set_up(hass, waiting("listen", {"unique_id": SWISS_ID, "data": data}))


async def test_a_key_that_does_not_fit_is_asked_for_again(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    entry = await known_swiss(hass, key=WRONG_KEY)
    pusher = opened(entry, stack)
    await pusher.push(*(telegram(SWISS, number) for number in (1, 2, 3)))
    await until(hass, lambda: bool(flows(hass, SOURCE_REAUTH)))
    (asked,) = flows(hass, SOURCE_REAUTH)
    form = await hass.config_entries.flow.async_configure(asked["flow_id"])
    assert form["description_placeholders"]["name"] == "Flat"
    done = await answer(hass, form, own_keys(SWISS))
    assert done["reason"] == "reauth_successful"
    await hass.async_block_till_done()
    assert dict(subentry(entry).data) == {"title": SWISS_TITLE, **own_keys(SWISS)}
    assert "key" not in entry.data
    await pusher.push(telegram(SWISS, 4))
    await until(hass, lambda: state(hass) == power(4))


async def test_the_counter_of_one_meter_is_accepted_by_its_owner(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    assert await async_setup_component(hass, "repairs", {})
    entry = await known_swiss(hass)
    pusher = opened(entry, stack)
    await pusher.push(telegram(SWISS, 9))
    await until(hass, lambda: state(hass) == power(9))
    await pusher.push(*(telegram(SWISS, number) for number in (1, 2, 3, 4)))
    name = f"counter_reset_{subentry(entry).subentry_id}"
    await until(hass, lambda: ir.async_get(hass).async_get_issue(DOMAIN, name) is not None)
    repairs = repairs_flow_manager(hass)
    assert repairs
    form = await repairs.async_init(DOMAIN, context={"issue_id": name})
    await repairs.async_configure(form["flow_id"], {})
    await pusher.push(telegram(SWISS, 5))
    await until(hass, lambda: state(hass) == power(5))


async def test_who_hangs_up_behind_each_telegram_is_away_only_when_it_misses_its_pace(
    hass: HomeAssistant, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller, "FIRST_ABSENCE", 0.5)
    entry = await set_up(hass, waiting("listen", {"unique_id": AUSTRIAN_ID}))
    pusher = opened(entry, stack)
    await pusher.push(telegram(OPEN, 1))
    await until(hass, lambda: state(hass) == power(1))
    coordinator: ListenerCoordinator = entry.runtime_data
    await until(hass, lambda: not coordinator.channels())
    assert state(hass) == power(1)
    await until(hass, lambda: state(hass) == STATE_UNAVAILABLE)
    await pusher.push(telegram(OPEN, 2))
    await until(hass, lambda: state(hass) == power(2))


async def test_a_meter_without_a_name_is_known_by_its_address(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    entry = await set_up(hass, waiting("listen+udp"))
    nameless = replace(OPEN, inner=replace(OPEN.inner, lists={1: ("1-0:1.7.0", "1-0:1.8.0")}))
    await opened(entry, stack).push(telegram(nameless))
    assert (await offer(hass))["context"]["unique_id"] == "127.0.0.1"


async def test_half_a_datagram_spoils_no_other(hass: HomeAssistant, stack: AsyncExitStack) -> None:
    entry = await set_up(hass, waiting("listen+udp", {"unique_id": AUSTRIAN_ID}))
    pusher = opened(entry, stack)
    whole = telegram(OPEN, 2)
    await pusher.push(telegram(OPEN, 1)[:-40], whole)
    await until(hass, lambda: state(hass) == power(2))


@pytest.mark.parametrize(
    ("callers", "url"),
    [("push_tcp", "listen://127.0.0.1"), ("push_udp", "listen+udp://127.0.0.1")],
)
async def test_the_dialog_makes_such_an_entry(hass: HomeAssistant, callers: str, url: str) -> None:
    dialog = hass.config_entries.flow
    menu = await dialog.async_init(DOMAIN, context={"source": SOURCE_USER})
    form = await dialog.async_configure(menu["flow_id"], {"next_step_id": "listener"})
    number = free_port()
    typed = {"callers": callers, "port": number, "allowed": "127.0.0.1", "host": "127.0.0.1"}
    made = await dialog.async_configure(form["flow_id"], typed)
    assert (made["data"]["port"], made["data"]["link"]) == (f"{url}:{number}", "wrapper")
    await hass.async_block_till_done()


async def test_a_udp_port_in_use_is_said_so(stack: AsyncExitStack) -> None:
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stack.callback(taken.close)
    taken.bind(("127.0.0.1", 0))
    listener = DatagramListener("127.0.0.1", taken.getsockname()[1], networks("::1"), _nobody)
    with pytest.raises(PortError) as refused:
        await listener.open()
    assert refused.value.key == "listen_in_use"
    await listener.close()


async def eventually(true: Callable[[], bool]) -> None:
    """Wait until something is true; the test fails when it does not become so."""
    async with asyncio.timeout(40):
        while not true():  # noqa: ASYNC110 - sockets are looked at, as their reader does
            await asyncio.sleep(0.01)


async def _nobody(port: Port, address: str) -> None:
    """Take no datagram."""


async def listening(
    stack: AsyncExitStack, allowed: str, host: str = "127.0.0.1"
) -> tuple[DatagramListener, list[bytes], Callable[[bytes], None]]:
    """Return a listener, what each of its peers has read, and a way to send from a new source."""
    heard: list[bytes] = []

    async def attend(port: Port, address: str) -> None:
        while True:
            heard.append(await port.read())

    number = free_port()
    listener = DatagramListener(host, number, networks(allowed), attend)
    await listener.open()
    stack.push_async_callback(listener.close)

    def send(data: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
            source.sendto(data, ("127.0.0.1", number))

    return listener, heard, send


async def test_strangers_floods_and_giants_are_turned_away(stack: AsyncExitStack) -> None:
    listener, heard, send = await listening(stack, "10.0.0.0/8")
    send(b"stranger")
    await eventually(lambda: listener.turned.strangers == 1)
    assert not heard
    listener, heard, send = await listening(stack, "127.0.0.1", host="")
    send(bytes(LONGEST + 1))
    for number in range(MOST_OF_ONE + 3):
        send(bytes([number]))
    await eventually(lambda: listener.turned.crowd == 3)
    await eventually(lambda: len(heard) >= MOST_OF_ONE)
    assert sorted(part for part in heard if part) == [bytes([n]) for n in range(MOST_OF_ONE)]


async def test_a_silent_source_is_let_go_and_begins_anew(
    stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datagrams, "LINGER", 0.05)
    heard: list[list[bytes]] = []
    over = asyncio.Event()

    async def attend(port: Port, address: str) -> None:
        assert address == "127.0.0.1"
        heard.append([])
        try:
            while data := await port.read():
                heard[-1].append(data)
                await port.write(b"heard " + data)
                assert await port.read() == b""
        except ConnectionResetError:
            over.set()
            await asyncio.sleep(0.1)  # what comes now is for the next one

    listener = DatagramListener("", free_port(), networks("127.0.0.1"), attend)
    await listener.open()
    stack.push_async_callback(listener.close)
    source = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    source.setblocking(False)
    stack.callback(source.close)
    source.bind(("127.0.0.1", 0))
    address = ("127.0.0.1", listener._address[1])
    source.sendto(b"one", address)
    await eventually(over.is_set)
    source.sendto(b"two", address)
    await eventually(lambda: heard == [[b"one"], [b"two"]])
    assert (source.recv(99), source.recv(99)) == (b"heard one", b"heard two")


async def test_a_machine_without_ipv6_is_listened_on(
    stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind = DatagramListener._bind

    async def without(self: DatagramListener, address: tuple[str, int], family: int) -> None:
        if family == socket.AF_INET6:
            raise OSError(97, "Address family not supported by protocol")
        await bind(self, address, family)

    monkeypatch.setattr(DatagramListener, "_bind", without)
    _, heard, send = await listening(stack, "127.0.0.1", host="")
    send(b"here")
    await eventually(lambda: heard[:1] == [b"here"])
