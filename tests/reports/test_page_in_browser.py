"""The page in a real browser, from disk: sorting, filters, columns and data work, and no request leaves it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fusebench.reports.write import write_report

CHROMIUM, DRIVER = shutil.which("chromium") or shutil.which("chromium-browser"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        (CHROMIUM is None or DRIVER is None) and not os.environ.get("FUSEBENCH_REQUIRE_BROWSER"),
        reason="needs chromium and chromedriver",
    ),
]


@pytest.fixture(scope="module")
def page(kit, tmp_path_factory) -> Path:
    return write_report(kit.synthetic(kit.TASKS[:2], kit.METHODS[:14]), tmp_path_factory.mktemp("page"))


def start(folder: Path) -> Any:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (
        "headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "no-first-run", "disable-quic",
        "disable-background-networking", "disable-component-update", "disable-sync", f"user-data-dir={folder}",
    ):  # fmt: skip
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(str(DRIVER)))


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Any]:
    driver = start(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, page):
    browser.set_window_size(1300, 1000)
    browser.get(page.as_uri())
    return browser


def all_of(browser, selector: str) -> list[Any]:
    return browser.find_elements("css selector", selector)


def one(browser, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def script(browser, text: str, *arguments: Any) -> Any:
    return browser.execute_script(text, *arguments)


def values(browser, title: str) -> list[float | None]:
    """The numbers of a column of the survey's methods, from top to bottom."""
    return script(
        browser,
        """
        const table = document.querySelector(".survey-view figure:not([hidden]) table");
        const heads = [...table.querySelectorAll(".heads th")];
        const at = heads.findIndex((h) => h.textContent.trim().startsWith(arguments[0]));
        return [...table.querySelectorAll("tbody.method tr:not(.role)")]
          .map((row) => row.children[at].dataset.v).map((v) => v ? +v : null);
        """,
        title,
    )


def press(browser, title: str) -> None:
    for button in all_of(browser, ".survey-view figure:not([hidden]) .heads button"):
        if button.text.startswith(title):
            button.click()
            return
    raise AssertionError(title)


def test_nothing_leaves_the_page_and_nothing_fails(opened) -> None:
    messages = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    # The browser's own empty page comes before ours.
    inside = ("file:", "data:", "blob:", "chrome:", "chrome-untrusted:")
    assert [url for url in asked if not url.startswith(inside)] == []
    assert {url for url in asked if url.startswith("file:")} == {opened.current_url}
    assert [entry for entry in opened.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []


def test_a_press_sorts_and_another_turns_the_order(opened) -> None:
    press(opened, "Log-loss")
    found = values(opened, "Log-loss")
    known = [v for v in found if v is not None]
    assert known == sorted(known)
    assert found == known + [None] * (len(found) - len(known))  # empty cells last
    head = one(opened, '.survey-view th[aria-sort="ascending"]')
    assert head.text.startswith("Log-loss")
    press(opened, "Log-loss")
    turned = values(opened, "Log-loss")
    assert [v for v in turned if v is not None] == known[::-1]
    assert turned[len(known) :] == [None] * (len(found) - len(known))


def test_the_keyboard_is_enough(opened) -> None:
    from selenium.webdriver.common.keys import Keys

    button = next(b for b in all_of(opened, ".survey-view .heads button") if b.text.startswith("Fit"))
    script(opened, "arguments[0].focus()", button)
    button.send_keys(Keys.ENTER)
    assert one(opened, ".survey-view th[aria-sort]").text.startswith("Fit")
    button.send_keys(Keys.SPACE)
    assert one(opened, ".survey-view th[aria-sort]").get_attribute("aria-sort") == "descending"
    summary = one(opened, ".survey-view .columns summary")
    summary.send_keys(Keys.ENTER)
    box = one(opened, ".survey-view .columns input")
    before = box.is_selected()
    box.send_keys(Keys.SPACE)
    assert box.is_selected() != before
    outline = script(opened, "return getComputedStyle(arguments[0]).outlineStyle", box)
    assert outline != "none"


def test_filters_by_family_and_fusion(opened) -> None:
    from selenium.webdriver.support.ui import Select

    family = Select(one(opened, ".by-family"))
    family.select_by_value("kernel")
    shown = [r for r in all_of(opened, ".survey-view tr[data-family]") if r.is_displayed()]
    assert {row.get_attribute("data-family") for row in shown} == {"kernel"}
    assert one(opened, ".shown").text.startswith(f"{len(shown)} of ")
    Select(one(opened, ".by-fusion")).select_by_value("late")
    assert one(opened, ".shown").text.startswith("0 of ")
    family.select_by_value("")
    shown = [r for r in all_of(opened, ".survey-view tr[data-family]") if r.is_displayed()]
    assert {row.get_attribute("data-fusion") for row in shown} == {"late"}


def test_a_task_takes_the_place_of_the_survey(opened) -> None:
    from selenium.webdriver.support.ui import Select

    task = Select(one(opened, ".by-task"))
    whole = values(opened, "Log-loss")
    task.select_by_visible_text("Breast cancer")
    own = values(opened, "Log-loss")
    assert own != whole
    press(opened, "Log-loss")
    assert [v for v in values(opened, "Log-loss") if v is not None] == sorted(v for v in own if v is not None)
    Select(one(opened, ".by-family")).select_by_value("neural")
    assert one(opened, ".shown").text.startswith(("2 of ", "3 of "))
    task.select_by_value("")
    assert len(all_of(opened, ".survey-view figure")) == 1
    assert sorted(map(str, values(opened, "Log-loss"))) == sorted(map(str, whole))


def test_columns_are_chosen(opened) -> None:
    def visible() -> list[str]:
        return [h.text.split("\n")[0] for h in all_of(opened, ".survey-view .heads th") if h.is_displayed()]

    few = visible()
    one(opened, ".survey-view .all-columns").click()
    assert len(visible()) > len(few)
    one(opened, ".survey-view .all-columns").click()
    assert visible() == few
    one(opened, ".survey-view .columns summary").click()
    label = next(e for e in all_of(opened, ".survey-view .columns label") if e.text == "Macro F1")
    label.click()
    assert any(text.startswith("Macro F1") for text in visible())
    label.click()
    assert visible() == few


def test_the_data_of_a_figure_are_a_click_away(opened, page) -> None:
    details = one(opened, "#survey details.data")
    script(opened, "arguments[0].scrollIntoView()", details)
    details.find_element("css selector", "summary").click()
    text = details.find_element("css selector", "pre").text
    name = details.get_attribute("data-file")
    stored = (page.parent / "figures" / name).read_text().splitlines()
    assert text.splitlines()[0] == stored[0]
    assert details.find_element("css selector", "button").text == "Save as CSV"


def test_every_picture_is_described(opened) -> None:
    pictures = all_of(opened, "figure svg[role=img]")
    assert len(pictures) > 10
    assert all(len(picture.get_attribute("aria-label")) > 20 for picture in pictures)


def test_a_narrow_screen_scrolls_tables_and_not_the_page(opened) -> None:
    opened.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    )
    try:
        wide = script(opened, "return document.documentElement.scrollWidth")
        assert wide <= 390
        assert one(opened, ".survey-view .scroll").size["width"] <= 390
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
