"""No plain scalar means something else than what stands there."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from runner.core.yamldoc.scalars import MAX_DIGITS, Trap, plain

ALPHABET = "0123456789_+-.:eExXobTZ abcfinlsuyNOYAEILFS~=<"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("false", False),
        ("0", 0),
        ("10", 10),
        ("-5", -5),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        *(
            (text, text)
            for text in ("Y", "y", "N", "n", "1m", "1.2.3", "10.0.0.1", "12:60", "tRue", "nO", "-", "--", "²", "٣")
        ),
    ],
)
def test_what_is_plain_stays_plain(text: str, value: object) -> None:
    """Decimal integers, lower-case booleans, nothing, and text; Y and N are text."""
    assert plain(text) == value
    assert type(plain(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "meant", "hint"),
    [
        ("010", "octal in YAML 1.1 and would have been read as 8", 'write 10 or "010"'),
        ("-017", "would have been read as -15", 'write -17 or "-017"'),
        ("0o10", "octal in YAML 1.2 and would have been read as 8", 'write 8 or "0o10"'),
        ("0x1F", "hexadecimal in YAML 1.1 and would have been read as 31", 'write 31 or "0x1F"'),
        ("0b101", "binary in YAML 1.1 and would have been read as 5", 'write 5 or "0b101"'),
        ("1_000", "would have been read as 1000", 'write 1000 or "1_000"'),
        ("+1", "would have been read as 1", 'write 1 or "+1"'),
        ("1:30", "base 60 number in YAML 1.1 and would have been read as 90", 'quote it: "1:30"'),
        ("190:20:30", "would have been read as 685230", 'quote it: "190:20:30"'),
        ("08", "would have been read as 8 in YAML 1.2", 'write 8 or "08"'),
        ("NO", "a boolean in YAML 1.1 and would have been read as false", 'write false or "NO"'),
        ("on", "would have been read as true", 'write true or "on"'),
        ("10.0", "would have been read as 10.0", 'write 10 or "10.0"'),
        ("1e3", "would have been read as 1000.0", 'write 1000 or "1e3"'),
        (".inf", "floating point", 'quote it: ".inf"'),
        ("2026-01-01", "a date in YAML 1.1", 'quote it: "2026-01-01"'),
    ],
)
def test_a_trap_says_what_it_would_have_meant(text: str, meant: str, hint: str) -> None:
    """A spelling that YAML would change is refused with what YAML would have made of it, and with the way out."""
    trap = plain(text)
    assert isinstance(trap, Trap)
    assert f"`{text}`" in trap.message
    assert meant in trap.message
    assert trap.hint == hint


@given(st.text(ALPHABET, min_size=1, max_size=12))
@example("0x_")
@example("0b_")
@example("1:2:3.4")
@example("2026-1-1 1:00:00 +1:30")
def test_whatever_yaml_1_1_changes_is_a_trap(text: str) -> None:
    """What PyYAML's resolver takes for no text is a trap, or the very value that stands there."""
    resolver = yaml.resolver.Resolver()
    resolved = resolver.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    tag = resolved.removeprefix("tag:yaml.org,2002:")
    value = plain(text)
    if tag == "str":
        assert isinstance(value, str | Trap)
        assert value == text or isinstance(value, Trap)
    elif not isinstance(value, Trap):
        assert (tag, text) in {("int", str(value)), ("bool", str(value).lower()), ("null", "~"), ("null", "null")}


@given(st.text(max_size=40))
def test_any_text_has_a_meaning(text: str) -> None:
    """No text makes the rules fail."""
    value = plain(text)
    assert value is None or isinstance(value, str | int | Trap)
    assert not isinstance(value, str) or value == text


def test_a_number_too_long_to_print_is_refused() -> None:
    """Digits without end are a finding, not a crash."""
    assert plain("9" * MAX_DIGITS) == int("9" * MAX_DIGITS)
    assert isinstance(plain("9" * (MAX_DIGITS + 1)), Trap)
    assert plain("1:" * 5000 + "1") == "1:" * 5000 + "1"
