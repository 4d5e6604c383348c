"""No file of secrets where git picks it up; asked of a real git, and held without one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from runner.core.errors import UsageError
from runner.core.worktree import refuse_tracked_place, work_tree_of


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository that ignores `*.secret`."""
    folder = tmp_path / "tree"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / ".gitignore").write_text("*.secret\nprivate/\n")
    return folder


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.invalid", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True)


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as refused:
        refuse_tracked_place(path, "-f txt")
    return str(refused.value)


def test_outside_of_a_work_tree_any_place_will_do(tmp_path: Path) -> None:
    refuse_tracked_place(tmp_path / "file", "-f txt")
    assert work_tree_of(tmp_path) is None


def test_an_ignored_file_will_do(tree: Path) -> None:
    (tree / "private").mkdir()
    refuse_tracked_place(tree / "a.secret", "-f txt")
    refuse_tracked_place(tree / "private" / "a", "-f txt")


def test_a_file_that_is_not_ignored_is_refused(tree: Path) -> None:
    (tree / "below").mkdir()
    for place in (tree / "a", tree / "below" / "a", tree / "-n"):
        assert "does not ignore it" in refusal(place)


def test_a_tracked_file_is_refused_though_it_is_ignored(tree: Path) -> None:
    (tree / "a.secret").write_text("old")
    git(tree, "add", "-f", "a.secret")
    assert "does not ignore it" in refusal(tree / "a.secret")


def test_a_linked_folder_leads_to_the_work_tree_it_is_in(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tree)
    assert "does not ignore it" in refusal(tmp_path / "link" / "a")


def test_a_work_tree_of_its_own_is_asked_for_itself(tree: Path) -> None:
    """A worktree and a submodule have a file `.git`."""
    git(tree, "commit", "-q", "--allow-empty", "-m", "first")
    git(tree, "worktree", "add", "-q", "../other")
    assert "does not ignore it" in refusal(tree.parent / "other" / "a")


def test_the_environment_of_a_hook_sends_the_question_nowhere_else(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    (other / ".gitignore").write_text("*\n")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert "does not ignore it" in refusal(tree / "a")


def test_nothing_that_a_repository_names_is_run(tree: Path) -> None:
    mark = tree / "ran.secret"
    script = tree / "monitor.secret"
    script.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
    script.chmod(0o700)
    git(tree, "config", "core.fsmonitor", str(script))
    refuse_tracked_place(tree / "a.secret", "-f txt")
    assert not mark.exists()


def test_without_git_a_work_tree_is_refused(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tree))
    assert "git is not installed" in refusal(tree / "a.secret")


def test_a_repository_that_git_does_not_answer_for_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /nowhere\n")
    assert "git does not answer for it" in refusal(tmp_path / "a")
