"""The dialog of a config flow: fields by their label, buttons, what it says."""

import re

from playwright.async_api import Locator

from tests.e2e.browser import PATIENCE, Screen

_NAME = "OBIS Smart Meter"


class ConfigDialog:
    """The dialog in which a meter is added or changed."""

    def __init__(self, screen: Screen) -> None:
        """Take the page on which it opens."""
        self._screen = screen
        self._dialog = screen.page.locator("dialog-data-entry-flow")

    async def begin(self) -> None:
        """Search the integration among all others, as for the first meter."""
        screen = self._screen
        await screen.open("/config/integrations/dashboard")
        await screen.press("Add integration")
        search = screen.page.get_by_placeholder("Search for a brand name")
        await (await screen.see(search, "the list of brands")).fill("obis")
        brands = screen.page.locator("dialog-add-integration")
        await (await screen.see(brands.get_by_text(_NAME), f"{_NAME} among the brands")).click()

    async def choose(self, text: str) -> None:
        """Choose an entry of a menu."""
        await (await self.says(text)).click()

    async def says(self, text: str | re.Pattern[str], within: float = PATIENCE) -> Locator:
        """Wait until the dialog says something."""
        return await self._screen.see(self._dialog.get_by_text(text), f"'{text!s}'", within)

    async def fill(self, label: str, value: str) -> None:
        """Fill the field of this label; sections are opened to find it."""
        field = await self._field(label)
        match await field.get_attribute("role") or await field.evaluate("e => e.localName"):
            case "radiogroup":
                await self._dialog.get_by_role("radio", name=value).click()
            case "input":
                await field.fill(value)
            case _:
                await field.click()
                await self._pick(label, value)

    async def tick(self, text: str) -> None:
        """Tick a box."""
        box = self._dialog.get_by_role("checkbox", name=text)
        await (await self._screen.see(box, f"a box '{text}'")).check()

    async def submit(self) -> None:
        """Press the button on the right, whatever its name is."""
        button = self._dialog.locator("[slot=primaryAction]")
        await (await self._screen.see(button, "the button to go on")).click()

    async def finish(self) -> None:
        """Leave the device with its name, which leads to its page."""
        await self._screen.press("Skip and finish", self._dialog)
        await self._screen.miss(self._dialog.get_by_role("dialog"), "the dialog")

    async def _field(self, label: str) -> Locator:
        """Find a field, in a collapsed section too."""
        name, find = re.compile(rf"^{re.escape(label)}\b"), self._dialog.get_by_role
        typed = find("textbox", name=name).or_(find("spinbutton", name=name))
        field = typed.or_(find("radiogroup", name=name)).or_(find("button", name=name))
        sections = self._dialog.locator("ha-expansion-panel")
        await self._screen.see(field.or_(sections), f"the field '{label}'")
        if not await field.first.is_visible():
            for section in await sections.all():
                await section.get_by_role("button").first.click()
        return await self._screen.see(field, f"the field '{label}'")

    async def _pick(self, label: str, value: str) -> None:
        """Pick an option of an open list, or type what is none of them."""
        options = self._dialog.get_by_role("option")
        await self._screen.see(options, f"the options of '{label}'")
        manual = options.filter(has_text="Enter manually")
        if await manual.count():
            await manual.click()
            typed = self._dialog.get_by_role("textbox", name=label)
            await (await self._screen.see(typed, f"the field '{label}'")).fill(value)
        else:
            option = options.filter(has_text=value)
            await (await self._screen.see(option, f"the option {value} of '{label}'")).click()
