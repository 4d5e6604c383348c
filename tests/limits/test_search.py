"""Where policies are looked for: real folders, links, owners, and repositories that git itself has made."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from runner.limits.search import WORKSPACES, search

GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "PATH": os.environ["PATH"]}
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("apiVersion: policy/v1\n", encoding="utf-8")
    return path


def folder(path: Path, mode: int = 0o755) -> Path:
    path.mkdir(parents=True)
    path.chmod(mode)
    return path


def policies_within(*starts: Path, environ: Mapping[str, str] | None = None, within: Path) -> list[Path]:
    """The policies below `within`, so that nothing outside of a test's own folder matters to it."""
    return [path for path in search(starts, environ or {}) if path.is_relative_to(within)]


def git(where: Path, *arguments: str) -> None:
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always")
    subprocess.run(["git", *author, *arguments], cwd=where, env=GIT, check=True, capture_output=True)


def repository(path: Path) -> Path:
    """A repository of git with a policy in its first commit."""
    write(path / "order-runner.yaml")
    git(path, "init", "-q")
    git(path, "add", ".")
    git(path, "commit", "-qm", "first")
    return path


def test_no_git_is_needed(tmp_path: Path) -> None:
    """Up from the folder of the orders, every policy in a folder of the same user holds, the nearest first."""
    root, team = write(tmp_path / "order-runner.yaml"), write(tmp_path / "a/order-runner.yml")
    write(tmp_path / "b/order-runner.yaml")
    start = folder(tmp_path / "a/orders")
    assert policies_within(start, within=tmp_path) == [team, root]


@pytest.mark.parametrize("mode", [0o1777, 0o777, 0o757, 0o2770])
def test_what_others_can_write_to_gives_no_policy(tmp_path: Path, mode: int) -> None:
    """A folder such as /tmp, or of a group, ends the search; nor does what lies above it count."""
    shared, inner = tmp_path / "shared", tmp_path / "shared/mine/order-runner.yaml"
    write(tmp_path / "order-runner.yaml")
    write(shared / "order-runner.yaml")
    write(inner)
    os.chown(shared, -1, next(group for group in (12, *os.getgroups()) if group != os.getegid()))
    shared.chmod(mode)
    assert policies_within(folder(shared / "mine/orders"), within=tmp_path) == [inner]


def test_a_folder_that_a_user_and_nobody_else_is_the_group_of_counts(tmp_path: Path) -> None:
    """Ubuntu makes folders that a user's own group can write to: nobody else is in it."""
    path = write(tmp_path / "order-runner.yaml")
    tmp_path.chmod(0o775)
    assert policies_within(folder(tmp_path / "orders", 0o775), within=tmp_path) == [path]


@ROOT
def test_a_folder_of_another_user_ends_the_search(tmp_path: Path) -> None:
    """What somebody else has put above our orders is no policy of ours; what root or we have put there is one."""
    stranger, ours = tmp_path / "stranger", tmp_path / "stranger/ours/order-runner.yaml"
    write(stranger / "order-runner.yaml")
    write(ours)
    start = folder(stranger / "ours/orders")
    os.chown(stranger, 65534, -1)
    assert policies_within(start, within=tmp_path) == [ours]
    os.chown(start, 65534, -1)
    assert policies_within(start, within=tmp_path) == [ours, stranger / "order-runner.yaml"]


@pytest.mark.parametrize("name", sorted(set(WORKSPACES)))
def test_all_of_a_workspace_of_ci_is_searched(tmp_path: Path, name: str) -> None:
    """Up to the folder that CI has checked out, whoever owns it and whatever its mode."""
    root = write(tmp_path / "work/order-runner.yaml")
    start = folder(tmp_path / "work/a/orders")
    for open_to_all in (tmp_path, tmp_path / "work", tmp_path / "work/a"):
        open_to_all.chmod(0o777)
    assert policies_within(start, within=tmp_path) == []
    assert policies_within(start, environ={name: str(tmp_path / "work")}, within=tmp_path) == [root]
    assert policies_within(start, environ={name: str(tmp_path / "other")}, within=tmp_path) == []


def test_the_workspaces_of_the_usual_systems_are_known() -> None:
    """Each is the folder into which a CI system checks out."""
    assert {"GITHUB_WORKSPACE", "CI_PROJECT_DIR", "WORKSPACE", "BUILD_SOURCESDIRECTORY", "BITBUCKET_CLONE_DIR"} <= {
        *WORKSPACES
    }
    assert {"CIRCLE_WORKING_DIRECTORY", "BUILDKITE_BUILD_CHECKOUT_PATH", "DRONE_WORKSPACE", "CI_WORKSPACE"} <= {
        *WORKSPACES
    }
    assert {"APPVEYOR_BUILD_FOLDER", "TRAVIS_BUILD_DIR", "bamboo_build_working_directory"} <= {*WORKSPACES}
    assert {"CODEBUILD_SRC_DIR", "SEMAPHORE_GIT_DIR"} <= {*WORKSPACES}


@pytest.mark.parametrize("text", ["~/work", "work"])
def test_a_workspace_may_be_named_from_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """CircleCI writes ~/project, Semaphore only the folder's name."""
    monkeypatch.setenv("HOME", str(tmp_path))
    root = write(tmp_path / "work/order-runner.yaml")
    start = folder(tmp_path / "work/orders")
    (tmp_path / "work").chmod(0o777)
    assert policies_within(start, environ={"SEMAPHORE_GIT_DIR": text}, within=tmp_path) == [root]


def test_a_workspace_only_ever_adds(tmp_path: Path) -> None:
    """A variable that names a folder further down takes no policy away."""
    root = write(tmp_path / "order-runner.yaml")
    start = folder(tmp_path / "orders")
    assert policies_within(start, environ={"WORKSPACE": str(start)}, within=tmp_path) == [root]


def test_all_of_a_repository_is_searched(tmp_path: Path) -> None:
    """Up to the folder with .git, although everybody can write to it: the outermost, where one is in another."""
    root = repository(folder(tmp_path / "outer")) / "order-runner.yaml"
    inner = repository(folder(tmp_path / "outer/inner")) / "order-runner.yaml"
    start = folder(inner.parent / "orders")
    for open_to_all in (tmp_path, root.parent, inner.parent):
        open_to_all.chmod(0o777)
    assert policies_within(start, within=tmp_path) == [inner, root]


def test_a_git_folder_in_a_place_like_tmp_is_nobodys_repository(tmp_path: Path) -> None:
    """Whoever makes /tmp/.git does not bring his policy to everybody's folders below."""
    write(tmp_path / "tmp/order-runner.yaml")
    folder(tmp_path / "tmp/.git")
    start = folder(tmp_path / "tmp/mine")
    (tmp_path / "tmp").chmod(0o1777)
    assert policies_within(start, within=tmp_path) == []


def test_a_submodule_is_under_the_policy_of_its_superproject(tmp_path: Path) -> None:
    """Its `.git` is a file; also a worktree of it, far away, is under the superproject's policy."""
    shared, outer = repository(folder(tmp_path / "shared")), repository(folder(tmp_path / "outer"))
    git(outer, "submodule", "--quiet", "add", str(shared), "sub")
    git(outer / "sub", "worktree", "add", "-q", str(tmp_path / "away/tree"))
    for open_to_all in (tmp_path, outer, outer / "sub", tmp_path / "away"):
        open_to_all.chmod(0o777)
    policies = [outer / "sub/order-runner.yaml", outer / "order-runner.yaml"]
    assert (outer / "sub/.git").is_file()
    assert policies_within(folder(outer / "sub/orders"), within=tmp_path) == policies
    tree = tmp_path / "away/tree"
    assert policies_within(folder(tree / "orders"), within=tmp_path) == [tree / "order-runner.yaml", policies[1]]


def test_a_worktree_has_its_own_policy(tmp_path: Path) -> None:
    """A worktree is a checkout of its own: the policy in it holds, not the one of another branch elsewhere."""
    main = repository(folder(tmp_path / "main"))
    git(main, "worktree", "add", "-q", str(tmp_path / "away/tree"))
    tmp_path.chmod(0o777)
    start = folder(tmp_path / "away/tree/orders")
    assert (start.parent / ".git").is_file()
    assert policies_within(start, within=tmp_path) == [start.parent / "order-runner.yaml"]


@pytest.mark.parametrize("text", ["", "gitdir:", "gitdir: /nowhere/.git/modules", "modules/x", "\0", "gitdir: \0"])
def test_a_file_called_git_may_say_anything(tmp_path: Path, text: str) -> None:
    """A `.git` that git has not written is still a repository's root, and leads nowhere."""
    path = write(tmp_path / "order-runner.yaml")
    (tmp_path / ".git").write_text(text, encoding="utf-8")
    assert policies_within(folder(tmp_path / "orders"), within=tmp_path) == [path]


def test_a_link_does_not_lead_past_a_policy(tmp_path: Path) -> None:
    """Of a folder reached by a link, the policies on both ways hold."""
    here, there = write(tmp_path / "here/order-runner.yaml"), write(tmp_path / "there/order-runner.yaml")
    folder(tmp_path / "there/orders")
    (tmp_path / "here/orders").symlink_to(tmp_path / "there/orders")
    assert policies_within(tmp_path / "here/orders", within=tmp_path) == [here, there]


def test_letter_case_does_not_matter(tmp_path: Path) -> None:
    """A policy holds under any letter case, as on a disk that ignores it, and beside another one."""
    names = ["ORDER-RUNNER.YML", "Order-Runner.yaml", "order-runner.yml"]
    for name in names:
        write(tmp_path / name)
    assert [path.name for path in policies_within(tmp_path, within=tmp_path)] == names


def test_a_folder_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    """What cannot be listed is looked into by name; what is missing has no policy."""
    assert policies_within(tmp_path / "gone", within=tmp_path / "gone") == []
