"""Runs the `console` blocks of a page as one shell session, and saves the files it shows after `<!-- file: PATH -->`.

`python tests/docs/readme.py` writes their output in.

Of every page of `PAGES`; what differs from run to run, `masked` hides from a comparison.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PAGES = (
    README,
    ROOT / "docs" / "how-to" / "review-and-approve.md",
    ROOT / "docs" / "how-to" / "every-month.md",
    ROOT / "docs" / "tutorial.md",
)
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
STEP = re.compile(rf"{BLOCK.pattern}|<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
MARK = "---- end of a command ----"
TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d(\.\d+)?Z)?")


def masked(text: str) -> str:
    """The page without what no two runs have in common: days and moments."""
    return TIME.sub("TIME", text)


def commands(block: str) -> list[str]:
    """The lines of a block that are typed."""
    return [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]


def typed(text: str) -> Iterator[str]:
    """What the reader does, as shell: the commands, each with a mark behind it, and the files that are to be saved."""
    for block, name, content in STEP.findall(text):
        if name:
            path = shlex.quote(name)
            yield f'mkdir -p "$HOME/$(dirname {path})"\ncat > "$HOME/"{path} <<\'{MARK}\'\n{content}{MARK}'
        yield from (f"{command}\necho '{MARK}'" for command in commands(block))


def transcript(text: str, folder: Path) -> str:
    """`text` with each block's output as it is now: stdout only, in a copy of the samples, with a fresh sandbox."""
    shutil.copytree(ROOT / "samples", folder / "samples")
    (folder / ".venv").symlink_to(sys.prefix)
    script = "\n".join(typed(text))
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {"PATH": path, "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "LANG": "C.UTF-8"}
    environment["USER"] = "anna"  # whose verdict it is
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    outputs = iter(done.stdout.split(f"{MARK}\n"))

    def filled(match: re.Match[str]) -> str:
        lines = [f"$ {command}\n{next(outputs)}" for command in commands(match.group(1))]
        return f"```console\n{''.join(lines)}```"

    return BLOCK.sub(filled, text)


if __name__ == "__main__":
    for page in PAGES:
        with tempfile.TemporaryDirectory() as folder:
            before = page.read_text()
            after = transcript(before, Path(folder))
            if masked(after) != masked(before):
                page.write_text(after)
