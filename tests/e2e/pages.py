"""The pages that an owner of a meter visits."""

import asyncio
from pathlib import Path
import re
from typing import Final

from playwright.async_api import Locator

from scripts.home_assistant_install import DOMAIN
from tests.e2e.browser import PATIENCE, Screen

INTEGRATION: Final = f"/config/integrations/integration/{DOMAIN}"
UNAVAILABLE: Final = re.compile("Unavailable")

# A column of the chart is part of a bar when it has coloured points: the grid is grey.
_COLOURED_COLUMNS: Final = """canvas => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const coloured = i => {
    const rgb = data.subarray(i, i + 3);
    return data[i + 3] > 60 && Math.max(...rgb) - Math.min(...rgb) > 40;
  };
  return Array.from({ length: width }, (_, x) => {
    let points = 0;
    for (let y = 0; y < height; y++) points += coloured(4 * (y * width + x));
    return points > 2 ? "#" : " ";
  }).join("");
}"""


class IntegrationPage:
    """The page of the integration, with a menu for each entry."""

    def __init__(self, screen: Screen) -> None:
        """Take the page on which to open it."""
        self._screen = screen

    async def open(self) -> None:
        """Go there."""
        await self._screen.open(INTEGRATION)
        await self._screen.see(self._screen.page.get_by_text("Add electricity meter"), INTEGRATION)

    def entry(self, title: str) -> Locator:
        """Find an entry with its devices."""
        return self._screen.page.locator("ha-config-entry-row").filter(has_text=title)

    async def menu(self, title: str, item: str) -> Locator:
        """Open the three-dot menu of an entry, and find an item of it."""
        row = await self._screen.see(self.entry(title), f"the entry '{title}'")
        await row.get_by_role("button", name="Menu").first.click()
        found = row.get_by_role("menuitem", name=item, exact=True)
        return await self._screen.see(found, f"'{item}' in the menu of '{title}'")

    async def diagnostics(self, title: str) -> str:
        """Download the diagnostics of an entry, and return what is in the file."""
        await self.open()
        download = await self._screen.download(await self.menu(title, "Download diagnostics"))
        path = Path(await download.path())
        return await asyncio.to_thread(path.read_text, encoding="utf-8")

    async def remove(self, title: str) -> None:
        """Delete an entry."""
        await self.open()
        await (await self.menu(title, "Delete")).click()
        question = self._screen.page.get_by_role("heading", name=f"Delete {title}?")
        await self._screen.see(question, "the question whether to delete")
        await self._screen.picture("delete")
        await self._screen.page.get_by_role("button", name="Delete", exact=True).click()
        await self._screen.miss(self.entry(title), f"the entry '{title}'")


class DevicePage:
    """The page of a meter: its sensors and what they show."""

    def __init__(self, screen: Screen, path: str) -> None:
        """Take the page on which to open it, and its address in Home Assistant."""
        self._screen = screen
        self.path = path

    async def open(self) -> None:
        """Go there."""
        await self._screen.open(self.path)

    async def serial(self) -> str:
        """Return the serial number."""
        text = self._screen.page.get_by_text(re.compile(r"Serial number: \S+"))
        shown = await (await self._screen.see(text, "the serial number")).inner_text()
        return shown.split()[-1]

    async def value(
        self, name: str, form: str | re.Pattern[str], within: float = PATIENCE
    ) -> re.Match[str]:
        """Wait until the row of an entity shows a value of this form."""
        page = self._screen.page
        row = page.locator("hui-generic-entity-row").filter(has=page.get_by_text(name, exact=True))
        return await self._screen.read(row, form, f"the row '{name}'", within)


class EnergyPage:
    """The energy dashboard and the steps to set it up."""

    def __init__(self, screen: Screen) -> None:
        """Take the page on which to open it."""
        self._screen = screen
        self._dialog = screen.page.locator("dialog-energy-grid-settings")

    async def set_up(self, device: str, drawn: str, fed: str, power: str) -> None:
        """Add a grid connection, and go on to the dashboard."""
        screen = self._screen
        await screen.open("/energy")
        await screen.press("Add grid connection")
        await self._pick("Energy imported from grid", drawn, device)
        await self._pick("Energy exported to grid", fed, device)
        await self._dialog.get_by_role("textbox", name="Display name").fill("House")
        await self._dialog.get_by_role("radio", name="Standard").click()
        await self._pick("Power measurement", power, device)
        await screen.picture("energy-dialog")
        await screen.press("Save", self._dialog)
        await screen.miss(screen.page.get_by_text("Configure grid connection"), "the dialog")
        await self._go_on()

    async def _go_on(self) -> None:
        """Leave out all other steps of the first set-up."""
        page = self._screen.page
        first = page.get_by_text("Step 1 of")
        steps = await self._screen.read(first, r"(\d+)$", "the first step")
        for step in range(1, int(steps[1])):
            await self._screen.see(page.get_by_text(f"Step {step} of"), f"step {step}")
            await self._screen.press("Next")
        await self._screen.press("Show me my energy dashboard!")

    async def _pick(self, label: str, name: str, device: str) -> None:
        page = self._screen.page
        await self._screen.press(re.compile(f"^{label}"), self._dialog)
        await page.get_by_placeholder("Search").last.fill(name)
        option = page.get_by_role("option", name=f"{name} {device}")
        await (await self._screen.see(option, f"{name} of {device} to choose")).click()

    async def yesterday(self) -> None:
        """Show the electricity of the day before."""
        page = self._screen.page
        await (await self._screen.see(page.get_by_role("tab", name="Electricity"), "tabs")).click()
        await self._screen.press("Previous")

    async def total(self) -> float:
        """Return what the grid delivered, in kWh, as shown now."""
        row = self._screen.page.get_by_role("row").filter(has_text="Grid total")
        shown = await self._screen.read(row, r"(-?[\d,]+(\.\d+)?) kWh", "the row 'Grid total'")
        return float(shown[1].replace(",", ""))

    async def bars(self) -> int:
        """Count the bars of the chart."""
        chart = self._screen.page.locator("hui-energy-usage-graph-card canvas")
        columns: str = await (await self._screen.see(chart, "the chart")).evaluate(
            _COLOURED_COLUMNS
        )
        return len(columns.split())


class DeveloperTools:
    """The page on which any action can be carried out."""

    def __init__(self, screen: Screen) -> None:
        """Take the page on which to open it."""
        self._screen = screen

    async def act(self, action: str, device: str, **options: str) -> str:
        """Carry out an action on a device and return the answer shown."""
        page = self._screen.page
        await self._screen.open("/config/tools/action")
        await self._pick(page.locator("ha-service-picker"), action)
        await self._pick(page.locator("ha-device-picker"), device)
        for label, option in options.items():
            await self._pick(page.locator("ha-settings-row").filter(has_text=label), option)
        await self._screen.press("Perform action")
        answer = page.locator("ha-card").filter(has_text="Response").locator(".cm-content")
        shown = await self._screen.see(answer, f"an answer to '{action}'")
        await shown.scroll_into_view_if_needed()
        return await shown.inner_text()

    async def _pick(self, picker: Locator, name: str) -> None:
        """Open a list that can be searched, and choose."""
        page = self._screen.page
        button = picker.get_by_role("button").filter(visible=True)
        await (await self._screen.see(button, f"the list with '{name}'")).click()
        search = page.get_by_placeholder(re.compile("^Search")).last
        await (await self._screen.see(search, "the search")).fill(name)
        option = page.get_by_role("option").filter(has_text=name)
        await (await self._screen.see(option, f"'{name}' in the list")).click()
