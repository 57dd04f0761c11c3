"""The one place where what went wrong with a meter becomes what its owner is told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .channel import DisconnectedError
from .const import CONF_BRIDGE_HOST, DOMAIN
from .coordinator import ObisMeterCoordinator
from .metering.dialogue import Dialogue
from .metering.errors import MeteringError, NoAnswer, Refused, RequestError, Unconfirmed
from .metering.links import Acts
from .metering.model import Access, Command, Reply
from .turns import COMMAND, CrowdedError

_WORDS: Final = (
    (NoAnswer, "no_answer"),
    (Refused, "refused"),
    (Unconfirmed, "unconfirmed"),
    (DisconnectedError, "not_connected"),
)


def explain(err: MeteringError) -> str:
    """Return the word for why a meter did not do what it was asked."""
    return next((word for kind, word in _WORDS if isinstance(err, kind)), "failed")


async def request(coordinator: ObisMeterCoordinator, meter: str, command: Command) -> Reply:
    """Have a meter do something, and return its answer; HomeAssistantError says why not."""
    entry = coordinator.config_entry
    ask = coordinator.link.request
    if ask is None or not coordinator.may_ask:
        raise _invalid("cannot_be_asked", name=entry.title)
    if command.verb == "send" and entry.options.get(CONF_BRIDGE_HOST):
        raise _invalid("bridged", name=entry.title)
    return await converse(coordinator, meter, lambda access: ask(command, access))


def acts_of(coordinator: ObisMeterCoordinator, action: str) -> Acts:
    """Return what a meter can be told to do; ServiceValidationError where that is nothing."""
    if (acts := coordinator.link.acts) is None:
        raise _invalid("not_supported", detail=action)
    if not coordinator.may_ask:
        raise _invalid("cannot_be_asked", name=coordinator.config_entry.title)
    return acts


async def converse[T](
    coordinator: ObisMeterCoordinator,
    meter: str,
    begin: Callable[[Access], Dialogue[T]],
    urgency: int = COMMAND,
) -> T:
    """Have a dialogue with a meter, and return its result; HomeAssistantError says why not."""
    entry = coordinator.config_entry
    if (channel := coordinator.channel(meter)) is None:
        raise _failed("not_connected", name=entry.title, why="")
    with _told(entry.title):
        return await channel.converse(begin(coordinator.access(meter)), urgency)


async def read_now(coordinator: ObisMeterCoordinator, meter: str) -> int:
    """Read a meter out of turn; return how many readings came, or HomeAssistantError."""
    title = coordinator.config_entry.title
    if (reader := coordinator.readers.get(meter)) is None:
        raise _invalid("cannot_be_asked", name=title)
    with _told(title):
        return await reader.read_now()


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn what went wrong with a meter into what its owner is told."""
    try:
        yield
    except RequestError as err:
        raise _invalid(err.key, detail=err.detail) from err
    except CrowdedError as err:
        raise _failed("crowded", name=name, why="") from err
    except MeteringError as err:
        raise _failed(explain(err), name=name, why=str(err)) from err


def _invalid(key: str, **placeholders: str) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )


def _failed(key: str, **placeholders: str) -> HomeAssistantError:
    return HomeAssistantError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )
