"""Report and comparison as people open them: in a browser, light and dark, on paper and on a phone."""

import base64
import io
import re
import unicodedata
from xml.etree import ElementTree

import pytest

import pcsim
from pcsim.report import write_folder
from pcsim.report.comparison import compare_runs
from pcsim.report.stored import load_run
from tests.helpers.browser import chromium, missing

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(missing()), reason=missing() or "there is a browser"),
]
INK_LIGHT, INK_DARK = "rgb(27, 31, 36)", "rgb(230, 237, 243)"


def small_run(folder, *overrides):
    quick = ("training.epochs=2", "training.seeds=2", "network.layers=[64, 90, 40, 10]")
    hardware = pcsim.load_hardware("tile64", overrides=overrides)
    verdict = pcsim.run(hardware, pcsim.load_workload("digits", overrides=quick), record=True)
    text = f"tiles: {{mesh: [8, 8]}}\nchanged: {list(overrides)}\n---\nname: digits\n"
    return write_folder(verdict, folder, config_text=text, provenance={})


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The folders of a run and of a comparison of two."""
    folder = tmp_path_factory.mktemp("pages")
    run, other = small_run(folder / "run"), small_run(folder / "other", "noc.link=4 B/cycle")
    compared = compare_runs([load_run(run), load_run(other)], folder / "comparison")
    return {"run": run, "comparison": compared}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


@pytest.fixture(params=["run", "comparison"])
def page(request, pages, browser):
    """(the browser with a page open, the page's folder)"""
    return opened(browser, pages[request.param]), pages[request.param]


def opened(browser, folder, *, width=1100, **media):
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {
            "media": media.get("media", ""),
            "features": [{"name": "prefers-color-scheme", "value": media.get("scheme", "light")}],
        },
    )
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 1400, "deviceScaleFactor": 1, "mobile": False},
    )
    browser.get_log("browser")
    browser.get((folder / "report.html").as_uri())
    return browser


def test_it_opens_without_a_word_on_the_console(page):
    browser, _ = page
    assert browser.get_log("browser") == []


def test_every_figure_is_visible_with_its_letters(page):
    browser, folder = page
    boxes = browser.execute_script(
        """return [...document.querySelectorAll("figure")].map(figure => {
          const drawing = figure.querySelector("svg"), box = drawing.getBoundingClientRect();
          const letters = [...drawing.querySelectorAll('use[href^="#g"]')].map(use => use.getBBox());
          return [figure.id, box.width, box.height, letters.length,
                  letters.filter(letter => letter.width * letter.height > 0).length];
        })"""
    )
    assert sorted(name for name, *_ in boxes) == sorted(
        path.stem for path in (folder / "figures").glob("*.svg")
    )
    for _, width, height, letters, drawn in boxes:
        assert width > 600 and height > 100
        # What is no shape is a space.
        assert letters > 20 and drawn / letters > 0.8


def test_a_click_on_a_head_sorts_and_a_second_one_turns_it_round(browser, pages):
    opened(browser, pages["run"])
    heads = [head.text for head in browser.find_elements("css selector", "table.sortable th")]
    for name, read in (("MACs", lambda text: int(text.replace(",", ""))), ("candidate", str)):
        column = next(at for at, head in enumerate(heads) if head.startswith(name))
        cells = f"table.sortable tbody tr td:nth-child({column + 1})"
        table = browser.find_element("css selector", "table.sortable")
        head = table.find_elements("tag name", "th")[column]
        for order in ("ascending", "descending"):
            head.find_element("tag name", "button").click()
            inside = cells.removeprefix("table.sortable ")
            shown = [read(cell.text) for cell in table.find_elements("css selector", inside)]
            assert shown == sorted(shown, reverse=order == "descending")
            assert len(set(shown)) > 1
            assert head.get_attribute("aria-sort") == order
    # Not by what is written, 2.5 pJ behind 163 fJ, but by what it is.
    prices = browser.find_elements("css selector", "table.sortable")[1]
    prices.find_elements("tag name", "button")[1].click()
    keys = [
        float(row.find_elements("tag name", "td")[1].get_attribute("data-key"))
        for row in prices.find_elements("css selector", "tbody tr")
    ]
    assert keys == sorted(keys) and len(set(keys)) > 5


def downloaded(browser, link, folder, name):
    from selenium.webdriver.support.ui import WebDriverWait

    path = folder / name
    path.unlink(missing_ok=True)
    browser.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)}
    )
    link.click()  # A person's: of clicks by script, a browser allows ten downloads.
    WebDriverWait(browser, 60).until(lambda _: path.is_file() and path.stat().st_size)
    return path.read_text()


def test_figures_and_their_numbers_can_be_saved_from_the_page_alone(page, tmp_path):
    browser, folder = page
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "report.html").write_bytes((folder / "report.html").read_bytes())
    opened(browser, alone, scheme="dark")
    for figure in browser.find_elements("tag name", "figure"):
        name = figure.get_attribute("id")
        link = figure.find_element("css selector", "a.csv")
        text = downloaded(browser, link, tmp_path, f"{name}.csv")
        assert text == (folder / "figures" / f"{name}.csv").read_text()
        link = figure.find_element("css selector", "a.svg")
        svg = downloaded(browser, link, tmp_path, f"{name}.svg")
        root = ElementTree.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg" and "var(" not in svg
        ids = set(re.findall(r'\bid="([^"]+)"', svg))
        references = set(re.findall(r'(?:href="|url\(&quot;|url\()#([^")&]+)', svg))
        assert references and references <= ids
        # The file in the folder draws the same, letter by letter and line by line.
        kept = (folder / "figures" / f"{name}.svg").read_text()
        assert svg.count("<use ") == kept.count("<use ")


def luminance(colour):
    def linear(part):
        share = int(part) / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = map(linear, re.findall(r"\d+", colour)[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """The ratio that WCAG 2 defines; 4.5 is its least for text."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("scheme", "ink"), [("light", INK_LIGHT), ("dark", INK_DARK)])
def test_all_text_stands_out_from_the_paper(browser, pages, scheme, ink):
    for folder in pages.values():
        opened(browser, folder, scheme=scheme)
        paper, texts, letters = browser.execute_script(
            """const said = element => getComputedStyle(element);
            const texts = "h1, h2, p, li, td, th, figcaption, a, dt, dd, pre, summary";
            const groups = [...document.querySelectorAll('figure use[href^="#g"]')].map(use => use.parentNode);
            return [said(document.body).backgroundColor,
                    [...new Set([...document.querySelectorAll(texts)].map(at => said(at).color))],
                    [...new Set(groups.map(group => said(group).fill))]];"""
        )
        assert ink in texts and ink in letters
        for colour in (*texts, *letters):
            assert contrast(colour, paper) >= 4.5


def test_it_prints_on_a4_light_and_whole(page):
    import pypdf

    browser, folder = page
    opened(browser, folder, scheme="dark")
    printed = browser.execute_cdp_cmd(
        "Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True}
    )
    pdf = pypdf.PdfReader(io.BytesIO(base64.b64decode(printed["data"])))
    for sheet in pdf.pages:
        width, height = (float(side) * 25.4 / 72 for side in sheet.mediabox[2:])
        assert (round(width), round(height)) == (210, 297)
    # NFKC takes ligatures apart.
    text = unicodedata.normalize("NFKC", " ".join(sheet.extract_text() for sheet in pdf.pages))
    text = " ".join(text.split())
    for head in browser.find_elements("tag name", "h2"):
        assert head.text in text
    opened(browser, folder, width=688, media="print", scheme="dark")  # 182 mm between the margins
    paper, wide = browser.execute_script(
        """return [getComputedStyle(document.documentElement).getPropertyValue("--paper"),
        [...document.querySelectorAll("table, figure, pre")].filter(
          element => element.getBoundingClientRect().right > innerWidth).length]"""
    )
    assert paper == "#ffffff"
    assert wide == 0


def test_on_a_phone_only_tables_scroll_sideways(page):
    browser, folder = page
    opened(browser, folder, width=390)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
