"""The grammar of fault specs."""

import re
from dataclasses import fields
from importlib import resources
from pathlib import Path

import pytest

from runner.sandbox import KINDS
from runner.sandbox.faults import Fault, parse_fault
from runner.sandbox.options import Options


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("reset-after", Fault(kind="reset-after")),
        (" reset-after@2 ", Fault(kind="reset-after", number=2)),
        ("reset-afterx3", Fault(kind="reset-after", count=3)),
        ("down@5x*", Fault(kind="down", number=5, count=None)),
        ("429@2x3:1.5", Fault(kind="429", number=2, count=3, argument="1.5")),
        ("429x2", Fault(kind="429", count=2)),
        ("slow", Fault(kind="slow", argument="2")),
        ("silent-later:0.5", Fault(kind="silent-later", argument="0.5")),
        ("price-up@name=fr prices", Fault(kind="price-up", name="fr prices", argument="10")),
        ("price-up@name=a-bx2:20", Fault(kind="price-up", name="a-b", count=2, argument="20")),
        ("price-up@name='index5':20", Fault(kind="price-up", name="index5", argument="20")),
        ('price-up@name="a: b"x*', Fault(kind="price-up", name="a: b", count=None, argument="10")),
        ("calc-error@1:Set [quantity]: no", Fault(kind="calc-error", number=1, argument="Set [quantity]: no")),
    ],
)
def test_a_spec_says_kind_place_count_and_argument(spec: str, fault: Fault) -> None:
    """KIND[@N | @name=TEXT][xCOUNT][:ARG], with the default of the kind where there is no ARG."""
    assert parse_fault(spec) == fault


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_parses_by_its_bare_name_or_says_what_it_needs(kind: str) -> None:
    """Kinds and grammar do not get in each other's way."""
    if KINDS[kind].required:
        with pytest.raises(ValueError, match=f"needs an argument, {kind}:TEXT"):
            parse_fault(kind)
    else:
        assert parse_fault(kind) == Fault(kind=kind, argument=KINDS[kind].default)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("reset-aftr", "unknown kind 'reset-aftr'; did you mean reset-after"),
        ("html", "legal kinds: reset-before, reset-after"),
        ("html", "did you mean html-"),
        ("", "legal kinds"),
        ("reset-after@", "is not KIND"),
        ("reset-after@0", "start at 1"),
        ("reset-after@1x0", "start at 1"),
        ("reset-after:3", "takes no argument"),
        ("slow:soon", "SECONDS is a number of 0 or more, not 'soon'"),
        ("slow:-1", "SECONDS is a number"),
        ("slow:nan", "SECONDS is a number"),
        ("price-up:inf", "PERCENT is a number"),
        ("slow:", "SECONDS is a number"),
    ],
)
def test_a_bad_spec_is_refused_with_the_way_out(spec: str, message: str) -> None:
    """The error names the spec and what would be legal."""
    with pytest.raises(ValueError, match=message) as caught:
        parse_fault(spec)
    assert repr(spec) in str(caught.value)


def test_every_kind_is_documented() -> None:
    """`limits.md` has a row for each kind with its endpoint and what its ARG is, and for no other."""
    text = resources.files("runner.sandbox").joinpath("limits.md").read_text()
    table = re.findall(r"^\| (`[^|]+) \| (\S+) \| ?([^|]*?) ?\|", text, re.MULTILINE)
    documented = {kind: (endpoint, arg) for kinds, endpoint, arg in table for kind in re.findall(r"`([^`]+)`", kinds)}
    endpoints = {kind.endpoint.replace("*", "any") for kind in KINDS.values()}
    faults = {kind: row for kind, row in documented.items() if row[0] in endpoints}
    assert set(faults) == set(KINDS)
    for name, kind in KINDS.items():
        argument = f"{kind.argument}, {kind.default}" if kind.default else kind.argument or ""
        assert faults[name] == (kind.endpoint.replace("*", "any"), f"{argument}, needed" if kind.required else argument)


def test_every_switch_is_documented() -> None:
    """`limits.md` names each field of Options."""
    text = resources.files("runner.sandbox").joinpath("limits.md").read_text()
    assert [field.name for field in fields(Options) if f"`{field.name}`" not in text] == []


def test_every_switch_is_turned_in_a_test() -> None:
    """No field of Options is without a test of the sandbox that sets it."""
    texts = [path.read_text() for path in Path(__file__).parent.glob("test_*.py")]
    turned = {name for text in texts for name in re.findall(r"[(, ](\w+)=", text)}
    assert [field.name for field in fields(Options) if field.name not in turned] == []
