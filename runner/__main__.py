"""`python -m runner`, and the command `order-runner`."""

from __future__ import annotations

import gc
import sys

OBJECTS = 30_000
"""New objects before garbage is looked for: fewer would look through all that was just imported again and again."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    gc.set_threshold(OBJECTS)
    from runner.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
