"""A headless Chromium with the page of a synthetic store. Without Chromium tests skip, in CI they fail."""

import os
import shutil
from pathlib import Path

import pytest
from page_rows import store_of_everything
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from reports.build import build

OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--force-prefers-reduced-motion",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)


@pytest.fixture(scope="session")
def chromium():
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (browser and driver):
        if os.environ.get("CI") == "true":
            pytest.fail("no chromium and chromedriver: .ci/run installs them")
        pytest.skip("no chromium and chromedriver (Debian: chromium, chromium-driver)")
    options = Options()
    for option in OPTIONS:
        options.add_argument(option)
    options.binary_location = browser
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options=options, service=Service(driver)) as opened:
        yield opened


@pytest.fixture(scope="session")
def report(tmp_path_factory) -> Path:
    """The page of a store with names that are HTML, infinite numbers, and a cell that failed."""
    folder = tmp_path_factory.mktemp("store")
    return build(store_of_everything(folder), tmp_path_factory.mktemp("report"), formats=("png",))[0]


@pytest.fixture
def page(chromium, report):
    """The page, freshly opened from disk in a wide window."""
    chromium.set_window_size(1280, 900)
    chromium.get(report.as_uri())
    chromium.get_log("browser")
    chromium.refresh()
    return chromium
