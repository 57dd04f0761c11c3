"""Automations that ask and command a meter: over a serial line, and when its module calls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
import re
from typing import Any

from homeassistant.auth.models import User
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events

from custom_components.obis_meter.const import DOMAIN, EVENT_COMMAND
from custom_components.obis_meter.metering.links.rfc1662 import talk
from simulator.dial import Caller
from simulator.meters import ModuleMeter, meter
from simulator.module import COMMANDS, GET, RESPONSE, frame
from simulator.serve import serve_pty
from simulator.server import Server, Timing

from .conftest import START, free_port, set_up, until

SERIAL = "202600012345"
ALLOWED = {"write_interval": 0, "allow_commands": True}
GET_SERIAL = frame(COMMANDS, GET, b"\x05\x80")
GET_QUALITY = bytes.fromhex("7eff0300220003c003808b077e")  # as the protocol's users print it


class Bench:
    """A meter with a module, the entry that takes the module's place, and its device."""

    def __init__(self, hass: HomeAssistant, server: Server, entry: MockConfigEntry) -> None:
        self.hass = hass
        self.server = server
        self.entry = entry
        assert isinstance(server.source, ModuleMeter)
        self.talk = server.source.talk

    @property
    def device_id(self) -> str:
        device = dr.async_get(self.hass).async_get_device_by_identifier(
            (DOMAIN, SERIAL), self.entry.entry_id
        )
        assert device
        return device.id

    async def act(self, action: str, *, user: User | None = None, **fields: Any) -> dict[str, Any]:
        said = await self.hass.services.async_call(
            DOMAIN,
            action,
            {"device_id": self.device_id, **fields},
            blocking=True,
            return_response=True,
            context=Context(user_id=user.id) if user else None,
        )
        assert isinstance(said, dict)
        return said

    def sent(self, part: bytes) -> int:
        """Return how often the meter received a frame."""
        return bytes(self.talk.received).count(part)


def entry_with(**more: Any) -> MockConfigEntry:
    identity = {"serial": SERIAL, "maker": None, "model": None, "firmware": None}
    data = {"line": "115200 8N1", "link": "rfc1662", "identity": identity}
    return MockConfigEntry(
        domain=DOMAIN,
        title="Flat 3",
        data={**data, **more.pop("data", {})},
        options={**ALLOWED, **more.pop("options", {})},
        **more,
    )


async def on_pty(hass: HomeAssistant, stack: AsyncExitStack, link: Path, **more: Any) -> Bench:
    source = meter("module", START)
    server = await serve_pty(source, link, start=START, speed=5)
    stack.push_async_callback(server.close)
    entry = entry_with(unique_id=SERIAL, data={"port": str(link)}, **more)
    await set_up(hass, entry)
    return Bench(hass, server, entry)


async def on_call(hass: HomeAssistant, stack: AsyncExitStack, link: Path, **more: Any) -> Bench:
    port = free_port()
    data = {"port": f"listen://127.0.0.1:{port}", "allowed": "127.0.0.1"}
    subentries = [
        {"data": {}, "subentry_type": "meter", "title": "Flat 3", "unique_id": SERIAL},
    ]
    entry = await set_up(hass, entry_with(data=data, subentries_data=subentries, **more))
    timing = Timing(START, speed=5)
    server = Caller(meter("module", START), "127.0.0.1", port, timing, again=0.1)
    await server.open()
    stack.push_async_callback(server.close)
    return Bench(hass, server, entry)


@pytest.fixture(params=[on_pty, on_call], ids=["pty", "call"])
async def bench(
    request: pytest.FixtureRequest,
    hass: HomeAssistant,
    stack: AsyncExitStack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Bench]:
    """A meter that is connected and heard."""
    monkeypatch.setattr(talk, "ANSWER", 0.4)
    monkeypatch.setattr(talk, "LONGEST", 1.0)
    bench = await request.param(hass, stack, tmp_path / "line")
    await until(hass, lambda: is_on(hass, "binary_sensor.flat_3_connection"), 10)
    yield bench
    await hass.config_entries.async_unload(bench.entry.entry_id)


def is_on(hass: HomeAssistant, name: str) -> bool:
    state = hass.states.get(name)
    return state is not None and state.state == "on"


async def test_a_parameter_is_read_by_name_and_by_number(bench: Bench) -> None:
    before = bench.sent(GET_SERIAL)
    answers = [
        await bench.act("get_parameter", parameter=name)
        for name in ("meter_serial_number", "0x8005", "32773")
    ]
    assert bench.sent(GET_SERIAL) == before + 3
    for answer in answers:
        assert 0 <= answer.pop("duration") < 1
        assert answer == {
            "parameter": "0x8005",
            "type": "visible-string",
            "value": SERIAL,
            "hex": SERIAL.encode().hex(),
        }


async def test_a_parameter_is_set_and_read_back(bench: Bench) -> None:
    answer = await bench.act("set_parameter", parameter="0x2802", type="unsigned8", value="31")
    assert bench.sent(frame(COMMANDS, 0xC1, bytes.fromhex("02280400 01111f".replace(" ", "")))) == 1
    assert answer["read_back"]["value"] == 31
    assert answer["read_back"]["type"] == "unsigned8"
    blind = await bench.act(
        "set_parameter", parameter="0x2802", type="unsigned8", value="7", read_back=False
    )
    assert "read_back" not in blind
    raw = await bench.act("set_parameter", parameter="0x2801", value="0809 0105 6f626973 2e6e"[5:])
    assert raw["read_back"]["type"] == "octet-string"


async def test_what_a_meter_does_not_know_or_allow_is_a_refusal(bench: Bench) -> None:
    for action, fields in (
        ("get_parameter", {"parameter": "link_quality"}),
        ("set_parameter", {"parameter": "meter_serial_number", "type": "unsigned8", "value": "1"}),
        ("invoke_action", {"parameter": "0x1234"}),
    ):
        with pytest.raises(HomeAssistantError) as refusal:
            await bench.act(action, **fields)
        assert refusal.value.translation_key == "refused"
        assert "0x" in (refusal.value.translation_placeholders or {})["why"]
    assert bench.sent(GET_QUALITY) == 1


async def test_an_action_of_the_meter_and_data_to_it_return_its_answer(bench: Bench) -> None:
    done = await bench.act("invoke_action", parameter="0x3007", value="01")
    assert done["hex"] == "00"
    returned = await bench.act("send_data", data="0001 0010 0001 0003 c00181")
    assert returned["hex"] == "0001000100100003c00181"
    assert returned["parameter"] is None


SENSELESS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"parameter": "serial"}, "parameter_unknown"),
    ({"parameter": "0x12345"}, "parameter_range"),
    ({"parameter": "0x2802", "type": "unsigned8", "value": "256"}, "value_range"),
    ({"parameter": "0x2802", "type": "unsigned8", "value": "-1"}, "value_range"),
    ({"parameter": "0x2802", "type": "byte", "value": "1"}, "type_unknown"),
    ({"parameter": "0x2802", "value": "1"}, "value_not_hex"),
    ({"parameter": "0x2802", "type": "visible-string", "value": "°"}, "value_not_visible"),
    ({"parameter": "0x2802", "type": "visible-string", "value": 252 * "x"}, "value_too_long"),
    ({"parameter": "0x2802", "type": "date-time", "value": "soon"}, "value_not_time"),
    ({"parameter": "0x2802", "type": "unsigned8", "value": "1", "item": 65536}, "item_range"),
)


async def test_what_makes_no_sense_is_refused_before_a_byte_is_sent(bench: Bench) -> None:
    for fields, why in SENSELESS:
        with pytest.raises(ServiceValidationError) as refusal:
            await bench.act("set_parameter", **{"value": "", **fields})
        assert refusal.value.translation_key == why
    assert not re.search(rb"\xc1", bytes(bench.talk.received))


async def test_silence_is_an_error_and_a_late_answer_confirms_nothing(bench: Bench) -> None:
    bench.talk.unanswered.add(0x2802)
    asked = frame(COMMANDS, GET, b"\x02\x28")
    with pytest.raises(HomeAssistantError) as silence:
        await bench.act("get_parameter", parameter="0x2802")
    assert silence.value.translation_key == "no_answer"
    assert bench.sent(asked) == 2  # a question that changes nothing is put once more
    bench.talk.unanswered.clear()
    late = frame(COMMANDS, GET + RESPONSE, bytes.fromhex("0228 04 0002 11 63".replace(" ", "")))
    asking = bench.hass.async_create_task(bench.act("get_parameter", parameter="0x2802"))
    await asyncio.sleep(0.1)
    assert bench.sent(asked) == 2  # while an answer may still come, nobody asks again
    await bench.server.say(late)
    answer = await asking
    assert answer["value"] == 15
    assert bench.sent(asked) == 3


async def test_setting_is_never_repeated(bench: Bench) -> None:
    bench.talk.unanswered.add(0x2802)
    with pytest.raises(HomeAssistantError) as silence:
        await bench.act("set_parameter", parameter="0x2802", type="unsigned8", value="9")
    assert silence.value.translation_key == "no_answer"
    assert len(re.findall(rb"\x22\x00\x08\xc1\x02\x28", bytes(bench.talk.received))) == 1


async def test_callers_get_their_own_answers_with_telegrams_in_between(bench: Bench) -> None:
    numbers = [0x2801, 0x2802, 0x2803, 0x8005, 0x2804] * 2
    heard = bench.entry.runtime_data.channels()[0].statistics

    async def push() -> None:
        for second in range(40):
            await bench.server.say(
                b"".join(meter("module", START).telegrams(START.replace(second=second % 60)))
            )
            await asyncio.sleep(0.01)

    pushing = asyncio.create_task(push())
    before = heard.telegrams
    answers = await asyncio.gather(
        *(bench.act("get_parameter", parameter=f"0x{number:04X}") for number in numbers)
    )
    await pushing
    assert [int(answer["parameter"], 16) for answer in answers] == numbers
    assert [answer["value"] for answer in answers[:5]] == [
        "apn.test",
        15,
        900,
        SERIAL,
        0xFFFFFFFE,
    ]
    await until(bench.hass, lambda: heard.telegrams > before)


async def test_a_connection_that_is_cut_ends_the_question(bench: Bench) -> None:
    bench.talk.unanswered.add(0x2801)
    asking = bench.hass.async_create_task(bench.act("get_parameter", parameter="0x2801"))
    await asyncio.sleep(0.1)
    await bench.server.hang_up()
    with pytest.raises(HomeAssistantError) as cut:
        await asking
    assert cut.value.translation_key == "not_connected"
    with pytest.raises(HomeAssistantError) as gone:
        await bench.act("get_parameter", parameter="0x2802")
    assert gone.value.translation_key == "not_connected"


async def test_what_was_set_before_the_connection_was_cut_is_said_to_be_set(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    respond, asked = bench.talk.respond, asyncio.Event()

    def only_set(data: bytes) -> bytes:
        said = respond(data)
        if bench.talk.answers:
            asked.set()
        if bench.talk.parameters[0x2802].octets == b"\x1f":
            bench.talk.unanswered.add(0x2802)  # what comes next is not answered
        return said

    monkeypatch.setattr(bench.talk, "respond", only_set)
    wanted = {"parameter": "0x2802", "type": "unsigned8", "value": "31"}
    setting = asyncio.create_task(bench.act("set_parameter", **wanted))
    await asyncio.wait_for(asked.wait(), 40)
    await bench.server.hang_up()
    answer = await setting
    assert answer["hex"] == "00"
    assert (answer["read_back"], answer["read_back_error"]) == (None, "not_connected")


async def test_only_administrators_command_and_only_where_it_is_allowed(
    hass: HomeAssistant, bench: Bench, hass_read_only_user: User, hass_admin_user: User
) -> None:
    said = async_capture_events(hass, EVENT_COMMAND)
    wanted = {"parameter": "0x2802", "type": "unsigned8", "value": "3"}
    read = await bench.act("get_parameter", parameter="0x2802", user=hass_read_only_user)
    assert read["value"] == 15
    with pytest.raises(Unauthorized):
        await bench.act("set_parameter", user=hass_read_only_user, **wanted)
    assert (await bench.act("set_parameter", user=hass_admin_user, **wanted))["hex"] == "00"
    assert [event.data["outcome"] for event in said] == ["done"]
    assert said[0].data["parameter"] == "0x2802"
    assert said[0].context.user_id == hass_admin_user.id
    hass.config_entries.async_update_entry(bench.entry, options={"write_interval": 0})
    with pytest.raises(ServiceValidationError) as refusal:
        await bench.act("set_parameter", **wanted)
    assert refusal.value.translation_key == "commands_not_allowed"
    assert (await bench.act("get_parameter", parameter="0x2802"))["value"] == 3


async def test_what_the_meter_asks_is_answered_and_its_events_are_seen(
    hass: HomeAssistant, bench: Bench
) -> None:
    acknowledged = (0xC6, bytes.fromhex("60280100"))
    answers = bench.talk.answers
    await until(hass, lambda: acknowledged in answers and len(set(answers)) >= 4)
    assert (0xC4, bytes.fromhex("0380011f")) in answers  # link quality 31
    assert (0xC4, bytes.fromhex("02800101")) in answers  # module state 1
    name = b"Flat 3"
    assert (0xC4, bytes.fromhex("0780 0a 0001 0a 06".replace(" ", "")) + name) in answers
    event = hass.states.get("event.flat_3_event")
    assert event
    assert event.attributes["parameter"] == "0x2860"
    assert event.attributes["event_type"] == "meter_event"


async def test_an_automation_reads_the_serial_number(hass: HomeAssistant, bench: Bench) -> None:
    automation = {
        "triggers": {"trigger": "event", "event_type": "midnight"},
        "actions": [
            {
                "action": f"{DOMAIN}.get_parameter",
                "data": {"device_id": bench.device_id, "parameter": "meter_serial_number"},
                "response_variable": "answer",
            },
            {"event": "told", "event_data": {"serial": "{{ answer.value }}"}},
        ],
    }
    told = async_capture_events(hass, "told")
    assert await async_setup_component(hass, "automation", {"automation": automation})
    await hass.async_block_till_done()
    hass.bus.async_fire("midnight")
    await until(hass, lambda: bool(told))
    assert str(told[0].data["serial"]) == SERIAL
