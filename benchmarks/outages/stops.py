"""Home Assistant is stopped, and a dialog left, at every moment: nothing may stay behind."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError

from custom_components.obis_meter.const import DOMAIN

from .callers import Callers
from .core import home_assistant
from .kinds import Kind
from .leaks import beside_timers, least
from .lines import Network
from .makes import MAKES

MOMENTS: Final = (
    "while a port opens",
    "while it is read",
    "while it is asked",
    "while it is away",
    "while a flow searches",
    "while a flow that searched is left",
)
_LATEST: Final = 1.0  # s after which it is stopped, at most


async def stops(count: int, number: int) -> tuple[Counter[str], list[str]]:
    """Stop so many times; return how often at which moment, and what was wrong."""
    wrong: list[str] = []
    done: Counter[str] = Counter()
    random, makes = Random(f"{number} stops"), list(MAKES.values())
    for turn in range(count):
        make = makes[turn % len(makes)]
        before = await least(5)
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            kind = await make(stack, folder, random)
            moment = random.choice([each for each in MOMENTS if "flow" not in each or _flows(kind)])
            done[moment] += 1
            there = await least(5)
            try:
                async with asyncio.timeout(30), home_assistant(folder) as hass:
                    await _reach(hass, kind, moment, random)
            except TimeoutError:
                wrong.append(f"{kind.name}, {moment}: it does not stop")
            await asyncio.sleep(0.1)
            left = beside_timers(await least() - there)
            wrong += [f"{kind.name}, stopped {moment}: {what} ({n})" for what, n in left.items()]
        after = beside_timers(await least() - before)
        wrong += [f"{kind.name}, closed: {what} ({n})" for what, n in after.items()]
    return done, wrong


def _flows(kind: Kind) -> bool:
    """Tell whether a dialog may search for such a meter."""
    return isinstance(kind.line, Network) and "link" in kind.entry.data


async def _reach(hass: HomeAssistant, kind: Kind, moment: str, random: Random) -> None:
    """Come to a moment; Home Assistant is stopped on return."""
    if "flow" in moment:
        await _search(hass, kind, left="left" in moment, random=random)
        return
    kind.entry.add_to_hass(hass)
    if moment == "while a port opens" and isinstance(kind.line, Network):
        await kind.line.fail(random.choice(("hang up", "mute", "stall")))
    setting = hass.config_entries.async_setup(kind.entry.entry_id)
    setting_up = hass.async_create_background_task(setting, "the set-up")
    if moment == "while a port opens":
        await asyncio.sleep(random.uniform(0, 0.05))
        return
    await setting_up
    await asyncio.sleep(random.uniform(0, _LATEST))
    if moment == "while it is away":
        await kind.line.fail(kind.line.faults[0])
        await asyncio.sleep(random.uniform(0, _LATEST))
    if moment == "while it is asked":
        calls = Callers(hass, kind, random, failing=False)
        for caller in range(3):
            hass.async_create_background_task(_ask(calls, caller), "a caller")
        await asyncio.sleep(random.choice((0.0, 0.01, 0.1)))


async def _ask(calls: Callers, number: int) -> None:
    with suppress(HomeAssistantError):
        await calls.ask(number)


async def _search(hass: HomeAssistant, kind: Kind, *, left: bool, random: Random) -> None:
    """Have a flow listen to a port in the network; leave it after a while, or just stop."""
    host, _, port = kind.entry.data["port"].rpartition("/")[2].rpartition(":")
    flows = hass.config_entries.flow
    menu = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    if menu["type"] is not FlowResultType.MENU:
        return
    form = await flows.async_configure(menu["flow_id"], {"next_step_id": "network"})
    typed: dict[str, Any] = {"host": host, "port": int(port), "protocol": "socket"}
    usual = {"line": "115200 8N1", "what": "listened"}
    schema = form["data_schema"]
    names = [str(marker) for marker in schema.schema] if schema else []
    typed |= {name: value for name, value in usual.items() if name in names}
    typed |= {"advanced": {}} if "advanced" in names else {}
    result = await flows.async_configure(form["flow_id"], typed)
    await asyncio.sleep(random.uniform(0, _LATEST))
    if left and result["type"] is FlowResultType.SHOW_PROGRESS:
        flows.async_abort(result["flow_id"])
