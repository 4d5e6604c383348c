"""A report in other forms, each made from its JSON alone: what is rendered later is what was written during the run.

Text is in `runner.views.summary`: it depends on the terminal as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

MODULES: Final[Mapping[str, str]] = {
    "json": "report_json",
    "ndjson": "ndjson",
    "junit": "junit",
    "sarif": "sarif",
    "markdown": "markdown",
    "github": "github",
    "html": "html.page",
}
"""Each format and the module here whose `render` makes it."""

NAMES: Final = tuple(MODULES)


def render(name: str, document: Mapping[str, Any]) -> str:
    """A report, of version 1.1, in one of `NAMES`. Its module is imported here: no run needs them all."""
    text: str = import_module(f"{__name__}.{MODULES[name]}").render(document)
    return text
