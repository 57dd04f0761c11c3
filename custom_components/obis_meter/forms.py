"""The forms of the dialogs: their fields and what may be typed."""

from typing import Any, Final

from homeassistant.const import CONF_HOST
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    ObjectSelector,
    ObjectSelectorConfig,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import probatio

from .const import (
    CONF_ADDRESS,
    CONF_ALLOW_COMMANDS,
    CONF_ALLOWED,
    CONF_AUTH_KEY,
    CONF_BRIDGE_HOST,
    CONF_BRIDGE_PORT,
    CONF_DEMAND_PERIOD,
    CONF_INTERVAL,
    CONF_KEY,
    CONF_METER,
    CONF_METERS,
    CONF_MODULE_NAME,
    CONF_MODULE_QUALITY,
    CONF_NAME,
    CONF_OPERATOR,
    CONF_PARAMETER,
    CONF_PARAMETERS,
    CONF_PASSWORD,
    CONF_PORT,
    CONF_WRITE_INTERVAL,
    DEMAND_PERIODS,
)
from .listener import PRIVATE
from .metering.links import LINKS
from .metering.model import Command

CONF_WHAT: Final = "what"  # hangs on a port
LISTENED, OPTICAL, MODULE, BUS = "listened", "optical", "module", "dlt645"
"""A meter that sends by itself, or is asked; one that takes us for its module; a line of them."""
CONF_CALLERS: Final = "callers"  # who calls: modules, or meters that push
CONF_PROTOCOL: Final = "protocol"
ADVANCED: Final = "advanced"  # a section that is collapsed at first

TCP_PORT: Final = probatio.All(
    NumberSelector(NumberSelectorConfig(min=1, max=65535, step=1, mode=NumberSelectorMode.BOX)),
    probatio.Coerce(int),
)
OPTIONS: Final = probatio.Schema(
    {
        probatio.Required(CONF_WRITE_INTERVAL): NumberSelector(
            NumberSelectorConfig(
                min=0, max=3600, step=1, unit_of_measurement="s", mode=NumberSelectorMode.BOX
            )
        ),
        probatio.Required(CONF_DEMAND_PERIOD): SelectSelector(
            SelectSelectorConfig(options=list(DEMAND_PERIODS), translation_key="demand_period")
        ),
    }
)

LISTENER: Final = probatio.Schema(
    {
        probatio.Required(CONF_CALLERS, default="module"): SelectSelector(
            SelectSelectorConfig(
                options=["module", "push_tcp", "push_udp"],
                translation_key="callers",
                mode=SelectSelectorMode.LIST,
            )
        ),
        probatio.Required(CONF_PORT, default=9000): TCP_PORT,
        probatio.Required(CONF_ALLOWED, default=", ".join(PRIVATE)): TextSelector(),
        probatio.Optional(CONF_HOST, default=""): TextSelector(),
    }
)

SHORTEST_INTERVAL, USUAL_INTERVAL = 10, 300  # seconds between two questions

SECRET: Final = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off"))

KEYS: Final = probatio.Schema(
    {probatio.Required(CONF_KEY): SECRET, probatio.Optional(CONF_AUTH_KEY): SECRET}
)

CALLED: Final = probatio.Schema({probatio.Optional(CONF_NAME, default=""): TextSelector()})

METER: Final = CALLED.extend({probatio.Required(CONF_METER): TextSelector()})

_ACCESS: Final = {
    probatio.Optional(CONF_NAME, default=""): TextSelector(),
    probatio.Optional(CONF_PASSWORD, default=""): SECRET,
    probatio.Optional(CONF_OPERATOR, default=""): SECRET,
}
ACCESS: Final = probatio.Schema(_ACCESS)
ADDRESS: Final = probatio.Schema({probatio.Required(CONF_ADDRESS): TextSelector(), **_ACCESS})


def one_of(meters: dict[str, str]) -> probatio.Schema:
    """Return the form for a meter among those found, labelled by address."""
    return probatio.Schema({probatio.Required(CONF_ADDRESS): _choice(meters), **_ACCESS})


def some_of(meters: dict[str, str]) -> probatio.Schema:
    """Return the form for meters among those found, at first all."""
    field = probatio.Required(CONF_METERS, default=list(meters))
    return probatio.Schema({field: _choice(meters, multiple=True)})


def _choice(meters: dict[str, str], *, multiple: bool = False) -> SelectSelector:
    options = [SelectOptionDict(value=address, label=label) for address, label in meters.items()]
    mode = SelectSelectorMode.LIST
    return SelectSelector(SelectSelectorConfig(options=options, multiple=multiple, mode=mode))


ALLOW: Final = probatio.Schema(
    {probatio.Required(CONF_ALLOW_COMMANDS, default=False): BooleanSelector()}
)
COMMANDS: Final = ALLOW.extend(
    {
        probatio.Optional(CONF_MODULE_NAME): TextSelector(),
        probatio.Required(CONF_MODULE_QUALITY): probatio.All(
            NumberSelector(NumberSelectorConfig(min=0, max=99, step=1)), probatio.Coerce(int)
        ),
    }
)

BRIDGE: Final = probatio.Schema(
    {
        probatio.Optional(CONF_BRIDGE_HOST): TextSelector(),
        probatio.Optional(CONF_BRIDGE_PORT): TCP_PORT,
    }
)

POLLING: Final = probatio.Schema(
    {
        probatio.Optional(CONF_PARAMETERS): ObjectSelector(
            ObjectSelectorConfig(
                multiple=True,
                label_field=CONF_NAME,
                description_field=CONF_PARAMETER,
                translation_key="polled",
                fields={
                    CONF_PARAMETER: {"required": True, "selector": {"text": {}}},
                    CONF_NAME: {"required": False, "selector": {"text": {}}},
                    CONF_INTERVAL: {
                        "required": False,
                        "default": USUAL_INTERVAL,
                        "selector": {
                            "number": {
                                "min": SHORTEST_INTERVAL,
                                "max": 86400,
                                "unit_of_measurement": "s",
                                "mode": "box",
                            }
                        },
                    },
                },
            )
        )
    }
)


def polled(rows: list[dict[str, Any]], link: str) -> list[dict[str, Any]]:
    """Return what is asked for regularly, complete; RequestError where it cannot be asked for."""
    request = LINKS[link].request
    for row in rows:
        if request:
            request(Command("get", row[CONF_PARAMETER])).close()
    return [
        {
            CONF_PARAMETER: row[CONF_PARAMETER].strip(),
            CONF_NAME: row.get(CONF_NAME, "").strip() or row[CONF_PARAMETER].strip(),
            CONF_INTERVAL: max(int(row.get(CONF_INTERVAL, USUAL_INTERVAL)), SHORTEST_INTERVAL),
        }
        for row in rows
    ]


def head_end(typed: dict[str, Any]) -> dict[str, Any] | None:
    """Return host and port, or nothing where both are missing; None for half a head end."""
    host, port = typed.get(CONF_BRIDGE_HOST, "").strip(), typed.get(CONF_BRIDGE_PORT)
    if bool(host) != bool(port):
        return None
    return {CONF_BRIDGE_HOST: host, CONF_BRIDGE_PORT: port} if host else {}
