"""Dialogues of IEC 62056-21 in real time, on a pseudo terminal that garbles at a wrong speed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from custom_components.obis_meter.metering.errors import FrameError, NoAnswer, Refused
from custom_components.obis_meter.metering.links import iec62056_21 as iec
from custom_components.obis_meter.metering.model import Access, Command, ObisCode
from custom_components.obis_meter.metering.sign_on import SignOn
from simulator.lines import home
from simulator.optical import OpticalMeter
from simulator.serve import serve_pty
from tests.steady import clock

from .talking import PortTalk

NOW = datetime(2026, 6, 2, 18, 30, 10)
LINK = "iec62056-21"
WIRE = 0.04  # of the time that a meter takes
PACE = 0.06  # of the time that dialogues wait
TOTAL = ObisCode(1, 0, 1, 8, 0)
HOME = home(NOW, 1)


def meter(letter: str = "5", **peculiar: object) -> OpticalMeter:
    made = OpticalMeter(HOME, NOW, letter, wire=WIRE, clock=clock)
    return replace(made, **peculiar)  # type: ignore[arg-type]


@asynccontextmanager
async def port(one: OpticalMeter) -> AsyncIterator[PortTalk]:
    async with await serve_pty(one) as server, asyncio.timeout(20):
        talk = PortTalk(server.path, PACE, LINK)
        try:
            yield talk
        finally:
            talk.close()


async def begun(talk: PortTalk) -> None:
    """Wait until a readout has begun to arrive."""
    while talk.most_pending < 50:  # noqa: ASYNC110 - a port is looked at, as a serial line is
        await asyncio.sleep(0.005)


def access(**settings: object) -> Access:
    return Access(sign_on=replace(SignOn(), **settings))  # type: ignore[arg-type]


MODES = {
    "A": ("@", [300]),
    "B": ("C", [300, 2400]),
    "C": ("5", [300, 9600]),
    "C at 300": ("0", [300]),
    "C at 19200": ("6", [300, 19200]),
}


@pytest.mark.parametrize("echo", [False, True], ids=["quiet", "echo"])
@pytest.mark.parametrize(("letter", "speeds"), MODES.values(), ids=MODES)
async def test_a_meter_is_read_at_its_speed(letter: str, speeds: list[int], echo: bool) -> None:
    one = meter(letter, echo=echo)
    async with port(one) as talk:
        said = await talk.run(iec.read_out(access()))
    assert (said.telegram.meter, said.identification.maker) == (one.serial, "LGZ")
    assert len(said.telegram.readings) == 14
    assert talk.speeds == speeds
    assert list(dict.fromkeys(one.speeds)) == speeds


async def test_a_meter_of_mode_e_is_read_in_mode_c() -> None:
    async with port(meter(options="\\2")) as talk:
        assert (await talk.run(iec.read(access()))).meter == "97734234"
    assert talk.speeds == [300, 9600]


async def test_progress_can_be_watched() -> None:
    async with port(meter("0")) as talk:
        await talk.run(iec.read(access()))
    assert talk.most_pending > 200


async def test_a_meter_that_never_changes_speed_is_read_where_it_is() -> None:
    async with port(meter(stubborn=True)) as talk:
        said = await talk.run(iec.read_out(access()))
    assert said.telegram.meter == "97734234"
    assert said.access.sign_on.fixed
    assert talk.speeds == [300, 9600, 300]


async def test_a_meter_that_understands_no_acknowledgement_is_read_at_300() -> None:
    async with port(meter(deaf=True)) as talk:
        assert (await talk.run(iec.read(access(fixed=True)))).meter == "97734234"
    assert set(talk.speeds) == {300}


async def test_a_sleeping_meter_must_be_woken() -> None:
    one = meter("C", sleeps=True)
    async with port(one) as talk:
        with pytest.raises(NoAnswer):
            await talk.run(iec.read(access()))
        assert (await talk.run(iec.read(access(wake=True)))).meter == one.serial


@pytest.mark.parametrize("echo", [False, True], ids=["quiet", "echo"])
async def test_a_bad_check_earns_one_repeat(echo: bool) -> None:
    async with port(meter(spoils=1, echo=echo)) as talk:
        assert (await talk.run(iec.read(access()))).meter == "97734234"
    async with port(meter(spoils=2, echo=echo)) as talk:
        with pytest.raises(FrameError):
            await talk.run(iec.read(access()))


async def test_a_readout_in_blocks_is_one_telegram() -> None:
    async with port(meter(blocks=4, spoils=1)) as talk:
        assert len((await talk.run(iec.read(access()))).readings) == 14


async def test_a_readout_without_a_check_counts_after_a_silence() -> None:
    async with port(meter(checks=False)) as talk:
        assert (await talk.run(iec.read(access()))).meter == "97734234"


async def test_parity_in_the_eighth_bit() -> None:
    async with port(meter(parity=True)) as talk:
        assert (await talk.run(iec.read(access(parity_bit=True)))).meter == "97734234"


async def test_a_port_that_cannot_change_its_speed_keeps_it() -> None:
    async with port(meter()) as talk:
        talk.set_speed(300)
        assert (await talk.run(iec.read(access(can_switch=False)))).meter == "97734234"
    assert talk.speeds == []


async def test_only_the_meter_of_an_address_answers() -> None:
    async with port(meter()) as talk:
        with pytest.raises(NoAnswer):
            await talk.run(iec.read(Access("12345678")))
        assert (await talk.run(iec.read(Access("097734234")))).meter == "97734234"


async def test_a_meter_is_found_with_the_way_to_ask_it() -> None:
    times = iter((10.0, 12.5, 20.0, 24.0))
    parts: list[float] = []
    async with port(meter(stubborn=True)) as talk:
        found = await talk.run(
            iec.find(access(), lambda: next(times), lambda at: parts.append(at.part))
        )
    assert (found.maker, found.telegram.meter) == ("Landis+Gyr", "97734234")
    assert (found.seconds, found.interval) == (2.5, 13.0)
    assert found.access.sign_on == SignOn(fixed=True)
    assert parts == [0.0, 1.0]


async def test_a_sleeping_meter_is_found_in_the_end() -> None:
    async with port(meter("C", sleeps=True)) as talk:
        found = await talk.run(iec.find(access(), lambda: 0.0, lambda _: None))
    assert found.access.sign_on.wake
    assert {9600, 2400, 4800, 19200} <= set(talk.speeds)


async def test_nothing_is_found_where_nothing_is() -> None:
    one = meter(away=True)
    async with port(one) as talk:
        with pytest.raises(NoAnswer):
            await talk.run(iec.find(access(answer_timeout=0.5), lambda: 0.0, lambda _: None))


async def test_a_head_is_turned_away_in_the_middle_and_returns() -> None:
    one = meter("3")
    async with await serve_pty(one) as server, asyncio.timeout(20):
        talk = PortTalk(server.path, PACE, LINK)
        reading = asyncio.create_task(talk.run(iec.read(access())))
        await begun(talk)
        server.silence()
        with pytest.raises((FrameError, NoAnswer)):
            await reading
        await server.resume()
        await asyncio.sleep(0.3)
        assert (await talk.run(iec.read(access()))).meter == one.serial
        talk.close()


async def test_a_head_is_unplugged_in_the_middle_and_plugged_in_again() -> None:
    one = meter("3")
    async with await serve_pty(one) as server, asyncio.timeout(20):
        talk = PortTalk(server.path, PACE, LINK)
        reading = asyncio.create_task(talk.run(iec.read(access())))
        await begun(talk)
        await server.hang_up()
        with pytest.raises((OSError, FrameError, NoAnswer)):
            await reading
        talk.close()
        await server.resume()
        await asyncio.sleep(0.3)
        again = PortTalk(server.path, PACE, LINK)
        assert (await again.run(iec.read(access()))).meter == one.serial
        again.close()


@pytest.mark.parametrize("echo", [False, True], ids=["quiet", "echo"])
async def test_registers_are_read_and_written_in_programming_mode(echo: bool) -> None:
    one = meter(echo=echo)
    key = replace(access(), password="00000000")
    async with port(one) as talk:
        reply = await talk.run(iec.request(Command("get", "0.1.3"), key))
        assert (reply.parameter, reply.value) == ("0.1.3", "0000")
        done = await talk.run(iec.request(Command("set", "0.1.3", "0417"), key))
        assert done.read_back is not None
        assert getattr(done.read_back, "value", None) == "0417"
        with pytest.raises(Refused, match="ER02"):
            await talk.run(iec.request(Command("get", "9.9.9"), key))
        with pytest.raises(Refused, match="ER03"):
            await talk.run(iec.request(Command("set", "0.1.3", "1"), access()))
        with pytest.raises(Refused, match="password"):
            await talk.run(iec.request(Command("get", "0.1.3"), replace(key, password="1")))
        assert (await talk.run(iec.read(key))).meter == one.serial
    assert one.parameters == {"0.1.3": "0417"}


async def test_a_meter_of_mode_e_is_turned_over_to_hdlc() -> None:
    async with port(meter(options="\\2")) as talk:
        said = await talk.run(iec.hand_over(access()))
    assert said.hdlc
    assert talk.speeds == [300, 9600, 9600]
    async with port(meter()) as talk:
        with pytest.raises(Refused):
            await talk.run(iec.hand_over(access()))


async def test_a_total_is_what_the_home_has_used() -> None:
    one = meter()
    async with port(one) as talk:
        said = {reading.id: reading for reading in (await talk.run(iec.read(access()))).readings}
    assert isinstance(said[TOTAL].value, Decimal)
    assert said[TOTAL].value == Decimal(one.home.at(NOW).energy_import) / 1000
    assert said[ObisCode(1, 0, 1, 6, 0)].time == NOW.replace(second=0)
    assert said[TOTAL._replace(f=1)].unit == "kWh"
