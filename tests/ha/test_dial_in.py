"""Meters that call in: known ones, new ones, and peers that are no meters."""

import asyncio
from contextlib import AsyncExitStack
import errno
import gc
import logging
import random
import socket
import struct
from typing import Any

from homeassistant.config_entries import SOURCE_INTEGRATION_DISCOVERY, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_meter import caller, listener
from custom_components.obis_meter.caller import Caller
from custom_components.obis_meter.const import DOMAIN
from custom_components.obis_meter.diagnostics import async_get_config_entry_diagnostics
from custom_components.obis_meter.dial_in import ListenerCoordinator
from custom_components.obis_meter.listener import Listener, PeerPort, networks
from custom_components.obis_meter.port_error import PortError
from custom_components.obis_meter.tracker import Tracker
from simulator.module import COMMANDS, EVENT, SERIAL as SERIAL_NUMBER, frame

from .calling import OTHER, SERIAL, Module, is_on, listening
from .conftest import free_port, set_up, until

INTACT = frame(COMMANDS, EVENT, b"\x60\x28\x01\x01")


def coordinator(entry: MockConfigEntry) -> ListenerCoordinator:
    said: ListenerCoordinator = entry.runtime_data
    return said


def offers(hass: HomeAssistant) -> list[dict[str, Any]]:
    flows = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    return [f for f in flows if f["context"]["source"] == SOURCE_INTEGRATION_DISCOVERY]


async def called(hass: HomeAssistant, stack: AsyncExitStack, *serials: str) -> MockConfigEntry:
    """Set up an entry that knows some meters; none of them calls yet."""
    return await set_up(hass, listening(free_port(), *serials))


def port_of(entry: MockConfigEntry) -> int:
    return int(entry.data["port"].rpartition(":")[2])


async def calls(entry: MockConfigEntry, stack: AsyncExitStack, serial: str = SERIAL) -> Module:
    module = Module(port_of(entry), serial)
    await module.call(stack)
    return module


async def ask(hass: HomeAssistant, entry: MockConfigEntry, serial: str, **fields: str) -> Any:
    device = dr.async_get(hass).async_get_device_by_identifier((DOMAIN, serial), entry.entry_id)
    assert device
    return await hass.services.async_call(
        DOMAIN,
        "get_parameter",
        {"device_id": device.id, "parameter": "meter_serial_number", **fields},
        blocking=True,
        return_response=True,
    )


async def test_a_meter_not_seen_before_is_offered_and_added_within_its_call(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    entry = await called(hass, stack)
    module = await calls(entry, stack)
    module.push()
    await until(hass, lambda: bool(offers(hass)))
    (offer,) = offers(hass)
    assert offer["step_id"] == "called"
    assert offer["context"]["unique_id"] == SERIAL
    assert offer["context"]["title_placeholders"] == {"name": SERIAL}
    assert not hass.states.async_entity_ids("sensor")
    added = await hass.config_entries.flow.async_configure(
        offer["flow_id"], {"name": f" Meter {SERIAL} "}
    )
    assert added["reason"] == "meter_added"
    await until(hass, lambda: is_on(hass))
    (subentry,) = entry.subentries.values()
    assert (subentry.unique_id, subentry.title) == (SERIAL, f"Meter {SERIAL}")
    power = hass.states.get(f"sensor.meter_{SERIAL}_power_import")
    assert power  # what it said before it was added
    assert float(power.state) > 0
    device = dr.async_get(hass).async_get_device_by_identifier((DOMAIN, SERIAL), entry.entry_id)
    assert device
    assert device.config_subentry_id == subentry.subentry_id
    registered = er.async_get(hass).async_get(power.entity_id)
    assert registered
    assert registered.config_subentry_id == subentry.subentry_id
    assert not module.closed.is_set()


async def test_a_meter_is_offered_once_however_often_it_calls(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    entry = await called(hass, stack)
    for _ in range(3):
        module = await calls(entry, stack)
        await until(hass, lambda: any(c.meter for c in coordinator(entry)._callers))
        await module.hang_up()
        await until(hass, lambda: not coordinator(entry)._callers)
    assert len(offers(hass)) == 1


async def test_a_meter_that_does_not_tell_its_number_is_known_by_its_telegrams(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    entry = await called(hass, stack)
    module = Module(port_of(entry))
    del module.talk.parameters[SERIAL_NUMBER]
    await module.call(stack)
    (caller,) = await there(hass, entry, 1)
    await until(hass, lambda: caller.channel.statistics.messages > 0)
    await asyncio.sleep(0.05)
    assert not offers(hass)
    module.push(1)  # power alone
    module.push(2)
    await until(hass, lambda: bool(offers(hass)))
    assert offers(hass)[0]["context"]["unique_id"] == SERIAL


async def there(hass: HomeAssistant, entry: MockConfigEntry, count: int) -> list[Caller]:
    await until(hass, lambda: len(coordinator(entry)._callers) == count)
    return coordinator(entry)._callers


async def test_a_meter_that_calls_again_leaves_its_old_call(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    entry = await called(hass, stack, SERIAL)
    first = await calls(entry, stack)
    await until(hass, lambda: is_on(hass))
    states: list[str] = []
    hass.bus.async_listen(
        "state_changed", lambda event: states.append(event.data["new_state"].state)
    )
    second = await calls(entry, stack)
    async with asyncio.timeout(40):
        await first.closed.wait()
    await there(hass, entry, 1)
    assert is_on(hass)
    assert "off" not in states
    assert "unavailable" not in states
    asked = len(second.talk.received)
    answer = await ask(hass, entry, SERIAL)
    assert answer["value"] == SERIAL
    assert len(second.talk.received) > asked
    await second.hang_up()
    await until(hass, lambda: not is_on(hass))


async def test_several_meters_share_a_port(hass: HomeAssistant, stack: AsyncExitStack) -> None:
    entry = await called(hass, stack, SERIAL, OTHER)
    one, other = await calls(entry, stack, SERIAL), await calls(entry, stack, OTHER)
    await until(hass, lambda: is_on(hass, SERIAL) and is_on(hass, OTHER))
    one.push()
    await until(hass, lambda: bool(hass.states.get(f"sensor.meter_{SERIAL}_power_import")))
    assert not hass.states.get(f"sensor.meter_{OTHER}_power_import")
    answers = await asyncio.gather(ask(hass, entry, SERIAL), ask(hass, entry, OTHER))
    assert [answer["value"] for answer in answers] == [SERIAL, OTHER]
    await one.hang_up()
    await until(hass, lambda: not is_on(hass, SERIAL))
    assert is_on(hass, OTHER)
    assert not other.closed.is_set()


async def test_a_meter_that_calls_while_it_is_set_up_is_known(
    hass: HomeAssistant, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = Tracker.load

    async def slow(self: Tracker) -> None:
        await asyncio.sleep(0.2)
        await load(self)

    monkeypatch.setattr(Tracker, "load", slow)
    entry = listening(free_port(), SERIAL)
    module = Module(port_of(entry))

    async def impatient() -> None:
        while True:
            try:
                await module.call(stack)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                return module.push()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(impatient())
        tasks.create_task(set_up(hass, entry))
    await until(hass, lambda: is_on(hass))
    assert not offers(hass)
    assert coordinator(entry).data[SERIAL].registers


async def test_a_stranger_is_refused_and_counted(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    entry = await set_up(hass, listening(free_port(), allowed="192.0.2.0/24, 2001:db8::/32"))
    module = await calls(entry, stack)
    async with asyncio.timeout(40):
        await module.closed.wait()
    assert not module.talk.received
    assert coordinator(entry).listener.turned.strangers == 1
    assert not coordinator(entry).channels()
    download = await async_get_config_entry_diagnostics(hass, entry)
    assert download["turned_away"] == {"strangers": 1, "crowd": 0}


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("192.168.1.7", True),
        ("::ffff:192.168.1.7", True),
        ("192.168.2.7", False),
        ("fe80::1", True),
        ("2001:db8::1", False),
        ("", False),
    ],
)
def test_who_may_call(address: str, may: bool) -> None:
    allowed = networks("192.168.1.99/24,fe80::/10 10.0.0.1")
    assert Listener("", 0, allowed, None)._is_allowed(address) is may  # type: ignore[arg-type]


async def test_a_peer_that_says_nothing_intact_is_dropped(
    hass: HomeAssistant, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller, "GREETING", 0.3)
    entry = await called(hass, stack)
    peers = [await asyncio.open_connection("127.0.0.1", port_of(entry)) for _ in range(3)]
    peers[1][1].write(random.Random(1).randbytes(3000))
    peers[2][1].write(INTACT)
    await there(hass, entry, 3)
    await there(hass, entry, 1)
    for reader, _ in peers[:2]:
        async with asyncio.timeout(40):
            await drained(reader)
    assert coordinator(entry).channels()[0].up
    assert not coordinator(entry).data
    assert not offers(hass)
    for _, writer in peers:
        writer.transport.abort()


async def drained(reader: asyncio.StreamReader) -> None:
    """Read to the end of a connection, however it ends."""
    try:
        while await reader.read(4096):
            pass
    except ConnectionError:
        pass


async def test_a_meter_that_is_removed_is_forgotten_and_offered_anew(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    head_end = {"bridge_host": "127.0.0.1", "bridge_port": free_port()}
    polled = {"parameters": [{"parameter": "0x2801", "name": "APN", "interval": 10}]}
    entry = await set_up(
        hass, listening(free_port(), SERIAL, OTHER, options={**head_end, **polled})
    )
    module, other = await calls(entry, stack), await calls(entry, stack, OTHER)
    module.push()
    await until(hass, lambda: bool(hass.states.get(f"sensor.meter_{SERIAL}_power_import")))
    tasks = len(asyncio.all_tasks())
    gone = next(s for s in entry.subentries.values() if s.unique_id == SERIAL)
    hass.config_entries.async_remove_subentry(entry, gone.subentry_id)
    async with asyncio.timeout(40):
        await module.closed.wait()
    await there(hass, entry, 1)
    await hass.async_block_till_done()
    assert [key for key in hass.states.async_entity_ids() if SERIAL in key] == []
    assert set(coordinator(entry).trackers) == set(coordinator(entry).bridges) == {OTHER}
    assert not any(SERIAL in key for key in coordinator(entry).data)
    assert len(asyncio.all_tasks()) < tasks
    assert not other.closed.is_set()
    await calls(entry, stack)
    await until(hass, lambda: bool(offers(hass)))


async def test_unloading_frees_the_port_and_hangs_up(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    entry = await called(hass, stack, SERIAL)
    before = asyncio.all_tasks()
    module = await calls(entry, stack)
    silent = await asyncio.open_connection("127.0.0.1", port_of(entry))
    await until(hass, lambda: is_on(hass))
    late = await asyncio.open_connection("127.0.0.1", port_of(entry))  # not yet accepted
    async with asyncio.timeout(40):
        assert await hass.config_entries.async_unload(entry.entry_id)
        await module.closed.wait()
        await drained(silent[0])
        await drained(late[0])
    await hass.async_block_till_done()
    assert {task.get_name() for task in asyncio.all_tasks() - before} == set()
    with pytest.raises(ConnectionRefusedError):
        await calls(entry, stack)
    for _, writer in (silent, late):
        writer.transport.abort()
    assert await hass.config_entries.async_setup(entry.entry_id)
    await calls(entry, stack)
    await until(hass, lambda: is_on(hass))


async def test_a_peer_that_came_just_before_closing_does_not_hold_it_up() -> None:
    async def attend(port: Any, address: str) -> None:
        await asyncio.Event().wait()

    server = Listener("127.0.0.1", free_port(), networks("127.0.0.1"), attend)
    await server.open()
    reader, writer = await asyncio.open_connection(*server._address)
    for _ in range(5):
        await asyncio.sleep(0)
    assert server._peers
    async with asyncio.timeout(40):
        await server.close()
        await drained(reader)
    assert not server._peers
    writer.transport.abort()


async def test_a_port_in_use_is_tried_again_later(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    first = await called(hass, stack)
    second = await set_up(hass, listening(port_of(first), SERIAL))
    assert second.state is ConfigEntryState.SETUP_RETRY
    assert second.error_reason_translation_key == "listen_in_use"
    assert second.error_reason_translation_placeholders == {"port": f"127.0.0.1:{port_of(first)}"}
    await hass.config_entries.async_unload(first.entry_id)
    await hass.config_entries.async_reload(second.entry_id)
    assert second.state is ConfigEntryState.LOADED


async def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    with pytest.raises(PortError) as failure:
        await Listener("192.0.2.1", free_port(), (), None).open()  # type: ignore[arg-type]
    assert failure.value.key == "listen_not_ours"


@pytest.mark.parametrize(
    ("err", "why"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "host_not_found"),
        (UnicodeError("label too long"), "host_not_found"),  # a name such as a..b
        (PermissionError(errno.EACCES, "Permission denied"), "listen_denied"),
        (OSError(errno.ENOMEM, "Out of memory"), "listen_failed"),
    ],
    ids=repr,
)
async def test_why_a_port_cannot_be_listened_on(
    monkeypatch: pytest.MonkeyPatch, err: Exception, why: str
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise err

    monkeypatch.setattr(asyncio, "start_server", fail)
    with pytest.raises(PortError) as failure:
        await Listener("meters", 9000, (), None).open()  # type: ignore[arg-type]
    assert (failure.value.key, failure.value.url) == (why, "meters:9000")


async def test_a_crowd_is_turned_away_and_its_places_are_free_again(
    hass: HomeAssistant, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await called(hass, stack, SERIAL)
    port = port_of(entry)
    peers = [await asyncio.open_connection("127.0.0.1", port) for _ in range(listener.MOST_OF_ONE)]
    await there(hass, entry, listener.MOST_OF_ONE)
    refused, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(40):
        await drained(refused)
    writer.transport.abort()
    assert coordinator(entry).listener.turned.crowd == 1
    for _, writer in peers:
        writer.transport.abort()
    await there(hass, entry, 0)
    await calls(entry, stack)
    await until(hass, lambda: is_on(hass))


async def test_a_peer_is_read_no_faster_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "RATE", 8192)
    received: list[tuple[float, int]] = []
    clock = asyncio.get_running_loop().time

    async def attend(port: Any, address: str) -> None:
        assert isinstance(port, PeerPort)
        while True:
            received.append((clock(), len(await port.read())))

    server = Listener("127.0.0.1", free_port(), networks("127.0.0.1"), attend)
    await server.open()
    _, writer = await asyncio.open_connection(*server._address)
    began = clock()
    writer.write(bytes(200_000))
    await asyncio.sleep(1.5)
    await server.close()
    writer.transport.abort()
    total = sum(size for _, size in received)
    assert total <= 8192 * (clock() - began + 1) + 4096
    assert total > 8192  # a second's worth may come at once


async def test_hundreds_of_strangers_leave_nothing_and_the_meter_stays(
    hass: HomeAssistant,
    stack: AsyncExitStack,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)  # what is logged of an error keeps whom it came from
    monkeypatch.setattr(caller, "GREETING", 0.1)
    monkeypatch.setattr(listener, "MOST_OF_ONE", 1000)
    entry = await called(hass, stack, SERIAL)
    module = await calls(entry, stack)
    module.push()
    await until(hass, lambda: is_on(hass))
    await assault(hass, entry, 20)
    tasks, held = len(asyncio.all_tasks()), population()
    await assault(hass, entry, 300)
    assert population() == held
    assert len(asyncio.all_tasks()) == tasks
    assert len(coordinator(entry).channels()) == len(coordinator(entry).listener._peers) == 1
    assert set(coordinator(entry).data) == {SERIAL}
    assert not offers(hass)
    assert not module.closed.is_set()
    assert is_on(hass)
    answer = await ask(hass, entry, SERIAL)
    assert answer["value"] == SERIAL


async def assault(hass: HomeAssistant, entry: MockConfigEntry, count: int) -> None:
    """Connect often, and say nothing, or nonsense, or hang up rudely, or never."""
    dice = random.Random(count)
    for n in range(0, count, 20):
        await asyncio.gather(*(stranger(entry, dice, n + k) for k in range(20)))
    await there(hass, entry, 1)
    await hass.async_block_till_done()
    await asyncio.sleep(0.05)


async def stranger(entry: MockConfigEntry, dice: random.Random, n: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(entry))
    noise = dice.randbytes(dice.randrange(1, 2000))
    match n % 5:
        case 0:
            writer.write(noise)
        case 1:
            writer.write(b"\x7e\xff\x03\x00\x22\x10\x00" + noise)  # a frame that does not end
        case 2:
            writer.write(INTACT[:-3] + b"\x00\x00\x7e")
        case 3:  # reset: nothing is sent first
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return
        case 4:
            writer.write_eof()  # half open: it still listens
    async with asyncio.timeout(40):
        await drained(reader)
    writer.transport.abort()


def population() -> dict[str, int]:
    """Count what a peer is made of."""
    gc.collect()
    kinds = ("Caller", "Channel", "Session", "PeerPort", "StreamReader", "StreamWriter", "Tunnel")
    names = [type(each).__name__ for each in gc.get_objects()]
    return {kind: names.count(kind) for kind in kinds}


async def test_a_form_says_that_a_port_is_in_use(
    hass: HomeAssistant, stack: AsyncExitStack
) -> None:
    entry = await called(hass, stack)
    menu = await hass.config_entries.flow.async_init(DOMAIN, context={"source": "user"})
    await hass.config_entries.flow.async_configure(menu["flow_id"], {"next_step_id": "listener"})
    typed = {"port": port_of(entry), "allowed": "127.0.0.1", "host": ""}
    form = await hass.config_entries.flow.async_configure(menu["flow_id"], typed)
    assert form["type"] is FlowResultType.FORM
    assert form["errors"] == {"base": "listen_in_use"}
    assert form["description_placeholders"] == {"port": f"*:{port_of(entry)}"}


@pytest.mark.parametrize("scheme", ["listen", "listen+udp"])
async def test_nobody_is_listened_to_when_home_assistant_stops(
    hass: HomeAssistant, scheme: str
) -> None:
    port = free_port()
    entry = listening(port, SERIAL)
    data = {**entry.data, "port": f"{scheme}://127.0.0.1:{port}"}
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data=data)
    await hass.config_entries.async_setup(entry.entry_id)
    kind = socket.SOCK_DGRAM if scheme.endswith("udp") else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    for task in tuple(entry._background_tasks):  # as a stop does
        task.cancel()
    await asyncio.sleep(0.1)
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", port))
    await hass.config_entries.async_unload(entry.entry_id)
