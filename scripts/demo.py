"""Software meters, and a real Home Assistant that found them, reads them and asks one."""

import argparse
import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
import signal
import sys
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp

from scripts.child import Child, ChildError
from scripts.demo_energy import DUTCH, NORWEGIAN, History, Plan, continue_history, fill_dashboard
from scripts.home_assistant import DEMO, HomeAssistant, free_port
from scripts.home_assistant_api import ApiError, Json
from scripts.home_assistant_install import DOMAIN, HOST, ROOT
from simulator.carried import Carried
from simulator.meters import METERS
from simulator.module import ModuleDevice

_LINK = DEMO / "meter"
_MODULE_LINK = DEMO / "module"
_MODULE = "module"
_CIPHERED_LINK = DEMO / "ciphered"
_CIPHERED = "kaifa-at"
_BUS_LINK = DEMO / "rs485"
_BUS = "dlt645"
_BUS_ADDRESS = "202107072529"
_P1_PORT = 20108
_METER_SECONDS = 20

# What a person clicks and types to add a meter, in the order of the config flow.
_SERIAL: Sequence[Json] = (
    {"next_step_id": "serial"},
    {"port": str(_LINK), "advanced": {}},
    {},  # "is this your meter?"
)
_MODULE_PORT: Sequence[Json] = (
    {"next_step_id": "serial"},
    {"port": str(_MODULE_LINK), "advanced": {"what": "module"}},
    {},
)


_LINE: Sequence[Json] = (
    {"next_step_id": "serial"},
    # A pseudo terminal has no parity.
    {"port": str(_BUS_LINK), "advanced": {"line": "2400 8N1", "what": "dlt645"}},
    {"meters": [_BUS_ADDRESS]},
)


def _ciphered() -> Sequence[Json]:
    meter = METERS[_CIPHERED].device
    assert isinstance(meter, Carried)
    assert meter.cipher
    key, authentication = meter.cipher.key.hex(), meter.cipher.authentication.hex()
    return (
        {"next_step_id": "serial"},
        {"port": str(_CIPHERED_LINK), "advanced": {}},
        {"key": key, "auth_key": authentication},
        {},
    )


def _network(port: int) -> Sequence[Json]:
    return (
        {"next_step_id": "network"},
        {"host": HOST, "port": port, "protocol": "socket", "advanced": {}},
        {},
    )


async def demo(port: int | None, keep: bool) -> None:
    """Run everything until cancelled."""
    p1_port = free_port(_P1_PORT) if keep else free_port(_P1_PORT, 0)
    meters = [
        _metering(NORWEGIAN, "--pty", str(_LINK), "--start", _before_the_hour()),
        _metering(DUTCH, "--tcp", f"{HOST}:{p1_port}"),
        _meter(_MODULE, "--pty", str(_MODULE_LINK)),
        _meter(_CIPHERED, "--pty", str(_CIPHERED_LINK)),
        _meter(_BUS, "--pty", str(_BUS_LINK)),
    ]
    home = HomeAssistant(port=port, keep=keep)
    home.claim()
    async with AsyncExitStack() as stack:
        for meter in meters:
            stack.push_async_callback(meter.stop, within=3)
            await meter.start()
        await stack.enter_async_context(home)
        for meter in meters:
            await _listening(meter)
        now = datetime.now(UTC)
        entries = await _add_meters(home, p1_port)
        places = {
            "link": _LINK,
            "module": _MODULE_LINK,
            "ciphered": _CIPHERED_LINK,
            "bus": _BUS_LINK,
        }
        print(_EXPLANATION.format(home=home, p1=f"{HOST}:{p1_port}", **places), flush=True)
        await _ask(home)
        async with asyncio.TaskGroup() as tasks:
            dashboard: list[Json] = []
            for plan, entry_id in entries:
                tasks.create_task(_fill(home, plan, entry_id, now, dashboard))
            tasks.create_task(_watch([home.child, *meters]))


_EXPLANATION = """
Home Assistant with five meters:  {home.url}
  user {home.user.username}, password {home.user.password}

  {home.url}/config/integrations/integration/obis_meter
  {home.url}/energy

  The Norwegian meter (Aidon) is at {link}, the Dutch one (P1) at {p1},
  the one with a communication module at {module}, the encrypted one (Kaifa) at {ciphered},
  the one on an RS-485 line (DL/T 645) at {bus}.
  Log: {home.child.log}

Ctrl-C ends everything."""


def _metering(plan: Plan, *options: str) -> Child:
    return _meter(plan.model, *options, "--seed", str(plan.seed))


def _meter(model: str, *options: str) -> Child:
    command = [sys.executable, "-m", "simulator", model, *options, "--speed", "1"]
    return Child(f"the meter {model}", command, DEMO / f"{model}.log", ROOT)


def _before_the_hour() -> str:
    """Return a time at which a meter soon sends the list that it sends once an hour."""
    hour = datetime.now(ZoneInfo(METERS[NORWEGIAN.model].zone)).replace(minute=59, second=0)
    return hour.replace(microsecond=0).isoformat()


async def _listening(meter: Child) -> None:
    """Wait until a meter has said where it is."""
    for _ in range(10 * _METER_SECONDS):
        meter.check()
        if meter.output():
            return
        await asyncio.sleep(0.1)
    raise ChildError(f"{meter.name} does not start\n{meter.tail()}")


async def _add_meters(home: HomeAssistant, p1_port: int) -> Sequence[tuple[Plan, str]]:
    """Add them as a person would, return those for the dashboard; a kept one has them already."""
    if await home.get(f"/api/config/config_entries/entry?domain={DOMAIN}"):
        return ()
    entries = []
    for plan, steps in ((DUTCH, _network(p1_port)), (NORWEGIAN, _SERIAL)):
        print(f"adding the meter {plan.model}: Home Assistant listens to it", flush=True)
        entry: dict[str, Any] = await home.flow(DOMAIN, steps)
        print(f"  found {entry['title']}", flush=True)
        entries.append((plan, entry["entry_id"]))
    await home.flow(DOMAIN, _MODULE_PORT)
    print("  found the meter with a communication module", flush=True)
    print(f"adding the meter {_CIPHERED}, which encrypts: its keys are typed in", flush=True)
    found = await home.flow(DOMAIN, _ciphered())
    print(f"  found {found['title']}", flush=True)
    await home.flow(DOMAIN, _LINE)
    print(f"  found the meter {_BUS_ADDRESS} on an RS-485 line", flush=True)
    return entries


async def _ask(home: HomeAssistant) -> None:
    """Ask the meter with a module for its serial number, as an automation would."""
    module = METERS[_MODULE].device
    assert isinstance(module, ModuleDevice)
    devices = await home.command("config/device_registry/list")
    device = next(d["id"] for d in devices if [DOMAIN, module.serial] in d["identifiers"])
    data = {"device_id": device, "parameter": "meter_serial_number"}
    said = await home.post(f"/api/services/{DOMAIN}/get_parameter?return_response", data)
    answer = said["service_response"]
    print(f"{DOMAIN}.get_parameter, meter_serial_number: {answer['value']}", flush=True)


async def _fill(
    home: HomeAssistant, plan: Plan, entry_id: str, now: datetime, dashboard: list[Json]
) -> None:
    """Put a meter on the dashboard, with some days of history that the recorder goes on with."""
    history = History(plan, now)
    counters = await fill_dashboard(home, entry_id, history, dashboard)
    print(f"the energy dashboard shows {', '.join(plan.connections)}", flush=True)
    await continue_history(home, counters, history)


async def _watch(children: Sequence[Child]) -> None:
    while True:
        for child in children:
            child.check()
        await asyncio.sleep(1)


async def _until_signal(port: int | None, keep: bool) -> None:
    """Run the demo until Ctrl-C; a second one does not disturb the clearing up."""
    work = asyncio.create_task(demo(port, keep))
    loop = asyncio.get_running_loop()

    def end() -> None:
        if not work.cancelling():
            print("\nstopping", flush=True)
            work.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end)
    await asyncio.wait([work])
    if not work.cancelled():
        work.result()  # raises what went wrong


def main() -> int:
    """Return 0 after Ctrl-C, 1 when something did not work."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--port", type=int, help="port of Home Assistant (8123 when free)")
    parser.add_argument("--keep", action="store_true", help="go on with the last demo's folder")
    options = parser.parse_args()
    code = 0
    try:
        asyncio.run(_until_signal(options.port, options.keep))
    except* (ApiError, ChildError, aiohttp.ClientError, TimeoutError) as group:
        code = 1
        print(f"demo: {group.exceptions[0]!s}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
