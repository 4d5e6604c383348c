"""`python -m docsite [FOLDER]`: build the site, build/site by default. A warning of any kind is an error."""

from __future__ import annotations

import gc
import shutil
import sys
import tempfile
from pathlib import Path

from sphinx.application import Sphinx

from docsite import check, staging

HERE = Path(__file__).resolve().parent


def build(out: Path) -> int:
    """Build into `out`, whose old content goes; 0 where nothing is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        pages = Path(folder) / "pages"
        staging.stage(pages)
        warned = render(pages, out)
    problems = list(check.problems(out))
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    return 1 if warned or problems else 0


def render(pages: Path, out: Path) -> int:
    """HTML of a folder of pages; 0 where Sphinx had nothing to say against them. What is wrong goes to stderr."""
    shutil.rmtree(out, ignore_errors=True)
    gc.disable()  # a third of the time went into looking for garbage in trees that live to the end
    with tempfile.TemporaryDirectory() as trees:
        site = Sphinx(pages, HERE, out, trees, "html", status=None, warningiserror=True)
        site.build()
    for leftover in (".buildinfo", "objects.inv"):
        (out / leftover).unlink(missing_ok=True)
    return int(site.statuscode)


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1] if len(sys.argv) > 1 else "build/site")))
