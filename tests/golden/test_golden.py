"""What commands print and write is what it was, to the byte; `python -m tests.golden` holds the whole matrix."""

from __future__ import annotations

import difflib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.sandbox import KINDS as SANDBOX_KINDS
from tests.golden import store
from tests.golden.__main__ import against_store, differences_of
from tests.golden.cases import KINDS, REPORT_FORMATS, Case, every_case
from tests.golden.commands import Build, Commands, Step
from tests.nursery import ROOT

CORE = [case for case in every_case() if case.core]


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    with Commands(Build()) as opened:
        yield opened


@pytest.mark.parametrize("case", CORE, ids=lambda case: case.name)
def test_a_case_gives_the_bytes_that_were_recorded(case: Case, commands: Commands) -> None:
    """Exit codes, streams, reports, documents and every format of a case are those of the recording."""
    differences = against_store(case, commands.play(case.files, case.steps), store.load()[case.name])
    texts = [
        "\n".join(
            difflib.unified_diff(
                *((text or "").splitlines() for text in (one.before, one.after)),
                n=0,
                lineterm="",
                fromfile=f"recorded {one.output}",
            )
        )
        for one in differences
    ]
    assert not differences, "\n".join([*texts, "meant to be so? python -m tests.golden record"])


def test_every_case_is_recorded() -> None:
    """No case was added without its bytes, and none is left over."""
    assert list(store.load()) == [case.name for case in every_case()]


def test_every_fault_is_in_the_matrix(commands: Commands) -> None:
    """A kind of fault that a purchase can meet is a row of the matrix; those of other calls are no purchase's."""
    outputs = commands.play({}, [Step("ask", ("sandbox", "--fault", "nonsense"))])
    legal = outputs["ask/stderr"].strip().partition("legal kinds: ")[2].split(", ")
    calls = ("order/make", "order/calc", "proxy/list", "balance/get", "*")
    assert {kind for kind in legal if SANDBOX_KINDS[kind].endpoint in calls} == KINDS


def test_every_format_is_in_the_matrix(commands: Commands) -> None:
    """A format that reports learn is written by the commands of the matrix."""
    outputs = commands.play({}, [Step("ask", ("apply", "--help"))])
    named = re.search(r"--format FMT\[=PATH\]\s+(.+?);", " ".join(outputs["ask/stdout"].split()))
    assert named
    assert set(named[1].split(", ")) == {"text", *REPORT_FORMATS}


def test_a_changed_word_is_seen(tmp_path: Path) -> None:
    """The comparison can fail: one word of one message is another one, and the two builds differ where it is."""
    for folder in ("runner", "schemas", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    changed = 0
    for path in (tmp_path / "runner").rglob("*.py"):
        text = path.read_text("utf-8")
        changed += text.count("nothing is in doubt")
        path.write_text(text.replace("nothing is in doubt", "nothing is in dispute"), "utf-8")
    assert changed
    (case,) = (case for case in CORE if case.name == "faults/ipv6/none")
    with Commands(Build()) as ours, Commands(Build(checkout=tmp_path)) as theirs:
        found = differences_of(case, ours.play(case.files, case.steps), theirs.play(case.files, case.steps))
    assert {one.output for one in found} >= {"reconcile/stdout", "exclusive/stdout"}
    assert all("nothing is in dispute" in (one.after or "") for one in found)
