"""Every folder in tests/manifest/cases is a case: manifests, and `expected.json` with what must come of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner import manifest
from runner.core.codes import IN_MANIFESTS
from runner.core.errors import Problem

CASES = Path(__file__).resolve().with_name("cases")
INVALID = sorted(path.parent for path in CASES.glob("invalid/*/expected.json"))
VALID = sorted(path.parent for path in CASES.glob("valid/*/expected.json"))


def as_case(problem: Problem, folder: Path) -> dict[str, Any]:
    assert problem.path
    return {
        "code": problem.code,
        "severity": problem.severity,
        "file": Path(problem.path).relative_to(folder).as_posix(),
        "line": problem.span.line if problem.span else None,
        "column": problem.span.column if problem.span else None,
        "message": problem.message.replace(f"{folder}/", ""),
        "hint": problem.hint,
    }


def loaded_as_case(loaded: manifest.Loaded, folder: Path) -> dict[str, Any]:
    return {
        "orders": [
            {
                "key": str(order.key),
                "type": order.type,
                "fields": dict(order.fields),
                **({"words": dict(order.words)} if order.words else {}),
                **({"renamed_from": str(order.renamed_from)} if order.renamed_from else {}),
                **({"copies_meant": True} if order.copies_meant else {}),
                "enabled": order.enabled,
                "labels": dict(order.labels),
                "max_total": None if order.max_total is None else str(order.max_total),
                "place": f"{Path(order.source.path).relative_to(folder).as_posix()}"
                f":{order.source.span.line}:{order.source.span.column}",
            }
            for order in loaded.orders
        ],
        "batches": [
            {
                "name": batch.name,
                "file": Path(batch.path).relative_to(folder).as_posix(),
                "budget": batch.budget and budget_as_case(batch.budget),
                "buy_by": batch.buy_by and batch.buy_by.isoformat(),
            }
            for batch in loaded.batches
        ],
        "warnings": [problem.code for problem in loaded.problems],
    }


def budget_as_case(budget: manifest.Budget) -> dict[str, str | None]:
    amounts = {
        "max_total": budget.max_total,
        "max_order": budget.max_order,
        "price_tolerance": budget.price_tolerance,
    }
    return {"currency": budget.currency} | {
        name: None if amount is None else str(amount) for name, amount in amounts.items()
    }


@pytest.mark.parametrize("folder", INVALID, ids=lambda folder: folder.name)
def test_an_invalid_manifest_gives_exactly_its_findings(folder: Path) -> None:
    """Every finding of every file of a case is reported, with code, place, words and way out, and nothing else."""
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    assert expected
    assert [as_case(problem, folder) for problem in manifest.check([str(folder)]).problems] == expected


@pytest.mark.parametrize("folder", INVALID, ids=lambda folder: folder.name)
def test_loading_finds_what_checking_finds(folder: Path) -> None:
    """`apply` refuses for the same reasons that `validate` names."""
    assert manifest.load([str(folder)]).problems == manifest.check([str(folder)]).problems


@pytest.mark.parametrize("folder", VALID, ids=lambda folder: folder.name)
def test_a_valid_manifest_gives_exactly_its_orders(folder: Path) -> None:
    """The orders, limits and warnings of a case are what is written, defaults and merge keys filled in."""
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    loaded = manifest.load([str(folder)])
    assert loaded.errors == 0
    assert loaded_as_case(loaded, folder) == expected


def test_every_finding_has_a_case() -> None:
    """No code of the catalogue is without a case, but for three that need files too large to keep, and those of
    lockfiles, which tests/manifest/test_lock.py and the acceptance tests provoke."""
    seen = {
        found["code"]
        for folder in INVALID
        for found in json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    }
    lockfiles = {code for code in IN_MANIFESTS if "PSR304" <= code <= "PSR310"}
    assert seen | {"PSR003", "PSR015", "PSR303"} | lockfiles == set(IN_MANIFESTS)
