"""The import order is kept, and its guard is awake."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

BREACHES = {
    "a lower layer imports an upper one": ("runner/core/orders.py", "import runner.plan.plan"),
    "the manifests import the report": ("runner/manifest/rules.py", "import runner.report.report"),
    "the plan imports the report": ("runner/plan/plan.py", "import runner.report.report"),
    "the starter imports the manifests": ("runner/starter/__init__.py", "import runner.manifest.lock"),
    "the core imports the network": ("runner/buy/protocol.py", "import httpx"),
    "the core imports the database": ("runner/plan/plan.py", "import sqlalchemy"),
    "a view imports the ledger": ("runner/views/ledger.py", "import runner.ledger.chain"),
    "the plan imports a vendor": ("runner/plan/making.py", "import runner.vendors.v1.reads"),
    "the command line imports a vendor": ("runner/cli/plan.py", "import runner.vendors.v1.reads"),
    "a view imports the wiring": ("runner/views/summary.py", "import runner.run.wiring"),
    "the library imports a view": ("runner/library/account.py", "import runner.views.wording"),
    "the sandbox imports the client": ("runner/sandbox/accounts.py", "import runner.vendors.v1.purchases"),
    "the sandbox imports the core": ("runner/sandbox/faults.py", "import runner.core.codes"),
    "the core starts the sandbox": ("runner/buy/protocol.py", "import runner.sandbox"),
    "a view starts the sandbox": ("runner/views/summary.py", "import runner.sandbox"),
    "somebody else imports httpx": ("runner/vendors/v1/adapter.py", "import httpx"),
}


def contracts(folder: Path) -> subprocess.CompletedProcess[str]:
    """The verdict of import-linter on the package in `folder`."""
    command = Path(sys.executable).with_name("lint-imports")
    environment = os.environ | {"PYTHONPATH": str(folder), "NO_COLOR": "1"}
    return subprocess.run(
        [command, "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "runner", tmp_path / "runner", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_order_is_kept(copy: Path) -> None:
    """The package as it is breaks no contract."""
    done = contracts(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("path", "line"), BREACHES.values(), ids=BREACHES)
def test_a_breach_is_caught(path: str, line: str, copy: Path) -> None:
    """A single import against the order breaks a contract."""
    target = copy / path
    target.write_text(f"{target.read_text()}\n{line}\n")
    done = contracts(copy)
    assert done.returncode == 1, done.stdout
    assert "BROKEN" in done.stdout


def modules() -> dict[str, Path]:
    """Every module of the package by its name; a package is its `__init__`."""
    names = {path: path.relative_to(ROOT).with_suffix("").parts for path in (ROOT / "runner").rglob("*.py")}
    return {".".join(parts).removesuffix(".__init__"): path for path, parts in names.items()}


def imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports of a module, those inside functions too; not those that only a type checker sees."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from imports(ast.Module(body=node.orelse, type_ignores=[]))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        else:
            yield from imports(node)


def imported(path: Path, modules: Collection[str]) -> set[str]:
    """The modules of the package that a file names in its imports."""
    named: set[str] = set()
    for node in imports(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        else:
            below = {f"{node.module}.{alias.name}" for alias in node.names}
            named |= below & set(modules) or {str(node.module)}
            named |= {str(node.module)} if below - set(modules) else set()
    return named & set(modules)


def packages(module: str) -> set[str]:
    """The packages a module is in, that of the whole program left out: importing it runs theirs first."""
    parts = module.split(".")
    return {".".join(parts[:end]) for end in range(2, len(parts))}


def graph(files: Mapping[str, Path]) -> dict[str, set[str]]:
    """What importing each module, and calling all of its functions, imports at first hand."""
    edges: dict[str, set[str]] = {}
    for module, path in files.items():
        direct = imported(path, files.keys())
        entered = {package for other in direct for package in packages(other)} - packages(module)
        edges[module] = (direct | entered) - {module}
    return edges


def circle(edges: Mapping[str, set[str]]) -> tuple[str, ...]:
    """The modules of a circle, or of circles that hang together; empty where there is none."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return tuple(error.args[1])
    return ()


def test_no_two_modules_import_each_other() -> None:
    """No module needs itself to be imported or to work, over however many others; imports for types do not count."""
    assert circle(graph(modules())) == ()


def test_a_circle_is_caught(copy: Path) -> None:
    """An import inside a function closes a circle as one at the top does, even by way of a package."""
    files = modules()
    edges = graph(files)
    assert "runner.core.orders" in edges["runner.core.vendor"]
    target = copy / "runner" / "core" / "orders.py"
    target.write_text(f"{target.read_text()}\n\ndef late() -> None:\n    from runner.core import vendor\n")
    late = graph({**files, "runner.core.orders": target})
    assert late["runner.core.orders"] - edges["runner.core.orders"] == {"runner.core.vendor"}
    assert {"runner.core.orders", "runner.core.vendor"} <= set(circle({m: late[m] for m in late if ".core." in m}))


def test_imports_for_types_do_not_count(tmp_path: Path) -> None:
    """What stands under `if TYPE_CHECKING` is left out, what stands under its `else` is not."""
    path = tmp_path / "module.py"
    path.write_text("if TYPE_CHECKING:\n    import runner.core.files\nelse:\n    import runner.core.clock\n")
    assert imported(path, modules()) == {"runner.core.clock"}
