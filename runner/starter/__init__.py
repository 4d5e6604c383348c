"""What `init` puts into a repository of orders: files of `templates/`, with the version and the types filled in.

Pure, but for reading the templates. The same choice gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner._version import __version__
from runner.core.orders import ProductType

MANIFESTS: Final = "orders"
"""The folder of the manifests."""

LOCKFILE: Final = "orders/orders.lock.json"
IGNORED: Final = ".gitignore"
OWNERS: Final = "CODEOWNERS"
SHARED: Final = (IGNORED, OWNERS)
"""Files that are not ours alone: they stay, and what one lacks is added to it."""

OWNED_ELSEWHERE: Final = (".github/CODEOWNERS", ".gitlab/CODEOWNERS", "docs/CODEOWNERS")
"""Where GitHub and GitLab look for code owners, too: of several files only the first one counts."""

SYSTEMS: Final[Mapping[str, str]] = {
    "github": ".github/workflows/orders.yml",
    "gitlab": ".gitlab-ci.yml",
    "jenkins": "Jenkinsfile",
}
"""The CI systems there is a workflow for, and where each looks for it."""

TEMPLATES: Final[Mapping[str, str]] = {
    IGNORED: "gitignore",
    OWNERS: "codeowners",
    "order-runner.yaml": "order-runner.yaml",
    ".github/workflows/orders.yml": "github.yml",
    ".gitlab-ci.yml": "gitlab-ci.yml",
    "Jenkinsfile": "Jenkinsfile",
    ".pre-commit-config.yaml": "pre-commit-config.yaml",
    ".vscode/settings.json": "vscode-settings.json",
}
"""Files whose template has another name: one that no program takes for its own while it lies in the package."""

SCHEMAS: Final = ("manifest", "policy")
"""Schemas that are copied, so that editors find them without a network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants. Without types no manifest, and nothing that belongs to manifests, is part of it."""

    types: tuple[ProductType, ...] = ()
    systems: tuple[str, ...] = ()
    pre_commit: bool = False
    vscode: bool = False


def files(choice: Wish) -> dict[str, str]:
    """Paths below the folder, sorted, and what each file holds."""
    return dict(sorted(_files(choice)))


def _files(choice: Wish) -> Iterator[tuple[str, str]]:
    if choice.types:
        for kind in choice.types:
            yield f"{MANIFESTS}/{kind}.yaml", _template(f"orders/{kind}.yaml")
        yield LOCKFILE, _lockfile(choice.types)
        yield "order-runner.yaml", _fill_in("order-runner.yaml", choice)
    if choice.types or choice.vscode:
        from runner.core import schemas

        for name in SCHEMAS:
            yield f"schemas/{name}.schema.json", schemas.text(name)
    wanted = [IGNORED, *(SYSTEMS[system] for system in choice.systems)]
    wanted += [OWNERS] if choice.systems else []
    wanted += [".pre-commit-config.yaml"] if choice.pre_commit else []
    wanted += [".vscode/settings.json"] if choice.vscode else []
    for path in wanted:
        yield path, _fill_in(path, choice)


def extend(theirs: str, ours: str) -> str:
    """A file with the patterns of ours that it lacks behind its own; the same text where it lacks none."""
    has = set(theirs.splitlines())
    missing = [line for line in ours.splitlines() if line not in has]
    if all(line.startswith("#") for line in missing):
        return theirs
    between = "" if not theirs or theirs.endswith("\n") else "\n"
    return theirs + between + "".join(f"{line}\n" for line in missing)


def _fill_in(path: str, choice: Wish) -> str:
    text = _template(TEMPLATES[path])
    workflows = "\n".join(f"# /{_owner_pattern(SYSTEMS[system])} @example/money" for system in choice.systems)
    for name, value in (("VERSION", __version__), ("TYPES", ", ".join(choice.types)), ("WORKFLOWS", workflows)):
        text = text.replace(f"@{name}@", value)
    return text


def _owner_pattern(workflow: str) -> str:
    """What whoever may change a workflow's rights should own: all of `.github/`, where one more file is a workflow."""
    folder, slash, _ = workflow.partition("/")
    return folder + slash


def _lockfile(types: tuple[ProductType, ...]) -> str:
    """The lockfile of the emulator, with the entries that these types need: each is a line, as `lock` writes them."""
    head, begin, rest = _template("orders.lock.json").partition("[\n")
    body, end, tail = rest.rpartition("\n  ]")
    lines = [line for line in body.split(",\n") if json.loads(line)["type"] in types]
    return head + (begin + ",\n".join(lines) + end if lines else "[]") + tail


def _template(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


_FOLDER: Final = Path(__file__).resolve().parent / "templates"
