"""`sarif`: findings as SARIF 2.1.0, for whatever shows results of static analysis beside the code.

A finding with a place in a file is a result; one without is a notification of the invocation, where it is not taken for
a result that has lost its place. Rules are the codes that were found, from the catalogue.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from runner._version import __version__
from runner.core.codes import TITLES
from runner.explain.page_tables import finding as explanation
from runner.views.formats.facts import Finding, notes, severity, worst_first
from runner.views.formats.facts import findings as every_finding
from runner.views.terminal.safe import json_text, one_line

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT: Final = "%SRCROOT%"
"""The name, by GitHub and others, of the folder that relative addresses begin in."""

_BROKEN: Final = (1, 2)
"""Exit codes of a call that could not do its work; any other has found out what is so."""

Json = dict[str, Any]


def render(document: Mapping[str, Any]) -> str:
    """The findings of a run, worst first."""
    run, ended = document["run"], document["run"]["exit"]
    invocation: Json = {"executionSuccessful": bool(ended and ended["code"] not in _BROKEN)}
    invocation["startTimeUtc"] = run["started_at"]
    if ended:
        invocation |= {"endTimeUtc": run["finished_at"]}
        invocation |= {"exitCode": ended["code"], "exitCodeDescription": ended["name"]}
    return log(worst_first(every_finding(document)), invocation, version=document["tool"]["version"], run=run)


def log(
    findings: Sequence[Finding], invocation: Json, *, version: str = __version__, run: Mapping[str, Any] | None = None
) -> str:
    """Findings as one SARIF document of one run."""
    placed = [finding for finding in findings if has_place(finding)]
    loose = [finding for finding in findings if not has_place(finding)]
    codes = sorted({finding["code"] for finding in findings})
    driver: Json = {"name": "order-runner", "version": version}
    driver["rules"] = list(map(_rule, codes))
    seen: Counter[str] = Counter()
    made: Json = {
        "tool": {"driver": driver},
        "invocations": [invocation | {"toolExecutionNotifications": [_notification(f, codes) for f in loose]}],
        "originalUriBaseIds": {ROOT: {"description": {"text": "The folder that order-runner was started in."}}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, codes, seen) for finding in placed],
    }
    if run is not None:
        made["automationDetails"] = {"id": f"order-runner/{run['mode']}/{run['id']}"}
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [made]}, indent=2) + "\n"


def has_place(finding: Finding) -> bool:
    return finding["file"] not in (None, "-")


def _rule(code: str) -> Json:
    title = TITLES.get(code, code)
    text = f"{title[:1].upper()}{title[1:]}"
    return {
        "id": one_line(code),
        "shortDescription": {"text": one_line(text)},
        "help": {"text": one_line(" ".join((f"{text}.", *_explanation(code), f"More: order-runner explain {code}")))},
    }


def _explanation(code: str) -> Iterator[str]:
    """Why it is reported and the way out, as docs/findings.md has them."""
    topic = explanation(code)
    for section in topic.sections if topic else ():
        yield from (
            f"{section.heading}: {paragraph}" if section.heading else paragraph for paragraph in section.paragraphs
        )


def _result(finding: Finding, codes: Sequence[str], seen: Counter[str]) -> Json:
    return {
        "ruleId": one_line(finding["code"]),
        "ruleIndex": codes.index(finding["code"]),
        "level": severity(finding),
        "message": {"text": message(finding)},
        "locations": [{"physicalLocation": _location(finding), **_logical(finding)}],
        "partialFingerprints": {"orderRunner/v1": _fingerprint(finding, seen)},
        "properties": {"category": finding["category"]},
    }


def _location(finding: Finding) -> Json:
    uri = quote(finding["file"].encode(errors="replace"))
    location: Json = {"artifactLocation": {"uri": uri, "uriBaseId": ROOT}}
    if finding["line"] is not None:
        region = {"startLine": finding["line"], "startColumn": finding["column"]}
        region |= {"endLine": finding.get("end_line"), "endColumn": finding.get("end_column")}
        location["region"] = {name: number for name, number in region.items() if number is not None}
    return location


def _logical(finding: Finding) -> Json:
    if not finding["key"]:
        return {}
    return {"logicalLocations": [{"fullyQualifiedName": one_line(finding["key"]), "kind": "resource"}]}


def _notification(finding: Finding, codes: Sequence[str]) -> Json:
    return {
        "descriptor": {"id": one_line(finding["code"])},
        "associatedRule": {"id": one_line(finding["code"]), "index": codes.index(finding["code"])},
        "level": severity(finding),
        "message": {"text": message(finding)},
    }


def message(finding: Finding) -> str:
    """What is wrong, the way out and the vendor's words, a line each."""
    return "\n".join((one_line(finding["message"]), *notes(finding)))


def _fingerprint(finding: Finding, seen: Counter[str]) -> str:
    """By what a finding is known again after lines have moved; numbered where several are alike."""
    parts = (finding["code"], finding["file"], finding["key"] or "", finding["field"] or "")
    alike = "\0".join(parts).encode(errors="backslashreplace")
    digest = hashlib.sha256(alike).hexdigest()[:32]
    seen[digest] += 1
    return f"{digest}:{seen[digest]}"
