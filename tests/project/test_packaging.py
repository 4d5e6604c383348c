"""What is shipped works where it is installed: sdist, a wheel made from it, and an editable install."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from runner.explain import pages

ROOT = Path(__file__).resolve().parent.parent.parent
SHIPPED = ("docs", "LICENSE", "README.md", "pyproject.toml", "runner", "schemas")
PACKAGED = {"runner/py.typed", "runner/sandbox/limits.md", "runner/ledger/migrations/env.py"} | {
    str(path.relative_to(ROOT))
    for pattern in ("*.py", "views/formats/assets/*", "starter/templates/**/*")
    for path in (ROOT / "runner").rglob(pattern)
    if path.is_file()
}
PAGES = {str(Path("docs", name)) for name in pages.PAGES}
SCHEMAS = sorted((ROOT / "schemas").glob("*.json"))


def run(*argv: str | Path, cwd: Path, **env: str) -> str:
    """stdout of a command that must succeed, with nothing of this checkout on its path."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "CI", "GITHUB_ACTIONS")}
    clean |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", **env}
    done = subprocess.run([str(part) for part in argv], cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a fresh clone that packaging is about, where a build may leave its traces."""
    folder = tmp_path_factory.mktemp("source")
    for name in SHIPPED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def dist(source: Path) -> Path:
    """An sdist, and the wheel built from what the sdist holds."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", source / "dist", source, cwd=source)
    return source / "dist"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder with one manifest and no checkout."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    shutil.copy(ROOT / "samples" / "ipv4.yaml", folder / "orders.yaml")
    return folder


def installed(wheel: Path, folder: Path) -> Path:
    """The `bin` of a new environment with the wheel; its dependencies are those of the running one. No network."""
    venv = folder / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=folder)
    python = venv / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps")
    run(*pip, wheel, cwd=folder)
    (site,) = venv.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return venv / "bin"


def test_the_wheel_holds_every_module_and_all_data(dist: Path) -> None:
    """Each module of the tree, the schemas, the pages that `explain` reads, `py.typed`, the migrations and the emulator's
    limits are in the wheel, and no other page."""
    (wheel,) = dist.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert not PACKAGED - names
    assert not {f"runner/_schemas/{path.name}" for path in SCHEMAS} - names
    assert {f"runner/_{page}" for page in PAGES} == {name for name in names if name.endswith(".md") and "_docs" in name}


def test_the_wheel_holds_nothing_outside_its_package(dist: Path) -> None:
    """An installation adds `runner` and its metadata to an environment, no `tests` and no `schemas`."""
    (wheel,) = dist.glob("*.whl")
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"runner"}


def test_the_sdist_holds_what_the_wheel_is_built_from(dist: Path) -> None:
    """Someone who has only the sdist has every module, the schemas, the licence and the README."""
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = (
        PACKAGED | {f"schemas/{path.name}" for path in SCHEMAS} | {"LICENSE", "README.md", "pyproject.toml"} | PAGES
    )
    assert not wanted - names


def test_the_installed_command_works_from_another_folder(dist: Path, elsewhere: Path, tmp_path: Path) -> None:
    """The wheel's `order-runner` prints a schema, explains a finding, validates, and buys from the sandbox, with no
    checkout in reach."""
    (wheel,) = dist.glob("*.whl")
    command = installed(wheel, tmp_path) / "order-runner"
    assert run(command, "schema", "ipv4", cwd=elsewhere) == (ROOT / "schemas" / "ipv4.schema.json").read_text()
    assert "Define the anchor first." in run(command, "explain", "PSR012", cwd=elsewhere)
    assert "2 orders" in run(command, "validate", "orders.yaml", cwd=elsewhere)
    run(command, "apply", "--sandbox", "--yes", "orders.yaml", cwd=elsewhere, XDG_STATE_HOME=str(tmp_path / "state"))
    assert json.loads((elsewhere / "report.json").read_text())["summary"]["placed"] == 2


def test_an_editable_install_finds_the_schemas(source: Path, elsewhere: Path, tmp_path: Path) -> None:
    """`pip install -e .` maps `runner._schemas` to `schemas/`, so that an edited schema is the one that counts."""
    build = "import sys; from setuptools import build_meta; build_meta.build_editable(sys.argv[1])"
    run(sys.executable, "-c", build, tmp_path, cwd=source)
    (wheel,) = tmp_path.glob("*.whl")
    command = installed(wheel, tmp_path) / "order-runner"
    python = command.with_name("python")
    where = "import runner._schemas as schemas; print(schemas.__file__)"
    assert Path(run(python, "-c", where, cwd=elsewhere).strip()).parent == source / "schemas"
    edited = "\n### PSR012: edited\n\n```yaml\n- *base\n```\n\nAs it is here.\n\n→ Nothing.\n"
    (source / "docs" / "findings.md").write_text(edited, encoding="utf-8")
    assert "As it is here." in run(command, "explain", "PSR012", cwd=elsewhere)
    assert "2 orders" in run(command, "validate", "orders.yaml", cwd=elsewhere)
