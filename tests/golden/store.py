"""What was recorded: a digest of every output, and the whole text of the core cases."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.golden.cases import Case
from tests.golden.commands import Outputs

HERE: Final = Path(__file__).parent
DIGESTS: Final = HERE / "digests.json"
TEXTS: Final = HERE / "texts"
LENGTH: Final = 8
"""Hexadecimal digits that are kept of a SHA-256: enough to see a change, and a file that fits into git."""
HEADING: Final = "=" * 12
SAME: Final = " is "

Digests = Mapping[str, Mapping[str, str]]
"""Case → output → digest. In the file, a step is a line."""


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


def load() -> Digests:
    """What was recorded of every case."""
    stored: dict[str, dict[str, str]] = json.loads(DIGESTS.read_bytes()) if DIGESTS.exists() else {}
    return {
        case: {f"{step}/{name}": mark for step, line in steps.items() for name, mark in map(_pair, line.split())}
        for case, steps in stored.items()
    }


def _pair(text: str) -> tuple[str, str]:
    name, _, mark = text.rpartition("=")
    return name, mark


def texts(case: str) -> Outputs:
    """The texts that were recorded of a core case; empty for another one."""
    path = _path(case)
    outputs: Outputs = {}
    for part in path.read_text("utf-8").split(f"{HEADING} ")[1:] if path.exists() else ():
        name, _, text = part.partition("\n")
        name, same, other = name.partition(SAME)
        outputs[name] = outputs[other] if same else text[:-1]
    return outputs


def save(digests: Digests, texts: Mapping[str, Outputs], cases: Sequence[Case]) -> None:
    """Keep the digests of these cases, in their order, and the texts that are new; remove what is of no core case."""
    stored = {case.name: _lines(digests[case.name]) for case in cases if case.name in digests}
    DIGESTS.write_text(json.dumps(stored, indent=0, ensure_ascii=False) + "\n", "utf-8")
    TEXTS.mkdir(exist_ok=True)
    for old in set(TEXTS.iterdir()) - {_path(case.name) for case in cases if case.core}:
        old.unlink()
    for case, outputs in texts.items():
        _path(case).write_text("".join(_sections(outputs)), "utf-8")


def _lines(digests: Mapping[str, str]) -> dict[str, str]:
    """Step → each of its outputs with its digest."""
    steps: dict[str, list[str]] = {}
    for output, mark in digests.items():
        step, _, name = output.partition("/")
        steps.setdefault(step, []).append(f"{name}={mark}")
    return {step: " ".join(pairs) for step, pairs in steps.items()}


def _sections(outputs: Outputs) -> Iterator[str]:
    """Each text once: what is the same as an earlier one only names it."""
    earlier: dict[str, str] = {}
    for name, text in outputs.items():
        if not _kept(name):
            continue
        if text in earlier and len(text) > len(earlier[text]):
            yield f"{HEADING} {name}{SAME}{earlier[text]}\n"
        else:
            yield f"{HEADING} {name}\n{text}\n"
            earlier[text] = name


def _kept(name: str) -> bool:
    """Whether a text is kept: HTML is forty kilobytes a page, events and SARIF say again what the report says."""
    return not name.endswith((".html", ".ndjson", ".sarif"))


def _path(case: str) -> Path:
    return TEXTS / f"{re.sub(r'[^a-zA-Z0-9@.-]+', '+', case.replace('/', '--').replace('*', 'all'))}.txt"
