"""Several formats at once, what a job on GitHub is told, and the same bytes again from the report."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from harness import CANARY, MANIFEST, World, ipv4

from runner.sandbox.box import PREFIX
from runner.views import formats

FILES = {name: f"out.{name}" for name in ("text", *formats.NAMES)}
WANTED = tuple(part for name, path in FILES.items() for part in ("-f", f"{name}={path}"))
JOB = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "step.md", "GITHUB_OUTPUT": "step.env", "CI": "true"}
MASK = f"::add-mask::{CANARY}\n"


def bought(world: World) -> tuple[str, ...]:
    world.manifest(ipv4("a"), ipv4("b"), ipv4("c"))
    return (MANIFEST,)


def in_doubt(world: World) -> tuple[str, ...]:
    world.box.add_fault("close-after@2")
    return bought(world)


def still_in_doubt(world: World) -> tuple[str, ...]:
    in_doubt(world)
    assert world.apply().code == 7
    other = world.manifest(ipv4("x"), name="other.yaml", batch="other")
    return (MANIFEST, other)


def partly_refused(world: World) -> tuple[str, ...]:
    world.serve(require_target=False)
    world.box.add_fault("no-funds@2")
    world.manifest(ipv4("a", max_total="0.10"), ipv4("b", customTargetName=None), ipv4("c"), ipv4("off", enabled=False))
    return ("--keep-going", MANIFEST)


def invalid(world: World) -> tuple[str, ...]:
    world.manifest(ipv4("a"), ipv4("b", quantity=0))
    return (MANIFEST,)


def dry(world: World) -> tuple[str, ...]:
    return ("--dry-run", *bought(world))


@pytest.mark.parametrize("scene", [still_in_doubt, partly_refused, invalid, dry])
def test_what_is_rendered_later_is_what_the_run_wrote(world: World, scene: Callable[[World], tuple[str, ...]]) -> None:
    """Every format of one run, and of `report render` of its report, is the same to the byte."""
    arguments = scene(world)
    run = world.apply(*WANTED, *arguments)
    wrote = {name: (world.root / path).read_bytes() for name, path in FILES.items() if (world.root / path).exists()}
    assert set(FILES) - set(wrote) == ({"text"} if scene is invalid else set())
    assert wrote["json"] == (world.root / "report.json").read_bytes()
    rendered = world.run("report", "render", "report.json", *WANTED)
    assert rendered.code == 0
    again = {name: (world.root / path).read_bytes() for name, path in FILES.items()}
    live_only = {"text"} if scene is dry else set()  # it shows the plan itself, with unit prices and bodies
    for name in wrote.keys() - live_only:
        assert again[name] == wrote[name], (name, run.output)


def test_events_come_while_the_run_goes_on(world: World) -> None:
    """An order's event is there as soon as it is bought, while the next one is still in flight."""
    bought(world)
    world.hold_answer(2)
    process = world.start("apply", "--yes", "-f", "ndjson=events", "-f", "ndjson", MANIFEST)
    events = world.root / "events"
    world.wait_for(lambda: events.exists() and len(events.read_bytes().splitlines()) == 2, process)
    world.wait_for(lambda: world.money_requests == 2, process)
    started, first = map(json.loads, events.read_text().splitlines())
    assert started["stream_version"] == "1.1"
    assert (first["event"], first["order"]["key"], first["order"]["status"]) == ("order", "crawl/a", "placed")
    assert events.stat().st_mode & 0o777 == 0o600
    world.release()
    result = world.finish(process, "apply", MANIFEST)
    assert events.read_text() == result.out
    assert json.loads(result.out.splitlines()[-1])["event"] == "run_finished"


def test_a_run_that_is_killed_leaves_a_stream_without_an_end(world: World) -> None:
    """What was decided is there, `run_finished` is not, and rendering the report that is left adds nothing."""
    bought(world)
    world.hold_answer(2)
    process = world.start("apply", "--yes", "-f", "ndjson=events", MANIFEST)
    events = world.root / "events"
    world.wait_for(lambda: world.money_requests == 2, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    names = [json.loads(line)["event"] for line in events.read_text().splitlines()]
    assert names == ["run_started", "order"]
    rendered = world.run("report", "render", "-f", "ndjson", "report.json")
    assert events.read_text().startswith(rendered.out)


def test_a_job_on_github_gets_mask_annotations_summary_and_outputs(world: World) -> None:
    """The mask comes before anything else; summary and outputs are appended to the files of the step."""
    world.write("step.md", "before\n")
    world.make_ledger()
    result = world.apply("-f", "github", *in_doubt(world), env=JOB)
    assert result.code == 7
    assert result.out.startswith(MASK)
    assert result.out.count(CANARY) == 1
    assert result.out.splitlines()[1].startswith(f"::error file={MANIFEST},line=")
    assert ",title=PSR504::" in result.out.splitlines()[1]
    summary = (world.root / "step.md").read_text()
    assert summary.startswith("before\n**1.80 USD spent, 1.80 USD more possible**\n")
    outputs = dict(line.split("=", 1) for line in (world.root / "step.env").read_text().splitlines())
    told = {"exit-code": "7", "spent-confirmed": "1.80", "spent-possible": "1.80", "placed": "1", "unknown": "1"}
    assert told.items() <= outputs.items()
    assert outputs["run-id"] == world.report()["run"]["id"]


@pytest.mark.parametrize("fmt", ["json", "github=annotations"])
def test_the_key_goes_out_only_where_it_is_masked(world: World, fmt: str) -> None:
    """No other format masks, nor does `github` to a file: there nobody would take the key out again."""
    bought(world)
    assert "::add-mask::" not in world.run("plan", "-f", fmt, MANIFEST, env=JOB).output


def test_outside_of_github_nothing_is_masked(world: World, tmp_path: Path) -> None:
    """Without GITHUB_ACTIONS, or where stdout is a file, the key stays in."""
    bought(world)
    assert CANARY not in world.run("plan", "-f", "github", MANIFEST).out
    with (tmp_path / "log").open("wb") as log:
        process = world.start("plan", "-f", "github", MANIFEST, env=JOB, stdout=log)
        world.finish(process, "plan", MANIFEST)
    text = (tmp_path / "log").read_text()
    assert "::notice title=order-runner::" in text
    assert CANARY not in text


def test_validate_tells_a_job_too(world: World) -> None:
    """`validate` has no key to mask; its findings are in the summary of the step, its counts in the outputs."""
    result = world.run("validate", *invalid(world), env=JOB)
    assert result.code == 4
    assert result.out.startswith("::error file=orders.yaml,")
    assert (world.root / "step.md").read_text().startswith("**1 error in 1 of 1 file (2 orders)**\n")
    assert "exit-code=4\nerrors=1\n" in (world.root / "step.env").read_text()


def test_a_summary_that_cannot_be_written_stops_nothing(world: World) -> None:
    """What was bought outranks what GitHub is told."""
    result = world.run("validate", "-f", "github", *bought(world), env=JOB | {"GITHUB_OUTPUT": "no/such/folder"})
    assert result.code == 0
    assert "no/such/folder could not be written" in result.err


def test_only_a_report_is_rendered(world: World) -> None:
    """What is no report is a usage error; and no format replaces the report it is made from."""
    refused = world.run("report", "render", bought(world)[0])
    assert (refused.code, "orders.yaml:1:1: this is not valid JSON" in refused.err) == (2, True)
    assert world.run("plan", "-q", "--report", "report.json", MANIFEST).code == 0
    before = (world.root / "report.json").read_bytes()
    refused = world.run("report", "render", "report.json", "-f", "markdown=report.json")
    assert (refused.code, "over the report" in refused.err) == (2, True)
    assert (world.root / "report.json").read_bytes() == before
    assert world.run("report", "render", "-", stdin=before.decode()).out.startswith("spent        0.00 USD (plan: ")


def test_no_name_of_a_batch_hides_an_order_in_doubt(world: World) -> None:
    """A batch called like the product keeps its cases beside what belongs to no order: the order in doubt is an error."""
    theirs = {name: value for name, value in ipv4("theirs").items() if name not in ("name", "type")}
    world.box.respond("POST", f"{PREFIX}{CANARY}/order/make", json.dumps(theirs | {"paymentId": 1}).encode())
    world.box.add_fault("close-after@2")
    world.manifest(ipv4("a"), batch="order-runner")
    run = world.apply("-f", "junit=out.junit", MANIFEST)
    assert run.code == 7
    suites = ET.parse(world.root / "out.junit").getroot()
    assert [suite.get("name") for suite in suites] == ["order-runner", "(no order)"]
    assert [case.get("name") for case in suites[0] if case.find("error") is not None] == ["a"]
