"""The one place where what went wrong with a meter becomes what its owner is told."""

from typing import Final

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .channel import DisconnectedError
from .const import CONF_BRIDGE_HOST, DOMAIN
from .coordinator import ObisMeterCoordinator
from .metering.errors import MeteringError, NoAnswer, Refused, RequestError
from .metering.model import Command, Reply
from .turns import CrowdedError

_WORDS: Final = (
    (NoAnswer, "no_answer"),
    (Refused, "refused"),
    (DisconnectedError, "not_connected"),
)


def explain(err: MeteringError) -> str:
    """Return the word for why a meter did not do what it was asked."""
    return next((word for kind, word in _WORDS if isinstance(err, kind)), "failed")


async def request(coordinator: ObisMeterCoordinator, meter: str, command: Command) -> Reply:
    """Have a meter do something, and return its answer; HomeAssistantError says why not."""
    entry = coordinator.config_entry
    ask = coordinator.link.request
    if ask is None:
        raise _invalid("cannot_be_asked", name=entry.title)
    if command.verb == "send" and entry.options.get(CONF_BRIDGE_HOST):
        raise _invalid("bridged", name=entry.title)
    if (channel := coordinator.channel(meter)) is None:
        raise _failed("not_connected", name=entry.title, why="")
    try:
        return await channel.converse(ask(command))
    except RequestError as err:
        raise _invalid(err.key, detail=err.detail) from err
    except CrowdedError as err:
        raise _failed("crowded", name=entry.title, why="") from err
    except MeteringError as err:
        raise _failed(explain(err), name=entry.title, why=str(err)) from err


def _invalid(key: str, **placeholders: str) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )


def _failed(key: str, **placeholders: str) -> HomeAssistantError:
    return HomeAssistantError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )
