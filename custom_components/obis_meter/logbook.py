"""Commands to a meter, as the logbook tells them."""

from collections.abc import Callable

from homeassistant.components.logbook.const import LOGBOOK_ENTRY_MESSAGE, LOGBOOK_ENTRY_NAME
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .const import CONF_PARAMETER, DOMAIN, EVENT_COMMAND


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[[str, str, Callable[[Event], dict[str, str]]], None],
) -> None:
    """Describe the events of this integration."""

    @callback
    def describe(event: Event) -> dict[str, str]:
        data = event.data
        device = dr.async_get(hass).async_get(data[ATTR_DEVICE_ID])
        what = " ".join(filter(None, (data["action"], data[CONF_PARAMETER])))
        return {
            LOGBOOK_ENTRY_NAME: (device and (device.name_by_user or device.name)) or DOMAIN,
            LOGBOOK_ENTRY_MESSAGE: f"was sent {what}: {data['outcome']}",
        }

    async_describe_event(DOMAIN, EVENT_COMMAND, describe)
