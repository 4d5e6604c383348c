"""The workflow of the sample repository: its steps are run as they are written, against the vendor of the tests.

What GitHub does is played: the event, secrets, outputs, and `gh` and `pip` as programs that only note how they are called.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import CANARY, REPO, World

PLACE = ".github/workflows/orders.yml"
WORKFLOW: dict[str, Any] = yaml.load((REPO / "samples" / "team" / PLACE).read_text(), Loader=yaml.BaseLoader)
"""Everything as text, so that `on` is no boolean."""
JOBS: dict[str, Any] = WORKFLOW["jobs"]
KEY = "${{ secrets.PROXY_SELLER_API_KEY }}"


@dataclass(slots=True, kw_only=True)
class Runner:
    """Runs jobs in the folder of a world, each with a fresh step summary; `calls` are those of gh and pip."""

    world: World
    bin: Path
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""

    def job(self, name: str) -> bool:
        """Whether every step of it ended well. As on GitHub, after a failure only steps with `always()` are run."""
        good = True
        for step in JOBS[name]["steps"]:
            if "run" in step and self._wanted(step, good=good):
                good = self._step(name, step) and good
        return good

    def _wanted(self, step: dict[str, Any], *, good: bool) -> bool:
        condition = step.get("if", "")
        named = re.search(r"hashFiles\('([^']+)'\)", condition)
        return (good or "always()" in condition) and (named is None or (self.world.root / named[1]).exists())

    def _step(self, job: str, step: dict[str, Any]) -> bool:
        for name in ("output", "summary.md"):
            (self.bin / name).touch()
        given = {**WORKFLOW["env"], **JOBS[job].get("env", {}), **step.get("env", {})}
        changes: dict[str, str | None] = {"PROXY_SELLER_API_KEY": None, "ORDER_RUNNER_LEDGER": None}
        changes |= {name: self._value(value) for name, value in given.items()}
        changes |= {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(self.bin / "output"),
            "GITHUB_STEP_SUMMARY": str(self.bin / "summary.md"),
            "PATH": os.pathsep.join((str(self.bin), str(Path(sys.executable).parent), os.environ["PATH"])),
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=self.world.root,
            env=self.world.environment(**changes),
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        self.log += f"-- {step.get('name', step['run'])}: {done.returncode}\n{done.stdout}{done.stderr}"
        for line in (self.bin / "output").read_text().splitlines():
            name, _, value = line.partition("=")
            self.outputs[f"steps.{step.get('id')}.outputs.{name}"] = value
        (self.bin / "output").unlink()
        return done.returncode == 0

    def _value(self, text: str) -> str:
        """A value with its expressions filled in; KeyError for one that nobody plays."""
        variables = {
            "secrets.PROXY_SELLER_API_KEY": CANARY,
            "secrets.ORDER_RUNNER_LEDGER": str(self.world.ledger),
            "github.token": "token",
            "github.repository": "example/orders",
            "github.event.pull_request.number": "7",
            **self.outputs,
        }
        return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda found: variables[found[1]], text)

    @property
    def calls(self) -> str:
        return (self.bin / "calls").read_text()


@pytest.fixture
def runner(world: World, tmp_path: Path) -> Runner:
    shutil.copytree(REPO / "samples" / "team", world.root, dirs_exist_ok=True)
    world.make_ledger("--account", "main")
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("gh", "pip"):
        (folder / name).write_text(f'#!/bin/sh\necho "{name} $*" >> "{folder}/calls"\n')
        (folder / name).chmod(0o755)
    (folder / "order-runner").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m runner "$@"\n')
    (folder / "order-runner").chmod(0o755)
    return Runner(world=world, bin=folder)


def approve(runner: Runner) -> None:
    """Somebody commits the plan of the last run as the approval."""
    shutil.copy(runner.world.root / "plan.json", runner.world.root / "approved.json")


def test_from_pull_request_to_purchase(runner: Runner) -> None:
    """Red until the plan is committed, then green; the merge buys it once; the night finds nothing to do."""
    world = runner.world
    assert runner.job("check"), runner.log
    assert not runner.job("plan")
    assert "::error::not approved yet: commit this run's plan.json as approved.json" in runner.log
    assert "gh pr comment 7 --edit-last --create-if-none --body-file plan.md" in runner.calls
    assert "**62.65 USD for 6 orders**" in (runner.bin / "summary.md").read_text()
    approve(runner)
    assert runner.job("plan"), runner.log
    assert world.money_requests == 0
    assert not runner.job("nightly")
    assert runner.job("buy"), runner.log
    assert (len(world.purchases), sum(purchase.total for purchase in world.purchases)) == (6, Decimal("62.65"))
    assert world.report()["run"]["exit"] == {"code": 0, "name": "ok"}
    assert runner.job("buy"), runner.log
    assert runner.job("nightly"), runner.log
    assert runner.job("plan"), runner.log
    assert "nothing to buy, so nothing to approve" in runner.log
    assert len(world.purchases) == 6
    assert CANARY not in runner.log


def test_what_changed_after_the_approval_turns_the_pull_request_red(runner: Runner) -> None:
    """A new file with an order, which the approved document does not know of, is seen by the check of its digest."""
    runner.job("plan")
    approve(runner)
    assert runner.job("plan"), runner.log
    more = (runner.world.root / "orders" / "apps.yaml").read_text().replace("apps-2026-12", "more-2026-12")
    runner.world.write("orders/more.yaml", more)
    assert not runner.job("plan")
    assert "not the one of --approve" in runner.log or "was approved, but the document has" in runner.log


def test_a_merge_that_is_refused_buys_nothing_and_leaves_a_report(runner: Runner) -> None:
    """The price rose meanwhile: the job fails, its last steps are run, and the report to upload is there."""
    runner.job("plan")
    approve(runner)
    runner.world.box.add_fault("price-up-quote:10")
    assert not runner.job("buy")
    assert runner.world.money_requests == 0
    assert runner.world.report()["run"]["exit"]["code"] == 5
    assert (runner.world.root / "findings.json").exists()
    assert "crawl-2026-12/fr-prices" in (runner.bin / "summary.md").read_text()


def test_a_lost_answer_stops_the_buying_until_the_night_has_settled_it(runner: Runner) -> None:
    """Unknown: the job fails; reconcile proves the order by the policy's `exclusive`; the same approval buys the rest."""
    runner.job("plan")
    approve(runner)
    runner.world.box.add_fault("reset-after@3")
    assert not runner.job("buy")
    assert len(runner.world.purchases) == 3
    assert not runner.job("buy")
    assert len(runner.world.purchases) == 3
    assert not runner.job("nightly")
    assert "reconcile: 0" in runner.log
    assert runner.job("buy"), runner.log
    assert len(runner.world.purchases) == 6


# -- what keeps the key and the money where they belong


def test_no_run_is_cut_off_and_only_an_approval_on_main_buys() -> None:
    """Nothing cancels a run in progress, and the job that spends has its own environment and event."""
    assert WORKFLOW["concurrency"]["cancel-in-progress"] == "false"
    assert WORKFLOW["on"]["push"] == {"branches": ["main"], "paths": ["approved.json"]}
    spending = [name for name, job in JOBS.items() if re.search(r"apply (?!--dry-run)", str(job["steps"]))]
    assert spending == ["buy"]
    assert (JOBS["buy"]["if"], JOBS["buy"]["environment"]) == ("github.event_name == 'push'", "purchase")


def test_no_fork_sees_the_key() -> None:
    """Jobs with the key have a protected environment; on a pull request only one has it, and not for forks."""
    assert "pull_request_target" not in WORKFLOW["on"]
    with_key = {name for name, job in JOBS.items() if KEY in str(job)}
    assert with_key == {name for name, job in JOBS.items() if "environment" in job} == {"plan", "buy", "nightly"}
    assert "head.repo.full_name == github.repository" in JOBS["plan"]["if"]
    events = {name: re.search(r"event_name == '(\w+)'", job["if"]) for name, job in JOBS.items()}
    assert {name: found and found[1] for name, found in events.items()} == {
        "check": "pull_request",
        "plan": "pull_request",
        "buy": "push",
        "nightly": "schedule",
    }


def test_whatever_happens_is_uploaded() -> None:
    """Every job has one upload of what it left, and no failure before it skips that."""
    left = {}
    for name, job in JOBS.items():
        (upload,) = [step for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
        assert upload["if"] == "always()"
        left[name] = upload["with"]["path"].split()
    assert left == {
        "check": ["findings.json"],
        "plan": ["plan.*"],
        "buy": ["report.json", "findings.json"],
        "nightly": ["report.json"],
    }


def test_the_linter_finds_nothing() -> None:
    """zizmor, which knows how workflows are attacked and what a workflow may hold, has no finding."""
    command = [
        str(Path(sys.executable).parent / "zizmor"),
        "--offline",
        "--no-progress",
        str(REPO / "samples/team" / PLACE),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings to report" in done.stdout + done.stderr
