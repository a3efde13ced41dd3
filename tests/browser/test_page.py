"""The page in a real browser: what a person does with it."""

import base64
import re
from contextlib import contextmanager

import pytest
from axe_core_python.selenium import Axe
from page_rows import EVIL, TRACEBACK
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

pytestmark = pytest.mark.browser
VALUE = 7  # column of the leaderboard


def column(page, place, table="board"):
    rows = f"[...document.querySelectorAll('#{table} tbody tr')]"
    return page.execute_script(f"return {rows}.map(row => row.cells[{place}]?.textContent)")


def entries(page, place):
    """A column of the leaderboard without the cells that are opened below its entries."""
    rows = "[...document.querySelectorAll('#board > tbody > tr')].filter(row => row.querySelector('button.more'))"
    return page.execute_script(f"return {rows}.map(row => row.cells[{place}].textContent)")


def choose(page, selector, text):
    Select(page.find_element(By.CSS_SELECTOR, selector)).select_by_visible_text(text)


def until(page, holds):
    """Waits for what DataTables does after the event; fails if it does not."""
    WebDriverWait(page, 10).until(lambda _: holds())


def header(page, title):
    return page.find_element(By.XPATH, f"//table[@id='board']//th[contains(., '{title}')]")


def test_nothing_is_wrong_in_the_console_and_nothing_is_fetched(page):
    assert page.get_log("browser") == []
    fetched = page.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert [name for name in fetched if not name.startswith("data:")] == []


def test_names_that_are_html_are_text(page):
    choose(page, "select[data-facet=model]", EVIL)
    assert column(page, 2) == [EVIL]
    assert page.title == "hamiltonian-bench: report"
    assert page.find_elements(By.CSS_SELECTOR, "img[src=x]") == []


def test_sorts_by_value_both_ways_and_infinity_is_last(page):
    numbers = [float(text.split(" ")[0]) for text in column(page, VALUE)]
    assert numbers == sorted(numbers)
    assert len(numbers) == 25
    header(page, "H").click()
    until(page, lambda: column(page, VALUE)[0] == "∞")
    header(page, "system").click()
    until(page, lambda: set(column(page, 1)[:20]) == {"double_well"})


def test_filters_by_system_model_length_and_metric(page):
    choose(page, "select[data-facet=system]", "henon_heiles")
    choose(page, "select[data-facet=model]", "shnn")
    assert len(column(page, 1)) == 5
    choose(page, "select[data-facet=seq_len]", "8")
    assert (column(page, 1), column(page, 2), column(page, 5)) == (["henon_heiles"], ["shnn"], ["8"])
    before = column(page, VALUE)
    choose(page, "#metric", "Error of H, SG (H)")
    assert column(page, VALUE) != before
    assert float(column(page, VALUE)[0].split()[0]) == pytest.approx(2 * float(before[0].split()[0]), rel=0.01)


def test_search_finds_names(page):
    page.find_element(By.CSS_SELECTOR, ".dt-search input").send_keys("escapes")
    assert column(page, 2) == ["escapes"]


def test_a_number_is_followed_to_its_cells_and_their_commands(page):
    page.find_element(By.CSS_SELECTOR, "#board button.more").click()
    child = page.find_element(By.CSS_SELECTOR, "#board .child")
    assert len(child.find_elements(By.CSS_SELECTOR, "tbody > tr")) == 3
    assert "python -m bench.run --grid paper --cell 0000000000000000 --out results/rerun" in child.text


def test_a_number_of_the_error_table_is_followed_to_the_cells_behind_it(page):
    choose(page, "select[data-facet=system]", "henon_heiles")
    row = page.find_element(
        By.XPATH, "//article[@id='error_table']//tr[td[1]='double_well'][td[2][contains(., 'shnn')]]"
    )
    link = row.find_elements(By.CSS_SELECTOR, "td a[href^='#cells/h_mae_sg/']")[0]
    told, model = link.text, row.find_elements(By.TAG_NAME, "td")[1].text.split(" ")[0]
    link.click()
    until(page, lambda: len(entries(page, VALUE)) == 1)
    assert (entries(page, 1), entries(page, 2)) == (["double_well"], [model])
    assert Select(page.find_element(By.ID, "metric")).first_selected_option.text == "Error of H, SG (H)"
    value, half = (float(part) for part in re.findall(r"[\d.]+(?:e-?\d+)?", entries(page, VALUE)[0]))
    mean, width, power = re.fullmatch(r"\(?([\d.]+) ± ([\d.]+)\)?(?:e(-?\d+))?.*", told).groups("0")
    assert (value, half) == pytest.approx((float(mean) * 10 ** int(power), float(width) * 10 ** int(power)), rel=0.02)
    child = page.find_element(By.CSS_SELECTOR, "#board .child")
    assert len(child.find_elements(By.CSS_SELECTOR, "tbody > tr")) == 3
    page.find_element(By.CSS_SELECTOR, "#followed button").click()
    until(page, lambda: len(entries(page, VALUE)) == 25)


def test_a_failed_cell_shows_its_reason_and_traceback(page):
    choose(page, "#status", "error")
    assert column(page, 5, "failed") == [EVIL]
    page.find_element(By.CSS_SELECTOR, "#failed button.more").click()
    assert page.find_element(By.CSS_SELECTOR, "#failed .child pre").get_property("textContent") == TRACEBACK
    choose(page, "#status", "skipped")
    assert column(page, 5, "failed") == ["the system is not separable"]


def test_links_of_the_contents_lead_somewhere(page):
    numbers = "[href^='#cells/']"  # lead to the leaderboard, see above
    links = page.find_elements(By.CSS_SELECTOR, f"nav[aria-label=Contents] a, main a[href^='#']:not({numbers})")
    assert len(links) > 5
    for link in links:
        target = link.get_attribute("href").partition("#")[2]
        assert page.find_elements(By.ID, target), target
    page.find_element(By.LINK_TEXT, "Provenance").click()
    assert page.current_url.endswith("#provenance")


def test_every_linked_file_is_there(page, report):
    files = page.find_elements(By.CSS_SELECTOR, "main a:not([href^='#'])")
    names = {link.get_dom_attribute("href") for link in files}
    assert "cells.csv" in names
    assert {name for name in names if not (report.parent / name).is_file()} == set()


def test_a_figure_is_enlarged_and_closed_with_the_keyboard(page):
    button = page.find_element(By.CSS_SELECTOR, "button.zoom")
    button.send_keys(Keys.ENTER)
    dialog = page.find_element(By.ID, "enlarged")
    assert dialog.is_displayed()
    image = dialog.find_element(By.TAG_NAME, "img")
    fitted = image.size["width"]
    page.find_element(By.ID, "scale").click()
    assert image.size["width"] == image.get_property("naturalWidth") >= fitted
    page.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not dialog.is_displayed()
    assert page.switch_to.active_element == button


def test_the_leaderboard_works_from_the_keyboard(page):
    first = column(page, VALUE)[0]
    heading = header(page, "H").find_element(By.CSS_SELECTOR, "[tabindex='0'], button")
    heading.send_keys(Keys.ENTER)
    until(page, lambda: column(page, VALUE)[0] != first)
    button = page.find_element(By.CSS_SELECTOR, "#board button.more")
    button.send_keys(Keys.SPACE)
    assert button.get_attribute("aria-expanded") == "true"


def test_the_first_tab_skips_to_the_content(page):
    page.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert page.switch_to.active_element.text == "Skip to the content"


@contextmanager
def screen(page, width: int, height: int, mobile: bool):
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        yield
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_on_a_laptop_the_leaderboard_needs_no_sideways_scrolling(page):
    with screen(page, 1200, 800, mobile=False):
        assert page.execute_script(
            "const around = document.querySelector('#leaderboard .scroll');"
            "return around.scrollWidth - around.clientWidth;"
        ) <= 0  # fmt: skip
        assert header(page, "variant").is_displayed()


def test_a_narrow_screen_needs_no_sideways_scrolling(page):
    with screen(page, 360, 740, mobile=True):
        assert page.execute_script("return document.documentElement.scrollWidth") == 360
        assert not header(page, "variant").is_displayed()
        assert header(page, "H").is_displayed()


def test_prints_without_what_only_a_screen_can_use(page):
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        for selector in ("nav[aria-label=Contents]", ".filters", ".dt-paging", "button.more"):
            assert not page.find_element(By.CSS_SELECTOR, selector).is_displayed(), selector
        assert page.find_element(By.CSS_SELECTOR, "#board").is_displayed()
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    pdf = base64.b64decode(page.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert pdf.startswith(b"%PDF")


def test_accessible_by_axe_contrast_included(page):
    page.find_element(By.CSS_SELECTOR, "#board button.more").click()
    found = Axe().run(page)
    assert "color-contrast" in {rule["id"] for rule in found["passes"]}
    assert [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in found["violations"]] == []
