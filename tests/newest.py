"""`python -m tests.newest [--pre] [--uncapped] [PYTEST ARGUMENT ...]`: the tests with the newest release of every dependency.

Makes an environment in a temporary folder, prints what is in it, runs the tests there, and leaves with pytest's exit
code. The ranges in pyproject.toml hold, and so do those of the packages among themselves: a newer release that they keep out
is not installed but named, so that somebody can decide to raise a cap. `--uncapped` installs what only our own ranges
keep out, except where they pin a version.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
EAGERLY = ("install", "--quiet", "--upgrade", "--upgrade-strategy", "eager")
REQUIREMENT = re.compile(r"(?P<package>(?P<name>[\w.-]+)(?:\[[^]]*])?)\s*(?P<admits>[^;]*)")
"""What is before a marker: a package with its extras, and the versions that are admitted."""


class Dependency(NamedTuple):
    """`package` is a name with its extras, `admits` the range of its versions: `>=3.2,<4`."""

    package: str
    admits: str


def main(arguments: Sequence[str]) -> int:
    """The exit code of pytest, or of pip where the environment cannot be made."""
    parser = argparse.ArgumentParser(prog="python -m tests.newest", description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--pre", action="store_true", help="pre-releases as well")
    parser.add_argument("--uncapped", action="store_true", help="releases above the ranges of pyproject.toml as well")
    options, for_pytest = parser.parse_known_args(arguments)
    declared = dependencies(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory(prefix="order-runner-newest-") as folder:
        python = str(Path(folder, "bin", "python"))
        venv.create(folder, with_pip=True)
        try:
            _install(python, declared, pre=options.pre, uncapped=options.uncapped)
            for line in _versions(python, declared, pre=options.pre):
                print(line, flush=True)
        except subprocess.CalledProcessError as error:
            return int(error.returncode)
        command = [python, "-m", "pytest", "-n", "auto", "--dist", "worksteal", *for_pytest]
        return subprocess.run(command, cwd=ROOT, check=False).returncode


def dependencies(project: Mapping[str, Any]) -> dict[str, Dependency]:
    """Every package that a pyproject.toml asks for, itself aside, by its canonical name."""
    declared = project["project"]
    extras = declared["optional-dependencies"].values()
    asked = [*declared["dependencies"], *(line for lines in extras for line in lines)]
    parts = [match for line in asked if (match := REQUIREMENT.match(line))]
    return {
        canonical(each["name"]): Dependency(each["package"], each["admits"].strip())
        for each in parts
        if each["name"] != declared["name"]
    }


def canonical(name: str) -> str:
    """One spelling of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _install(python: str, declared: Mapping[str, Dependency], *, pre: bool, uncapped: bool) -> None:
    """Everything within the ranges; after that, which pip only warns of, what is asked for above them."""
    options = ["--pre"] if pre else []
    _pip(python, *EAGERLY, *options, "--editable", f"{ROOT}[test]")
    if uncapped:
        installed = {canonical(package["name"]) for package in _listed(python)}
        free = [each.package for name, each in declared.items() if name in installed and "==" not in each.admits]
        _pip(python, *EAGERLY, *options, *free)


def _versions(python: str, declared: Mapping[str, Dependency], *, pre: bool) -> Iterator[str]:
    """A line for each dependency of ours that is installed, with the newer release that some range keeps out."""
    outdated = _listed(python, "--outdated", *(["--pre"] if pre else []))
    newest = {canonical(package["name"]): package["latest_version"] for package in outdated}
    for package in _listed(python):
        name = canonical(package["name"])
        if name in declared:
            held = f" ({newest[name]} is out)" if name in newest else ""
            yield f"{package['name']} {package['version']}{held}"


def _listed(python: str, *options: str) -> list[dict[str, str]]:
    packages: list[dict[str, str]] = json.loads(_pip(python, "list", "--format", "json", *options))
    return packages


def _pip(python: str, *arguments: str) -> str:
    """What pip prints; its complaints go to stderr."""
    command = [python, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
