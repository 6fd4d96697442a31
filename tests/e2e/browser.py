"""What a person does in the Prefect UI: open the waiting run, read, fill the form, submit."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Locator, Page, TimeoutError, sync_playwright

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
STEP_MS = 60_000


def approve_in_browser(executable: str, url: str, approver: str, reason: str, pictures: Path) -> str:
    """Approve the run at `url`; the text of the form that was shown. Screenshots go into `pictures`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(STEP_MS)
        try:
            return _fill(page, url, approver, reason, pictures)
        finally:
            browser.close()


def _fill(page: Page, url: str, approver: str, reason: str, pictures: Path) -> str:
    page.goto(url)
    page.get_by_role("button", name="Open menu").click()
    page.get_by_role("menuitem", name="Resume").click()
    form = page.get_by_role("dialog")
    form.get_by_role("button", name="Select").click()
    page.get_by_role("option", name="approve").click()
    form.locator("textarea").nth(0).fill(approver)
    form.locator("textarea").nth(1).fill(reason)
    page.screenshot(path=pictures / "prefect-approval.png")
    shown = form.inner_text()
    _press_until_closed(form)
    return shown


def _press_until_closed(form: Locator) -> None:
    """What a person does when the server was busy and the form still stands there: press again."""
    for patience in (15_000, 15_000, STEP_MS):
        form.get_by_role("button", name="Resume").click()
        with suppress(TimeoutError):
            return form.wait_for(state="hidden", timeout=patience)
    raise AssertionError("the form did not close after three tries")


def picture_of(executable: str, url: str, path: Path, wait_ms: int = 4000, size: tuple[int, int] = (1400, 1000)) -> str:
    """A screenshot of a page; its visible text."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        page.set_default_timeout(STEP_MS)
        try:
            page.goto(url)
            page.wait_for_timeout(wait_ms)
            page.screenshot(path=path)
            return page.inner_text("body")
        finally:
            browser.close()
