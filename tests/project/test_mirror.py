"""`tests/` mirrors `runner/`: what a module promises is held in the file of its name, or where the table says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDERS: Final = {"run": "runs"}  # `tests/run` is the command

ELSEWHERE: Final[Mapping[str, str]] = {
    "acceptance/test_acceptance_adopt.py": "cli.adopt settle.adopt views.adopt",
    "acceptance/test_acceptance_receipts.py": "cli.receipts settle.annotate views.receipts",
    "acceptance/test_acceptance_approval.py": "cli.options.approval cli.plan plan.approval.document",
    "acceptance/test_acceptance_confirmation.py": "cli.buying",
    "acceptance/test_acceptance_doctor.py": "cli.doctor run.doctor vendors.v1.offline views.doctor",
    "acceptance/test_acceptance_exit_codes.py": "cli.closing",
    "acceptance/test_acceptance_formats.py": "cli.outputs cli.report views.formats.report_json",
    "acceptance/test_acceptance_happy.py": "cli.apply cli.sandbox cli.schema",
    "acceptance/test_acceptance_init.py": "cli.init starter.placing views.starter",
    "acceptance/test_acceptance_accounts.py": "cli.decision run.keyring",
    "acceptance/test_acceptance_ledger_init.py": "run.founding",
    "acceptance/test_acceptance_renames.py": "plan.former_keys",
    "acceptance/test_acceptance_limits.py": "cli.options.bounds",
    "acceptance/test_acceptance_manifests.py": "cli.validate",
    "acceptance/test_acceptance_proxies.py": "cli.proxies deliver.choosing deliver.collecting run.delivering "
    "views.delivery",
    "acceptance/test_acceptance_reads_and_keys.py": "cli.options.common",
    "acceptance/test_acceptance_reference.py": "cli.reference",
    "acceptance/test_acceptance_targets.py": "cli.options.targets",
    "acceptance/test_acceptance_unread.py": "views.terminal.writer",
    "acceptance/test_acceptance_words.py": "cli.lock views.lock",
    "cli/test_completion.py": "cli.complete",
    "cli/test_ledger.py": "views.ledger",
    "core/yamldoc/test_line_reader.py": "core.yamldoc.rows",
    "core/yamldoc/test_yamldoc.py": "core.yamldoc.anchors core.yamldoc.builder core.yamldoc.nodes core.yamldoc.source "
    "core.yamldoc.syntax",
    "evidence/test_judge.py": "evidence.explanations evidence.match",
    "explain/test_explain.py": "cli.explain explain views.explain",
    "ledger/test_conformance.py": "ledger.codec ledger.moves ledger.sql ledger.statements",
    "ledger/test_export.py": "ledger.archive ledger.chain ledger.fold ledger.lines",
    "ledger/test_postgres.py": "ledger.pgsession ledger.pgurl",
    "ledger/test_pgwords.py": "ledger.pgroots",
    "ledger/test_sqlite.py": "ledger.engine",
    "manifest/test_cases.py": "core.nearest manifest.alike manifest.judging manifest.head manifest.keys manifest.kinds "
    "manifest.phrases manifest.renames manifest.requests manifest.rules",
    "manifest/test_lock.py": "manifest.words",
    "manifest/test_manifest.py": "manifest.discover manifest.places",
    "plan/approval/test_consent.py": "plan.task",
    "plan/approval/test_terms.py": "core.canonical",
    "plan/test_making.py": "plan.sources",
    "report/test_report.py": "plan.inputs report.file",
    "sandbox/test_api.py": "sandbox.replies sandbox.options",
    "sandbox/test_server.py": "sandbox.box sandbox.control sandbox.connection",
    "sandbox/test_spoil.py": "sandbox.visit",
    "runs/test_wiring.py": "run.settings",
    "sandbox/test_accounts.py": "sandbox.memory sandbox.basket",
    "schemas/test_gate_agreement.py": "core.schemas",
    "schemas/test_samples.py": "sandbox.goods",
    "settle/test_reconcile.py": "cli.options.types cli.reconcile",
    "settle/test_resolve.py": "cli.resolve",
    "vendors/transport/test_connect.py": "vendors.failures vendors.streams",
    "vendors/transport/test_lost_answers.py": "vendors.v1.adapter",
    "vendors/v1/test_cases.py": "vendors.retry_after vendors.v1.reads vendors.v1.reference vendors.v1.refusals",
    "vendors/v1/test_purchases.py": "vendors.wire",
    "views/formats/test_formats.py": "views.formats.annotations views.formats.validation views.formats.facts "
    "views.formats.github views.formats.junit views.formats.markdown views.formats.ndjson views.formats.sarif",
    "views/formats/test_plan_markdown.py": "views.formats.markdown_text",
    "views/terminal/test_events.py": "views.terminal.event_log views.terminal.live",
    "views/terminal/test_remaining.py": "views.terminal.layout",
    "views/test_findings.py": "views.terminal.snippet",
    "views/test_status.py": "views.failure views.reference",
}
"""Modules, and whole packages, by the test that holds them to their promises."""

UNTESTED: Final[Mapping[str, str]] = {
    "core.clock": "the machine's own",
    "core.ledger": "the door; `ledger/test_conformance.py` holds every engine to it",
    "core.progress": "values, and nothing that decides; `runs/test_call.py` holds how they are handed on",
    "core.records": "values, and nothing that decides",
    "core.vendor": "the door; `vendors/` and the simulation hold its adapters to it",
    "errors": "hands on `core.errors`",
    "progress": "hands on `core.progress`",
}
"""Modules without a test of their own, and why they need none."""


def modules() -> set[str]:
    """Every module but packages' own and migrations, by its name below `runner`."""
    paths = (path.relative_to(ROOT / "runner") for path in (ROOT / "runner").rglob("*.py"))
    return {
        ".".join(path.with_suffix("").parts)
        for path in paths
        if not path.name.startswith("_") and "migrations" not in path.parts
    }


def is_mirrored(module: str) -> bool:
    """Whether it, or the package that it is a part of, has a test file of its name, or it has a folder of tests."""
    first, *rest = module.split(".")
    place = ROOT.joinpath("tests", FOLDERS.get(first, first), *rest)
    files = [one.with_name(f"test_{one.name}.py") for one in (place, place.parent)]
    return any(file.is_file() for file in files) or any(place.glob("test_*.py"))


def within(module: str, names: set[str]) -> bool:
    """Whether it is one of them, or in a package that is."""
    return any(module == name or module.startswith(f"{name}.") for name in names)


LISTED: Final = {name for names in ELSEWHERE.values() for name in names.split()} | set(UNTESTED)


def test_every_module_has_its_test() -> None:
    """A new module comes with a test file of its name, or with a line in the table."""
    assert sorted(module for module in modules() if not is_mirrored(module) and not within(module, LISTED)) == []


def test_the_table_names_what_there_is() -> None:
    """No line outlives its test or its module, and none is left for a module that has a test of its name by now."""
    assert [path for path in ELSEWHERE if not (ROOT / "tests" / path).is_file()] == []
    here = modules()
    assert sorted(name for name in LISTED if not any(within(module, {name}) for module in here)) == []
    assert sorted(name for name in LISTED & here if is_mirrored(name)) == []


def test_no_test_outlives_its_folder() -> None:
    """A folder of tests that has the name of no package is one of the suites that CONTRIBUTING names."""
    packages = {FOLDERS.get(path.name, path.name) for path in (ROOT / "runner").iterdir() if path.is_dir()}
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    folders = {path.parent.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").glob("*/**/test_*.py")}
    assert sorted(name for name in folders - packages if f"`tests/{name}/`" not in page) == []
