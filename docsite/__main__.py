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
    gc.disable()  # a third of the time went into looking for garbage in trees that live to the end
    shutil.rmtree(out, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "pages"
        staging.stage(source)
        site = Sphinx(source, HERE, out, Path(folder) / "doctrees", "html", status=None, warningiserror=True)
        site.build()
    for leftover in (".buildinfo", "objects.inv"):
        (out / leftover).unlink(missing_ok=True)
    problems = list(check.problems(out))
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    return 1 if site.statuscode or problems else 0


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1] if len(sys.argv) > 1 else "build/site")))
