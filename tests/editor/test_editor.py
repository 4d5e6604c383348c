"""What a person sees in an editor, as the real yaml-language-server answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.core.orders import PRODUCT_TYPES
from runner.core.schemas import load
from tests.editor.lsp import Server

ROOT = Path(__file__).resolve().parents[2]
MODELINE = "# yaml-language-server: $schema=schemas/manifest.schema.json\n"
HEAD = "apiVersion: orders/v1\nbatch: crawl\n"
WHOLE = "{name: fr, type: ipv4, country: FRA, period: 1 month, quantity: 10}"
OWN = {"generation", "enabled", "labels", "max_total"}


def order(*lines: str) -> str:
    """A manifest of one order."""
    return MODELINE + HEAD + "orders:\n  - " + "\n    ".join(lines)


def policy(text: str) -> str:
    return MODELINE.replace("manifest", "policy") + "apiVersion: policy/v1\n" + text


def place(text: str) -> tuple[str, int, int]:
    """The text without its `|`, and where that was: line and character from 0."""
    before, _, after = text.partition("|")
    return before + after, before.count("\n"), len(before) - before.rfind("\n") - 1


def offered(server: Server, text: str, path: str = "m.yaml") -> dict[str, str]:
    """What completion offers at the `|`, with the text that each would insert."""
    items = server.completion(path, *place(text))
    return {item["label"]: (item.get("textEdit") or {}).get("newText", item["insertText"]) for item in items}


def hover_text(server: Server, text: str) -> str:
    """What is shown over the `|`, without the line that names the schema's file."""
    return server.hover("m.yaml", *place(text)).partition("\n\nSource: ")[0]


def marked(server: Server, text: str, path: str = "m.yaml") -> list[tuple[str, str]]:
    """What is underlined, as `the line from there on` and the message."""
    lines = text.splitlines()

    def at(diagnostic: dict[str, Any]) -> str:
        start = diagnostic["range"]["start"]
        return lines[start["line"]][start["character"] :]

    return [(at(found), found["message"]) for found in server.diagnostics(path, text)]


@pytest.mark.parametrize("name", PRODUCT_TYPES)
def test_the_fields_of_a_type_are_offered_and_no_others(server: Server, name: str) -> None:
    """After `type`, completion offers each field that the type has, in both spellings, and none of another type."""
    found = offered(server, order("name: a", f"type: {name}", "|"))
    assert set(found) == set(load(name)["properties"]) - {"name", "type"}


def test_a_skeleton_starts_a_manifest(server: Server) -> None:
    """In an empty file the first thing offered is a manifest with all that every manifest needs."""
    items = server.completion("m.yaml", *place(MODELINE + "|"))
    assert items[0]["label"] == "Order manifest"
    assert items[0]["textEdit"]["newText"] == "apiVersion: orders/v1\nbatch: $1\norders:\n  - name: $2\n    type: $3"
    assert {item["label"] for item in items[1:]} == set(load("manifest")["properties"])


def test_a_new_order_begins_with_name_and_type(server: Server) -> None:
    """As long as there is no type, nothing but a name and a type is offered, and the two at once."""
    assert offered(server, order("|")) == {"Order": "name: $1\n  type: $2", "name": "name: ", "type": "type: "}
    assert set(offered(server, order("name: a", "|"))) == {"Order", "type"}


VALUES = [
    (("name: a", "type: |"), list(PRODUCT_TYPES)),
    (("name: a", "type: ipv6", "protocol: |"), ["HTTPS", "SOCKS5"]),
    (("name: a", "type: mobile", "mobileServiceType: |"), ["shared", "dedicated"]),
    (("name: a", "type: ipv4", "payment: |"), ["balance", "card"]),
    (("name: a", "type: ipv4", "generateAuth: |"), ["Y", "N"]),
    (("name: a", "type: ipv4", "auth:", "  mode: |"), ["login", "ip"]),
    (("name: a", "type: mix_isp", "period: |"), ["1 month", "3 months", "6 months", "12 months"]),
    (("name: a", "type: mobile", "periodId: |"), ["1w", "2w", "1m", "2m", "3m"]),
]


@pytest.mark.parametrize(("lines", "values"), VALUES, ids=lambda value: str(value[-1]))
def test_fixed_words_are_offered(server: Server, lines: tuple[str, ...], values: list[str]) -> None:
    """Where a field has fixed or usual words, all of them are offered."""
    assert set(offered(server, order(*lines))) == set(values)


def test_what_is_inserted_is_never_a_value_nobody_chose(server: Server) -> None:
    """A number that decides what is bought is inserted as 0, which is underlined; money in the quotes that it needs."""
    items = offered(server, order("name: a", "type: ipv4", "|"))
    assert items["countryId"] == "countryId: ${1:0}"
    assert items["quantity"] == "quantity: ${1:0}"
    assert items["max_total"] == 'max_total: "$1"'
    assert items["country"] == "country: "
    assert marked(server, order("name: a", "type: ipv4", "countryId: 0", "period: 1 month", "quantity: 1"))
    whole = offered(server, MODELINE + HEAD + "|")
    assert whole["defaults"].strip() == "defaults:"
    assert whole["buy_by"] == 'buy_by: "$1"'


@pytest.mark.parametrize("name", PRODUCT_TYPES)
def test_every_field_is_shown_with_title_meaning_and_example(server: Server, name: str) -> None:
    """Over each field of an order stands what it is, what it is for and how it is written, as Markdown."""
    fields = load(name)["properties"]
    sample = {"integer": "1", "boolean": "true", "object": "{}", "string": '"5"'}
    lines = [
        "name: a",
        f"type: {name}",
        *(f"{f}: {r.get('const') or sample[r['type']]}" for f, r in fields.items() if f not in ("name", "type")),
    ]
    whole = order(*lines)
    for field in sorted(set(fields) - {"type"}):
        text = hover_text(server, whole.replace(f" {field}:", f" {field[:1]}|{field[1:]}:", 1))
        title, _, rest = text.partition("\n\n")
        assert title == f"#### {fields[field]['title']}"
        assert rest.startswith(fields[field]["description"])
        assert f"Example: `{field}: " in rest


def test_a_field_with_fixed_values_explains_each(server: Server) -> None:
    """Over `paymentId` stands what each of its numbers means."""
    text = hover_text(server, order("name: a", "type: ipv4", "pay|mentId: 43"))
    assert "* `43`: The card stored on the account" in text
    assert "* `1`: The balance of the account; `payment: balance` in words." in text


WRONG = [
    (order(WHOLE[:-1] + ", quantiti: 1}"), "quantiti: 1}", "Property quantiti is not allowed."),
    (order(WHOLE[:-1] + ", protocol: HTTPS}"), "protocol: HTTPS}", "Property protocol is not allowed."),
    (order(WHOLE[:-1] + ", countryId: 5}"), "country: FRA, period: 1 month, quantity: 10, countryId: 5}", "`countryId` says it already: keep one of the two."),
    (order(WHOLE.replace("10", "ten")), "ten}", 'Incorrect type. Expected "integer".'),
    (order(WHOLE.replace("country", "countryId")), "FRA, period: 1 month, quantity: 10}", "A number that `order-runner reference ipv4` lists. In words it is `country: FRA`."),
    (order(WHOLE.replace("ipv4", "ipv5")), "ipv5, country: FRA, period: 1 month, quantity: 10}", 'Value is not accepted. Valid values: "ipv4", "isp", "mix", "mix_isp", "ipv6", "mobile", "resident".'),
    (order(WHOLE.replace("fr,", "Fr,")), "Fr, type: ipv4, country: FRA, period: 1 month, quantity: 10}", "Lower-case letters, digits, dot, underscore and hyphen, a letter or digit first; 63 characters at most."),
    (order(WHOLE[:-1] + ", max_total: 120}"), "120}", 'Money is quoted text with at most two decimals, like "120.00".'),
    (order(WHOLE[:-1] + ', max_total: "12,00"}'), '"12,00"}', 'Money is quoted text with at most two decimals, like "120.00".'),
    (order(WHOLE.replace("name: fr, ", "")), WHOLE.replace("name: fr, ", ""), 'Missing property "name".'),
    (order("name: fr"), "name: fr", 'Missing property "type".'),
    (order("name: fr", "type: resident"), "name: fr", "Missing: `tarifId` or `tariff`, here or in `defaults`."),
    (order(WHOLE.replace(", quantity: 10", "")), "{name: fr, type: ipv4, country: FRA, period: 1 month}", "Missing: `quantity`, here or in `defaults`."),
    (order("fr"), "fr", 'Incorrect type. Expected "Order".'),
    (MODELINE + HEAD, "apiVersion: orders/v1", 'Missing property "orders".'),
    (order(WHOLE).replace("orders/v1", "orders/v2"), "orders/v2", 'Value must be "orders/v1".'),
    (MODELINE + HEAD + "defaults: {period: 1 month, periodId: 1m}\n" + order(WHOLE).partition(HEAD)[2], "period: 1 month, periodId: 1m}", "`periodId` says it already: keep one of the two."),
    (policy("allow: {types: [ipv5]}"), "ipv5]}", 'Value is not accepted. Valid values: "ipv4", "isp", "mix", "mix_isp", "ipv6", "mobile", "resident".'),
    (policy('allow: {countries: [FRA, "561"]}'), '"561"]}', "A word like FRA or Europe mix; an id is a number without quotes."),
    (policy("budget: {}"), "budget: {}", "Property budget is not allowed."),
    (policy("budgets: {day: 120}"), "120}", 'Money is quoted text with at most two decimals, like "120.00".'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "at", "message"), WRONG, ids=range(len(WRONG)))
def test_a_mistake_is_underlined_once_with_what_to_write(server: Server, text: str, at: str, message: str) -> None:
    """One mistake is one underlined place: an unknown or missing field, another type's, a wrong kind or form of value."""
    assert marked(server, text) == [(at, message)]


def test_what_defaults_have_is_not_missing(server: Server) -> None:
    """An order is complete with what `defaults` and merged anchors give it."""
    defaults = "defaults: {country: FRA, periodId: 1m}\n"
    orders = "orders:\n  - &one {name: a, type: ipv4, quantity: 1}\n  - {<<: *one, name: b}\n"
    assert marked(server, MODELINE + HEAD + defaults + orders) == []


FILES = sorted(path.relative_to(ROOT) for path in (ROOT / "samples").rglob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=str)
def test_samples_are_clean(server: Server, path: Path) -> None:
    """No sample has anything underlined, under the schema that its own first line names."""
    text = (ROOT / path).read_text("utf-8")
    assert marked(server, text, str(path)) == []


def test_a_first_line_that_leads_nowhere_is_told(server: Server) -> None:
    """No finding means checked: a schema that is not where the first line says is underlined."""
    (found,) = marked(server, MODELINE.replace("schemas/", "nowhere/") + HEAD)
    assert "Unable to load schema" in found[1]


def test_each_document_of_a_file_is_checked_by_its_own_first_line(server: Server) -> None:
    """In a file of several documents each needs the line, under its `---`."""
    second = HEAD + "orders: []\n"
    whole = order(WHOLE) + "\n---\n"
    assert marked(server, whole + second) == []
    assert marked(server, whole + MODELINE + second) == [("[]", "Array has too few items. Expected 1 or more.")]


def test_settings_name_the_schema_for_a_folder(server: Server) -> None:
    """Without a first line of its own, a file gets the schema that the editor's settings give its folder."""
    assert marked(server, HEAD, "by-settings/orders.yaml") == [("apiVersion: orders/v1", 'Missing property "orders".')]
    assert marked(server, HEAD, "elsewhere/orders.yaml") == []


def test_a_policy_is_completed_and_explained(server: Server) -> None:
    """In order-runner.yaml completion offers the fields of a policy, and shows what each means."""
    assert set(offered(server, policy("|"))) == set(load("policy")["properties"]) - {"apiVersion"}
    assert set(offered(server, policy("budgets:\n  |"))) == {"day", "week", "month"}
    text = hover_text(server, policy('budgets:\n  d|ay: "1"'))
    assert text.startswith("#### Budget of a day\n\nMost per day, in USD")
    assert 'Example: `day: "120.00"`' in text
