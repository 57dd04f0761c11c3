"""A browser that no page outlives, and a page that says what it waited for in vain."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
import re
import shutil
import time
from typing import Final
from urllib.parse import urlsplit

from playwright.async_api import (
    BrowserContext,
    Download,
    Error,
    Locator,
    Page,
    Route,
    TimeoutError as Late,
    async_playwright,
)

from scripts.home_assistant_api import User

WIDTH, HEIGHT = 1280, 900
PATIENCE: Final = 20.0  # seconds that a page may take on a busy machine
_LOOPBACK = {"127.0.0.1", "localhost", "::1", None}
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--disable-dev-shm-usage",  # containers have little
)


class Missed(Exception):
    """The page did not show, or went on showing, what was awaited; says what."""


class Screen:
    """One page of Home Assistant, as a person looks at it."""

    def __init__(self, page: Page, url: str, pictures: Path) -> None:
        """Take an empty page, where Home Assistant is, and where pictures go."""
        self.page = page
        self.url = url
        self._pictures = pictures

    async def open(self, path: str) -> None:
        """Go to a page of Home Assistant by its address."""
        await self.page.goto(f"{self.url}{path}", wait_until="domcontentloaded")
        await self.see(self.page.locator("home-assistant-main"), f"Home Assistant at {path}")

    async def log_in(self, user: User) -> None:
        """Log in on the first page."""
        await self.page.goto(self.url, wait_until="domcontentloaded")
        await self.see(name := self.page.get_by_label("Username"), "the login")
        await name.fill(user.username)
        await self.page.get_by_label("Password", exact=True).fill(user.password)
        await self.page.get_by_role("button", name="Log in").click()
        await self.see(self.page.locator("home-assistant-main"), "the overview")

    async def see(self, wanted: Locator, what: str, within: float = PATIENCE) -> Locator:
        """Wait until something is visible and return it."""
        await self._await(wanted, "visible", f"{what} did not show", within)
        return wanted.first

    async def miss(self, unwanted: Locator, what: str, within: float = PATIENCE) -> None:
        """Wait until something is not visible any more."""
        await self._await(unwanted, "hidden", f"{what} did not go", within)

    async def read(
        self, place: Locator, form: str | re.Pattern[str], what: str, within: float = PATIENCE
    ) -> re.Match[str]:
        """Wait until a place shows a text of this form; return the match."""
        end = time.monotonic() + within
        await self.see(place, what, within)
        while not (match := re.search(form, shown := _plain(await place.first.inner_text()))):
            if time.monotonic() > end:
                raise Missed(f"{what} shows '{shown}', not {form!s}, after {within:.0f} s")
            await asyncio.sleep(0.2)
        return match

    async def until[T](
        self, look: Callable[[], Awaitable[T]], enough: Callable[[T], bool], what: str
    ) -> None:
        """Look again and again until it is enough."""
        end = time.monotonic() + PATIENCE
        while not enough(seen := await look()):
            if time.monotonic() > end:
                raise Missed(f"{what}: still {seen!s} after {PATIENCE:.0f} s")
            await asyncio.sleep(0.2)

    async def press(self, name: str | re.Pattern[str], within: Locator | None = None) -> None:
        """Press the button or the entry of a menu that has this name."""
        scope = within or self.page.locator("body")
        button = scope.get_by_role("button", name=name).or_(
            scope.get_by_role("menuitem", name=name)
        )
        await (await self.see(button, f"the button {name!s}")).click()

    async def picture(self, name: str) -> None:
        """Take a picture of what is seen now."""
        self._pictures.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=self._pictures / f"{name}.png", animations="disabled")

    async def download(self, link: Locator) -> Download:
        """Press what downloads a file, and return the file."""
        async with self.page.expect_download(timeout=PATIENCE * 1000) as coming:
            await link.click()
        return await coming.value

    @staticmethod
    async def _await(locator: Locator, state: str, failed: str, within: float) -> None:
        first = locator.first
        try:
            if state == "visible":
                await first.wait_for(state="visible", timeout=within * 1000)
            else:
                await first.wait_for(state="hidden", timeout=within * 1000)
        except Late:
            raise Missed(f"{failed} within {within:.0f} s") from None


@asynccontextmanager
async def browse(url: str, folder: Path) -> AsyncIterator[Screen]:
    """Open Debian's Chromium on an empty page; it ends with the `async with`.

    folder: gets `profile`, made anew, and `pictures`.
    """
    profile, pictures = folder / "profile", folder / "pictures"
    for old in (profile, pictures):
        shutil.rmtree(old, ignore_errors=True)
    program = shutil.which("chromium")
    if program is None:
        raise Missed("Chromium is not installed: scripts/e2e says how")
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            profile,
            executable_path=program,
            args=_FLAGS,
            viewport={"width": WIDTH, "height": HEIGHT},
            locale="en-GB",
            timezone_id="Europe/Amsterdam",
            color_scheme="light",
            reduced_motion="reduce",
            service_workers="block",
            accept_downloads=True,
        )
        try:
            context.set_default_timeout(PATIENCE * 1000)
            await context.route("**/*", _at_home)
            yield Screen(_first(context), url, pictures)
        finally:
            await context.close()


def _first(context: BrowserContext) -> Page:
    return context.pages[0]


def _plain(text: str) -> str:
    """Make every blank a plain one: units stand behind one that does not break."""
    return " ".join(text.split())


async def _at_home(route: Route) -> None:
    """Let nothing leave this machine."""
    try:
        if urlsplit(route.request.url).hostname in _LOOPBACK:
            await route.continue_()
        else:
            await route.abort()
    except Error:
        pass  # the page was closed meanwhile
