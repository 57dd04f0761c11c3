"""Actions: what automations ask of a meter."""

from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any, Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.service import async_register_admin_service
import probatio

from .const import CONF_ALLOW_COMMANDS, CONF_PARAMETER, DOMAIN, EVENT_COMMAND
from .coordinator import ObisMeterCoordinator
from .metering.errors import MeteringError
from .metering.model import Command, Reply
from .requests import explain, request

ATTR_VALUE: Final = "value"
ATTR_TYPE: Final = "type"
ATTR_ITEM: Final = "item"
ATTR_READ_BACK: Final = "read_back"
ATTR_DATA: Final = "data"

_DEVICE: Final[Fields] = {probatio.Required(ATTR_DEVICE_ID): cv.string}
_PARAMETER: Final[Fields] = {probatio.Required(CONF_PARAMETER): cv.string}
_TYPED: Final[Fields] = {
    probatio.Optional(ATTR_TYPE): cv.string,
    probatio.Optional(ATTR_ITEM, default=1): cv.positive_int,
}
_REQUIRED_VALUE: Final[Fields] = {probatio.Required(ATTR_VALUE): cv.string}
_OPTIONAL_VALUE: Final[Fields] = {probatio.Optional(ATTR_VALUE, default=""): cv.string}
_BACK: Final[Fields] = {probatio.Optional(ATTR_READ_BACK, default=True): cv.boolean}

type Fields = dict[probatio.Marker, Any]
type Act = Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]

_DATA: Final[Fields] = {probatio.Required(ATTR_DATA): cv.string}


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions; all but the first are for administrators."""
    hass.services.async_register(
        DOMAIN,
        "get_parameter",
        _act(hass, _get),
        probatio.Schema({**_DEVICE, **_PARAMETER}),
        SupportsResponse.OPTIONAL,
    )
    for name, command, fields in (
        ("set_parameter", _set, {**_PARAMETER, **_TYPED, **_REQUIRED_VALUE, **_BACK}),
        ("invoke_action", _invoke, {**_PARAMETER, **_TYPED, **_OPTIONAL_VALUE}),
        ("send_data", _send, _DATA),
    ):
        async_register_admin_service(
            hass,
            DOMAIN,
            name,
            _act(hass, command, changes=True),
            probatio.Schema({**_DEVICE, **fields}),
            SupportsResponse.OPTIONAL,
        )


def _get(data: dict[str, Any]) -> Command:
    return Command("get", data[CONF_PARAMETER])


def _set(data: dict[str, Any]) -> Command:
    return Command(
        "set",
        data[CONF_PARAMETER],
        data[ATTR_VALUE],
        data.get(ATTR_TYPE),
        data[ATTR_ITEM],
        data[ATTR_READ_BACK],
    )


def _invoke(data: dict[str, Any]) -> Command:
    return Command(
        "action", data[CONF_PARAMETER], data[ATTR_VALUE], data.get(ATTR_TYPE), data[ATTR_ITEM]
    )


def _send(data: dict[str, Any]) -> Command:
    return Command("send", value=data[ATTR_DATA])


def _act(
    hass: HomeAssistant, command: Callable[[dict[str, Any]], Command], *, changes: bool = False
) -> Act:
    """Return the handler of an action: asks the meter, and returns what it answered."""

    async def act(call: ServiceCall) -> ServiceResponse:
        coordinator, meter = _meter(hass, call.data[ATTR_DEVICE_ID])
        options = coordinator.config_entry.options
        if changes and not options.get(CONF_ALLOW_COMMANDS):
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="commands_not_allowed",
                translation_placeholders={"name": coordinator.config_entry.title},
            )
        wanted, began = command(dict(call.data)), monotonic()
        outcome = "failed"
        try:
            reply = await request(coordinator, meter, wanted)
            outcome = "done"
        except HomeAssistantError as err:
            outcome = err.translation_key or outcome
            raise
        finally:
            if changes:
                _log(call, wanted, outcome)
        return {**_response(reply), "duration": round(monotonic() - began, 3)}

    return act


def _meter(hass: HomeAssistant, device_id: str) -> tuple[ObisMeterCoordinator, str]:
    """Return the coordinator and the key of the meter that a device is."""
    device = dr.async_get(hass).async_get(device_id)
    keys = [key for domain, key in device.identifiers if domain == DOMAIN] if device else []
    for entry in hass.config_entries.async_entries(DOMAIN):
        if device and keys and entry.entry_id in device.config_entries:
            if entry.state is ConfigEntryState.LOADED:
                return entry.runtime_data, keys[0]
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="meter_not_loaded",
                translation_placeholders={"name": entry.title},
            )
    raise ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="device_unknown",
        translation_placeholders={"device": device_id},
    )


def _response(reply: Reply) -> dict[str, Any]:
    """Return an answer as automations read it; times in ISO form."""
    value = reply.value if isinstance(reply.value, int | str | None) else reply.value.isoformat()
    said: dict[str, Any] = {
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


def _log(call: ServiceCall, command: Command, outcome: str) -> None:
    """Have the logbook say who wanted what of which meter."""
    call.hass.bus.async_fire(
        EVENT_COMMAND,
        {
            ATTR_DEVICE_ID: call.data[ATTR_DEVICE_ID],
            "action": call.service,
            CONF_PARAMETER: command.parameter,
            "outcome": outcome,
        },
        context=call.context,
    )
