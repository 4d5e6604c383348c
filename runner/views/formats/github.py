"""`github`: annotations beside the lines of a pull request, worst first, and what the run came to in one notice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.views.formats.annotations import Annotation, limit
from runner.views.formats.facts import (
    Document,
    Finding,
    doubts,
    elsewhere,
    ending,
    findings,
    notes,
    severity,
    to_spend,
    usd,
    worst_first,
)
from runner.views.terminal.safe import one_line


def render(document: Mapping[str, Any]) -> str:
    """Workflow commands for the log of a job."""
    annotations = [_annotation(finding) for finding in worst_first(findings(document))]
    lines = [_sum(document), *_doubtful(document)]
    notice = Annotation(kind="notice", place={"title": "order-runner"}, lines=lines)
    return "".join(f"{line}\n" for line in limit([*annotations, notice], _REST))


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


def _doubtful(document: Document) -> Iterator[str]:
    """Every order in doubt where there are several: GitHub may not show an annotation of each."""
    keys = [doubt.order["key"] for doubt in doubts(document)] + [finding["key"] for finding in elsewhere(document)]
    if len(keys) > 1:
        yield one_line(f"may have been charged: {', '.join(filter(None, keys))}")


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
