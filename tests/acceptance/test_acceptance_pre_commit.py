"""The hook of `.pre-commit-hooks.yaml`, with real pre-commit and the environment that it makes for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from harness import REPO

from runner.starter import Wish, files

BIN = Path(sys.executable).parent
SHIPPED = (".pre-commit-hooks.yaml", "LICENSE", "README.md", "docs", "pyproject.toml", "runner", "schemas")
FILES = files(Wish(types=("ipv4", "mobile"), pre_commit=True))
GOOD = FILES["orders/ipv4.yaml"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Our repository as a user would clone it, and a cache in which pre-commit has installed it once."""

    ours: str
    environment: dict[str, str]

    def git(self, folder: Path, *arguments: str) -> None:
        who = ("-c", "user.name=Anna", "-c", "user.email=anna@example.org", "-c", "commit.gpgsign=false")
        command = ["git", *who, *arguments]
        subprocess.run(command, cwd=folder, env=self.environment, check=True, capture_output=True)

    def run(self, folder: Path, *arguments: str) -> tuple[int, str]:
        """pre-commit in a repository: its exit code and what it said."""
        done = subprocess.run(
            [BIN / "pre-commit", *arguments],
            cwd=folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def commit(self, folder: Path) -> tuple[int, str]:
        """What `git commit --all` would be told by the hook; committed where it is content."""
        self.git(folder, "add", "--all")
        code, output = self.run(folder, "run", "--color=never")
        if code == 0:
            self.git(folder, "commit", "--quiet", "--message=orders")
        return code, output


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    ours = folder / "order-runner"
    for name in SHIPPED:
        if (REPO / name).is_dir():
            shutil.copytree(REPO / name, ours / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            ours.mkdir(exist_ok=True)
            shutil.copy(REPO / name, ours / name)
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "PATH", "LANG"))}
    home = {"HOME": os.environ.get("HOME", str(folder)), "PRE_COMMIT_HOME": str(folder / "cache")}
    opened = Desk(ours=str(ours), environment=kept | home | {"PIP_NO_COMPILE": "1"})
    opened.git(ours, "init", "--quiet", "--initial-branch=main")
    opened.git(ours, "add", "--all")
    opened.git(ours, "commit", "--quiet", "--message=a version")
    opened.git(ours, "tag", "v0.1.0")
    yield opened
    shutil.rmtree(folder / "cache", ignore_errors=True)


@pytest.fixture
def repository(desk: Desk, tmp_path: Path) -> Path:
    """A repository of orders, with our hook in its configuration."""
    for path in ("orders/ipv4.yaml", "orders/mobile.yaml", "orders/orders.lock.json"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(FILES[path])
    hook = {"repos": [{"repo": desk.ours, "rev": "v0.1.0", "hooks": [{"id": "order-runner-validate"}]}]}
    (tmp_path / ".pre-commit-config.yaml").write_text(yaml.safe_dump(hook))
    desk.git(tmp_path, "init", "--quiet")
    return tmp_path


def test_the_hook_in_a_repository_of_orders(desk: Desk, repository: Path) -> None:
    """It installs itself, passes what is valid, and fails with file, line and column what is not; a commit of one file is
    held against all others. One test, because each process of pytest would install it anew."""
    code, output = desk.commit(repository)
    assert code == 0, output
    assert "Passed" in output

    (repository / "orders" / "ipv4.yaml").write_text(GOOD.replace("quantity: 2", "quantity: 0"))
    code, output = desk.commit(repository)
    line = GOOD.splitlines().index("    quantity: 2") + 1
    assert code == 1
    assert f"orders/ipv4.yaml:{line}:15: PSR" in output
    (repository / "orders" / "ipv4.yaml").write_text(GOOD)

    (repository / "orders" / "again.yaml").write_text(GOOD)
    code, output = desk.commit(repository)
    assert code == 1
    assert "orders/ipv4.yaml:" in output
    assert "PSR301" in output
    (repository / "orders" / "again.yaml").write_text(GOOD.replace("starter-ipv4", "more").replace("DEU", "POL"))
    code, output = desk.commit(repository)
    assert code == 1
    assert "PSR304" in output
    (repository / "orders" / "again.yaml").unlink()

    (repository / "notes.txt").write_text("nothing\n")
    code, output = desk.commit(repository)
    assert code == 0, output
    assert "Skipped" in output


def test_what_init_writes_is_the_same_hook(desk: Desk, tmp_path: Path) -> None:
    """The configuration of `init --pre-commit` is valid, and calls what our hook calls, when our hook does."""
    (tmp_path / "config.yaml").write_text(FILES[".pre-commit-config.yaml"])
    code, output = desk.run(tmp_path, "validate-config", "config.yaml")
    assert code == 0, output
    code, output = desk.run(tmp_path, "validate-manifest", str(REPO / ".pre-commit-hooks.yaml"))
    assert code == 0, output
    (hook,) = yaml.safe_load((REPO / ".pre-commit-hooks.yaml").read_text())
    (local,) = yaml.safe_load(FILES[".pre-commit-config.yaml"])["repos"]
    (written,) = local["hooks"]
    assert {name: written[name] for name in ("id", "name", "entry", "args", "language", "files", "pass_filenames")} == {
        name: hook[name] for name in ("id", "name", "entry", "args", "language", "files", "pass_filenames")
    }
