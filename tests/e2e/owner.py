"""Someone with five meters, and what they have found out about them."""

import re
from typing import Final
from urllib.parse import urlsplit

from scripts.home_assistant_api import Json
from scripts.home_assistant_install import DOMAIN
from tests.e2e.browser import Missed, Screen
from tests.e2e.dialog import ConfigDialog
from tests.e2e.pages import DevicePage, IntegrationPage
from tests.e2e.stage import Stage

CABLE: Final = "A cable at this machine"
LISTENING: Final = 40.0  # seconds that detection may take


class Skipped(Exception):
    """A step does not apply; says why."""


class Owner:
    """Does what several steps have in common; `devices` are those added so far, by name."""

    def __init__(self, stage: Stage, screen: Screen) -> None:
        """Take what there is, and a page on which nobody has logged in."""
        self.stage = stage
        self.screen = screen
        self.dialog = ConfigDialog(screen)
        self.entries = IntegrationPage(screen)
        self.devices: dict[str, DevicePage] = {}

    async def begin_serial(self, port: str, line: str, what: str = "") -> None:
        """Fill in the form of a serial port."""
        await self.dialog.begin()
        await self.dialog.choose(CABLE)
        await self.dialog.fill("Serial port", port)
        await self.dialog.fill("Line settings", line)
        if what:
            await self.dialog.fill("What is connected", what)

    async def add_found(self, name: str, reading: str) -> DevicePage:
        """Add the meter that was found, and come to its page."""
        await self.dialog.says("Meter found", LISTENING)
        await self.dialog.says(name)
        await self.dialog.says(reading)
        await self.screen.picture(f"found-{name}")
        await self.dialog.submit()
        await self.dialog.finish()
        page = self.screen.page
        await self.screen.see(page.get_by_text("Device info"), f"the page of {name}")
        self.devices[name] = DevicePage(self.screen, urlsplit(page.url).path)
        return self.devices[name]

    async def visit(self, name: str) -> DevicePage:
        """Open the page of a meter that was added."""
        if name not in self.devices:
            raise Missed(f"{name} was not added")
        await self.devices[name].open()
        return self.devices[name]

    async def entry(self, title: str) -> Json:
        """Return the config entry of a meter."""
        rows = await self.stage.home.get(f"/api/config/config_entries/entry?domain={DOMAIN}")
        for row in rows:
            if row["title"] == title:
                return dict(row)
        raise Missed(f"there is no entry {title}")


def number(shown: re.Match[str]) -> float:
    """Return the number that a page shows."""
    return float(shown[1].replace(",", ""))


def expect(holds: bool, what: str) -> None:
    """Raise Missed unless something holds."""
    if not holds:
        raise Missed(f"expected {what}")
