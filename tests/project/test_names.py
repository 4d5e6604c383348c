"""A name leads to one thing and says what it is.

No two classes share one, and no two files but the parts of one command. A function is called by a verb or a noun, and
what lives longer than a glance by what it holds.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from runner.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "runner"
APART = PACKAGE / "sandbox"
"""Another program, which plays the vendor and shares no code."""

VAGUE: Final = frozenset(("found", "told", "said", "known", "shown"))
"""Participles that say how something came about, and nothing about what it is."""

ANY_VAGUE: Final = f"_*(?:{'|'.join(sorted(VAGUE))})_*"
STORED: Final = re.compile(rf"(?:def |for |\.){ANY_VAGUE}\b|\b{ANY_VAGUE}\s*[:=]")
"""Whatever may store under such a name, as text: parsing is slow, and most files have nothing of the kind."""

GLANCE: Final = 3
"""Lines that one sees at once, in which such a name misleads nobody."""

REGULAR: Final = re.compile(r"[a-z]{2,}(?:ed|wn)")
IRREGULAR: Final = re.compile(
    "begun|bought|broken|brought|built|caught|chosen|driven|fallen|felt|forgotten|found|given|gone|heard|held|hidden|kept"
    "|laid|led|left|lent|lost|made|meant|met|paid|said|seen|sent|sold|spent|spoken|stolen|stood|struck|taken|taught"
    "|thought|told|torn|understood|woken|won|worn|written"
)
"""Participles that are not also the verb itself, as `read`, `put` and `cut` are."""

NO_PARTICIPLES: Final = frozenset(("disown", "feed", "heed", "markdown", "need"))
"""Verbs and nouns that only end like one."""

EXCEPTIONS: Final[Mapping[str, str]] = {
    "library/account.py: spent": "what `ledger spent` is to the command line",
    "core/stop.py: requested": "a property of `Stop`, which the library exports: programs ask for it by this name",
}
"""Functions that keep a participle for a name, by file, and why."""

FIELD_EXCEPTIONS: Final[Mapping[str, str]] = {
    "cli/resolve.py: placed": "an option's field has the option's name",
    "core/progress.py: left": "a value of an event, which the library hands to programs",
    "evidence/judge.py: moved": "of `Verdict`, whose fields the library promises",
    "library/answers.py: settled": "of `Reconciled`, which the library promises",
    "library/answers.py: spent": "of `Applied`, which the library promises",
    "settle/sums.py: spent": "of `Sum`, whose fields the library promises",
    "plan/plan.py: unchecked": "of `Plan`, whose fields the library promises",
}
"""Fields that keep a participle for a name although they hold more than yes or no, by file, and why."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources() -> Iterator[Path]:
    """Every file of the package but those of the emulator."""
    return (path for path in sorted(PACKAGE.rglob("*.py")) if not path.is_relative_to(APART))


def is_part_of_a_command(path: Path) -> bool:
    """Whether a file is the flags or the view of a command and is called after it, as the work behind it may be."""
    return path.stem in COMMANDS and path.parent in (PACKAGE / "cli", PACKAGE / "views")


def is_public_name(path: Path) -> bool:
    """Whether a file only makes a module of the core importable from the package itself."""
    return path.parent == PACKAGE and (PACKAGE / "core" / path.name).exists()


def twice(places: dict[str, list[str]]) -> dict[str, list[str]]:
    """The names with more than one place."""
    return {name: at for name, at in places.items() if len(at) > 1}


def test_a_class_name_exists_once() -> None:
    """No two classes of the package have one name, private ones included."""
    places: dict[str, list[str]] = defaultdict(list)
    for source in sources():
        path = str(source.relative_to(PACKAGE))
        for node in ast.walk(trees()[path]):
            if isinstance(node, ast.ClassDef):
                places[node.name.lstrip("_")].append(f"{path}:{node.lineno}")
    assert twice(places) == {}


def test_a_file_name_exists_once() -> None:
    """No two files have one name, but a command's flags, its view, and the work behind it."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in sources():
        if path.stem != "__init__" and not is_part_of_a_command(path) and not is_public_name(path):
            places[path.name].append(str(path.relative_to(PACKAGE)))
    assert twice(places) == {}


def is_participle(name: str) -> bool:
    """Whether a name is one past participle and nothing else, leading underscores aside."""
    word = name.strip("_")
    return word not in NO_PARTICIPLES and bool(REGULAR.fullmatch(word) or IRREGULAR.fullmatch(word))


@cache
def trees() -> Mapping[str, ast.Module]:
    """Every file of the package, the emulator's included, as a syntax tree."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {str(path.relative_to(PACKAGE)): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def functions() -> Iterator[tuple[str, Function]]:
    """Every function and method, nested ones included, with its file."""
    for path, tree in trees().items():
        yield from ((path, node) for node in ast.walk(tree) if isinstance(node, Function))


def lines_of_names(function: Function) -> dict[str, list[int]]:
    """The lines on which a function mentions each of its parameters and locals, and each name from outside."""
    lines: dict[str, list[int]] = defaultdict(list)
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            lines[node.id].append(node.lineno)
        elif isinstance(node, ast.arg):
            lines[node.arg].append(node.lineno)
    return lines


def long_lived(function: Function) -> list[str]:
    """The vague names that a function has in use for more lines than one sees at once."""
    return [
        name
        for name, lines in lines_of_names(function).items()
        if name.strip("_") in VAGUE and max(lines) - min(lines) >= GLANCE
    ]


def stored_names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """What modules, classes and objects keep under a name, with the line: their variables, fields and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno
        for child in node.body if isinstance(node, ast.Module | ast.ClassDef) else ():
            targets = child.targets if isinstance(child, ast.Assign) else [getattr(child, "target", None)]
            yield from ((target.id, child.lineno) for target in targets if isinstance(target, ast.Name))


def fields(tree: ast.Module) -> Iterator[str]:
    """The fields that others read of objects, but those that only say yes or no, for which a participle is right."""
    for node in ast.walk(tree):
        for child in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name) and not is_flag(child):
                yield child.target.id
        if isinstance(node, ast.Assign | ast.AnnAssign) and not is_flag(node):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            flat = [one for target in targets for one in (target.elts if isinstance(target, ast.Tuple) else [target])]
            yield from (one.attr for one in flat if isinstance(one, ast.Attribute) and is_self(one.value))


def is_flag(node: ast.Assign | ast.AnnAssign) -> bool:
    """Whether what is declared or assigned is a yes or no."""
    if isinstance(node, ast.AnnAssign):
        return isinstance(node.annotation, ast.Name) and node.annotation.id == "bool"
    return isinstance(node.value, ast.Constant) and isinstance(node.value.value, bool)


def is_self(node: ast.expr) -> bool:
    """Whether an expression is the object whose method this is."""
    return isinstance(node, ast.Name) and node.id == "self"


@cache
def helpers() -> Mapping[str, ast.Module]:
    """Every file of the tests and the benchmarks that may store under a vague name, as a syntax tree."""
    paths = sorted(path for folder in ("tests", "benchmarks") for path in (ROOT / folder).rglob("*.py"))
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}
    return {path: ast.parse(text) for path, text in texts.items() if STORED.search(text)}


def vague_helpers(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """What a test's helpers and their fields are called, where that says nothing of what they are, with the line."""
    for node in ast.walk(tree):
        if isinstance(node, Function) and node.name.strip("_") in VAGUE:
            yield node.name, node.lineno
    yield from ((name, line) for name, line in stored_names(tree) if name.strip("_") in VAGUE)


def test_a_function_is_called_by_a_verb_or_a_noun() -> None:
    """No function or method is called by a bare participle, but those with a reason, and every reason is needed."""
    participles = {f"{path}: {function.name}" for path, function in functions() if is_participle(function.name)}
    assert participles == EXCEPTIONS.keys()


def test_a_local_is_called_by_what_it_holds() -> None:
    """`found`, `told`, `said`, `known` and `shown` are names for at most three lines."""
    places = [f"{path}:{f.lineno} {f.name}: {name}" for path, f in functions() for name in long_lived(f)]
    assert places == []


def test_what_is_stored_is_called_by_what_it_is() -> None:
    """No variable of a module, field of a class or attribute of an object is called `found`, `told` or the like."""
    places = [
        f"{path}:{line}: {name}"
        for path, tree in trees().items()
        for name, line in stored_names(tree)
        if name.strip("_") in VAGUE
    ]
    assert places == []


def test_a_field_is_called_by_what_it_holds() -> None:
    """No field that others read is a bare participle, but one of yes or no and those with a reason, each needed."""
    participles = {
        f"{path}: {name}"
        for path, tree in trees().items()
        for name in fields(tree)
        if not name.startswith("_") and is_participle(name)
    }
    assert participles == FIELD_EXCEPTIONS.keys()


def test_a_helper_of_the_tests_is_called_by_what_it_does_or_is() -> None:
    """No helper of tests or benchmarks, and no field of one, is called `found`, `told`, `said`, `known` or `shown`."""
    assert [f"{path}:{line}: {name}" for path, tree in helpers().items() for name, line in vague_helpers(tree)] == []


def test_the_rules_for_names_are_kept_by_looking() -> None:
    """A breach of each rule is seen, and what only resembles one is not."""
    assert [name for name in ("_priced", "told", "_kept", "shown") if not is_participle(name)] == []
    assert [
        name for name in ("price", "_has_moved", "kept_witness", "heed", "read", "red") if is_participle(name)
    ] == []
    tree = ast.parse("def find(text):\n    found = text\n    return found\ndef seek(told):\n\n\n    return told")
    assert [long_lived(node) for node in tree.body if isinstance(node, Function)] == [[], ["told"]]
    tree = ast.parse("known = 1\nclass A:\n    shown: int\n    def __init__(self):\n        self._told, said = 1, 2")
    assert sorted(stored_names(tree)) == [("_told", 5), ("known", 1), ("shown", 3)]
    assert sorted(vague_helpers(tree)) == [("_told", 5), ("known", 1), ("shown", 3)]
    assert list(vague_helpers(ast.parse("class A:\n    def told(self):\n        told = 1"))) == [("told", 2)]
    tree = ast.parse("class A:\n  loaded: int\n  made: bool\n  def __init__(self):\n    self.met, self.on = 1, True")
    assert sorted(fields(tree)) == ["loaded", "met", "on"]
