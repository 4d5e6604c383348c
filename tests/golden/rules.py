"""What may differ between two runs of one build, each with its reason; everything else is compared to the byte."""

from __future__ import annotations

import re
from typing import Final

RULES: Final[tuple[tuple[str, re.Pattern[str], str], ...]] = (
    (
        "a world lies in memory on one machine and on a disk on another",
        re.compile(r"it is kept in memory and lost on a restart"),
        "it is among temporary files",
    ),
    ("unused room of the emergency file", re.compile(r"\0+"), "…"),
    (
        "what the runner is installed with",
        re.compile(r"\b(Python|PyYAML|jsonschema-rs|psycopg) \d+\.\d+\.\w+"),
        r"\1 VERSION",
    ),
    (
        "the same in JSON",
        re.compile(r'"(python|pyyaml|jsonschema_rs|sqlalchemy|psycopg)": "[\d.]+\w*"'),
        r'"\1": "VERSION"',
    ),
)


def apply(text: str, folder: str) -> str:
    """The text with a world's folder and all else that varies by its name."""
    text = text.replace(folder, "/golden")
    for _, pattern, name in RULES:
        text = pattern.sub(name, text)
    return text
