"""`junit`: a suite a batch, a case an order, for whatever shows test results. Valid by Jenkins's junit-10.xsd.

An order that was bought has passed; one that was bought before, is left to buy or not wanted is skipped, and says why.
Refused, rejected, invalid and not sent is a failure, in doubt is an error. What belongs to no order is a case of the
suite `(no order)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from runner.views.formats.facts import Finding, Order, charge, doubts, notes, place, severity
from runner.views.terminal.safe import one_line

PRODUCT: Final = "order-runner"
APART: Final = "(no order)"
"""The suite of what belongs to no order: a name that no batch can have."""

_SKIPPED: Final = {
    "already_placed": "bought by an earlier run",
    "planned": "not bought in this run",
    "skipped": "not tried in this run",
    "absent": "settled as not bought",
}
_FAILED: Final = ("refused", "rejected", "invalid")


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCase:
    """One test. `verdict` is `failure`, `error`, `skipped` or None for passed; `remarks` go to the suite's output.

    `details` and `remarks` are lines that have been made safe.
    """

    name: str
    verdict: str | None = None
    message: str = ""
    kind: str = ""
    details: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    milliseconds: int = 0


def render(document: Mapping[str, Any]) -> str:
    """The whole run as one XML document."""
    suites: dict[str, list[TestCase]] = {}
    lost = {doubt.order["key"]: doubt.loss for doubt in doubts(document)}
    for order in document["orders"]:
        batch, _, name = order["key"].partition("/")
        suites.setdefault(batch, []).append(_order(order, name, lost.get(order["key"])))
    listed = {order["key"] for order in document["orders"]}
    apart = [finding for finding in document["errors"] if finding["key"] not in listed or finding["file"] is not None]
    if apart:
        suites.setdefault(APART, []).extend(map(loose, apart))
    return xml(suites, timestamp=document["run"]["started_at"])


def xml(suites: Mapping[str, Sequence[TestCase]], *, timestamp: str | None = None) -> str:
    """Suites by their names as a document; `timestamp` in UTC."""
    every = [case for cases in suites.values() for case in cases]
    root = Element("testsuites", {"name": PRODUCT, **_counts(every)})
    del root.attrib["skipped"]  # only suites have it, by the schema
    for number, (name, cases) in enumerate(suites.items()):
        at = {"timestamp": one_line(timestamp[:19])} if timestamp else {}
        head = {"id": str(number), "package": PRODUCT, "name": one_line(name), "hostname": "localhost"}
        _fill(SubElement(root, "testsuite", {**head, **at, **_counts(cases)}), name, cases)
    indent(root)
    text = tostring(root, encoding="unicode").replace(" />", "/>")  # in no text or attribute: there `>` is an entity
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _fill(suite: Element, name: str, cases: Sequence[TestCase]) -> None:
    SubElement(suite, "properties")
    for case in cases:
        head = {"classname": one_line(name), "name": one_line(case.name), "time": _seconds(case.milliseconds)}
        element = SubElement(suite, "testcase", head)
        if case.verdict is not None:
            kind = {"type": one_line(case.kind)} if case.verdict != "skipped" else {}
            verdict = SubElement(element, case.verdict, {"message": one_line(case.message), **kind})
            verdict.text = "\n".join(case.details)
    remarks = (remark for case in cases for remark in case.remarks)
    SubElement(suite, "system-out").text = "\n".join(remarks)
    SubElement(suite, "system-err")


def _counts(cases: Sequence[TestCase]) -> dict[str, str]:
    verdicts = Counter(case.verdict for case in cases)
    return {
        "tests": str(len(cases)),
        "failures": str(verdicts["failure"]),
        "errors": str(verdicts["error"]),
        "skipped": str(verdicts["skipped"]),
        "time": _seconds(sum(case.milliseconds for case in cases)),
    }


def _order(order: Order, name: str, unrecorded: Finding | None) -> TestCase:
    errors = [unrecorded] if unrecorded else []
    errors += [finding for finding in order["errors"] if severity(finding) == "error"]
    verdict = "error" if unrecorded else _verdict(order["status"], errors=bool(errors))
    status: str = order["status"]
    reason: str = order["reason"] or (errors[0]["message"] if errors else _SKIPPED.get(status, status))
    if verdict == "error":
        reason = charge(order, unrecorded["message"] if unrecorded else reason)
    return TestCase(
        name=name,
        verdict=verdict,
        message=reason,
        kind=errors[0]["code"] if errors else order["status"],
        details=tuple(line for finding in errors for line in finding_lines(finding)),
        remarks=tuple(line for f in order["errors"] if severity(f) == "warning" for line in finding_lines(f)),
        milliseconds=sum(attempt["duration_ms"] or 0 for attempt in order["attempts"]),
    )


def _verdict(status: str, *, errors: bool) -> str | None:
    if status == "unknown":
        return "error"
    if status in _FAILED or (status == "planned" and errors):
        return "failure"
    return "skipped" if status in _SKIPPED else None


def loose(finding: Finding) -> TestCase:
    """What belongs to no order; a warning is a test that passed."""
    where = place(finding)
    name = " ".join(part for part in (finding["code"], finding["key"] or where) if part)
    lines = tuple(finding_lines(finding))
    if severity(finding) == "warning":
        return TestCase(name=name, remarks=lines)
    verdict = "error" if finding["category"] in ("unknown", "internal") else "failure"
    return TestCase(name=name, verdict=verdict, message=finding["message"], kind=finding["code"], details=lines)


def finding_lines(finding: Finding) -> Iterator[str]:
    """A finding, its hint and the vendor's words, a line each."""
    where = f"{place(finding)}: " if place(finding) else ""
    label = "warning: " if severity(finding) == "warning" else ""
    yield one_line(f"{where}{finding['code']} {label}{finding['message']}")
    yield from notes(finding)


def _seconds(milliseconds: int) -> str:
    """Below a thousand seconds and above: the schema takes no more than three digits without a comma."""
    return f"{milliseconds / 1000:,.3f}"
