"""Make the files that `test_compat.py` reads, with the runner of one commit: `python -m tests.compat.make COMMIT`.

Each folder of `made/` is what a user would have at the end of a story: a ledger with its emergency file, the account at
the emulated vendor, and what the commands wrote. Ledgers are compressed, and are otherwise the files that SQLite left.
"""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.golden.commands import VENDOR, Commands, Outputs, Step, World, build_of
from tests.nursery import ROOT
from tests.pgserver import server

HERE: Final = Path(__file__).parent
MADE: Final = HERE / "made"
FACTS: Final = MADE / "made.json"
DUMP: Final = "dump.sql.gz"
LEDGER: Final = "~/orders.ledger"
HISTORY: Final = {LEDGER: "orders.ledger.gz", f"{LEDGER}.default.emergency": "emergency.gz", VENDOR: "vendor.jsonl"}
SANDBOX: Final = "~/state/order-runner/sandbox"
BOXED: Final = {
    f"{SANDBOX}/ledger.sqlite3": "ledger.sqlite3.gz",
    f"{SANDBOX}/ledger.sqlite3.sandbox.emergency": "emergency.gz",
    f"{SANDBOX}/account.jsonl": "account.jsonl",
}
DAY: Final = 86_400.0
CLEAN: Final[tuple[str, ...]] = ()
"""A vendor without faults."""

Files = Mapping[str, str]
"""Where a file is in a world → its name in a folder of `made/`; `.gz` is one that is kept compressed."""


def furnish(world: World) -> None:
    """The manifests and the policy of the story."""
    world.put("orders", HERE / "orders")
    world.put("order-runner.yaml", HERE / "policy.yaml")


def bring(world: World, folder: Path, files: Files) -> None:
    """What was made, in its place again."""
    for place, name in files.items():
        data = (folder / name).read_bytes()
        path = world.place(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.decompress(data) if name.endswith(".gz") else data)


def keep(world: World, folder: Path, files: Files) -> None:
    """Take files out of a world; a write-ahead log would be part of its ledger, so it has to be empty."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, name in files.items():
        path = world.place(place)
        log = path.with_name(f"{path.name}-wal")
        assert not log.exists() or not log.stat().st_size, f"{path} was not closed"
        data = path.read_bytes()
        (folder / name).write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)


def named(step: Step, ledger: str = "{home}/orders.ledger") -> Step:
    """The command on the ledger of the story."""
    return Step(step.name, step.args, {"ORDER_RUNNER_LEDGER": ledger, **step.env}, step.late, step.served, step.edits)


def bought(*args: str, faults: Sequence[str] = (), late: float = 60.0, name: str = "apply") -> Step:
    asked = tuple(part for fault in faults for part in ("--fault", fault))
    return Step(name, ("apply", "--yes", *args), late=late, served=asked)


def story() -> tuple[Step, ...]:
    """An account's history with every state and every way of getting there, settled at its end."""
    doubt = "orders/doubt.yaml"
    return (
        Step("lock", ("lock", "orders/words.yaml"), served=CLEAN),
        Step("plan", ("plan", "--out", "approved.json", "orders/first.yaml"), served=CLEAN),
        Step("approved", ("apply", "approved.json"), served=CLEAN),
        bought("--only", "rejected", doubt, faults=["triple@1"], late=DAY),
        bought("--only", "told-placed", doubt, faults=["reset-after@1"]),
        Step("placed", ("resolve", "doubt/told-placed", "--placed", "2426276", "--yes")),
        bought("--only", "told-absent", doubt, faults=["close-before@1"]),
        Step(
            "absent",
            ("resolve", "doubt/told-absent", "--absent", "--reason", "not on the dashboard", "--yes"),
            late=1500,
        ),
        bought("--only", "doubt/proved", doubt, faults=["empty-after@1"]),
        Step("reconcile", ("reconcile",), served=CLEAN),
        bought("--only", "unsent", doubt, faults=["429@1x*"]),
        bought("orders/day-1.yaml", late=DAY),
        bought("orders/day-2.yaml"),
        bought("orders/day-3.yaml", name="over-the-budget"),
        bought("orders/day-3.yaml", late=DAY, name="another-day"),
        bought("orders/words.yaml", late=DAY, name="words"),
        Step("stranger", ("apply", "--yes", "--account", "theirs", "orders/stranger.yaml"), served=CLEAN),
        bought("--strict-account", "orders/looks-bought.yaml", name="refused"),
        Step("not-mine", ("resolve", "--not-mine", "999999", "--reason", "bought by hand", "--yes")),
        Step("report", ("apply", "--yes", "--only", "first/*", "orders"), served=CLEAN),
        Step("export", ("ledger", "export", "-o", "history.jsonl")),
        Step("status", ("status", "-f", "json=status.json")),
        Step("plan-new", ("plan", "--out", "plan.json", "orders/new.yaml"), served=CLEAN),
    )


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1:
        print(__doc__)
        return 2
    shutil.rmtree(MADE, ignore_errors=True)
    with build_of(arguments[0]) as build, Commands(build) as commands:
        at = {
            "settled": _settled(commands),
            "open": _open(commands),
            "unrecorded": _unrecorded(commands),
            "sandbox": _sandbox(commands),
            "postgres": _postgres(commands),
        }
    commit = subprocess.run(
        ["git", "rev-parse", "--short", arguments[0]], cwd=ROOT, check=True, capture_output=True, text=True
    )
    FACTS.write_text(json.dumps({"commit": commit.stdout.strip(), "at": at}, indent=2) + "\n", "utf-8")
    return 0


def _settled(commands: Commands) -> float:
    """Everything that a history can hold, and nothing in doubt."""
    with World() as world:
        furnish(world)
        _tell(commands.run(world, [named(step) for step in story()]))
        documents = ("approved.json", "plan.json", "history.jsonl", "status.json", "report.json")
        keep(
            world,
            MADE / "settled",
            {**HISTORY, **{name: name for name in documents}, "orders/orders.lock.json": "orders.lock.json"},
        )
        return world.at


def _open(commands: Commands) -> float:
    """The same account, when an answer has got lost."""
    with World() as world:
        furnish(world)
        bring(world, MADE / "settled", HISTORY)
        world.at += 10 * DAY
        lost = bought("orders/lost.yaml", faults=["reset-after@2"])
        status = Step("status", ("status", "-f", "json=status.json"))
        export = Step("export", ("ledger", "export", "-o", "history.jsonl"))
        _tell(commands.run(world, [named(step) for step in (lost, status, export)]))
        keep(
            world,
            MADE / "open",
            {**HISTORY, **{name: name for name in ("report.json", "status.json", "history.jsonl")}},
        )
        return world.at


def _unrecorded(commands: Commands) -> float:
    """A purchase that the full disk kept out of the ledger: its order id is in the emergency file alone."""
    with World() as world:
        furnish(world)
        step = Step("apply", ("apply", "--yes", "orders/first.yaml"), {"GOLDEN_FULL": "order/make@3"}, served=CLEAN)
        _tell(commands.run(world, [named(step)]))
        keep(world, MADE / "unrecorded", {**HISTORY, "report.json": "report.json"})
        return world.at


def _sandbox(commands: Commands) -> float:
    """What `--sandbox` keeps in the state folder."""
    with World() as world:
        furnish(world)
        _tell(commands.run(world, [Step("apply", ("apply", "--sandbox", "--yes", "orders/first.yaml"))]))
        keep(world, MADE / "sandbox", BOXED)
        return world.at


def _postgres(commands: Commands) -> float:
    """The same story in a database, and the dump of it."""
    with server() as database, World() as world:
        url = database.create()
        furnish(world)
        _tell(commands.run(world, [named(step, url) for step in story()]))
        keep(
            world,
            MADE / "postgres",
            {VENDOR: "vendor.jsonl", "status.json": "status.json", "history.jsonl": "history.jsonl"},
        )
        program = next(path for path in Path(sysconfig.get_path("purelib")).rglob("pg_dump") if path.is_file())
        dump = [program, "--inserts", "--no-owner", "--no-privileges", url]
        text = subprocess.run(dump, check=True, stdout=subprocess.PIPE).stdout
        (MADE / "postgres" / DUMP).write_bytes(gzip.compress(text, mtime=0))
        return world.at


def _tell(outputs: Outputs) -> None:
    """What became of the commands, for whoever makes the files."""
    for name, text in outputs.items():
        if name.endswith(("/exit", "/stdout", "/stderr")):
            print(f"== {name}\n{text}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
