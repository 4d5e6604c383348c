"""Words and the lockfile, without a vendor: which file, what it holds, what a word leads to."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import manifest
from runner.core.orders import OrderRequest
from runner.core.vendor import Choice
from runner.core.yamldoc.source import UNSAFE
from runner.manifest.lock import NAME, Address, LockedWord, Lockfile, address_of
from runner.manifest.lock.location import covers, place_of
from runner.manifest.lock.lookup import resolve_all
from runner.manifest.lock.meanings import matches, nearest_words, section_digest
from runner.manifest.lock.text import clean, lockfile_text, read
from runner.manifest.words import Words
from runner.vendors.v1.purchases import encode_order

DIGEST = "sha256:" + "0" * 64
AT = "2026-11-23T12:00:00Z"
TEXT = """apiVersion: orders/v1
batch: b
defaults: {period: 1 month, payment: card}
orders:
  - {name: a, type: ipv4, country: FRA, quantity: 1, customTargetName: x}
  - {name: b, type: mobile, country: FRA, mobileServiceType: shared, operator: A, rotation: by link, quantity: 1}
  - {name: c, type: ipv4, countryId: 7, periodId: 2m, paymentId: 1, quantity: 1, customTargetName: x}
  - {name: d, type: ipv4, country: FRA, quantity: 1, customTargetName: x, auth: {mode: ip, ip: "::1", generate: false}}
"""
ENTRIES = (
    ("ipv4", "country", "FRA", (), 561),
    ("ipv4", "period", "1 month", (), "1m"),
    ("mobile", "country", "FRA", (), 4401),
    ("mobile", "period", "1 month", (), "1m"),
    ("mobile", "operator", "A", (("countryId", 4401), ("mobileServiceType", "shared")), "317"),
    ("mobile", "rotation", "by link", (("countryId", 4401), ("mobileServiceType", "shared"), ("operatorId", "317")), 0),
)


def entry(product: Any, kind: str, word: str, within: Any, value: Any, name: str = "n") -> LockedWord:
    address = Address(type=product, kind=kind, word=word, within=within)
    return LockedWord(address=address, id=value, name=name, section=DIGEST, locked_at=AT)


def lockfile(*rows: Any) -> Lockfile:
    entries = [entry(*row) for row in rows]
    return Lockfile(path=NAME, sha256="", entries={found.address: found for found in entries})


def load(tmp_path: Path, text: str = TEXT) -> manifest.Loaded:
    (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    return manifest.load([str(tmp_path / "m.yaml")])


def test_words_become_the_vendors_fields(tmp_path: Path) -> None:
    """Locked words, `payment` and `auth` become the fields they stand for, defaults included, and nothing else."""
    resolved = resolve_all(load(tmp_path), lockfile(*ENTRIES), "lock", NAME)
    assert resolved.problems == ()
    fields = {request.key.name: dict(request.fields) for request in resolved.orders}
    ipv4 = {"countryId": 561, "periodId": "1m", "paymentId": 43, "quantity": 1, "customTargetName": "x"}
    assert fields["a"] == ipv4
    assert fields["c"] == ipv4 | {"countryId": 7, "periodId": "2m", "paymentId": 1}
    assert fields["d"] == ipv4 | {"authorization": "::1", "generateAuth": "N"}
    assert fields["b"]["operatorId"] == "317"
    assert fields["b"]["rotationId"] == 0
    for request in resolved.orders:
        assert encode_order(request) == dict(request.fields)


def test_a_word_and_its_id_have_one_fingerprint(tmp_path: Path) -> None:
    """What is bought is the id: the word is no part of the fingerprint."""
    words = resolve_all(load(tmp_path), lockfile(*ENTRIES), "lock", NAME).orders[0]
    ids = TEXT.replace("country: FRA", "countryId: 561").replace("{period: 1 month, payment: card}", "{paymentId: 43}")
    ids = ids.replace("quantity: 1, customTargetName", "periodId: 1m, quantity: 1, customTargetName", 1)
    assert words.fingerprint == load(tmp_path, ids).orders[0].fingerprint


def test_an_order_with_words_left_has_no_fingerprint_and_no_body(tmp_path: Path) -> None:
    """The code that buys cannot be handed a word: neither ledger nor vendor ever sees an order that has one left."""
    request = load(tmp_path).orders[0]
    with pytest.raises(ValueError, match="period, country"):
        _ = request.fingerprint
    with pytest.raises(ValueError, match="period, country"):
        encode_order(request)


def test_findings_of_a_field_stand_at_its_word(tmp_path: Path) -> None:
    """What is said of `countryId` points at `country`, of `authorization` at `auth.ip`, of `periodId` at the default."""
    orders = load(tmp_path).orders
    lines = TEXT.splitlines()

    def written_at(request: OrderRequest, field: str) -> str:
        place = request.source.of(field)
        return lines[place.line - 1][place.column - 1 : place.end_column - 1]

    assert written_at(orders[0], "countryId") == "FRA"
    assert written_at(orders[0], "periodId") == "1 month"
    assert written_at(orders[0], "paymentId") == "card"
    assert written_at(orders[2], "paymentId") == "1"
    assert written_at(orders[3], "authorization") == '"::1"'
    assert written_at(orders[3], "generateAuth") == "false"


def test_every_word_that_is_not_locked_is_found_once_a_place(tmp_path: Path) -> None:
    """A default that several orders inherit is one finding a type; what depends on an unlocked word waits for it."""
    resolved = resolve_all(load(tmp_path), lockfile(ENTRIES[1]), "order-runner lock m.yaml", NAME)
    assert [order.key.name for order in resolved.orders] == ["c"]
    assert [(p.code, p.span and p.span.line, p.message) for p in resolved.problems] == [
        ("PSR304", 3, f"`period: 1 month` of mobile is not locked in {NAME}"),
        ("PSR304", 5, f"`country: FRA` of ipv4 is not locked in {NAME}"),
        ("PSR304", 6, f"`country: FRA` of mobile is not locked in {NAME}"),
        ("PSR304", 8, f"`country: FRA` of ipv4 is not locked in {NAME}"),
    ]
    assert all("`order-runner lock m.yaml`" in (p.hint or "") for p in resolved.problems)


def test_the_order_wins_over_the_default(tmp_path: Path) -> None:
    """A word or id of the order replaces the default of the same thing, whichever spelling either has."""
    head = "apiVersion: orders/v1\nbatch: b\ndefaults: {defaults}\norders:\n  - {order}\n"
    order = "name: a, type: ipv4, quantity: 1, customTargetName: x"
    cases = [
        ("{countryId: 1, periodId: 1m}", "{%s, country: FRA}", {"country": "FRA"}, {"periodId": "1m"}),
        ("{country: FRA, period: 1w}", "{%s, countryId: 1, periodId: 2m}", {}, {"countryId": 1, "periodId": "2m"}),
        ("{country: FRA, period: 1w}", "{%s, country: DEU}", {"country": "DEU", "period": "1w"}, {}),
        ("{authorization: a, generateAuth: Y, countryId: 1, period: 1w}", "{%s, auth: {mode: login}}", {"period": "1w"},
         {"countryId": 1}),
        ("{payment: card, countryId: 1, period: 1w}", "{%s, paymentId: 1}", {"period": "1w"}, {"countryId": 1}),
            ("{paymentId: 43, countryId: 1, period: 1w}", "{%s, payment: balance}", {"period": "1w"}, {"countryId": 1}),
            ("{payment: card, countryId: 1, period: 1w}", "{%s}", {"period": "1w"}, {"countryId": 1, "paymentId": 43}),
        ("{package: P, country: F, period: 1w}", "{%s}", {"country": "F", "period": "1w"}, {}),
    ]  # fmt: skip
    for defaults, form, words, fields in cases:
        (request,) = load(tmp_path, head.format(defaults=defaults, order=form % order)).orders
        assert dict(request.words) == words
        expected = {"paymentId": 1, "quantity": 1, "customTargetName": "x"} | fields
        assert dict(request.fields) == expected


names = st.text(max_size=20)
words_ = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), min_size=1, max_size=20)


@given(st.lists(st.tuples(words_, st.integers(0, 2**53 - 1), names), max_size=5), st.randoms())
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, rows: Any, shuffle: Any) -> None:
    """Any entries come back as they were, whatever their order; the same entries are the same bytes, one a line."""
    found = [entry("ipv4", "country", word, (), value, clean(name)) for word, value, name in rows]
    kept = {one.address: one for one in found if not UNSAFE.search(one.address.word)}
    text = lockfile_text(kept.values())
    path = tmp_path_factory.getbasetemp() / "any.lock.json"
    path.write_text(text, encoding="utf-8")
    lock, problems = read(path)
    assert problems == ()
    assert lock is not None
    assert dict(lock.entries) == kept
    mixed = list(kept.values())
    shuffle.shuffle(mixed)
    assert lockfile_text(mixed) == text
    assert len(json.loads(text)["entries"]) == sum('"locked_at"' in line for line in text.split("\n"))


@pytest.mark.parametrize(
    ("change", "place", "says"),
    [
        (lambda text: text.replace('"id": 561', '"id": "561"'), (5, 71), "must be a whole number"),
        (lambda text: text.replace('"id": 561', '"id": -1'), (5, 71), "rule `minimum`"),
        (lambda text: text.replace('"kind": "country"', '"kind": "land"'), (5, 30), "rule `enum`"),
        (lambda text: text.replace('"name": "n", ', ""), (5, 5), "lacks `name`"),
        (lambda text: text.replace('"name": "n"', '"name": "n", "x": 1'), (5, 5), "unknown fields: `x`"),
        (lambda text: text.replace("]", f",\n{text.splitlines()[4]}\n]"), (7, 5), "locked twice, first at"),
        (lambda text: text.replace('"v1"', '"v2"'), (3, 18), "rule `const`"),
        (lambda text: text.replace('"id": 561', '"id": 561, "id": 1'), (5, 82), "set twice"),
        (lambda text: text.replace('"id": 561', '"id": 561.0'), (5, 71), "floating"),
        (lambda text: text.replace('"id"', "id"), (5, 71), "not valid JSON"),
        (lambda text: text[:-20], (5, 193), "not valid JSON"),
        (lambda _: "[]", (1, 1), ""),
        (lambda _: "", (1, 1), "not valid JSON"),
    ],
)
def test_a_lockfile_is_read_strictly(tmp_path: Path, change: Any, place: tuple[int, int], says: str) -> None:
    """Whatever is not a lockfile's is refused at its line and column; nothing of such a file is used."""
    path = tmp_path / NAME
    path.write_text(change(lockfile_text([entry(*ENTRIES[0])])), encoding="utf-8")
    found, problems = read(path)
    assert found is None
    problem = problems[0]
    assert says in problem.message
    assert problem.path == str(path)
    assert problem.span is not None
    assert problem.span.line == place[0]


def test_a_lockfile_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Bytes that are not UTF-8, and nesting beyond all need, are findings and not crashes."""
    for data in (b"\xff\xfe{}", b"[" * 1_003, b'{"a": ' + b"9" * 5000 + b"}"):
        (tmp_path / NAME).write_bytes(data)
        found, problems = read(tmp_path / NAME)
        assert found is None
        assert [problem.code for problem in problems] == ["PSR306"]


def test_the_nearest_lockfile_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder that holds all paths, or above it up to the working folder; to be made in that folder if nowhere."""
    monkeypatch.chdir(tmp_path)
    for name in ("a/x/1.yaml", "a/y/2.yaml", "b/3.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(TEXT)
    assert place_of(["a/x/1.yaml"]) == Path("a/x") / NAME
    assert place_of(["a"]) == Path("a") / NAME
    assert place_of(["a/x/*.yaml"]) == Path("a/x") / NAME
    assert place_of(["a/*/*.yaml"]) == Path("a") / NAME
    assert place_of(["-"]) == Path(NAME)
    assert place_of(["a/x/1.yaml", "a/y"]) == Path("a") / NAME
    assert place_of(["a", "b"]) == Path(NAME)
    assert place_of(["a"], Path("else.json")) == Path("else.json")
    (tmp_path / "a" / NAME).write_text("{}")
    assert place_of(["a/x/1.yaml"]) == Path("a") / NAME
    assert place_of([str(tmp_path / "a" / "x")]) == Path("a") / NAME
    (tmp_path / "a" / "x" / NAME).write_text("{}")
    assert place_of(["a/x/1.yaml"]) == Path("a/x") / NAME
    assert place_of(["a"]) == Path("a") / NAME
    monkeypatch.chdir(tmp_path / "b")
    assert place_of([str(tmp_path / "a" / "y")]) == tmp_path / "a" / "y" / NAME


def test_only_a_whole_folder_tells_what_nobody_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lockfile is covered by its own folder and those around it, not by files in it or folders below."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a" / "x").mkdir(parents=True)
    (tmp_path / "a" / "1.yaml").write_text(TEXT)
    place = Path("a") / NAME
    assert covers(["a"], place)
    assert covers(["."], place)
    assert not covers(["a/1.yaml"], place)
    assert not covers(["a/x"], place)
    assert not covers(["a/*.yaml"], place)
    assert not covers(["-"], place)


FRANCE = Choice(type="ipv4", field="countryId", value=561, name="France", alpha3="FRA")
GERMANY = Choice(type="ipv4", field="countryId", value=562, name="Germany", alpha3="DEU")
MONTH = Choice(type="ipv4", field="periodId", value="1m", name="1 month")
CHOICES = (FRANCE, GERMANY, MONTH)


@pytest.mark.parametrize(
    ("kind", "word", "value"),
    [
        ("country", "FRA", 561),
        ("country", "fra", 561),
        ("country", "France", 561),
        ("country", "  france ", 561),
        ("country", "561", None),
        ("country", "FR", None),
        ("country", "1m", None),
        ("period", "1m", "1m"),
        ("period", "1  Month", "1m"),
        ("period", "month", None),
    ],
)
def test_a_word_matches_names_and_codes(kind: str, word: str, value: Any) -> None:
    """The vendor's name, a country's code, a period's id: without regard to letter case and runs of spaces."""
    address = address_of("ipv4", kind, word, {})
    assert address is not None
    assert [choice.value for choice in matches(CHOICES, address)] == ([] if value is None else [value])


def test_two_names_alike_are_both_found_and_one_id_once() -> None:
    """Nothing is guessed between two ids; the same id twice is one."""
    twin = replace(GERMANY, name="France")
    address = Address(type="ipv4", kind="country", word="France")
    assert [choice.value for choice in matches((FRANCE, twin, FRANCE), address)] == [561, 562]
    assert nearest_words(CHOICES, replace(address, word="Frnace")) == ("FRA (France)",)
    assert nearest_words(CHOICES, replace(address, word="xxxxxx")) == ("FRA (France)", "DEU (Germany)")


def test_a_section_is_its_rows_in_any_order() -> None:
    """The digest is of what can be ordered, not of how the vendor sorts it, and of one section alone."""
    assert section_digest(CHOICES, "countryId") == section_digest((GERMANY, FRANCE), "countryId")
    assert section_digest(CHOICES, "countryId") != section_digest((FRANCE,), "countryId")
    assert section_digest(CHOICES, "countryId") != section_digest((FRANCE, replace(GERMANY, name="x")), "countryId")


def test_validating_keeps_no_orders_and_reads_the_lockfile_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`validate` judges words as a stream: each place once, and only where an order has words."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.yaml").write_text(TEXT)
    (tmp_path / NAME).write_text(lockfile_text([entry(*row) for row in ENTRIES[1:]]))
    words = Words(paths=("m.yaml",), lockfile_path=None)
    found = manifest.check(("m.yaml",), judge=words.judge)
    assert [(p.code, p.span and p.span.line) for p in found.problems] == [("PSR304", 5), ("PSR304", 8)]
    (tmp_path / NAME).write_text("{")
    broken = manifest.check(("m.yaml",), judge=Words(paths=("m.yaml",), lockfile_path=None).judge)
    assert [(p.code, p.path) for p in broken.problems] == [("PSR306", NAME)]
