"""`junit`: a suite a batch, a case an order, for whatever shows test results. Valid by Jenkins's junit-10.xsd.

An order that was bought has passed; one that was bought before, is left to buy or not wanted is skipped, and says why.
Refused, rejected, invalid and not sent is a failure, in doubt is an error. What belongs to no order is a case of the
suite `order-runner`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from runner.views.formats.facts import Finding, Order, place, possible_cost, severity, vendor_words
from runner.views.terminal.safe import one_line

RUN: Final = "order-runner"
"""The suite of what belongs to no order."""

_SKIPPED: Final = {
    "already_placed": "bought by an earlier run",
    "planned": "not bought in this run",
    "skipped": "not tried in this run",
    "absent": "settled as not bought",
}
_MARKUP: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})
_FAILED: Final = ("refused", "rejected", "invalid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test. `verdict` is `failure`, `error`, `skipped` or None for passed; `remark` goes to the suite's output."""

    name: str
    verdict: str | None = None
    message: str = ""
    kind: str = ""
    details: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    milliseconds: int = 0


def render(document: Mapping[str, Any]) -> str:
    """The whole run as one XML document."""
    suites: dict[str, list[Case]] = {}
    for order in document["orders"]:
        batch, _, name = order["key"].partition("/")
        suites.setdefault(batch, []).append(_order(order, name))
    listed = {order["key"] for order in document["orders"]}
    apart = [finding for finding in document["errors"] if finding["key"] not in listed or finding["file"] is not None]
    if apart:
        suites[RUN] = [loose(finding) for finding in apart]
    return xml(suites, timestamp=document["run"]["started_at"])


def xml(suites: Mapping[str, Sequence[Case]], *, timestamp: str | None = None) -> str:
    """Suites by their names as a document; `timestamp` in UTC."""
    every = [case for cases in suites.values() for case in cases]
    head = f'name="{RUN}" {_counts(every, skipped=False)}'
    body = "".join(
        line for number, (name, cases) in enumerate(suites.items()) for line in _suite(number, name, cases, timestamp)
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites {head}>\n{body}</testsuites>\n'


def _suite(number: int, name: str, cases: Sequence[Case], timestamp: str | None) -> Iterator[str]:
    at = f' timestamp="{_text(timestamp[:19])}"' if timestamp else ""
    yield (
        f'  <testsuite id="{number}" package="{RUN}" name="{_text(name)}" hostname="localhost"{at} {_counts(cases)}>\n'
        "    <properties/>\n"
    )
    for case in cases:
        yield from _case(name, case)
    remarks = "\n".join(remark for case in cases for remark in case.remarks)
    yield f"    <system-out>{_text(remarks, breaks=True)}</system-out>\n    <system-err/>\n  </testsuite>\n"


def _counts(cases: Sequence[Case], *, skipped: bool = True) -> str:
    found = {verdict: sum(case.verdict == verdict for case in cases) for verdict in ("failure", "error", "skipped")}
    more = f' skipped="{found["skipped"]}"' if skipped else ""
    seconds = _seconds(sum(case.milliseconds for case in cases))
    return f'tests="{len(cases)}" failures="{found["failure"]}" errors="{found["error"]}"{more} time="{seconds}"'


def _case(suite: str, case: Case) -> Iterator[str]:
    head = f'    <testcase classname="{_text(suite)}" name="{_text(case.name)}" time="{_seconds(case.milliseconds)}"'
    if case.verdict is None:
        yield f"{head}/>\n"
        return
    kind = f' type="{_text(case.kind)}"' if case.verdict != "skipped" else ""
    details = _text("\n".join(case.details), breaks=True)
    inner = f'<{case.verdict} message="{_text(case.message)}"{kind}'
    yield f"{head}>\n      {inner}{f'>{details}</{case.verdict}>' if details else '/>'}\n    </testcase>\n"


def _order(order: Order, name: str) -> Case:
    errors = [finding for finding in order["errors"] if severity(finding) == "error"]
    verdict = _verdict(order["status"], errors=bool(errors))
    status: str = order["status"]
    reason: str = order["reason"] or (errors[0]["message"] if errors else _SKIPPED.get(status, status))
    if verdict == "error":
        reason = f"it may have been charged, {possible_cost(order)}: {reason}"
    return Case(
        name=name,
        verdict=verdict,
        message=reason,
        kind=errors[0]["code"] if errors else order["status"],
        details=tuple(line for finding in errors for line in told(finding)),
        remarks=tuple(line for f in order["errors"] if severity(f) == "warning" for line in told(f)),
        milliseconds=sum(attempt["duration_ms"] or 0 for attempt in order["attempts"]),
    )


def _verdict(status: str, *, errors: bool) -> str | None:
    if status == "unknown":
        return "error"
    if status in _FAILED or (status == "planned" and errors):
        return "failure"
    return "skipped" if status in _SKIPPED else None


def loose(finding: Finding) -> Case:
    """What belongs to no order; a warning is a test that passed."""
    where = place(finding)
    name = " ".join(part for part in (finding["code"], finding["key"] or where) if part)
    lines = tuple(told(finding))
    if severity(finding) == "warning":
        return Case(name=name, remarks=lines)
    verdict = "error" if finding["category"] in ("unknown", "internal") else "failure"
    return Case(name=name, verdict=verdict, message=finding["message"], kind=finding["code"], details=lines)


def told(finding: Finding) -> Iterator[str]:
    """A finding, its hint and the vendor's words, a line each."""
    where = f"{place(finding)}: " if place(finding) else ""
    label = "warning: " if severity(finding) == "warning" else ""
    yield one_line(f"{where}{finding['code']} {label}{finding['message']}")
    if finding["hint"]:
        yield one_line(f"hint: {finding['hint']}")
    if words := vendor_words(finding):
        yield one_line(f"vendor: {words}")


def _seconds(milliseconds: int) -> str:
    """Below a thousand seconds and above: the schema takes no more than three digits without a comma."""
    return f"{milliseconds / 1000:,.3f}"


def _text(text: str, *, breaks: bool = False) -> str:
    """Text as XML may hold it: no control character, no half of a pair, and nothing that is mark-up."""
    shown = "\n".join(map(one_line, text.split("\n"))) if breaks else one_line(text)
    return shown.translate(_MARKUP)
