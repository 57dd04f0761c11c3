"""What all actions share: which meter is meant, whether they may, a line in the logbook."""

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

_DEVICE: Final[Fields] = {probatio.Required(ATTR_DEVICE_ID): cv.string}

type Fields = dict[probatio.Marker, Any]
type Said = dict[str, Any]
"""What an action returns."""
type Do = Callable[[ObisMeterCoordinator, str, dict[str, Any]], Coroutine[Any, Any, Said]]
"""Takes a coordinator, the key of a meter, and what was typed."""


@callback
def register(
    hass: HomeAssistant, name: str, fields: Fields, do: Do, *, changes: str | None = None
) -> None:
    """Register an action on a meter.

    One that changes the meter is for administrators, must be allowed in the
    options, and is told in the logbook, with the field that changes names.
    """
    schema = probatio.Schema({**_DEVICE, **fields})
    if changes is None:
        act = _act(hass, do)
        hass.services.async_register(DOMAIN, name, act, schema, SupportsResponse.OPTIONAL)
    else:
        act = _told(_act(hass, do, changes=True), changes)
        async_register_admin_service(hass, DOMAIN, name, act, schema, SupportsResponse.OPTIONAL)


type _Act = Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]


def _act(hass: HomeAssistant, do: Do, *, changes: bool = False) -> _Act:
    """Return the handler of an action: asks the meter, and returns what it answered."""

    async def act(call: ServiceCall) -> ServiceResponse:
        coordinator, meter = _meter(hass, call.data[ATTR_DEVICE_ID])
        options = coordinator.config_entry.options
        if changes and not options.get(CONF_ALLOW_COMMANDS):
            raise _invalid("commands_not_allowed", name=coordinator.config_entry.title)
        began = monotonic()
        said = await do(coordinator, meter, dict(call.data))
        return {**said, "duration": round(monotonic() - began, 3)}

    return act


def _told(act: _Act, what: str) -> _Act:
    """Return a handler that has the logbook say who wanted what of which meter."""

    async def told(call: ServiceCall) -> ServiceResponse:
        outcome = "failed"
        try:
            said = await act(call)
            outcome = "done"
        except ServiceValidationError as err:
            outcome = "" if err.translation_key in _NOT_TRIED else err.translation_key or outcome
            raise
        except HomeAssistantError as err:
            outcome = err.translation_key or outcome
            raise
        finally:
            if outcome:
                _log(call, str(call.data.get(what, "")), outcome)
        return said

    return told


_NOT_TRIED: Final = ("commands_not_allowed", "meter_not_loaded", "device_unknown")


def _meter(hass: HomeAssistant, device_id: str) -> tuple[ObisMeterCoordinator, str]:
    """Return the coordinator and the key of the meter that a device is."""
    device = dr.async_get(hass).async_get(device_id)
    keys = [key for domain, key in device.identifiers if domain == DOMAIN] if device else []
    entry = hass.config_entries.async_get_entry(device.config_entry_id) if device and keys else None
    if entry is None or entry.domain != DOMAIN:
        raise _invalid("device_unknown", device=device_id)
    if entry.state is not ConfigEntryState.LOADED:
        raise _invalid("meter_not_loaded", name=entry.title)
    return entry.runtime_data, keys[0]


def _invalid(key: str, **placeholders: str) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )


def _log(call: ServiceCall, what: str, outcome: str) -> None:
    call.hass.bus.async_fire(
        EVENT_COMMAND,
        {
            ATTR_DEVICE_ID: call.data[ATTR_DEVICE_ID],
            "action": call.service,
            CONF_PARAMETER: what,
            "outcome": outcome,
        },
        context=call.context,
    )
