"""What was recorded: a digest of every output, and the whole text of the core cases."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from tests.golden.cases import Case
from tests.golden.commands import Outputs

HERE: Final = Path(__file__).parent
DIGESTS: Final = HERE / "digests.json"
TEXTS: Final = HERE / "texts"
LENGTH: Final = 10
"""Hexadecimal digits that are kept of a SHA-256: enough to see a change, and a file that fits into git."""
HEADING: Final = "=" * 12

Digests = Mapping[str, Mapping[str, str]]
"""Case → output → digest."""


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


def load() -> Digests:
    """What was recorded of every case."""
    stored: dict[str, dict[str, str]] = json.loads(DIGESTS.read_bytes())
    return {case: dict(part.split("=") for part in line.split()) for case, line in stored.items()}  # type: ignore[attr-defined]


def texts(case: str) -> Outputs:
    """The texts that were recorded of a core case; empty for another one."""
    path = _path(case)
    if not path.exists():
        return {}
    parts = path.read_text("utf-8").split(f"{HEADING} ")[1:]
    found = (part.partition("\n") for part in parts)
    return {name: text[:-1] for name, _, text in found}


def save(digests: Digests, core: Iterable[tuple[Case, Outputs]]) -> None:
    """Record everything anew."""
    lines = {case: " ".join(f"{name}={mark}" for name, mark in outputs.items()) for case, outputs in digests.items()}
    DIGESTS.write_text(json.dumps(lines, indent=0, ensure_ascii=False) + "\n", "utf-8")
    TEXTS.mkdir(exist_ok=True)
    for old in TEXTS.iterdir():
        old.unlink()
    for case, outputs in core:
        _path(case.name).write_text(
            "".join(f"{HEADING} {name}\n{text}\n" for name, text in outputs.items() if _kept(name)), "utf-8"
        )


def _kept(name: str) -> bool:
    """Whether a text is kept: a page of HTML is forty kilobytes, most of them the same ones in each."""
    return not name.endswith(".html")


def _path(case: str) -> Path:
    return TEXTS / f"{case.replace('/', '--').replace(' ', '+').replace(':', '_').replace('*', 'all')}.txt"
