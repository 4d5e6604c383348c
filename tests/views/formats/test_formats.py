"""The formats of a report: each valid by its owner's schema, with money first, the worst first, and an end."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from lxml import etree

from runner.core import schemas
from runner.core.codes import TITLES
from runner.core.errors import ExitCode, Problem
from runner.core.vendor import Placed, VendorError
from runner.report.report import AttemptEntry, Finding, Report
from runner.views import findings as findings_view
from runner.views import formats, summary
from runner.views.formats import github, markdown, ndjson, sarif
from runner.views.formats.annotations import MOST
from tests.views.conftest import Make, Plain
from tests.views.test_hostile import CORPUS

HERE = Path(__file__).parent
XSD = etree.XMLSchema(etree.parse(HERE / "junit-10.xsd"))
SARIF = jsonschema_rs.validator_for(json.loads((HERE / "sarif-2.1.0.json").read_text(encoding="utf-8")))
ANCHORS = Path(__file__).parents[3] / "docs" / "findings.md"


@pytest.fixture(params=["", *CORPUS], ids=lambda text: ascii(text)[:20])
def document(make: Make, request: pytest.FixtureRequest) -> dict[str, Any]:
    """A run with an order of every fate, plain and with hostile words in every text."""
    kind: str = request.param
    lost, no, dear = (make.request(name, line=line) for name, line in (("lost", 9), ("no", 20), ("dear", 30)))
    attempt = AttemptEntry(n=1, started_at=make.at, outcome="placed", duration_ms=1_234_567, http_status=200)
    vendor = VendorError(message=f"Country not exists{kind}", code="404", field="countryId")
    problems = {
        "unknown": lost.problem("PSR504", f"its outcome is unknown{kind}", hint=f"look{kind}"),
        "rejected": no.problem("PSR501", f"the vendor refused it{kind}", field="countryId"),
        "refused": dear.problem("PSR404", f"its price is 90.00{kind}"),
        "warning": dear.problem("PSR433", f"alike{kind}"),
    }
    findings = {category: Finding(problem=problem, category=category) for category, problem in problems.items()}  # type: ignore[arg-type]
    rejected = Finding(problem=problems["rejected"], category="rejected", vendor=vendor)
    elsewhere = Problem(code="PSR409", message=f"other/x may have been bought{kind}", key="other/x")
    again = Problem(code="PSR409", message="crawl/lost may have been bought", key="crawl/lost")
    access = Problem(code="PSR502", message=f"the vendor refused access{kind}", hint=kind or None)
    result = Placed(order_id=f"1000501{kind}", total=Decimal("12.5"))
    report = make.report(
        make.entry("placed", quote=make.quote(), result=result, attempts=(attempt,)),
        make.entry("unknown", request=lost, quote=make.quote("7"), errors=(findings["unknown"],), reason=f"lost{kind}"),
        make.entry("rejected", request=no, errors=(rejected,)),
        make.entry("refused", request=dear, errors=(findings["warning"], findings["refused"]), reason=f"dear{kind}"),
        make.entry("planned", "later", quote=make.quote("8")),
        make.entry("already_placed", "old", result=result),
        make.entry("skipped", "off", reason=f"disabled{kind}"),
        make.entry("absent", "gone"),
        make.entry("invalid", "bad"),
        errors=[
            *(Finding(problem=problem, category="unknown") for problem in (elsewhere, again)),
            Finding(problem=access, category="access"),
        ],
        not_checked=(f"the purchase{kind}",),
        possible_elsewhere=Decimal(3),
        balance_before=Decimal(100),
        balance_after=Decimal(80),
        finished_at=make.at,
        exit_code=ExitCode.OUTCOME_UNKNOWN,
    )
    return make.document(report)


def many(make: Make, count: int) -> dict[str, Any]:
    """A run in which every order was refused, each with an error and a warning."""
    entries = []
    for number in range(count):
        request = make.request(f"o{number}", line=number + 1)
        found = [request.problem(code, f"no {number} {'x' * 300}") for code in ("PSR403", "PSR433")]
        errors = (Finding(problem=found[1], category="warning"), Finding(problem=found[0], category="refused"))
        entries.append(make.entry("refused", request=request, errors=errors))
    lost = make.request("zz-lost", line=count + 1)
    unknown = Finding(problem=lost.problem("PSR504", "lost"), category="unknown")
    entries.append(make.entry("unknown", request=lost, errors=(unknown,)))
    return make.document(make.report(*entries, finished_at=make.at, exit_code=ExitCode.OUTCOME_UNKNOWN))


def junit(document: dict[str, Any]) -> Any:
    text = formats.render("junit", document)
    parsed = etree.fromstring(text.encode())
    XSD.assertValid(parsed)
    return parsed


def test_junit_is_valid_whatever_is_in_it(document: dict[str, Any]) -> None:
    """Suites are batches, cases orders: refused, rejected and invalid fail, in doubt is an error, skipped says why."""
    root = junit(document)
    assert [suite.get("name") for suite in root] == ["crawl", "(no order)"]
    verdicts = {case.get("name"): [child.tag for child in case] for case in root[0].findall("testcase")}
    assert verdicts == {
        "fr-prices": [],
        "lost": ["error"],
        "no": ["failure"],
        "dear": ["failure"],
        "later": ["skipped"],
        "old": ["skipped"],
        "off": ["skipped"],
        "gone": ["skipped"],
        "bad": ["failure"],
    }
    assert all(case.get("message") for case in root.iter("skipped", "failure", "error"))
    assert [case.get("name") for case in root[1].findall("testcase")] == ["PSR409 other/x", "PSR502"]
    counts = {name: int(root[0].get(name)) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": 9, "failures": 3, "errors": 1, "skipped": 4}


@pytest.fixture
def unrecorded(make: Make) -> Report:
    """A run in which the vendor sold an order and the ledger did not take the answer."""
    words = (
        "crawl/fr-prices: disk I/O error. Its order id 1000501 is kept in l.emergency, which the next run reads first"
    )
    lost = Problem(code="PSR602", message=words, hint="free the disk, then run again", key="crawl/fr-prices")
    result = Placed(order_id="1000501", total=Decimal("12.5"))
    return make.report(
        make.entry("placed", quote=make.quote("11"), result=result),
        make.entry("skipped", "off"),
        errors=[Finding(problem=lost, category="unknown")],
        finished_at=make.at,
        exit_code=ExitCode.OUTCOME_UNKNOWN,
    )


@pytest.mark.parametrize("fmt", ["text", "markdown", "html", "junit", "github", "sarif"])
def test_every_format_tells_of_a_charge_that_is_not_on_record(
    make: Make, plain: Plain, unrecorded: Report, fmt: str
) -> None:
    """Where the ledger did not take a result: that the order may have been charged, how much, and what to do."""
    document = make.document(unrecorded)
    if fmt == "text":
        summary.render(document, plain.console.out, report_path=None)
    answer = plain.out or formats.render(fmt, document)
    assert "may have been charged" in answer
    assert re.search(r"may have (been charged, |cost )12\.50 USD", answer)
    assert "free the disk, then run again" in answer
    assert "order id 1000501 is kept in l.emergency" in answer


def test_a_result_that_nobody_told_is_counted_by_its_quote(make: Make, unrecorded: Report) -> None:
    """Without the vendor's figure the quote says how much may have been charged."""
    unrecorded.orders[0].update(result=Placed(order_id="1000501"))
    assert "it may have been charged, 11.00 USD: " in formats.render("github", make.document(unrecorded))


def test_an_order_that_is_not_on_record_is_an_error_of_its_own_case(make: Make, unrecorded: Report) -> None:
    """In JUnit it is the order's case that fails, once; in github the annotation is beside the order's lines."""
    root = junit(make.document(unrecorded))
    assert [(suite.get("name"), suite.get("errors")) for suite in root] == [("crawl", "1")]
    (error,) = root.iter("error")
    assert error.get("type") == "PSR602"
    assert error.get("message", "").startswith("it may have been charged, 12.50 USD: crawl/fr-prices: disk I/O error")
    assert formats.render("github", make.document(unrecorded)).startswith("::error file=orders.yaml,line=5,col=3,")


def test_an_open_order_that_was_not_selected_is_in_doubt_in_every_format(make: Make, plain: Plain) -> None:
    """A possible charge of an order that this run skipped is told as one of no manifest: none is lost between the two."""
    open_ = Problem(code="PSR409", message="crawl/off may have been bought for 7.00", key="crawl/off")
    report = make.report(make.entry("skipped", "off"), errors=[Finding(problem=open_, category="unknown")])
    summary.render(make.document(report), plain.console.out, report_path=None)
    for answer in (plain.out, *(formats.render(fmt, make.document(report)) for fmt in ("markdown", "html"))):
        assert "1 order may have been charged" in answer
        assert "crawl/off may have been bought for 7.00" in answer


def in_doubt(make: Make, count: int) -> Report:
    """A run that ended with so many orders sent and not answered."""
    entries = []
    for number in range(count):
        request = make.request(f"lost-{number}", line=number + 1)
        problem = request.problem("PSR504", "its outcome is unknown: no complete answer within 180 s")
        findings = (Finding(problem=problem, category="unknown"),)
        entries.append(make.entry("unknown", request=request, quote=make.quote("7"), errors=findings))
    return make.report(*entries, finished_at=make.at, exit_code=ExitCode.OUTCOME_UNKNOWN)


@pytest.mark.parametrize("count", [2, 8, 32])
@pytest.mark.parametrize("fmt", [*formats.NAMES, "text"])
def test_every_order_in_doubt_is_named_in_every_format(make: Make, plain: Plain, fmt: str, count: int) -> None:
    """As many as one run can leave in doubt, whatever a format or its reader shows of findings at most."""
    document = make.document(in_doubt(make, count))
    summary.render(document, plain.console.out, report_path=None)
    answer = plain.out if fmt == "text" else formats.render(fmt, document)
    if fmt == "github":
        (answer,) = (line for line in answer.splitlines() if line.startswith("::notice"))
    if fmt == "html":
        answer = answer.partition("may have been charged</h2>")[2].partition("</section>")[0]
    for number in range(count):
        assert re.search(rf"\blost-{number}\b(?!-)", answer)


def test_sarif_is_valid_whatever_is_in_it(document: dict[str, Any]) -> None:
    """Findings with a place are results with rule, level, relative address and fingerprint; the others notifications."""
    log = json.loads(formats.render("sarif", document))
    assert [error.message for error in SARIF.iter_errors(log)] == []
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    placed = [result["ruleId"] for result in run["results"]]
    assert placed == ["PSR504", "PSR409", "PSR501", "PSR404", "PSR433"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        location = result["locations"][0]["physicalLocation"]
        assert location["artifactLocation"] == {"uri": "orders.yaml", "uriBaseId": "%SRCROOT%"}
        assert location["region"]["startLine"] > 1
    assert [result["level"] for result in run["results"]][-2:] == ["error", "warning"]
    prints = [result["partialFingerprints"]["orderRunner/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)
    loose = run["invocations"][0]["toolExecutionNotifications"]
    assert [notification["descriptor"]["id"] for notification in loose] == ["PSR409", "PSR502"]


def test_every_rule_is_explained() -> None:
    """The help of each code has what docs/findings.md says of it, so that no page has to be looked up."""
    for code in TITLES:
        text = sarif._rule(code)["help"]["text"]
        assert text.startswith(TITLES[code][:1].upper()), code
        assert text.endswith(f"More: order-runner explain {code}")
        assert len(text) > len(TITLES[code]) + 80, code


def test_a_fingerprint_stays_when_lines_move(make: Make) -> None:
    """What is fixed and what is new is told by order and field, not by line and price."""

    def prints(line: int) -> list[str]:
        request = make.request("a", line=line)
        found = Finding(problem=request.problem("PSR404", f"its price is {line}.00"), category="refused")
        report = make.report(make.entry("refused", request=request, errors=(found,)))
        results = json.loads(formats.render("sarif", make.document(report)))["runs"][0]["results"]
        return [result["partialFingerprints"]["orderRunner/v1"] for result in results]

    assert prints(5) == prints(50)


def test_markdown_has_money_first_and_nothing_foreign_outside_of_code(document: dict[str, Any]) -> None:
    """What was spent is the first line; vendor's and manifest's words stand in code spans only."""
    text = formats.render("markdown", document)
    assert text.startswith("**12.50 USD spent, 10.00 USD more possible**\n")
    assert text.index("may have been charged") < text.index("| order | status |") < text.index("| `crawl/off` |")
    without = re.sub(r"(?<!`)(`+)(?!`)(?:.*?[^`])??\1(?!`)", "", text)
    for act in ("<", "](", "http", "@", "::", "owned"):
        assert act not in without


def test_markdown_has_an_end(make: Make) -> None:
    """However many orders there are, it stays below GitHub's mebibyte, and says how many are left for the report."""
    text = formats.render("markdown", many(make, 3_000))
    assert markdown.MAX_BYTES // 2 < len(text.encode()) <= markdown.MAX_BYTES < 1024 * 1024
    left = [int(count.replace(",", "")) for count in re.findall(r"… and ([\d,]+) more: see the JSON report", text)]
    assert left[0] + text.count("\n- **") == 6_001
    assert left[1:] == [] or left[1] + text.count("\n| `") == 3_001
    assert len(markdown.cut(many(make, 3_000), 20_000).encode()) <= 20_000


def test_github_shows_ten_of_a_kind_the_worst_first(make: Make) -> None:
    """What may have cost money is the first annotation; what GitHub would drop is counted in the log."""
    lines = formats.render("github", many(make, 15)).splitlines()
    kinds = [line.partition(" ")[0] for line in lines if line.startswith("::")]
    assert kinds == ["::error"] * MOST + ["::warning"] * MOST + ["::notice"]
    assert "title=PSR504::lost" in lines[0]
    assert "file=orders.yaml,line=16,col=3," in lines[0]
    assert (
        lines[-1]
        == "and 6 more errors, 5 more warnings: GitHub shows only 10 of each kind; the rest is in the JSON report"
    )


def test_github_outputs_are_single_lines(document: dict[str, Any]) -> None:
    """No text of others gets into the outputs of a step."""
    outputs = github.outputs(document)
    assert outputs["exit-code"] == "7"
    assert (outputs["spent-confirmed"], outputs["spent-possible"]) == ("12.50", "10.00")
    assert (outputs["placed"], outputs["unknown"], outputs["already-placed"]) == ("1", "1", "1")
    assert all(re.fullmatch(r"[\w.:-]*", value) for value in outputs.values())


def test_events_are_valid_and_in_order(document: dict[str, Any]) -> None:
    """Start, every order as in the report, every finding with its order's key, the end: each line by the schema."""
    gate = jsonschema_rs.validator_for(schemas.load("event"))
    events = [json.loads(line) for line in formats.render("ndjson", document).splitlines()]
    assert [error.message for event in events for error in gate.iter_errors(event)] == []
    assert list(dict.fromkeys(event["event"] for event in events)) == [
        "run_started",
        "order",
        "finding",
        "run_finished",
    ]
    told = [event["order"] for event in events if event["event"] == "order"]
    assert told == [{k: v for k, v in order.items() if k != "errors"} for order in document["orders"]]
    found = [event["finding"]["code"] for event in events if event["event"] == "finding"]
    assert found == ["PSR504", "PSR501", "PSR433", "PSR404", "PSR409", "PSR409", "PSR502"]
    assert events[-1]["money"] == document["money"]


def test_the_parts_of_an_event_are_those_of_the_report() -> None:
    """The two schemas say the same of what they share."""
    report, event = copy.deepcopy(schemas.load("report")), schemas.load("event")["$defs"]
    order = report["$defs"]["order"]
    del order["properties"]["errors"]
    order["required"].remove("errors")
    assert {**event["order"]["properties"]["order"], "description": ""} == {**order, "description": ""}
    assert event["finding"]["properties"]["finding"] == report["$defs"]["error"]
    for name in ("money", "summary", "not_checked"):
        assert event["run_finished"]["properties"][name] == report["properties"][name]
    assert event["run_started"]["properties"]["inputs"] == report["properties"]["inputs"]
    assert event["run_started"]["properties"]["stream_version"]["const"] == ndjson.STREAM_VERSION


def test_a_stream_of_a_run_that_was_killed_has_no_end(make: Make) -> None:
    """Orders up to the first that is not decided, and no word of how it ended."""
    report = make.report(make.entry("skipped", "a"), make.entry("planned", "b"), make.entry("skipped", "c"))
    events = [json.loads(line) for line in formats.render("ndjson", make.document(report)).splitlines()]
    assert [event["event"] for event in events] == ["run_started", "order"]


def draw(problems: list[Problem], fmt: str, plain: Plain, paths: Sequence[str] = ()) -> None:
    findings_view.render(
        problems, fmt=fmt, console=plain.console, files=2, orders=3, source_line=lambda *_: None, paths=paths
    )


@pytest.mark.parametrize("text", CORPUS)
def test_findings_of_manifests_are_valid_too(make: Make, plain: Plain, text: str) -> None:
    """`validate` gives valid JUnit and SARIF, with a test for a file in which nothing was found."""
    problems = [make.problem(message=text, hint=text), make.problem(severity="warning"), make.problem(path=None)]
    names = ["good.yaml", "orders.yaml"]
    view = Plain()
    draw(problems, "junit", view, names)
    root = etree.fromstring(view.out.encode())
    XSD.assertValid(root)
    assert {suite.get("name"): suite.get("failures") for suite in root} == {
        "good.yaml": "0",
        "orders.yaml": "1",
        "order-runner": "1",
    }
    draw(problems, "sarif", plain)
    log = json.loads(plain.out)
    assert [error.message for error in SARIF.iter_errors(log)] == []
    assert log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 5, "startColumn": 3, "endLine": 5, "endColumn": 9,
    }  # fmt: skip


def test_github_annotations_of_manifests_have_an_end(make: Make, plain: Plain) -> None:
    """Ten errors, ten warnings, errors first, and how many more there are."""
    problems = [make.problem(severity="warning" if number % 2 else "error", line=number + 1) for number in range(25)]
    draw(problems, "github", plain)
    kinds = [line.partition(" ")[0] for line in plain.out.splitlines()]
    assert kinds == ["::error"] * MOST + ["::warning"] * MOST + ["and", "13"]
    assert "and 3 more errors, 2 more warnings" in plain.out


def test_every_format_is_one_of_the_registry(make: Make) -> None:
    """Every name renders, and there is no module without a name."""
    report: Report = make.report(make.entry("skipped"))
    for name in formats.NAMES:
        assert formats.render(name, make.document(report))
    folder = Path(formats.__file__).parent
    modules = {path.stem for path in folder.glob("*.py") if "def render(document:" in path.read_text()}
    assert modules == set(formats.MODULES.values()) - {"html.page"}
