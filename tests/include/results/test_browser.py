"""The pages in a real browser: they read well on a desk and a phone, by day and by night, and ask nobody anything."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from include import warehouse
from include.results import draw
from include.results.store import PageFolder
from include.runtime.postgres import EmbeddedPostgres
from tests.databases import Databases
from tests.include.results.nights import live

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SUITES = ("hubspot_contacts", "shopify_orders", "files_orders")
NIGHTS = 30
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def folder(
    postgres: EmbeddedPostgres, databases: Databases, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Pages of some suites with a month of nights each."""
    path, name = tmp_path_factory.mktemp("results"), databases.lend()
    with warehouse.connect(postgres.url(name, role=template)) as conn:
        live(conn, path, SUITES, NIGHTS)
        draw.draw_all(conn, PageFolder(str(path)), most=2)
    databases.take_back(name)
    yield path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"no browser is installed: none of {', '.join(BROWSERS)} is on the path")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """Every address the browser asked."""
    return []


@pytest.fixture
def page(browser: Browser, asked: list[str]) -> Iterator[Page]:
    context = browser.new_context(viewport=DESK, java_script_enabled=False)  # type: ignore[arg-type]
    shown = context.new_page()
    shown.on("request", lambda request: asked.append(request.url))
    yield shown
    context.close()


def keep(page: Page, name: str) -> None:
    """Screenshots for people, where PAGES_SHOTS names a folder."""
    if folder := os.environ.get("PAGES_SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def newest(folder: Path, suite: str) -> Path:
    return sorted(path for path in (folder / suite).glob("2*.html"))[-1]


def test_every_page_fits_every_screen_reads_well_by_day_and_night_and_asks_no_other_host(
    page: Page, folder: Path, asked: list[str]
) -> None:
    for path in (folder / "index.html", folder / SUITES[0] / "index.html", newest(folder, SUITES[0])):
        page.goto(path.as_uri())
        assert page.locator("h1").is_visible()
        shades = set()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            for size in (DESK, PHONE):
                page.set_viewport_size(size)  # type: ignore[arg-type]
                keep(page, f"{path.parent.name}-{path.stem[:5]}-{size['width']}-{scheme}")
                assert page.evaluate(TOO_WIDE) <= 0, (path.name, size)
            seen = page.evaluate(CONTRASTS)
            shades.add(seen["page"])
            assert min(seen["contrasts"]) >= 4.5, (path.name, scheme)  # WCAG 2.2, AA
        assert len(shades) == 2
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}


def test_a_reader_gets_from_the_index_to_what_is_to_be_done(page: Page, folder: Path) -> None:
    page.goto((folder / "index.html").as_uri())
    page.get_by_role("link", name="hubspot_contacts").first.click()
    assert page.get_by_role("heading", name="hubspot_contacts").is_visible()
    page.get_by_role("row").filter(has_text="2026-11-22 03:04").get_by_role("link").first.click()
    assert page.get_by_role("columnheader", name="what to do next").is_visible()
    page.get_by_role("link", name="Data quality").click()
    assert page.get_by_role("heading", name="Data quality").is_visible()


def test_a_chart_says_in_words_what_it_shows(page: Page, folder: Path) -> None:
    page.goto((folder / SUITES[0] / "index.html").as_uri())
    labels = [chart.get_attribute("aria-label") for chart in page.get_by_role("img").all()]
    assert [label.split(" ")[0] for label in labels if label] == ["Rules", "Rows", "Share"]
    assert page.locator(".card svg title").count() == 3 * NIGHTS
    # A keyboard meets each check once, in the table: what lies in an image has no name there.
    assert page.locator('svg a:not([tabindex="-1"])').count() == 0
    assert page.get_by_role("rowheader").get_by_role("link").count() == NIGHTS


CONTRASTS = """
() => {
    const parts = (text) => text.match(/[0-9.]+/g).map(Number)
    const luminance = (text) => {
        const [r, g, b] = parts(text).slice(0, 3).map((c) => c / 255).map((c) =>
            c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const behind = (element) => {
        const colour = getComputedStyle(element).backgroundColor
        return parts(colour)[3] === 0 && element.parentElement ? behind(element.parentElement) : colour
    }
    const contrast = (element) => {
        const [a, b] = [luminance(getComputedStyle(element).color), luminance(behind(element))].sort((x, y) => y - x)
        return (a + 0.05) / (b + 0.05)
    }
    const read = [...document.querySelectorAll("h1, p, th, td, a, small, .pill, .tile b, .tile span")]
    return { page: getComputedStyle(document.body).backgroundColor, contrasts: read.map(contrast) }
}
"""
