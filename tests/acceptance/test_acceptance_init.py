"""`init`: a repository of orders that works as it is written, and never at the price of what was there."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from harness import REPO, World
from test_acceptance_confirmation import Terminal

from runner.core import schemas
from runner.core.orders import PRODUCT_TYPES
from runner.starter import OWNED_ELSEWHERE, OWNERS, SYSTEMS, Wish, extend, files

EVERYTHING = (
    *(word for name in PRODUCT_TYPES for word in ("--type", name)),
    *(word for name in SYSTEMS for word in ("--ci", name)),
    "--pre-commit",
    "--vscode",
)
FIRST = {
    ".gitignore",
    "order-runner.yaml",
    "orders/ipv4.yaml",
    "orders/orders.lock.json",
    "schemas/manifest.schema.json",
    "schemas/policy.schema.json",
}


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below, but a report and git's own."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "report.json" and ".git/" not in path.as_posix()
    }


def git(folder: Path, *arguments: str) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.stdout


# -- what is written works


def test_without_a_word_it_writes_one_manifest_and_what_belongs_to_it(world: World) -> None:
    """No terminal, no option: IPv4, its lockfile, a policy, the schemas; each named, with the next commands."""
    done = world.run("init")
    assert done.code == 0, done.output
    assert set(tree(world.root)) == FIRST
    assert [line for line in done.out.splitlines() if line.startswith("wrote")] == [
        f"wrote      {path}" for path in sorted(FIRST)
    ]
    assert "order-runner apply --sandbox --yes orders" in done.out


def test_everything_it_writes_is_valid_and_bought_by_the_sandbox(world: World) -> None:
    """The commands that it names work on what it wrote, unchanged: all seven types, and nothing is warned of."""
    assert world.run("init", "shop", *EVERYTHING).code == 0
    world.root /= "shop"
    before = tree(world.root)
    checked = world.run("validate", "--strict", "orders")
    assert (checked.code, checked.out) == (0, "7 files, 8 orders: all valid\n")
    locked = world.run("lock", "--sandbox", "--check", "orders")
    assert locked.code == 0, locked.output
    assert world.run("apply", "--sandbox", "--yes", "orders").code == 0
    assert world.report()["summary"]["placed"] == len(PRODUCT_TYPES)
    assert tree(world.root) == before


@pytest.mark.parametrize("name", PRODUCT_TYPES)
def test_each_type_works_alone(name: str, world: World) -> None:
    """A manifest, the words of it locked and no others, and a policy that allows the type and no other."""
    assert world.run("init", "--type", name).code == 0
    checked = world.run("validate", "--strict", "orders")
    assert checked.code == 0, checked.output
    entries = json.loads((world.root / "orders/orders.lock.json").read_text())["entries"]
    assert {entry["type"] for entry in entries} == {name}
    assert f"types: [{name}]" in (world.root / "order-runner.yaml").read_text()


def test_the_lockfile_is_what_lock_would_write(world: World) -> None:
    """The sandbox's ids, to the letter: `lock` finds nothing to add, to move or to remove."""
    world.run("init", *EVERYTHING)
    before = (world.root / "orders/orders.lock.json").read_bytes()
    done = world.run("lock", "--sandbox", "orders")
    assert done.out == "orders/orders.lock.json: 16 words locked, nothing changed\n"
    assert (world.root / "orders/orders.lock.json").read_bytes() == before


def test_editors_find_the_schemas_without_a_network(world: World) -> None:
    """Each modeline, and each path of the settings, leads to a copy of the published schema in the same folder."""
    world.run("init", *EVERYTHING)
    for name in ("manifest", "policy"):
        assert (world.root / f"schemas/{name}.schema.json").read_text() == schemas.text(name)
    for path in (world.root / "order-runner.yaml", *(world.root / "orders").glob("*.yaml")):
        first = path.read_text().splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema=")
        assert (path.parent / first.partition("=")[2]).resolve().is_file()
    settings = json.loads((world.root / ".vscode/settings.json").read_text())
    assert all((world.root / schema).is_file() for schema in settings["yaml.schemas"])


def test_editor_settings_hook_and_workflows_only_where_they_are_asked_for(world: World) -> None:
    """Each option adds its own file, at the place where its program looks for it."""
    world.run("init")
    for option, path in (
        (("--vscode",), ".vscode/settings.json"),
        (("--pre-commit",), ".pre-commit-config.yaml"),
        *((("--ci", name), path) for name, path in SYSTEMS.items()),
    ):
        before = set(tree(world.root))
        assert world.run("init", *option).code == 0
        assert set(tree(world.root)) - before - {OWNERS} == {path}


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_workflow_comes_with_code_owners_to_fill_in(world: World, system: str) -> None:
    """Policy, by both its names, approval and workflow each have a line that asks nobody until a team is put in."""
    assert world.run("init", "--ci", system).code == 0
    lines = (world.root / OWNERS).read_text().splitlines()
    assert all(line.startswith("#") for line in lines)
    owned = {line.split()[1] for line in lines if line.endswith(" @example/money")}
    workflow = {"github": "/.github/"}.get(system, f"/{SYSTEMS[system]}")
    assert owned == {"/CODEOWNERS", "/approved.json", "/order-runner.yaml", "/order-runner.yml", workflow}


@pytest.mark.parametrize("place", [OWNERS, *OWNED_ELSEWHERE])
@pytest.mark.parametrize("options", [(), ("--force",)])
def test_code_owners_that_are_there_go_on_to_be_asked(world: World, place: str, options: tuple[str, ...]) -> None:
    """Wherever GitHub or GitLab look for them: none is replaced, or hidden by a second file that asks nobody."""
    world.write(place, "* @example/everybody\n")
    assert world.run("init", "--ci", "github", *options).code == 0
    assert {path: text for path, text in tree(world.root).items() if "CODEOWNERS" in path} == {
        place: b"* @example/everybody\n"
    }


def test_the_same_choice_is_the_same_bytes(world: World) -> None:
    """Twice, in another order, at another time: no byte differs, and no placeholder is left."""
    assert world.run("init", "one", "--type", "isp", "--type", "ipv4", "--ci", "gitlab", "--ci", "github").code == 0
    assert world.run("init", "two", "--ci", "github", "--ci", "gitlab", "--type", "ipv4", "--type", "isp").code == 0
    assert tree(world.root / "one") == tree(world.root / "two")
    for path, text in files(Wish(types=PRODUCT_TYPES, systems=tuple(SYSTEMS), pre_commit=True)).items():
        assert path.startswith("schemas/") or "@VERSION@" not in text + path
        assert "@TYPES@" not in text


# -- what was there stays


def test_what_is_there_is_named_and_nothing_is_written(world: World) -> None:
    """Exit 2: a file with other content stops it before the first byte; --force replaces it, and says so."""
    world.write("order-runner.yaml", "apiVersion: policy/v1\n")
    world.write("schemas/manifest.schema.json", "{}\n")
    before = tree(world.root)
    done = world.run("init")
    assert done.code == 2
    assert "order-runner.yaml, schemas/manifest.schema.json" in done.err
    assert "--force" in done.err
    assert tree(world.root) == before
    forced = world.run("init", "--force")
    assert forced.code == 0
    assert "replaced   order-runner.yaml" in forced.out
    assert set(tree(world.root)) == FIRST


def test_manifests_that_somebody_has_written_are_left_alone(world: World) -> None:
    """Where there are manifests, no other one is written unless its type is named; to name nothing is an error."""
    world.run("init")
    world.write("orders/ipv4.yaml", "# mine\n")
    done = world.run("init")
    assert done.code == 2
    assert "already has manifests" in done.err
    done = world.run("init", "--ci", "github")
    assert done.code == 0
    assert done.out.startswith("wrote      .github/workflows/orders.yml\nunchanged  .gitignore\n")
    assert (world.root / "orders/ipv4.yaml").read_text() == "# mine\n"
    assert world.run("init", "--type", "ipv4").code == 2
    assert (world.root / "orders/ipv4.yaml").read_text() == "# mine\n"


def test_a_gitignore_gets_what_it_lacks(world: World) -> None:
    """What somebody has written there stays, in its place, even with --force; a second time adds nothing."""
    world.write(".gitignore", "node_modules/\n/report.json")
    assert "extended   .gitignore" in world.run("init", "--force").out
    lines = (world.root / ".gitignore").read_text().splitlines()
    assert lines[:2] == ["node_modules/", "/report.json"]
    assert lines.count("/report.json") == 1
    assert "/plan.json" in lines
    text = (world.root / ".gitignore").read_text()
    assert extend(text, files(Wish())[".gitignore"]) == text


def test_git_ignores_what_runs_leave_and_nothing_that_belongs_to_it(world: World) -> None:
    """Reports, plans and ledgers are ignored; the approval, the lockfile and all that `init` wrote are not."""
    world.run("init", *EVERYTHING)
    git(world.root, "init", "--quiet")
    left = ["report.json", "report.html", "plan.json", "plan.md", "junit-plan.xml", "out/plan.md", "orders.ledger"]
    kept = [*tree(world.root), "approved.json"]
    assert git(world.root, "check-ignore", *left, *kept).split() == left


def test_no_link_leads_it_out_of_its_folder(world: World) -> None:
    """A symbolic link in the place of a file is refused, and what it leads to is as it was."""
    outside = world.home / "precious"
    outside.write_text("mine\n")
    (world.root / "order-runner.yaml").symlink_to(outside)
    done = world.run("init", "--force")
    assert done.code == 2
    assert "symbolic link" in done.err
    assert outside.read_text() == "mine\n"


def test_a_folder_that_cannot_be_made_is_an_error_of_the_user(world: World) -> None:
    """A file in the place of DIR: exit 2, nothing else."""
    world.write("shop", "a file\n")
    assert world.run("init", "shop").code == 2


def test_a_part_of_a_repository_is_told_that_ci_looks_elsewhere(world: World) -> None:
    """A workflow counts only at the root of a repository; below it, a note says so."""
    git(world.root, "init", "--quiet")
    assert "is inside the repository" in world.run("init", "below", "--ci", "github").out
    assert "is inside the repository" not in world.run("init", ".", "--ci", "github").out


# -- on a terminal


def test_a_person_is_asked_for_types_and_ci(world: World) -> None:
    """Both with a default that Enter takes; a word it does not know is asked for again; CI is guessed from the remote."""
    git(world.root, "init", "--quiet")
    git(world.root, "remote", "add", "origin", "git@gitlab.example.org:team/orders.git")
    terminal = Terminal(world, "init")
    terminal.until("Types of product")
    terminal.until("[ipv4]: ")
    terminal.type("ipv4, phone\n")
    terminal.until("one or more of")
    terminal.type("mobile ipv4\n")
    terminal.until("[gitlab]: ")
    terminal.type("\n")
    assert terminal.end() == 0
    assert set(tree(world.root)) == FIRST | {"orders/mobile.yaml", ".gitlab-ci.yml", OWNERS}


def test_nobody_is_asked_for_what_was_said(world: World) -> None:
    """--no-input, or both options, and a terminal is not asked anything."""
    for number, options in enumerate((("--no-input",), ("--type", "isp", "--ci", "jenkins"))):
        terminal = Terminal(world, "init", str(number), *options)
        assert terminal.end() == 0
        assert "Types of product" not in terminal.screen
        assert "]: " not in terminal.screen


def test_the_team_sample_ignores_the_same_files() -> None:
    """What the sample repository leaves out of git, `init` does, too."""
    ours = set(files(Wish())[".gitignore"].splitlines())
    sample = (REPO / "samples/team/.gitignore").read_text().splitlines()
    assert {f"/{line}" for line in sample if line and not line.startswith("#")} <= ours | {"/findings.json"}
