"""A pull request that means harm: files under every name that a CI job writes, and modules that Python might import."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FORGED: Final = "**0.01 USD for 2 orders**"
"""What a committed file wants a reviewer to read."""

OUTPUTS: Final = (
    "comment.md",
    "findings.json",
    "junit-apply.xml",
    "junit-nightly.xml",
    "junit-plan.xml",
    "junit-validate.xml",
    "online.json",
    "online.txt",
    "plan.code",
    "plan.json",
    "plan.md",
    "reconcile.json",
    "report.html",
    "report.json",
    "status.txt",
)
MODULES: Final = ("click", "json", "psycopg", "runner", "sitecustomize", "urllib", "usercustomize", "venv", "yaml")


def commit(root: Path, *, links: bool) -> Path:
    """Put the traps into a checkout, outputs as links to the environment or as files. What they leave where they work."""
    caught = root.with_name("caught")
    bait = root / "bait"
    bait.mkdir()
    for folder in (root, bait):
        for name in OUTPUTS:
            if links:
                (folder / name).symlink_to("/proc/self/environ")
            else:
                (folder / name).write_text("10\n" if name == "plan.code" else FORGED)
    (root / "out").symlink_to("bait")
    for name in MODULES:
        for module in (root / f"{name}.py", root / name / "__init__.py"):
            module.parent.mkdir(exist_ok=True)
            module.write_text(f"open({str(caught)!r}, 'a').write({name!r})\n")
    for name in ("order-runner", "pip", "python"):
        program = root / ".venv" / "bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\necho {name} >> '{caught}'\n")
        program.chmod(0o755)
    return caught
