"""The fast validator in front of jsonschema gives jsonschema's verdict, always."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

HERE = Path(__file__).parent
SCHEMAS = HERE.parents[1] / "schemas"
ENTRIES: dict[str, dict[str, dict[str, Any]]] = json.loads((HERE / "entries.json").read_text("utf-8"))
LOADED = {name: json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8")) for name in ENTRIES}
AUTHORITY = {name: Draft202012Validator(schema) for name, schema in LOADED.items()}
GATE = {name: jsonschema_rs.Draft202012Validator(schema) for name, schema in LOADED.items()}
FIELDS = sorted({field for schema in LOADED.values() for field in schema["properties"]})

ENDINGS = ["\n", "\r", "\r\n", "\n\n", "\v", "\f", "\x00", "\x1c", "\x7f", "\x85", "\u2028", "\u2029", " ", "\ufeff"]
LIMITS = [0, 1, 43, 2**31 - 1, 2**31, 2**53 - 1, 2**53, 2**63, 2**64, 10**40]
WORDS = ["a", "ipv4", "Y", "HTTPS", "shared", "120.00", "12.345", "1m", "x" * 63, "x" * 64, "x" * 256, "😀" * 256]

tails = st.sampled_from(["\n", *ENDINGS, ""])
texts = st.builds(str.__add__, st.sampled_from(WORDS) | st.text(max_size=8), tails)
integers = st.sampled_from([*LIMITS, *(-limit for limit in LIMITS)]) | st.integers()
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | integers | floats | texts
values = scalars | st.lists(scalars, max_size=2) | st.dictionaries(texts, scalars, max_size=3)
keys = st.sampled_from(FIELDS) | texts


@st.composite
def entries(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A type, and a valid entry of it (sometimes of another) with one thing changed, or a few."""
    name = draw(st.sampled_from(sorted(ENTRIES)))
    entry = dict(ENTRIES[name][draw(st.sampled_from(["minimal", "full", "worded"]))])
    # Mostly one: an entry wrong in two ways is refused by both, however they differ on either.
    for _ in range(draw(st.sampled_from([1, 1, 1, 1, 2, 3]))):
        mutate(draw, entry)
    return draw(st.sampled_from([name, name, name, *ENTRIES])), entry


def mutate(draw: st.DrawFn, entry: dict[str, Any]) -> None:
    """Change one thing: end a text oddly, drop a field, or set a known or unknown field to anything."""
    how = draw(st.sampled_from(["end", "end", "change", "set", "drop"]))
    text_fields = sorted(field for field, value in entry.items() if isinstance(value, str))
    if how == "end" and text_fields:
        entry[draw(st.sampled_from(text_fields))] += draw(tails)
    elif how == "change" and entry:
        entry[draw(st.sampled_from(sorted(entry)))] = draw(values)
    elif how == "drop" and entry:
        del entry[draw(st.sampled_from(sorted(entry)))]
    else:
        entry[draw(keys)] = draw(values)


@settings(deadline=None, max_examples=500)
@given(entries())
def test_both_validators_agree(case: tuple[str, dict[str, Any]]) -> None:
    """Whatever is wrong with an entry, or not, both validators say the same."""
    name, entry = case
    assert GATE[name].is_valid(entry) == AUTHORITY[name].is_valid(entry)


TEXT_FIELDS = [
    (name, field)
    for name, examples in ENTRIES.items()
    for field, value in examples["full"].items()
    if isinstance(value, str)
]


@pytest.mark.parametrize("ending", [ending for ending in ENDINGS if ending not in (" ", "\ufeff")])
@pytest.mark.parametrize(("name", "field"), TEXT_FIELDS)
def test_no_text_ends_in_a_line_break_or_control_character(name: str, field: str, ending: str) -> None:
    """Both validators refuse a text that ends in a line break or control character, the final newline included."""
    entry = dict(ENTRIES[name]["full"])
    entry[field] += ending
    assert not AUTHORITY[name].is_valid(entry)
    assert not GATE[name].is_valid(entry)


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_both_pass_what_is_valid(name: str) -> None:
    """The examples are valid to both, so that agreement is not agreement in refusing everything."""
    for entry in ENTRIES[name].values():
        assert AUTHORITY[name].is_valid(entry)
        assert GATE[name].is_valid(entry)
