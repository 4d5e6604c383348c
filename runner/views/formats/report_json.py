"""`json`: the report itself, to the byte as the run wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.views.terminal.safe import json_text


def render(document: Mapping[str, Any]) -> str:
    """One JSON document, indented, in ASCII."""
    return json_text(document, indent=2) + "\n"
