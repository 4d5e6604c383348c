"""Other releases of PyYAML bring other libyamls: what is promised about YAML holds with each.

Part of the default suite, because a few seconds each are less than a release that a newcomer meets first.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
LIBYAML = {"6.0.2": "0.2.5", "6.0.3": "0.2.5", "6.0.4": "0.2.6"}
"""Releases of PyYAML, and the libyaml in their wheels."""

OTHERS = [version for version in LIBYAML if version != yaml.__version__]
"""The suite itself holds the promises to the release that is installed."""


def python(*argv: str | Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """This Python with its packages, those in `path` before all others."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHONPATH"))}
    before = {"PYTHONPATH": str(path)} if path else {}
    command = [sys.executable, *map(str, argv)]
    return subprocess.run(command, cwd=ROOT, env=clean | before, capture_output=True, text=True, check=False)


@pytest.fixture(params=OTHERS)
def release(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """A release of PyYAML and the folder it is in, by itself; skips where pip cannot get it."""
    version: str = request.param
    quick = ("--quiet", "--disable-pip-version-check", "--retries", "0", "--timeout", "10")
    exact = ("--no-deps", "--only-binary", ":all:", "--target", tmp_path, f"pyyaml=={version}")
    done = python("-m", "pip", "install", *quick, *exact)
    if done.returncode:
        pytest.skip(f"pip cannot install PyYAML {version}: {done.stderr.strip().rpartition(chr(10))[2]}")
    return version, tmp_path


@pytest.mark.slow
def test_yaml_is_read_alike_with_every_libyaml(release: tuple[str, Path]) -> None:
    """Values, places, limits and findings are as tested with the newest release of PyYAML, and with older ones."""
    version, path = release
    look = "import yaml; print(yaml.__version__, yaml._yaml.get_version_string())"
    assert python("-c", look, path=path).stdout.split() == [version, LIBYAML[version]]
    files = [Path("tests", "core", "yamldoc", f"test_{part}.py") for part in ("yamldoc", "yamldoc_depth", "scalars")]
    quiet = ("-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist")
    done = python("-m", "pytest", *quiet, "-k", "not pure and not fill_the_memory", *files, path=path)
    assert done.returncode == 0, done.stdout + done.stderr
