"""Debian's Chromium, headless, with a fresh profile."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import ConsoleMessage, Page, ViewportSize, async_playwright

CHROMIUM = shutil.which("chromium")
MISSING = "Debian's package chromium is not installed on this machine"
WAIT_MS_MAX = 30_000
DESKTOP = ViewportSize(width=1440, height=900)
PHONE = ViewportSize(width=375, height=812)
# A name that browsers do not trust without TLS, unlike localhost.
PLAIN_HOST = "exchange.test"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {PLAIN_HOST} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@dataclass
class Visit:
    """A page, with what it complained of and what it asked other hosts for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":  # a violation of the policy is one
            self.complaints.append(message.text)


@asynccontextmanager
async def visiting(
    folder: Path, *, viewport: ViewportSize = DESKTOP, dark: bool = True
) -> AsyncIterator[Visit]:
    """A browser with one page; `folder` takes its profile."""
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            folder,
            executable_path=CHROMIUM,
            headless=True,
            args=list(FLAGS),
            viewport=viewport,
            color_scheme="dark" if dark else "light",
            locale="en-GB",
        )
        try:
            context.set_default_timeout(WAIT_MS_MAX)
            visit = Visit(context.pages[0])
            visit.page.on("console", visit.hear)
            visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
            visit.page.on("request", lambda request: visit.hosts.add(request.url.split("/")[2]))
            yield visit
        finally:
            await context.close()
