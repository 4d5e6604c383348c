"""The HTML report in a real browser: what a reader does with it, and what it must never do."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from typing import Any

import pytest

from runner.views.formats.html.page import render
from tests.htmlreports import every_status, large, order, report

SEVEN = render(
    report([order(number, status) for number, status in enumerate(["placed"] * 5 + ["rejected", "unknown"])])
)
SHOWN = "return [...document.querySelectorAll('#table > tbody')].filter(one => !one.hidden).map(one => one.id)"
ENTER, ARROW_DOWN, END, TAB = "\ue007", "\ue015", "\ue010", "\ue004"
HOSTILE = "</noscript></td></table><script>document.title='owned'</script><img src=/evil onerror=\"document.title='owned'\">\u202e"


@pytest.fixture(scope="module")
def thousands() -> str:
    return render(large())


def visible_names(browser: Any) -> list[str]:
    """The names of the orders one can see, from the top."""
    found: list[str] = browser.js(SHOWN)
    return [one.rpartition("-")[2] for one in found]


def search(browser: Any, words: str) -> None:
    """Typed into the search field; the page answers in the next frame."""
    field = browser.one("#search")
    field.clear()
    field.send_keys(words)
    settle(browser)


def settle(browser: Any) -> None:
    """Until what was started is drawn: a frame that may be under way, and the next one."""
    browser.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")


def press(browser: Any, selector: str) -> None:
    """A click, also on what a click of a pointer might miss."""
    browser.js("document.querySelector(arguments[0]).dispatchEvent(new MouseEvent('click', {bubbles: true}))", selector)


def test_columns_are_sorted_upwards_downwards_and_back(browser: Any) -> None:
    """A heading sorts by amount as numbers, says which way, and at the third press gives the manifests' order back."""
    totals = ("9.00", "10.50", "1000.00", "2.00")
    entries = [
        order(number, quote={"total": total, "currency": "USD", "at": "2026-11-23T02:14:07Z"})
        for number, total in enumerate(totals)
    ]
    entries.append(order(4, "refused", quote=None))
    browser.show("sort", render(report(entries)))
    heading = "#table thead .quoted"
    expected = {"ascending": "30124", "descending": "21034", None: "01234"}
    for way, numbers in expected.items():
        press(browser, f"{heading} button")
        assert browser.one(heading).get_attribute("aria-sort") == way
        assert visible_names(browser) == [f"000{number}" for number in numbers]


def test_a_filter_shows_the_orders_of_its_statuses(browser: Any) -> None:
    """Statuses can be combined; count, sums and pressed buttons say what is shown; released, all are back."""
    browser.show("filter", SEVEN)
    press(browser, ".chips [data-status=rejected]")
    assert visible_names(browser) == ["0005"]
    assert browser.one(".chips [data-status=rejected]").get_attribute("aria-pressed") == "true"
    press(browser, ".chips [data-status=unknown]")
    assert visible_names(browser) == ["0005", "0006"]
    assert browser.one("#count").text == "2 of 7 orders"
    assert browser.one("tfoot .quoted").text == "5.11"
    assert browser.one("tfoot .charged").text == "0.00"
    press(browser, ".chips [data-status=rejected]")
    press(browser, ".chips [data-status=unknown]")
    assert len(visible_names(browser)) == 7
    assert browser.one("tfoot .charged").text == "12.60"


def test_search_finds_what_stands_in_an_order(browser: Any) -> None:
    """All words must fit, in whatever case, also in details nobody opened; nothing found says so, with a way back."""
    browser.show("search", SEVEN)
    search(browser, "FOUND rejected")
    assert visible_names(browser) == ["0005"]
    search(browser, "2400003")
    assert visible_names(browser) == ["0003"]
    search(browser, "wide")  # a word of the page's own markup
    assert visible_names(browser) == []
    assert browser.one("#none").is_displayed()
    browser.one("#clear").click()
    assert len(visible_names(browser)) == 7
    assert browser.one("#count").get_attribute("role") == "status"


def test_a_deep_link_opens_its_order_and_puts_the_focus_there(browser: Any) -> None:
    """`#order-KEY` works on loading, on following a link of the page, and for an order that a filter hides."""
    entries = [order(number, key=f"crawl/lost#{number + 1}" if number else "crawl/lost") for number in range(60)]
    browser.show("deep", render(report(entries)), "#order-crawl/lost%2342")
    settle(browser)
    focus = "return document.activeElement.closest('tbody').id"
    assert browser.js(focus) == "order-crawl/lost#42"
    assert "price monitoring" in browser.one("tbody.open .detail").text
    assert browser.one("tbody.open .toggle").get_attribute("aria-expanded") == "true"
    assert [row for row in browser.all("tr.more") if row.is_displayed()] == [browser.one("tbody.open tr.more")]
    assert browser.one("tbody:not(.open) .toggle").get_attribute("aria-expanded") == "false"
    assert browser.js(
        "const box = document.activeElement.getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight"
    )
    search(browser, "2400001")
    browser.js("location.hash = '#order-crawl/lost%2310'")
    browser.driver.execute_async_script("setTimeout(arguments[0], 50)")
    assert browser.js(focus) == "order-crawl/lost#10"
    assert len(visible_names(browser)) == 60


def test_a_page_is_used_by_keyboard_alone(browser: Any) -> None:
    """The first stop skips to the orders; search, filters and headings follow; arrows walk the rows, enter opens one."""
    browser.show("keys", SEVEN)
    browser.keys(TAB)
    assert browser.js("return document.activeElement.className") == "skip"
    browser.keys(ENTER)
    stops = []
    for _ in range(5):
        browser.keys(TAB)
        stops.append(
            browser.js("const at = document.activeElement; return at.id || at.dataset.status || at.dataset.sort")
        )
    assert stops == ["search", "unknown", "rejected", "placed", "text"]
    outline = browser.js("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    browser.js("document.querySelector('.toggle').focus()")
    browser.keys(ARROW_DOWN)
    browser.keys(ENTER)
    assert browser.js("return document.querySelector('tbody.open').id") == "order-crawl/order-0001"
    browser.keys(END)
    assert browser.js("return document.activeElement.closest('tbody').id") == "order-crawl/order-0006"
    browser.keys(ENTER)
    browser.keys(ENTER)
    assert len(browser.all("tbody.open")) == 1


@pytest.mark.parametrize(
    ("name", "look"), [("every", "light"), ("every", "dark"), ("every", "phone"), ("many", "light")]
)
def test_axe_finds_nothing_to_object_to(browser: Any, axe: str, name: str, look: str) -> None:
    """By axe-core, contrast and best practices included, nobody is kept out, with details open and with a long time line."""
    browser.emulate(dark=look == "dark", width=390 if look == "phone" else 1280)
    page = render(every_status() if name == "every" else large(60))
    browser.show(f"axe-{name}", page, "#order-crawl/order-0004")
    press(browser, "tbody:nth-of-type(4) .toggle")
    browser.js(axe)
    found = browser.driver.execute_async_script("axe.run().then(arguments[0])")
    assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]] == []
    assert len(found["passes"]) > 20


def test_light_and_dark_follow_the_reader(browser: Any) -> None:
    """The page follows the system, and the button overrules it and is remembered."""
    ground = "return getComputedStyle(document.body).backgroundColor"
    browser.show("theme", SEVEN)
    light = browser.js(ground)
    browser.emulate(dark=True)
    dark = browser.js(ground)
    assert light != dark
    browser.one("#theme").click()
    assert browser.js(ground) == light
    assert browser.one("#theme").text == "Theme: light"
    browser.show("theme", SEVEN)
    assert browser.js(ground) == light
    browser.one("#theme").click()
    browser.emulate(dark=False)
    assert browser.js(ground) == dark
    browser.one("#theme").click()
    assert browser.js(ground) == light


def test_paper_gets_details_and_no_controls(browser: Any) -> None:
    """Printed, every order of a small report is unfolded, buttons are gone and colours are those of paper; then it folds again."""
    browser.show("print", SEVEN)
    browser.emulate(dark=True, media="print")
    browser.js("dispatchEvent(new Event('beforeprint'))")
    assert len(browser.all("tbody.open .detail")) == 7
    assert not any(browser.one(selector).is_displayed() for selector in (".controls", ".toggle", "#theme", ".skip"))
    assert browser.js("return getComputedStyle(document.body).color") == "rgb(26, 32, 41)"
    browser.js("dispatchEvent(new Event('afterprint'))")
    assert browser.all("tbody.open") == []
    printed = base64.b64decode(browser.driver.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert printed.startswith(b"%PDF")


def test_a_long_report_is_printed_with_the_details_that_matter(browser: Any, thousands: str) -> None:
    """Of two thousand orders only those that need somebody are unfolded on paper."""
    browser.show("paper", thousands)
    browser.js("dispatchEvent(new Event('beforeprint'))")
    assert len(browser.all("tbody.open")) == 20
    assert {row.get_attribute("data-status") for row in browser.all("tbody.open")} == {"rejected"}


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext (Debian: poppler-utils)")
def test_every_printed_page_of_a_long_table_has_its_head(browser: Any) -> None:
    """On paper the table's head is above its rows again on each page."""
    browser.show("pages", render(large(200)))
    printed = base64.b64decode(browser.driver.execute_cdp_cmd("Page.printToPDF", {})["data"])
    told = subprocess.run(["pdftotext", "-layout", "-", "-"], input=printed, capture_output=True, check=True)
    pages = [page for page in told.stdout.decode().split("\f") if "crawl/order-" in page]
    assert len(pages) > 3
    heads = [re.search(r"Order +Type +Status +Quoted +Charged +Vendor.s order +Tried", page) for page in pages]
    assert all(heads)


def test_two_thousand_orders_stay_light(browser: Any, thousands: str) -> None:
    """Details are no elements until they are opened, and a search touches no row that stays as it is."""
    browser.show("large", thousands)
    count = "return document.querySelectorAll('*').length"
    before = browser.js(count)
    assert before < 20 * 2000
    assert browser.all(".detail") == []
    browser.js(
        "window.changes = 0; new MutationObserver(all => { window.changes += all.length })"
        ".observe(document.getElementById('table'), {subtree: true, attributes: true, childList: true})"
    )
    search(browser, "order-1999")
    assert visible_names(browser) == ["1999"]
    first = browser.js("return window.changes")
    assert first <= 2000 + 5 * len("order-1999")  # a busy machine may search at each letter, and hides each row once
    search(browser, "order-1999 found")
    assert browser.js("return window.changes") - first <= 2 * 1999 + 10  # clearing the field shows all in between
    press(browser, ".chips [data-status=rejected]")
    assert browser.one("#count").text == "1 of 2,000 orders"
    press(browser, "#order-crawl\\/order-1999 .toggle")
    assert browser.js(count) - before < 150
    press(browser, ".score rect[data-n='7']")
    browser.driver.execute_async_script("setTimeout(arguments[0], 50)")
    assert browser.js("return document.activeElement.closest('tbody').id") == "order-crawl/order-0007"


def test_a_page_is_read_without_javascript(browser: Any) -> None:
    """With scripts off every detail is in the page, no dead control is, and the table is whole."""
    browser.emulate(scripts=False)
    browser.show("plain", SEVEN)
    text = browser.one("body").text
    browser.emulate()
    assert text.count("Request to the vendor") == 7
    assert "found: rejected" in text
    assert "Search" not in text
    assert "Theme" not in text


@pytest.mark.parametrize("width", [320, 390, 768, 2400])
def test_a_page_fits_every_screen(browser: Any, width: int) -> None:
    """Nothing sticks out at the side, from a small phone to a wide screen, with very long words in an open order."""
    long = order(
        1, "rejected", reason="w" * 500, request={"customTargetName": "x" * 500}, evidence={"y" * 200: "z" * 900}
    )
    browser.emulate(width=width)
    browser.show("fits", render(report([order(0), long])), "#order-crawl/order-0001")
    assert browser.js("return document.documentElement.scrollWidth <= innerWidth")
    hidden = "return [...document.querySelectorAll('#table > thead th')].filter(one => one.offsetWidth > 0).length"
    assert browser.js(hidden) == {320: 3, 390: 3, 768: 5, 2400: 7}[width]


def test_hostile_words_do_nothing_in_a_browser(browser: Any) -> None:
    """Markup in what a vendor says is text in rows, in opened details, and in what was searched; nothing is loaded by it."""
    hostile = order(
        0,
        "rejected",
        reason=HOSTILE,
        request={"customTargetName": HOSTILE},
        evidence={"body_head": HOSTILE, HOSTILE: [HOSTILE]},
    )
    browser.show("hostile", render(report([hostile, order(1)], not_checked=[HOSTILE])), "#order-crawl/order-0000")
    search(browser, "document.title='owned'</script>")
    assert visible_names(browser) == ["0000"]
    assert browser.js("return document.title") != "owned"
    assert browser.all("img, #table script") == []
    assert "<script>document.title" in browser.one(".open .detail").text


def test_a_smuggled_script_or_picture_would_be_stopped(browser: Any) -> None:
    """If markup got into the page after all, its policy would stop script, style, picture and form."""
    smuggled = (
        "<script>document.title='owned'</script><img src=/evil.png><style>h1{color:red}</style><p style='color:red'>"
    )
    browser.show("smuggled", SEVEN.replace("<main>", f"<main>{smuggled}"))
    assert browser.js("return document.title") != "owned"
    assert "/evil.png" not in browser.server.asked
    browser.requested()  # it wanted to
    assert len([one for one in browser.complaints() if "Content Security Policy" in one]) >= 4
