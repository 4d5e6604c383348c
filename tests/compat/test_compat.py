"""What an earlier version has left behind is read, believed and continued: ledgers, exports, plans, lockfiles, reports.

The files were made by `tests/compat/make.py`; `made/made.json` says by which commit. Commands run at the moment that
the files were made, so that a plan of then is as young as it was.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.compat import make
from tests.compat.make import CLEAN, HISTORY, LEDGER, MADE, bought, named
from tests.golden.cases import REPORT_FORMATS, formats
from tests.golden.commands import VENDOR, Build, Commands, Outputs, Step, World
from tests.pgserver import NoServer, server

AT = json.loads(make.FACTS.read_bytes())["at"]
STORIES = ("settled", "open")


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    with Commands(Build()) as opened:
        yield opened


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        make.furnish(made)
        yield made


def bring(world: World, story: str, **documents: str) -> None:
    """An account as it was left, with documents by the names that they have here."""
    make.bring(world, MADE / story, {**HISTORY, **{place: name for name, place in documents.items()}})
    world.at = AT[story]


UPGRADE = Step("upgrade", ("ledger", "init"))
"""Brings the ledger up to date, which commands that only read ask for."""


def run(commands: Commands, world: World, *steps: Step) -> Outputs:
    """What the steps came to, after the one that whoever upgrades is told to take."""
    return commands.run(world, [named(step) for step in (UPGRADE, *steps)])


def vendor_sold(world: World) -> int:
    """How many orders the vendor has made in all."""
    lines = world.place(VENDOR).read_text("utf-8").splitlines()
    return sum(json.loads(line).get("event") == "purchase" for line in lines)


def history(text: str) -> list[str]:
    """The events of an export; its header says when it was taken, and by which version."""
    return text.splitlines()[1:]


def made(story: str, name: str) -> str:
    return (MADE / story / name).read_text("utf-8")


def status_rows(status: str) -> list[tuple[Any, ...]]:
    """What a status says of each order."""
    facts = (
        "key",
        "state",
        "open",
        "type",
        "fingerprint",
        "attempt",
        "order_id",
        "total",
        "updated_at",
        "reason",
        "run_id",
    )
    return [tuple(order[name] for name in facts) for order in json.loads(status)["orders"]]


@pytest.mark.parametrize("story", STORIES)
def test_a_status_says_of_an_old_ledger_what_it_said_then(story: str, commands: Commands, world: World) -> None:
    """State, order id, price, time and reason of every order are those that the version said that wrote them."""
    bring(world, story)
    outputs = run(commands, world, Step("status", ("status", "-f", "json=status.json")))
    assert status_rows(outputs["status/status.json"]) == status_rows(made(story, "status.json"))
    assert outputs["status/exit"] == ("7" if story == "open" else "0")


def test_the_old_ledger_has_every_state() -> None:
    """What these tests read is worth reading: every state, doubt settled in each way, and a stranger."""
    states = Counter(order["state"] for order in json.loads(made("open", "status.json"))["orders"])
    assert states.keys() == {"planned", "placed", "rejected", "unknown", "absent"}
    lines = [json.loads(line) for line in history(made("open", "history.jsonl"))]
    events = {line["event"] for line in lines if line["kind"] == "event"}
    assert events == {"claimed", "placed", "rejected", "not_sent", "unknown", "reconciled", "resolved"}
    assert {line["kind"] for line in lines} == {"event", "witness", "stranger"}


@pytest.mark.parametrize("story", STORIES)
def test_an_old_ledger_is_exported_to_the_same_bytes(story: str, commands: Commands, world: World) -> None:
    """Every event, witness and stranger of an export has the bytes, hashes included, that it had then."""
    bring(world, story)
    outputs = run(commands, world, Step("export", ("ledger", "export")))
    assert history(outputs["export/stdout"]) == history(made(story, "history.jsonl"))


@pytest.mark.parametrize("story", STORIES)
def test_an_old_ledger_and_its_export_are_whole(story: str, commands: Commands, world: World) -> None:
    """`ledger verify` finds nothing wrong with either, and finds the same head in both."""
    bring(world, story, **{"history.jsonl": "history.jsonl"})
    outputs = run(
        commands,
        world,
        Step("ledger", ("ledger", "verify", "-f", "json")),
        Step("export", ("ledger", "verify", "-f", "json", "history.jsonl")),
    )
    assert outputs["ledger/exit"] == outputs["export/exit"] == "0"
    ledger, export = (json.loads(outputs[f"{name}/stdout"]) for name in ("ledger", "export"))
    assert ledger["head"] == export["head"]


def test_an_old_export_makes_the_same_ledger(commands: Commands, world: World) -> None:
    """Imported into an empty ledger and exported again, a history has the bytes it had; orders stand as they stood."""
    bring(world, "open", **{"history.jsonl": "history.jsonl"})
    world.place(LEDGER).unlink()
    outputs = run(
        commands,
        world,
        Step("import", ("ledger", "import", "history.jsonl")),
        Step("export", ("ledger", "export")),
        Step("status", ("status", "-f", "json=status.json")),
    )
    assert outputs["import/exit"] == "0"
    assert history(outputs["export/stdout"]) == history(made("open", "history.jsonl"))
    states = [order[:7] for order in status_rows(outputs["status/status.json"])]
    assert states == [order[:7] for order in status_rows(made("open", "status.json"))]


def test_what_was_bought_is_not_bought_again(commands: Commands, world: World) -> None:
    """A plan of manifests that an earlier version has bought finds nothing to buy, and an apply sends nothing."""
    bring(world, "settled", **{"orders.lock.json": "orders/orders.lock.json"})
    sold = vendor_sold(world)
    paths = ("orders/first.yaml", "orders/words.yaml", *(f"orders/day-{day}.yaml" for day in (1, 2, 3)))
    outputs = run(
        commands,
        world,
        Step("plan", ("plan", "--expect-nothing", *paths), served=CLEAN),
        Step("apply", ("apply", "--yes", *paths), served=CLEAN),
    )
    assert (outputs["plan/exit"], outputs["apply/exit"]) == ("0", "0")
    assert vendor_sold(world) == sold > 10


def test_an_old_ledger_is_continued(commands: Commands, world: World) -> None:
    """Rejected, absent and unsent orders, and a later generation, are bought once each; the history stays the same."""
    bring(world, "settled")
    sold = vendor_sold(world)
    again = bought("orders/doubt.yaml", late=2 * make.DAY)
    outputs = run(commands, world, again, Step("export", ("ledger", "export")), Step("verify", ("ledger", "verify")))
    assert (outputs["apply/exit"], outputs["verify/exit"]) == ("0", "0")
    assert vendor_sold(world) == sold + 4
    before, after = history(made("settled", "history.jsonl")), history(outputs["export/stdout"])
    stranger = before.pop()
    assert after[: len(before)] == before
    assert after[-1] == stranger


def test_what_was_spent_counts_against_the_budget(commands: Commands, world: World) -> None:
    """A day's budget has no room for what costs less than it, on a day on which an earlier version has bought."""
    bring(world, "settled")
    world.edit("order-runner.yaml", "30.00", "24.00")
    plan = ("apply", "--dry-run", "--report", "-", "orders/new.yaml")
    outputs = run(commands, world, Step("then", plan, served=CLEAN), Step("later", plan, served=CLEAN, late=make.DAY))
    then, later = (json.loads(outputs[f"{name}/stdout"]) for name in ("then", "later"))
    assert (outputs["then/exit"], outputs["later/exit"]) == ("5", "0")
    assert [error["code"] for error in then["errors"]] == ["PSR430"]
    assert later["errors"] == []


def test_what_an_earlier_run_saw_can_be_adopted(commands: Commands, world: World) -> None:
    """An order that was refused because it looks bought already takes the id that was named then."""
    bring(world, "settled")
    outputs = run(commands, world, Step("adopt", ("resolve", "looks-bought/same", "--placed", "2426283", "--yes")))
    assert outputs["adopt/exit"] == "0", outputs


def test_doubt_of_an_earlier_version_blocks_and_is_settled(commands: Commands, world: World) -> None:
    """An order that was unknown then stops every purchase, is proved by evidence, and the rest is bought."""
    bring(world, "open")
    sold = vendor_sold(world)
    apply = ("apply", "--yes", "orders/lost.yaml")
    outputs = run(commands, world, Step("blocked", apply, served=CLEAN))
    assert outputs["blocked/exit"] == "7"
    assert vendor_sold(world) == sold
    outputs = run(
        commands,
        world,
        Step("reconcile", ("reconcile", "--exclusive"), served=CLEAN),
        Step("rest", apply, served=CLEAN),
        Step("status", ("status", "-f", "json=status.json", "orders/lost.yaml")),
    )
    assert (outputs["reconcile/exit"], outputs["rest/exit"]) == ("0", "0")
    assert vendor_sold(world) == sold + 1
    assert {order[1] for order in status_rows(outputs["status/status.json"])} == {"placed"}


def test_an_order_id_in_an_old_emergency_file_is_entered(commands: Commands, world: World) -> None:
    """What a full disk kept out of the ledger is read from the emergency file: no second purchase, no doubt."""
    bring(world, "unrecorded")
    sold = vendor_sold(world)
    outputs = run(
        commands,
        world,
        Step("apply", ("apply", "--yes", "orders/first.yaml"), served=CLEAN),
        Step("status", ("status", "-f", "json=status.json")),
    )
    assert outputs["apply/exit"] == "0"
    assert vendor_sold(world) == sold == 3
    assert [order[1] for order in status_rows(outputs["status/status.json"])] == ["placed"] * 3


@pytest.mark.parametrize("approval", [("plan.json",), ("--approve", "{digest of plan.json}", "orders/new.yaml")])
def test_an_approval_of_an_earlier_version_holds(approval: tuple[str, ...], commands: Commands, world: World) -> None:
    """A plan document buys without a question, and so does its digest: today's plan of the same orders has the same."""
    bring(world, "settled", **{"plan.json": "plan.json"})
    sold = vendor_sold(world)
    outputs = run(
        commands,
        world,
        Step("plan", ("plan", "-f", "json", "orders/new.yaml"), served=CLEAN),
        Step("apply", ("apply", *approval), served=CLEAN),
    )
    assert json.loads(outputs["plan/stdout"])["digest"] == json.loads(made("settled", "plan.json"))["digest"]
    assert outputs["apply/exit"] == "0", outputs
    assert vendor_sold(world) == sold + 2


def test_an_approval_is_used_up(commands: Commands, world: World) -> None:
    """A plan document that was bought buys nothing more."""
    bring(world, "settled", **{"approved.json": "approved.json"})
    sold = vendor_sold(world)
    run(commands, world, Step("apply", ("apply", "--max-age", "30d", "approved.json"), served=CLEAN))
    assert vendor_sold(world) == sold


def test_an_old_lockfile_holds(commands: Commands, world: World) -> None:
    """Its words are locked, none of them is missing or too many, and locking again leaves it as it is."""
    bring(world, "settled", **{"orders.lock.json": "orders/orders.lock.json"})
    outputs = run(
        commands,
        world,
        Step("validate", ("validate", "--strict", "orders/words.yaml")),
        Step("check", ("lock", "--check", "orders/words.yaml"), served=CLEAN),
        Step("lock", ("lock", "orders/words.yaml"), served=CLEAN),
    )
    assert [outputs[f"{name}/exit"] for name in ("validate", "check", "lock")] == ["0", "0", "0"]
    assert "lock/orders/orders.lock.json" not in outputs


@pytest.mark.parametrize("story", ["settled", "open", "unrecorded"])
def test_an_old_report_is_rendered_in_every_format(story: str, commands: Commands, world: World) -> None:
    """As JSON it is of today's version and says what it said; every other format is made of it and names its first order."""
    bring(world, story, **{"report.json": "report.json"})
    outputs = run(commands, world, Step("render", ("report", "render", *formats(*REPORT_FORMATS), "report.json")))
    report = made(story, "report.json")
    assert outputs["render/exit"] == "0"
    now, then = json.loads(outputs["render/out.json"]), json.loads(report)
    assert (now.pop("report_version"), then.pop("report_version")) == ("1.3", "1.1")
    assert [now["run"].pop(name) for name in ("actor", "commit", "ref", "job")] == [None] * 4
    assert [order.pop("labels") for order in now["orders"]] == [{}] * len(then["orders"])
    assert [order.pop("renews") for order in now["orders"]] == [None] * len(then["orders"])
    assert [order.pop("renamed_from") for order in now["orders"]] == [None] * len(then["orders"])
    assert now == then
    assert outputs["render/stdout"]
    for name in ("ndjson", "junit", "markdown", "html"):
        assert json.loads(report)["orders"][0]["name"] in outputs[f"render/out.{name}"], name
    assert json.loads(outputs["render/out.sarif"])["runs"]


def test_an_old_sandbox_goes_on(commands: Commands, world: World) -> None:
    """The account and the ledger that `--sandbox` keeps belong together still: bought stays bought, and one can buy."""
    make.bring(world, MADE / "sandbox", make.BOXED)
    world.at = AT["sandbox"]
    outputs = commands.run(
        world,
        [
            Step("again", ("apply", "--sandbox", "--yes", "orders/first.yaml")),
            Step("plan", ("plan", "--sandbox", "--expect-nothing", "orders/first.yaml")),
            Step("more", ("apply", "--sandbox", "--yes", "orders/new.yaml"), late=make.DAY),
            Step("status", ("status", "--sandbox", "-f", "json=status.json")),
        ],
    )
    assert [outputs[f"{name}/exit"] for name in ("again", "plan", "more")] == ["0", "0", "0"]
    assert len(status_rows(outputs["status/status.json"])) == 5


def test_an_old_database_is_read_and_continued(commands: Commands, world: World) -> None:
    """A dump of PostgreSQL, restored: status and export as they were, nothing bought again, and one can go on."""
    make.bring(world, MADE / "postgres", {VENDOR: "vendor.jsonl"})
    world.at = AT["postgres"]
    try:
        with server() as database:
            url = database.create()
            _restore(url)
            steps = (
                UPGRADE,
                Step("status", ("status", "-f", "json=status.json")),
                Step("export", ("ledger", "export")),
                Step("verify", ("ledger", "verify")),
                Step("plan", ("plan", "--expect-nothing", "orders/first.yaml"), served=CLEAN),
                bought("orders/new.yaml"),
            )
            outputs = commands.run(world, [named(step, url) for step in steps])
    except NoServer as reason:
        pytest.skip(str(reason))
    assert status_rows(outputs["status/status.json"]) == status_rows(made("postgres", "status.json"))
    assert history(outputs["export/stdout"]) == history(made("postgres", "history.jsonl"))
    assert [outputs[f"{name}/exit"] for name in ("status", "verify", "plan", "apply")] == ["0", "0", "0", "0"], outputs


def _restore(url: str) -> None:
    """The dump without what only `psql` or only the server that wrote it understands."""
    text = gzip.decompress((MADE / "postgres" / make.DUMP).read_bytes()).decode()
    lines = [line for line in text.splitlines() if not line.startswith(("\\", "SET "))]
    with psycopg.connect(url, autocommit=True) as raw:
        raw.execute("\n".join(lines).encode())
