"""The dialogs while a meter is searched, and where none was found: what can be done."""

from abc import abstractmethod
import asyncio
from collections.abc import Coroutine
from typing import Any, Final, override

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.core import callback
from homeassistant.helpers.translation import async_get_translations

from . import forms
from .ask_flow import STAGES, AskSteps
from .asker import ask
from .bus_finder import Line, search_line
from .const import DOMAIN, MODULE_LINK, is_raw
from .finder import Found, NotFoundError, Progress, search, seen
from .head_flow import HeadSteps
from .metering.chances import Chances, chances, opening
from .metering.detect import Locked
from .metering.model import LineSettings
from .port_error import PortError

USUAL: Final = LineSettings(115200)  # until it is known better
_MODULE: Final = (LineSettings(115200), LineSettings(9600))
_GLANCE: Final = 0.5  # seconds between two changes of what the owner reads


class ListenSteps(AskSteps, HeadSteps):
    """The steps of a config flow in which a port is listened to, or asked with leave."""

    _step: str

    @abstractmethod
    async def _async_locked(self, locked: Locked) -> ConfigFlowResult:
        """Go on with telegrams that need a key."""

    def __init__(self) -> None:
        """Begin with nothing chosen."""
        self._url = ""
        self._line = USUAL
        self._auto = True
        self._asked = self._pushing = self._closed = False
        self._reason = NotFoundError("silent")
        self._progress = Progress()
        self._shown = 0.0
        self._search: asyncio.Task[Found | Locked | Line] | None = None
        self._found: Found | None = None

    @override
    async def _async_open(self, what: str) -> ConfigFlowResult:
        if self._auto:
            self._line = USUAL
        shares = self._shares()
        lines = {forms.MODULE: self._module_lines(), forms.BUS: self._bus_lines()}
        try:
            port = await self._async_port(lines.get(what, (opening(shares),))[0])
        except PortError as err:
            return await self._ask({"base": err.key})
        self._asked = what != forms.LISTENED
        found: Coroutine[Any, Any, Found | Locked | Line]
        match what:
            case forms.MODULE:
                found = ask(port, MODULE_LINK, lines[what])
            case forms.BUS:
                found = search_line(port, lines[what], self._on_progress)
            case _:
                found = search(port, shares, self._on_progress)
        return await self._async_search(found, STAGES.get(what, ""))

    def _shares(self) -> Chances:
        """Return how frequent the line settings are at which a meter may be heard."""
        if self._auto and not is_raw(self._url):
            return chances(self.hass.config.country, self._url)
        return {self._line: 1.0}

    def _module_lines(self) -> tuple[LineSettings, ...]:
        """Return the settings at which a meter is asked that waits for its module."""
        return _MODULE if self._auto and not is_raw(self._url) else (self._line,)

    @override
    async def _async_search(
        self, search: Coroutine[Any, Any, Found | Locked | Line], stage: str = ""
    ) -> ConfigFlowResult:
        self._progress = Progress(stage=stage, line=str(self._line))
        name = f"{DOMAIN} listens to {self._url}"
        self._search = self.hass.async_create_background_task(self._unhurried(search), name)
        self._search.add_done_callback(seen)
        self._search.add_done_callback(lambda _: self._give_back())
        if self._closed:
            self._search.cancel()
        return await self.async_step_listen()

    async def _unhurried[T](self, search: Coroutine[Any, Any, T]) -> T:
        """Search, and end a moment after the last news.

        Whoever is about to ask for these must not find that the dialog is over.
        """
        try:
            return await search
        finally:
            task = asyncio.current_task()
            if task and not task.cancelling():
                await asyncio.sleep(self._shown + _GLANCE - self.hass.loop.time())

    @callback
    @override
    def _on_progress(self, progress: Progress) -> None:
        now = self.hass.loop.time()
        if now - self._shown < _GLANCE and not progress.is_news(self._progress):
            return
        self._shown, self._progress = now, progress
        self.async_update_progress(min(1.0, progress.part))
        self.async_notify_flow_changed()

    async def async_step_listen(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show what is heard while the meter is being found."""
        assert self._search
        if not self._search.done():
            return self.async_show_progress(
                step_id="listen",
                progress_action=self._progress.action,
                description_placeholders=self._progress.told,
                progress_task=self._search,
            )
        return self.async_show_progress_done(next_step_id="heard")

    async def async_step_heard(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Go on with the meter found, or say why there is none."""
        assert self._search
        try:
            found = self._search.result()
        except NotFoundError as err:
            self._reason = err
            self._pushing = err.is_pushing or (self._asked and self._pushing)
            return await self.async_step_unheard()
        self._pushing = not self._asked
        match found:
            case Locked():
                return await self._async_locked(found)
            case Line():
                return await self._async_line_found(found)
        return await self._async_found(found)

    async def async_step_unheard(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Say why no meter was found, and what can be done; nobody is asked who speaks unasked."""
        asking = () if self._pushing else ("optical", "bus", "module")
        return self.async_show_menu(
            step_id="unheard",
            menu_options=["again", *asking, self._step],
            description_placeholders={"reason": await self._why(self._reason)},
        )

    async def _why(self, err: NotFoundError) -> str:
        """Return the reason in the language of the system."""
        texts = await async_get_translations(
            self.hass, self.hass.config.language, "config", [DOMAIN]
        )
        text = texts.get(f"component.{DOMAIN}.config.error.{err.key}", err.key)
        tried = ", ".join(dict.fromkeys(str(attempt.line) for attempt in err.attempts))
        for name, value in {"port": self._url, "tried": tried, **err.told}.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    async def async_step_again(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Listen once more."""
        return await self._async_open(forms.LISTENED)

    async def async_step_bus(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask the meters of a line: choosing this has allowed it."""
        return await self._async_open(forms.BUS)
