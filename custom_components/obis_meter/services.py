"""Actions: what automations ask of a meter by its parameters."""

from typing import Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
import probatio

from .acting import Fields, Said, register
from .const import CONF_PARAMETER
from .coordinator import ObisMeterCoordinator
from .metering.errors import MeteringError
from .metering.model import Command, Reply
from .power import async_setup_power
from .requests import explain, read_now, request

ATTR_VALUE: Final = "value"
ATTR_TYPE: Final = "type"
ATTR_ITEM: Final = "item"
ATTR_READ_BACK: Final = "read_back"
ATTR_DATA: Final = "data"

_PARAMETER: Final[Fields] = {probatio.Required(CONF_PARAMETER): cv.string}
_TYPED: Final[Fields] = {
    probatio.Optional(ATTR_TYPE): cv.string,
    probatio.Optional(ATTR_ITEM, default=1): cv.positive_int,
}
_REQUIRED_VALUE: Final[Fields] = {probatio.Required(ATTR_VALUE): cv.string}
_OPTIONAL_VALUE: Final[Fields] = {probatio.Optional(ATTR_VALUE, default=""): cv.string}
_BACK: Final[Fields] = {probatio.Optional(ATTR_READ_BACK, default=True): cv.boolean}
_DATA: Final[Fields] = {probatio.Required(ATTR_DATA): cv.string}


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions; those that change a meter are for administrators."""
    setting = {**_PARAMETER, **_TYPED, **_REQUIRED_VALUE, **_BACK}
    invoking = {**_PARAMETER, **_TYPED, **_OPTIONAL_VALUE}
    register(hass, "get_parameter", _PARAMETER, _get)
    register(hass, "set_parameter", setting, _set, changes=CONF_PARAMETER)
    register(hass, "invoke_action", invoking, _invoke, changes=CONF_PARAMETER)
    register(hass, "send_data", _DATA, _send, changes="")
    register(hass, "read_now", {}, _read_now)
    async_setup_power(hass)


async def _get(coordinator: ObisMeterCoordinator, meter: str, data: dict[str, Any]) -> Said:
    command = Command("get", data[CONF_PARAMETER])
    return _response(await request(coordinator, meter, command))


async def _read_now(coordinator: ObisMeterCoordinator, meter: str, data: dict[str, Any]) -> Said:
    return {"readings": await read_now(coordinator, meter)}


async def _set(coordinator: ObisMeterCoordinator, meter: str, data: dict[str, Any]) -> Said:
    command = Command(
        "set",
        data[CONF_PARAMETER],
        data[ATTR_VALUE],
        data.get(ATTR_TYPE),
        data[ATTR_ITEM],
        data[ATTR_READ_BACK],
    )
    return _response(await request(coordinator, meter, command))


async def _invoke(coordinator: ObisMeterCoordinator, meter: str, data: dict[str, Any]) -> Said:
    command = Command(
        "action", data[CONF_PARAMETER], data[ATTR_VALUE], data.get(ATTR_TYPE), data[ATTR_ITEM]
    )
    return _response(await request(coordinator, meter, command))


async def _send(coordinator: ObisMeterCoordinator, meter: str, data: dict[str, Any]) -> Said:
    return _response(await request(coordinator, meter, Command("send", value=data[ATTR_DATA])))


def _response(reply: Reply) -> Said:
    """Return an answer as automations read it; times in ISO form."""
    value = reply.value if isinstance(reply.value, int | str | None) else reply.value.isoformat()
    said: Said = {
        "parameter": reply.parameter,
        "type": reply.type,
        "value": value,
        "hex": reply.data.hex(),
    }
    match reply.read_back:
        case Reply() as read:
            said["read_back"] = _response(read)
        case MeteringError() as err:
            said["read_back"] = None
            said["read_back_error"] = explain(err)
    return said
