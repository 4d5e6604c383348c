"""What a person sees while something takes long: screens of real runs, compared as text with the ones in `screens/`.

Times and paces stand as `~`. Answers are held back rather than waited for, so that each screen is the only possible one.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from tests.terminal.conftest import Desk
from tests.terminal.screen import Screen, timeless

Same = Callable[[str, str], None]
SGR = re.compile(rb"\x1b\[[0-9;]*m")


ONE_EACH = "apiVersion: policy/v1\nshare_quotes: false\n"
"""A policy under which orders of the same content are quoted one by one."""


def pipe(desk: Desk) -> Path:
    """A manifest that is not there before it is written."""
    path = desk.folder / f"slow-{len(list(desk.folder.iterdir()))}.yaml"
    os.mkfifo(path)
    return path


def validating(desk: Desk, *arguments: str, **env: str) -> tuple[Screen, Path]:
    """`validate` of files of which one does not come."""
    first, last, slow = desk.manifest("first", 300), desk.manifest("last", 300), pipe(desk)
    return desk.run("validate", first.name, slow.name, last.name, *arguments, **env), slow


def let_go(slow: Path) -> None:
    slow.write_text("apiVersion: orders/v1\nbatch: slow\norders: []\n")


def test_validate(desk: Desk, same: Same) -> None:
    """Files and orders read so far, the part of all bytes, how long it took; after the end only the result is there."""
    screen, slow = validating(desk)
    screen.until("^read 1 of 3")
    same("validate", timeless(screen.lines))
    let_go(slow)
    assert screen.rest() == 4
    same("validate-end", timeless(screen.lines))
    assert screen.cursor_is_visible
    assert SGR.search(screen.raw)


def test_quoting_in_every_width(desk: Desk, same: Same) -> None:
    """Count, bar, part, pace, elapsed and left, as much as fits; a terminal that is resized is followed at once."""
    (desk.folder / "order-runner.yaml").write_text(ONE_EACH)
    desk.hold("order/calc")
    screen = desk.run("plan", desk.manifest("many", 60).name, "-f", "json=plan.json")
    for _ in range(25):
        desk.answer("order/calc")
        time.sleep(0.1)
    screens = {
        80: r"^quoted 25 of 60  ━.* left$",
        40: r"^quoted 25 of 60  [^━]* left$",
        200: r"^quoted 25 of 60  ━{10}─{14}  41%  [\d.]+/s  .* left$",
        24: r"^quoted 25 of 60  \d+ s$",
    }
    for columns, pattern in screens.items():
        screen.resize(columns)
        screen.until(pattern)
        shown_now = timeless(screen.lines)
        # On 40 columns the time it took fits beside a short estimate, and not beside a long one.
        same(f"quoting-{columns}", shown_now.replace("~, ~", "~") if columns == 40 else shown_now)
    screen.resize(80)
    desk.answer("order/calc", 35)
    assert screen.rest() == 0
    assert screen.lines == ["quoted 60 of 60"]
    assert screen.cursor_is_visible


def test_buying(desk: Desk, same: Same) -> None:
    """Which order of how many at what price, what is in flight and how long it may be; what is over scrolls up."""
    desk.hold("order/make")
    screen = desk.run("apply", desk.manifest("crawl", 3).name, "--yes", "-f", "json=out.json", columns=100)
    for n, work in ((1, r"\d s$"), (2, r"\d s$"), (3, "left$")):
        screen.until(rf"^  crawl/crawl-{n} in flight  \d s, ")
        screen.until(rf"^\[{n}/3\] .* {work}")
        same(f"buying-{n}", timeless(screen.lines))
        desk.answer("order/make")
    assert screen.rest() == 0
    same("buying-end", timeless(screen.lines))


def test_an_unknown_outcome(desk: Desk, same: Same) -> None:
    """An answer that does not come is counted down; then the order and what became of it stay."""
    desk.hold("order/make")
    short = ("--money-timeout", "4", "--allow-short-money-timeout")
    screen = desk.run("apply", desk.manifest("crawl", 2).name, "--yes", *short, "-f", "json=out.json")
    screen.until(r"in flight  \d s")
    same("unknown-in-flight", timeless(screen.lines))
    assert screen.rest() == 7
    same("unknown-end", timeless(screen.lines))
    assert screen.cursor_is_visible


def test_reconcile_waits(desk: Desk, same: Same) -> None:
    """How many are in doubt, after how many looks, how long it goes on at most, and what is waited for; then Ctrl-C."""
    desk.box.add_fault("reset-after")
    assert desk.run("apply", desk.manifest("crawl", 1).name, "--yes", "-q", "-f", "json=out.json").rest() == 7
    screen = desk.run("reconcile", "--wait", "15m", "-f", "json=out.json", columns=100)
    screen.until(r"^  waiting: .* left$")
    same("reconcile", timeless(screen.lines))
    screen.type("\x03")
    assert screen.rest() == 7
    same("reconcile-end", timeless(screen.lines))
    assert screen.cursor_is_visible


def test_ctrl_c_leaves_nothing_behind(desk: Desk, same: Same) -> None:
    """Cut off in the middle of drawing, the terminal has one line that says so, and its cursor."""
    screen, _ = validating(desk)
    screen.until("^read 1 of 3")
    screen.type("\x03")
    assert screen.rest() == 8
    same("ctrl-c", timeless(screen.lines))
    assert screen.cursor_is_visible


def test_terminals_that_can_do_less(desk: Desk, same: Same) -> None:
    """NO_COLOR takes the colours and leaves the moving; where only ASCII is known, the bar is made of that."""
    cases = [validating(desk, **{name: value}) for name, value in LESS]
    for (screen, slow), (name, _) in zip(cases, LESS, strict=True):
        screen.until("^read 1 of 3")
        drawn = "#" if name == "PYTHONIOENCODING" else "━"
        assert f"  {12 * drawn}" in screen.lines[0]
        same("validate", timeless(screen.lines))
        let_go(slow)
        assert screen.rest() == 4
        assert b"\x1b" in screen.raw
        assert bool(SGR.search(screen.raw)) == (name == "PYTHONIOENCODING")


LESS = (("NO_COLOR", "1"), ("ORDER_RUNNER_NO_COLOR", "1"), ("PYTHONIOENCODING", "ascii"))
STILL: tuple[dict[str, str], ...] = (
    {"TERM": "dumb"},
    {"CI": "1"},
    {"TERM": "dumb", "FORCE_COLOR": "1"},
    {"ORDER_RUNNER_QUIET": "1", "NO_COLOR": "1"},
)


def test_where_nothing_may_be_redrawn(desk: Desk) -> None:
    """On a dumb terminal, in CI and with -q nothing moves; FORCE_COLOR brings colours and nothing else."""
    cases = [validating(desk, **env) for env in STILL]
    time.sleep(2.0)
    for (screen, slow), env in zip(cases, STILL, strict=True):
        let_go(slow)
        assert screen.rest() == 4
        assert b"manifests" not in screen.raw
        assert b"\x1b" not in SGR.sub(b"", screen.raw)
        assert bool(SGR.search(screen.raw)) == ("FORCE_COLOR" in env)
