"""The page as a reader meets it, in a browser, and what must hold of its text whatever names hold."""

import base64
import json
import re
import shutil
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import pytest
from jinja2 import UndefinedError

from rcnnzoo.report.page import SECTIONS, embedded, render
from rcnnzoo.report.tables import macs
from tests.report import documents

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1400,1000")


class Elements(HTMLParser):
    """The elements of a page, as (tag, attributes)."""

    def __init__(self, page):
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


# ---- Without a browser


@pytest.mark.parametrize("name", [documents.HOSTILE, "</script>", "<!--", "a\u2028b\u2029c", "&lt;"])
def test_embedded_json_cannot_leave_its_element(name):
    text = embedded({name: [name]})
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == {name: [name]}


def test_a_number_that_json_does_not_know_is_refused():
    with pytest.raises(ValueError, match="Out of range"):
        embedded(float("nan"))


def test_a_missing_value_is_an_error_and_not_an_empty_place():
    document = documents.full()
    del document["claims"][0]["why"]
    with pytest.raises(UndefinedError, match="why"):
        render(document)


@pytest.mark.parametrize("document", [documents.full(), documents.hostile(), documents.empty()])
def test_nothing_is_loaded_and_only_our_script_runs(document):
    elements = Elements(render(document)).found
    links = [
        value for tag, attributes in elements for key, value in attributes.items() if key in ("src", "href", "data")
    ]
    assert links
    assert all(link and link.startswith(("#", "data:")) for link in links)
    assert [attributes for tag, attributes in elements if tag == "script"] == [
        {"type": "application/json", "id": "data"},
        {},
    ]
    assert not [key for tag, attributes in elements for key in attributes if key.startswith("on") or key == "style"]
    (policy,) = [attributes["content"] for _, attributes in elements if "http-equiv" in attributes]
    assert policy
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy


def test_a_picture_that_is_not_in_the_page_is_not_asked_for():
    document = documents.full()
    document["images"]["images"][1]["picture"] = "https://example.org/tracker.png"
    page = render(document)
    assert "example.org" not in page
    assert page.count("No picture") == 3


def test_text_that_no_encoding_can_write_is_replaced():
    assert "a?b" in render(documents.full() | {"title": "a\udc80b"})


@pytest.mark.parametrize(
    ("missing", "sections"),
    [
        ({}, set()),
        ({"claims": []}, {"claims"}),
        ({"accuracy": {"tables": [], "matrix": None}}, {"accuracy"}),
        ({"sat": None}, {"sat", "reaction-times"}),
        ({"by_step": None, "training": {"charts": [], "tables": []}}, {"by-step", "training"}),
        ({"images": None, "people": []}, {"images", "people"}),
    ],
)
def test_sections_without_data_are_left_out_here_and_in_the_contents(missing, sections):
    elements = Elements(render(documents.full() | missing)).found
    expected = [name for name in SECTIONS if name not in sections]
    assert [attributes["id"] for tag, attributes in elements if tag == "section"] == expected
    links = [attributes["href"] for tag, attributes in elements if tag == "a"]
    assert [link for link in links if link in {f"#{name}" for name in SECTIONS}][: len(expected)] == [
        f"#{name}" for name in expected
    ]


# ---- In a browser


@pytest.fixture(scope="module")
def browser():
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if not CHROMIUM or not DRIVER:
        pytest.skip("Chromium and its driver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in OPTIONS:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    for name in ("full", "hostile", "empty", "beyond"):
        (folder / f"{name}.html").write_text(render(getattr(documents, name)()), encoding="utf-8")
    return folder


@pytest.fixture
def visit(browser, pages):
    """Opens a page in a window of a width and a scheme of colours; afterwards, nothing may have gone wrong."""

    def go(name="full", width=1400, scheme="light", media=""):
        size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
        browser.get((pages / f"{name}.html").as_uri())
        return browser

    browser.get_log("browser"), browser.get_log("performance")
    yield go
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"}
    assert {url for url in asked if not url.startswith("data:")} <= {path.as_uri() for path in pages.iterdir()}


def script(browser, text, *arguments) -> Any:
    return browser.execute_script(f"return {text}", *arguments)


def texts(browser, selector) -> Any:
    return script(browser, "[...document.querySelectorAll(arguments[0])].map(one => one.textContent)", selector)


def pick(browser, box, text):
    from selenium.webdriver.support.select import Select

    Select(browser.find_element("id", box)).select_by_visible_text(text)


def reading(browser):
    return dict(zip(texts(browser, "#reading dt"), texts(browser, "#reading dd"), strict=True))


def place_of(browser):
    """Where the slider stands: the index of a point of the curve of the network in focus."""
    return int(script(browser, "document.getElementById('threshold').value"))


def curve_of(network, policy="entropy", readout="cumulative"):
    curves = documents.full()["sat"]["curves"]
    return next(c for c in curves if (c["network"], c["policy"], c["readout"]) == (network, policy, readout))


def expected(curve, i, unit="nats"):
    percent = "{:.1f}\xa0%".format
    threshold = curve["threshold"][i]
    stops = "every image stops at step 1" if i == 0 else "no image stops early"
    return {
        "Network": curve["network"],
        "Threshold": f"infinite ({stops})" if threshold is None else f"{threshold:.4g}\xa0{unit}",
        "Accuracy": f"{percent(100 * curve['accuracy'][i])}"
        f"{percent(100 * curve['low'][i])} to {percent(100 * curve['high'][i])}",
        "Mean MACs": macs(curve["macs"][i]),
        "Mean time steps": f"{curve['steps'][i]:.4g} of {len(curve['shares'][i])}",
    }


def bars(browser):
    """What the table of the reaction times says, by network."""
    rows = script(
        browser,
        "[...document.querySelectorAll('#reaction-table tbody tr')].map(r => [...r.cells].map(c => c.textContent))",
    )
    return {name: [float(row[-1]) for row in rows if row[0] == name] for name in {row[0] for row in rows}}


def test_every_section_is_shown_and_every_chart_is_drawn_and_named(visit):
    browser = visit()
    assert texts(browser, "main h2") == list(SECTIONS.values())
    assert texts(browser, "h1") == ["Recurrence against depth on ecoset"]
    names = script(
        browser, "[...document.querySelectorAll('.canvas')].map(c => c.querySelector('svg[role=img]')?.ariaLabel)"
    )
    assert len(names) == 1 + 1 + 2 + 6 + 2  # sat, reaction times, lines, images, people
    assert all(names)
    assert script(browser, "[...document.querySelectorAll('.canvas')].every(c => c.querySelector('path, rect'))")
    assert not script(browser, "document.getElementById('main').innerHTML.match(/NaN|undefined|Infinity/)?.index")
    closest = (
        "[...document.querySelectorAll('.canvas')].every(c => c.closest('section').querySelector('details.data table'))"
    )
    assert script(browser, closest)
    assert texts(browser, ".verdict") == ["holds", "does not hold", "undecided", "not tested"]


def test_an_empty_document_is_a_page_too(visit):
    browser = visit("empty")
    assert texts(browser, "main h2") == ["Settings and how to cite"]
    assert script(browser, "document.querySelectorAll('svg').length") == 0


@pytest.mark.parametrize("readout", documents.READOUTS)
@pytest.mark.parametrize(("policy", "unit"), [tuple(one.values()) for one in documents.POLICIES])
def test_policy_readout_and_slider_choose_what_is_announced(visit, policy, unit, readout):
    from selenium.webdriver.common.keys import Keys

    browser = visit()
    pick(browser, "policy", policy)
    pick(browser, "readout", readout)
    curve, start = curve_of("bl", policy, readout), place_of(browser)
    assert reading(browser) == expected(curve, start, unit)
    slider = browser.find_element("id", "threshold")
    for keys, i in (([Keys.ARROW_RIGHT] * 2, start + 2), ([Keys.END], 12), ([Keys.HOME], 0)):
        slider.send_keys(*keys)
        assert reading(browser) == expected(curve, i, unit)
        assert bars(browser)["bl"] == [round(100 * share, 1) for share in curve["shares"][i]]
        assert slider.get_attribute("aria-valuetext") == expected(curve, i, unit)["Threshold"]
    shown = script(
        browser, "[...document.querySelectorAll('details[data-policy]')].filter(d => !d.hidden)[0].textContent"
    )
    assert f"{policy}, {readout} readout" in shown
    assert script(browser, "document.getElementById('reading').getAttribute('aria-live')") == "polite"


def test_another_policy_keeps_the_cost_that_was_chosen(visit):
    browser = visit()
    browser.execute_script(
        "const s = document.getElementById('threshold'); s.value = 10; s.dispatchEvent(new Event('input'))"
    )
    pick(browser, "policy", "max-prob")
    assert place_of(browser) == 10


def test_another_network_is_read_with_the_keyboard_or_the_pointer(visit):
    from selenium.webdriver import ActionChains

    browser = visit()
    pick(browser, "focus", "b-k")
    one_step = {"Threshold": "any (one time step)", "Mean time steps": "1 of 1"}
    assert reading(browser) == expected(curve_of("b-k"), 0) | one_step
    assert not browser.find_element("id", "threshold").is_enabled()
    chart = browser.find_element("id", "sat-chart")
    for selector, network in ((".mark.c2", "b-f"), (".mark.c4", "bl")):
        mark = chart.find_elements("css selector", selector)[-2 if network == "bl" else 0]
        ActionChains(browser).move_to_element(mark).perform()
        assert reading(browser)["Network"] == network
    assert reading(browser) == expected(curve_of("bl"), place_of(browser))


def test_networks_can_be_left_out_and_the_cost_axis_changed(visit):
    browser = visit()
    count = "document.querySelectorAll('#sat-chart .c0').length"
    place = "document.querySelector('#sat-chart circle').cx.baseVal.value"
    assert script(browser, count) > 0
    before = script(browser, place)
    pick(browser, "axis", "logarithmic")
    assert script(browser, place) != before
    browser.find_element("css selector", "input[name=network][value='0']").click()
    assert script(browser, count) == 0
    assert "b, " not in texts(browser, "#reaction-note")[0]
    browser.find_element("css selector", "input[name=network][value='4']").click()
    assert script(browser, "document.querySelectorAll('#reaction-charts svg').length") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier(visit, scheme):
    pytest.importorskip("axe_core_python", reason="axe-core-python is not installed")
    browser = visit(scheme=scheme)
    browser.execute_script("document.querySelector('#reaction-times details').open = true")
    browser.execute_script((files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8"))
    closed = "{exclude: ['details:not([open]) > figure']}"  # nobody meets it, and it takes long
    run = f"axe.run({closed}, {{resultTypes: ['violations'], preload: false}}).then(arguments[0])"
    found = browser.execute_async_script(run)["violations"]
    grave = {v["id"]: [n["html"][:200] for n in v["nodes"]] for v in found if v["impact"] in ("serious", "critical")}
    assert grave == {}


def test_colours_follow_the_system_until_the_reader_chooses(visit):
    background = "getComputedStyle(document.body).backgroundColor"
    dark = script(visit(scheme="dark"), background)
    browser = visit(scheme="light")
    light = script(browser, background)
    assert dark != light
    button = browser.find_element("id", "scheme")
    for label, colour in (("Dark colours", dark), ("Light colours", light)):
        assert button.text == label
        button.click()
        assert script(browser, background) == colour


def test_hostile_names_are_shown_and_do_nothing(visit):
    browser = visit("hostile")
    document = documents.hostile()
    names = document["networks"]
    assert script(browser, "window.hacked === undefined")
    assert texts(browser, "h1") == [document["title"]]
    assert texts(browser, ".networks label span:last-child") == names
    assert reading(browser)["Network"] == names[-1]
    assert texts(browser, "#reaction-charts figcaption span") == [names[-1]]
    assert texts(browser, ".facts strong")[0] == document["images"]["images"][0]["label"]
    pick_last = "const s = document.getElementById('focus'); s.value = 0; s.dispatchEvent(new Event('change'))"
    browser.execute_script(pick_last)
    assert reading(browser)["Network"] == names[0]
    assert script(browser, "window.hacked === undefined")


@pytest.mark.parametrize("name", ["full", "hostile", "empty"])
@pytest.mark.parametrize("width", [400, 1400])
def test_the_page_is_never_wider_than_its_window(visit, name, width):
    browser = visit(name, width)
    browser.execute_script("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert script(browser, "document.documentElement.scrollWidth") <= width
    overlapping = """[...document.querySelectorAll('.canvas svg')].filter(one => {
        const box = one.getBoundingClientRect();
        return [...one.querySelectorAll('text')].some(text => {
            const inner = text.getBoundingClientRect();
            return inner.left < box.left - 2 || inner.right > box.right + 12 || inner.bottom > box.bottom + 2;
        });
    }).map(one => one.ariaLabel)"""
    assert script(browser, overlapping) == []


def copied(browser, selector):
    browser.execute_script("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    browser.execute_script(f"document.querySelector('{selector} > button').click()")
    return script(browser, "window.copied")


def test_a_table_is_copied_as_csv_in_full_and_without_formulas(visit):
    browser = visit()
    table = copied(browser, '[data-file="models.csv"]').split("\r\n")
    assert table[0] == "network,parameters,top-1 %,mean MACs per image,NLL (nats),note,difference,written"
    assert table[1] == 'b,11037768,52.25,1991000000.0,,"""a"", b",-0.5,-1.5'
    assert table[2] == "b-k,11037769,53.25,3982000000.0,2.123456,'+ seeds,-0.5,-1.5"
    assert table[6:] == [""]
    assert copied(browser, "[data-file=\"claims.csv\"]").split("\r\n")[1].split(",")[1:5] == [
        "holds", "bl above b-d by 2.1 %", "bl above b-d by 4.9 %", "'-0.3 to 6.2 %",
    ]  # fmt: skip
    bl = curve_of("bl")
    rows = copied(browser, '[data-file="reaction-times.csv"]').split("\r\n")
    assert float(rows[1].split(",")[-1]) == pytest.approx(100 * bl["shares"][place_of(browser)][0])
    assert texts(browser, "#said") == ["Copied"]


def test_without_a_clipboard_the_table_is_a_file(visit):
    browser = visit()
    found = browser.execute_async_script("""
        navigator.clipboard.writeText = async () => { throw new Error("not allowed"); };
        URL.createObjectURL = (blob) => { blob.text().then((text) => arguments[0]([window.file, text])); return "#"; };
        HTMLAnchorElement.prototype.click = function () { window.file = this.download; };
        document.querySelector('[data-file="by-step.csv"] > button').click();
    """)
    assert found[0] == "by-step.csv"
    assert found[1].startswith("step,top-1 %,ECE %\r\n1,40.0,3.25\r\n")


def test_a_matrix_is_copied_with_its_empty_half(visit):
    rows = copied(visit(), '[data-file="pairs.csv"]').split("\r\n")
    assert rows[0] == ",b-k,b-f,b-d,bl"
    assert rows[4] == 'b-d,,,,"p < 0.001 b-d right alone on 312 images, bl on 201"'


def test_without_scripts_the_tables_hold_everything(visit):
    browser = visit("empty")
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        visit()
        assert "The charts need JavaScript" in browser.find_element("css selector", "noscript").text
        hidden = [one for one in browser.find_elements("css selector", "button, select, input") if one.is_displayed()]
        assert hidden == []
        tables = browser.find_elements("css selector", "details[data-policy] summary")
        assert [table.is_displayed() for table in tables] == [True] * 4
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_an_interval_that_reaches_beyond_what_a_share_can_be_stays_in_its_chart(visit):
    browser = visit("beyond")
    outside = """[...document.querySelectorAll('.canvas svg')].filter(one => {
        const box = one.getBoundingClientRect();
        return [...one.querySelectorAll('path')].some(path => {
            const inner = path.getBoundingClientRect();
            return inner.top < box.top - 2 || inner.bottom > box.bottom + 2;
        });
    }).length"""
    assert script(browser, outside) == 0


@pytest.mark.parametrize("name", ["full", "hostile"])
def test_the_page_prints_without_controls_and_in_light_colours(visit, name):
    browser = visit(name)
    assert base64.b64decode(browser.print_page()).startswith(b"%PDF-")
    browser = visit(name, width=690, scheme="dark", media="print")
    assert script(browser, "document.documentElement.scrollWidth") <= 690
    assert script(browser, "getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    controls = browser.find_elements("css selector", "button, select, input, nav")
    assert not any(one.is_displayed() for one in controls)
    cut = "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth + 1).length"
    assert script(browser, cut) == 0


def test_the_keyboard_reaches_the_content_first(visit):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    browser = visit()
    ActionChains(browser).send_keys(Keys.TAB).perform()
    assert script(browser, "document.activeElement.textContent") == "Skip to the content"
    ActionChains(browser).send_keys(Keys.ENTER).perform()
    assert script(browser, "document.activeElement.id") == "main"
