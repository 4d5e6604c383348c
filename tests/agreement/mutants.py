"""Readers that are broken in one spot, to see that the comparison notices."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One spot of a module of `runner.core.yamldoc`, and what stands there instead."""

    module: str
    right: str
    wrong: str

    @property
    def name(self) -> str:
        return f"runner.core.yamldoc.{self.module}"


MUTANTS: Final[dict[str, Mutant]] = {
    "comment-without-space": Mutant("rows", r'r"(?: +#[^\t\r]*| *)"', r'r"(?: *#[^\t\r]*| *)"'),
    "escape": Mutant("rows", r'"[^"\\\t\r]*"', r'"[^"\t\r]*"'),
    "doubled-quote": Mutant("rows", r"'[^'\t\r]*'", r"'(?:[^'\t\r]|'')*'"),
    "colon-in-text": Mutant("rows", r":(?=\S)|", r":|"),
    "indicator-first": Mutant("rows", r"(?:[\w/.+$]|-\w)", r"(?:[\w/.+$*]|-\w)"),
    "key-that-is-no-text": Mutant("rows", " or not _is_text(key)", ""),
    "trap": Mutant("rows", "value.__class__ is Trap or ", ""),
    "place-of-nothing": Mutant("rows", "column + len(key) + 1", "column + len(key)"),
    "duplicate": Mutant("line_reader", "if row[1] in fields:", "if False:"),
    "deeper-without-reason": Mutant("line_reader", " and last.start == last.end", ""),
    "second-list": Mutant("line_reader", "elif place == dash:", "elif NOTHING < place < 0:"),
    "back-in-the-order": Mutant(
        "line_reader",
        "if place == column:\n                fields = values",
        "if place == column:\n                pass",
    ),
    "lines-of-what-was-read": Mutant("line_reader", "self._line += count", "self._line += count + 1"),
    "characters-of-what-was-read": Mutant("line_reader", "characters - lines)", "characters)"),
    "end-of-the-file": Mutant("line_reader", "len(piece.lines), -1, first", "len(piece.lines), 0, first"),
    "end-of-a-value": Mutant(
        "rows",
        "return _span(place.line, place.row.start, place.row.end)",
        "return _span(place.line, place.row.start, place.row.start + 1)",
    ),
}


class _BrokenLoader(SourceFileLoader):
    """Loads a module with the wrong words in place of the right ones."""

    def __init__(self, mutant: Mutant, path: str) -> None:
        super().__init__(mutant.name, path)
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        text = Path(self.path).read_text(encoding="utf-8")
        if text.count(self._mutant.right) != 1:
            raise SystemExit(f"`{self._mutant.right}` has to stand in {self.path} once")
        return compile(text.replace(self._mutant.right, self._mutant.wrong), self.path, "exec")


class _BrokenFinder:
    """Finds one module for the loader that breaks it."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, name: str, path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        if name != self._mutant.name:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec and spec.origin:
            spec.loader = _BrokenLoader(self._mutant, spec.origin)
        return spec


def break_reader(name: str) -> None:
    """Break it in this process; the runner may not have been imported yet."""
    if MUTANTS[name].name in sys.modules:
        raise RuntimeError("too late: the reader has been imported")
    sys.meta_path.insert(0, _BrokenFinder(MUTANTS[name]))


def is_noticed(name: str, texts: int) -> bool:
    """Whether some texts find a broken reader out; says so."""
    argv = (sys.executable, "-m", "tests.agreement", "--mutant", name, "--texts", str(texts))
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    noticed = done.returncode == 1 and " 0 differences" not in done.stdout and "differences in all" in done.stdout
    sys.stdout.write(f"{name}: {'noticed' if noticed else 'NOT NOTICED ' + done.stdout + done.stderr}\n")
    return noticed
