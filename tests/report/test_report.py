"""The report: valid at every moment, linear in its orders, honest about money."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from runner.core import schemas
from runner.core.errors import ExitCode, Problem
from runner.core.vendor import Placed, VendorError
from runner.plan.inputs import Inputs
from runner.report.file import ReportFile
from runner.report.report import STATUSES, AttemptEntry, Category, Finding, OrderEntry, Report
from tests import make
from tests.make import quote, report

NOW = make.AT.replace(microsecond=123456)


def entry(name: str = "a", status: str = "planned", *, pays: int = 1, **changes: Any) -> OrderEntry:
    return make.entry(status, make.order(name, fields={"paymentId": pays}), **changes)


def parsed(value: Report) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(value.render())
    Draft202012Validator(schemas.load("report")).validate(document)
    return document


def placed(name: str, total: str | None, *, pays: int = 1) -> OrderEntry:
    result = Placed(order_id="7", total=None if total is None else Decimal(total), balance=Decimal(1))
    return entry(name, "placed", pays=pays, quote=quote("5"), result=result)


def test_a_report_is_valid_from_its_first_moment_to_its_last() -> None:
    """Begun, under way and finished, the document keeps to its published schema."""
    value = report(entry(), started_at=NOW)
    assert parsed(value)["run"]["complete"] is False
    attempt = AttemptEntry(n=1, started_at=NOW, outcome="submitted")
    value.orders[0].update(status="unknown", reason="sent", attempts=(attempt,), quote=quote("5"))
    assert parsed(value)["orders"][0]["attempts"][0]["outcome"] == "submitted"
    problem = Problem(code="PSR504", message="m", path="m.yaml", span=make.span(), field="quantity")
    finding = Finding(problem=problem, category="unknown", vendor=VendorError(message="v", code="0"))
    value.orders[0].update(errors=(finding,), evidence={"http_status": 502})
    value.errors.append(Finding(problem=Problem(code="PSR409", message="m"), category="unknown"))
    value.finish(NOW, ExitCode.OUTCOME_UNKNOWN)
    document = parsed(value)
    assert document["run"]["exit"] == {"code": 7, "name": "outcome_unknown"}
    assert document["run"]["started_at"] == "2026-11-23T12:00:00.123Z"
    assert document["orders"][0]["errors"][0]["line"] == 5


def test_an_empty_batch_has_a_report_too() -> None:
    """No orders, no errors: still one valid document."""
    assert parsed(report())["orders"] == []


def test_money_counts_each_order_once() -> None:
    """Confirmed is what was charged, or the quote where the vendor told nothing; possible is what is open."""
    open_before = entry("d", "unknown", possible=Decimal(7))
    value = report(placed("a", "4.50"), placed("b", None), entry("c", "unknown", quote=quote("2")), open_before)
    value.possible_elsewhere = Decimal(10)
    money = parsed(value)["money"]
    assert (money["spent_confirmed"], money["spent_possible"]) == ("9.50", "19.00")


def test_what_was_bought_by_an_earlier_run_is_not_spent_again() -> None:
    """An order that is already placed adds nothing to what this run spent."""
    old = entry("a", "already_placed", result=Placed(order_id="7", total=Decimal(4)))
    assert parsed(report(old))["money"]["spent_confirmed"] == "0.00"


def test_unexplained_is_what_no_purchase_of_ours_took_from_the_balance() -> None:
    """Card purchases leave the balance alone; what is missing beyond the rest is named."""
    value = report(placed("a", "4"), placed("b", "9", pays=43), balance_before=Decimal(100), balance_after=Decimal(95))
    assert parsed(value)["money"]["unexplained"] == "1.00"


def test_vendor_text_cannot_speak_to_a_ci_log() -> None:
    """Escapes, line breaks and `##[` in a vendor's message are plain data in the document."""
    hostile = "\x1b]0;x\x07\n::error::x\r##[group]x##vso[y]\u202e\u2028"
    problem = Problem(code="PSR501", message=hostile)
    text = report(entry(reason=hostile), errors=[Finding(problem=problem, category="rejected")]).render()
    assert json.loads(text)["errors"][0]["message"] == hostile
    assert "##" not in text
    assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]
    assert text.isascii()
    assert all(character.isprintable() or character == "\n" for character in text)


def test_an_order_is_made_into_text_once_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rendering again encodes only what changed, so that a large batch costs no more an order than a small one."""
    value = report(*(entry(str(n)) for n in range(50)))
    value.render()
    encoded: list[OrderEntry] = []
    whole: Callable[[OrderEntry], Any] = OrderEntry._as_json
    monkeypatch.setattr(OrderEntry, "_as_json", lambda self: encoded.append(self) or whole(self))
    value.orders[7].update(status="placed", result=Placed(order_id="7"))
    value.render()
    assert encoded == [value.orders[7]]


def test_paths_are_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An absolute path on the command line is told from the working folder."""
    monkeypatch.chdir(tmp_path)
    value = report()
    value.inputs = Inputs(manifests=((str(tmp_path / "x" / "m.yaml"), "0" * 64),), ledger=None, base_url=None)
    assert parsed(value)["inputs"]["manifests"][0]["path"] == "x/m.yaml"


def test_the_schema_knows_every_word_of_the_report() -> None:
    """Statuses and categories of the code and of the published schema are the same."""
    schema = schemas.load("report")
    assert set(schema["$defs"]["error"]["properties"]["category"]["enum"]) == set(get_args(Category))
    assert set(schema["$defs"]["order"]["properties"]["status"]["enum"]) == set(STATUSES)


def test_a_report_that_cannot_be_refreshed_is_remembered_not_raised(tmp_path: Path) -> None:
    """While money moves, a failing report file is kept for the end; it never stops a purchase from being recorded."""
    file = ReportFile(tmp_path / "missing" / "report.json")
    file.refresh(report())
    assert isinstance(file.failure, OSError)


def test_refreshing_waits_for_its_turn(tmp_path: Path) -> None:
    """Right after a write, a refresh leaves the file alone; a write never does."""
    file = ReportFile(tmp_path / "report.json")
    file.write(report())
    file.refresh(report(entry()))
    assert json.loads(file.path.read_text())["orders"] == []
    file.write(report(entry()))
    assert len(json.loads(file.path.read_text())["orders"]) == 1


def test_whoever_listens_can_only_refuse_at_the_start(tmp_path: Path) -> None:
    """What a listener raises stops the first write, where nothing is bought yet, and no later one, nor a refresh."""

    def raises(_: Report) -> None:
        raise RuntimeError("a listener of its own kind")

    file = ReportFile(tmp_path / "report.json")
    file.listener = raises
    with pytest.raises(RuntimeError):
        file.write(report())
    file.listener = lambda _: None
    file.write(report())
    file.listener, file.MIN_INTERVAL, file._not_before = raises, 0.0, 0.0  # type: ignore[misc]
    file.refresh(report(entry()))
    assert len(json.loads((tmp_path / "report.json").read_text())["orders"]) == 1
    file.write(report(entry(), entry("b")))
    assert len(json.loads((tmp_path / "report.json").read_text())["orders"]) == 2
