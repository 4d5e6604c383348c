"""`github`: annotations beside the lines of a pull request, worst first, and what the run came to in one notice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.views.formats.annotations import Annotation, limit
from runner.views.formats.facts import Document, Finding, ending, findings, notes, severity, to_spend, usd, worst_first
from runner.views.terminal.safe import one_line


def render(document: Mapping[str, Any]) -> str:
    """Workflow commands for the log of a job."""
    annotations = [_annotation(finding) for finding in worst_first(findings(document))]
    notice = Annotation(kind="notice", place={"title": "order-runner"}, lines=[_sum(document)])
    lines = limit([*annotations, notice], _REST)
    return "".join(f"{line}\n" for line in lines)


def outputs(document: Document) -> dict[str, str]:
    """What later steps of a job may want to know of a run, as `steps.ID.outputs.NAME`."""
    sums, counts, run = document["money"], document["summary"], document["run"]
    return {
        "exit-code": str(run["exit"]["code"]) if run["exit"] else "",
        "exit-name": run["exit"]["name"] if run["exit"] else "",
        "run-id": run["id"],
        "spent-confirmed": sums["spent_confirmed"] or "",
        "spent-possible": sums["spent_possible"] or "",
        **{status.replace("_", "-"): str(number) for status, number in counts.items()},
    }


_REST = "the rest is in the JSON report"


def _annotation(finding: Finding) -> Annotation:
    place = {"title": one_line(finding["code"])}
    if finding["file"] not in (None, "-"):
        at = {"file": finding["file"], "line": finding["line"], "col": finding["column"]}
        place = {name: one_line(str(value)) for name, value in at.items() if value is not None} | place
    return Annotation(kind=severity(finding), place=place, lines=[one_line(finding["message"]), *notes(finding)])


def _sum(document: Document) -> str:
    sums, run = document["money"], document["run"]
    ended = ending(document) or "not finished"
    if run["mode"] != "apply":
        return f"{to_spend(document)} to spend, {run['mode']}: nothing is bought; {ended}"
    spent = f"{usd(sums['spent_confirmed'])} spent, {usd(sums['spent_possible'])} more possible"
    return f"{spent}; {document['summary']['placed']:,} of {document['summary']['total']:,} orders bought; {ended}"
