"""The workflows that `init` writes do what they say: their steps are run, word for word, against the vendor of the tests."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import traps
from ci import FILES, LATER_FILES, ME_AT_GITLAB, Machine
from harness import CANARY, World

TOTAL = Decimal("7.10")
"""What the two starter manifests cost."""


class Notes(BaseHTTPRequestHandler):
    """GitLab's notes of merge request 7, ten a page, whatever is asked for; and who is asking."""

    server: GitLab

    def log_message(self, *_: object) -> None:
        """Nothing: the test looks at the notes."""

    def _answer(self, document: object) -> None:
        data = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        assert self.headers["PRIVATE-TOKEN"] == "token"
        if self.path == "/api/v4/user":
            self._answer({"id": ME_AT_GITLAB})
            return
        found = re.fullmatch(r"/api/v4/projects/3/merge_requests/7/notes\?per_page=100&page=(\d+)", self.path)
        assert found
        end = 10 * int(found[1])
        self._answer(self.server.notes[end - 10 : end])

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
        if self.command == "POST":
            self.server.notes.append({"id": len(self.server.notes), "author": {"id": ME_AT_GITLAB}, "body": body})
        else:
            self.server.notes[int(self.path.rpartition("/")[2])]["body"] = body
        self._answer({})

    do_PUT = do_POST  # noqa: N815 - the name that the server looks for


class GitLab(ThreadingHTTPServer):
    notes: list[dict[str, Any]]


@contextmanager
def gitlab() -> Iterator[GitLab]:
    """A GitLab with eleven notes of other people on the merge request, one of whom pretends to be us."""
    with GitLab(("127.0.0.1", 0), Notes) as server:
        server.notes = [{"id": n, "author": {"id": 9}, "body": "<!-- order-runner: plan -->"} for n in range(11)]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(params=["github", "gitlab", "jenkins"])
def machine(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> Iterator[Machine]:
    """A machine of each CI system, with a checkout of what `init` wrote."""
    for path, text in FILES.items():
        world.write(path, text)
    with gitlab() as server:
        api = f"http://127.0.0.1:{server.server_port}/api/v4"
        extra = {"CI_API_V4_URL": api, "CI_PROJECT_ID": "3", "CI_MERGE_REQUEST_IID": "7", "CHANGE_ID": "7"}
        opened = Machine(world=world, bin=tmp_path / "bin", system=request.param, extra=extra, notes=server.notes)
        opened.set_up()
        yield opened
    shown = opened.log.replace(f"::add-mask::{CANARY}\n", "")  # GitHub's way to have it hidden, and itself not shown
    world.find_no_key(shown.encode(), "the log")
    world.find_no_key_in_files()


def approve(machine: Machine) -> None:
    """Somebody commits the plan of the last run as the approval."""
    shutil.copy(machine.out / "plan.json", machine.world.root / "approved.json")


@pytest.mark.parametrize(
    "machine",
    ["github", *(pytest.param(name, marks=pytest.mark.long) for name in ("gitlab", "jenkins"))],
    indirect=True,
)
def test_a_pull_request_from_its_first_plan_to_a_night_in_doubt(machine: Machine) -> None:
    """Red until the plan is approved, one comment, changed in place; the merge buys, once; a lost answer fails the job
    and the night, buys nothing more, and leaves everything there is to look at."""
    world = machine.world
    assert machine.job("validate"), machine.output
    assert machine.kept == {"junit-validate.xml"} - LATER_FILES
    assert not machine.job("plan")
    assert "not approved yet: commit this" in machine.output
    assert machine.kept == {"plan.json", "plan.md", "junit-plan.xml"} - LATER_FILES
    approve(machine)
    assert machine.job("plan"), machine.output
    (comment,) = machine.comments
    assert comment.startswith("<!-- order-runner: plan -->\n**7.10 USD for 2 orders**")
    assert world.money_requests == 0
    world.box.add_fault("reset-after@2")
    assert not machine.job("apply")
    assert machine.kept == {"report.json", "report.html", "junit-apply.xml"} - LATER_FILES
    assert world.report(machine.report)["run"]["exit"]["code"] == 7
    assert (len(world.purchases), sum(purchase.total for purchase in world.purchases)) == (2, TOTAL)
    assert not machine.job("nightly")
    online = {"online.json"} if machine.system == "github" else {"online.json", "online.txt"}
    nightly = {"reconcile.json", "status.txt", "report.json", "junit-nightly.xml"} | online
    assert machine.kept == nightly - LATER_FILES
    found = json.loads((machine.out / "online.json").read_text())
    assert [(fact["fact"], fact["key"]) for fact in found["facts"]] == [("unknown", "starter-resident/traffic")]
    assert "starter-resident/traffic" in (machine.out / "status.txt").read_text()
    assert json.loads((machine.out / "reconcile.json").read_text())
    assert world.report(machine.report)["run"]["exit"]["code"] == 7
    if machine.system == "github":
        settle(machine)


def settle(machine: Machine) -> None:
    """One annotation and one issue while something is open; settled by a person, the same approval finds it bought."""
    world = machine.world
    assert "::error title=orders in doubt::" in machine.output
    (issue,) = machine.gh["issues"]
    assert issue["open"]
    assert "    " in issue["body"]
    assert "starter-resident/traffic" in issue["body"]
    order = str(world.purchases[1].order_id)
    person = {"USER": "ben", "ORDER_RUNNER_ACCOUNT": "main"}
    done = world.run("resolve", "starter-resident/traffic", "--placed", order, "--yes", env=person)
    assert done.code == 0, done.output
    assert machine.job("apply"), machine.output
    assert machine.job("nightly"), machine.output
    (issue,) = machine.gh["issues"]
    assert not issue["open"]
    assert len(world.purchases) == 2


@pytest.mark.parametrize("machine", ["github"], indirect=True)
def test_what_changed_after_the_approval_is_red_and_shown_in_the_same_comment(machine: Machine) -> None:
    """Another quantity behind an approved plan fails the pull request, and the one comment has the new price."""
    machine.job("plan")
    approve(machine)
    machine.world.write("orders/ipv4.yaml", FILES["orders/ipv4.yaml"].replace("quantity: 2", "quantity: 3"))
    assert not machine.job("plan")
    assert "PSR440" in machine.output
    (comment,) = machine.comments
    assert "**7.10 USD" not in comment


def test_a_pull_request_of_a_fork_is_checked_without_a_key(machine: Machine) -> None:
    """The one job that a fork gets needs no secret, finds what is wrong, and asks the vendor nothing."""
    machine.world.write("orders/ipv4.yaml", FILES["orders/ipv4.yaml"].replace("quantity: 2", "quantity: 0"))
    assert not machine.job("validate")
    assert "orders/ipv4.yaml" in machine.output
    assert len(machine.world.box.requests) == 0


def test_without_a_ledger_nothing_is_planned_or_bought(machine: Machine) -> None:
    """A secret that is not set is empty: the jobs that need the memory of what was bought stop before they ask."""
    machine.extra = {**machine.extra, "ORDER_RUNNER_LEDGER": ""}
    assert not machine.job("apply")
    assert not machine.job("plan")
    assert len(machine.world.box.requests) == 0


# -- a pull request that means harm


@pytest.mark.parametrize("links", [True, False], ids=["links", "files"])
def test_what_a_pull_request_brings_is_not_taken_for_what_a_job_wrote(machine: Machine, links: bool) -> None:
    """Whatever is committed under the names of outputs, programs and modules: the comment and the artifacts are those of
    the job, nothing that was committed is run, and what installs and comments never has the key."""
    caught = traps.commit(machine.world.root, links=links)
    assert machine.job("validate"), machine.output
    assert machine.kept == {"junit-validate.xml"} - LATER_FILES
    assert not machine.job("plan")
    assert "not approved yet: commit this" in machine.output
    (comment,) = machine.comments
    assert comment.startswith("<!-- order-runner: plan -->\n**7.10 USD for 2 orders**")
    assert machine.kept == {"plan.json", "plan.md", "junit-plan.xml"} - LATER_FILES
    assert json.loads((machine.out / "plan.json").read_text())["digest"]
    approve(machine)
    assert machine.job("plan"), machine.output
    assert not caught.exists()
    assert CANARY not in machine.environment_of("pip") + machine.environment_of("gh")


def test_an_approval_that_is_a_link_approves_nothing(machine: Machine) -> None:
    """A link from `approved.json` to the plan of the very job, which always agrees with itself, is not an approval."""
    (machine.world.root / "approved.json").symlink_to(machine.out / "plan.json")
    assert not machine.job("plan")
    assert "not approved yet: commit this" in machine.output


@pytest.mark.parametrize("links", [True, False], ids=["links", "files"])
def test_without_a_plan_nothing_is_commented(machine: Machine, links: bool) -> None:
    """Where `plan` ends with 2, here for its ledger's name, files of its outputs' names are neither comment nor artifact."""
    caught = traps.commit(machine.world.root, links=links)
    machine.extra = {**machine.extra, "ORDER_RUNNER_LEDGER": "mysql://db.example/orders"}
    assert not machine.job("plan")
    assert "mysql:// are not supported" in machine.output
    assert machine.comments == []
    assert not machine.kept & {"plan.json", "plan.md"}
    assert not caught.exists()


def test_the_installed_command_looks_for_no_module_in_its_folder(world: World) -> None:
    """The script that pip made is run among modules of every name, and imports none of them."""
    for path, text in FILES.items():
        world.write(path, text)
    caught = traps.commit(world.root, links=True)
    command = [str(Path(sys.executable).parent / "order-runner"), "validate", "orders"]
    done = subprocess.run(command, cwd=world.root, env=world.environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, caught.exists()) == (0, False), done.stderr
