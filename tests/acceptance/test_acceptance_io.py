"""Streams that close, files that cannot be written, disks that are full: nothing bought is ever lost by it."""

import json
import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import HELD_TO_PERMISSIONS, MANIFEST, World, checked_report, files_up_to, ipv4

MANY = tuple(f"o{n}" for n in range(50))


def many(world: World) -> None:
    world.manifest(*(ipv4(name) for name in MANY))


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def run_into_closed_pipe(world: World, *arguments: str) -> int:
    """A command whose reader leaves before the first line; its exit code."""
    reader, writer = os.pipe()
    os.close(reader)
    process = world.start(*arguments, stdout=writer)
    os.close(writer)
    return world.finish(process, *arguments).code


# -- stdout and stderr


@pytest.mark.parametrize(
    "command",
    [("validate",), ("plan",), ("plan", "-f", "text"), ("apply", "--dry-run"), ("status",), ("schema", "report")],
)
def test_a_closed_pipe_ends_a_look_quietly(world: World, command: tuple[str, ...]) -> None:
    """`| head` on a command that only shows something: no trace, no complaint, no failure of its own."""
    many(world)
    paths = () if command[0] == "schema" else (MANIFEST,)
    assert run_into_closed_pipe(world, *command, *paths) in (0, 2)


@pytest.mark.parametrize("arguments", [(), ("-f", "text"), ("-v",)])
def test_a_closed_pipe_does_not_stop_a_purchase(world: World, arguments: tuple[str, ...]) -> None:
    """`apply | head` buys what was wanted, records it, and reports it."""
    world.manifest(ipv4("a"), ipv4("b"))
    run_into_closed_pipe(world, "apply", "--yes", *arguments, MANIFEST)
    assert world.bought == ["a", "b"]
    assert world.report()["summary"]["placed"] == 2
    assert world.report()["run"]["complete"] is True
    assert world.apply().code == 0
    assert world.bought == ["a", "b"]


@pytest.mark.parametrize("arguments", [(), ("-f", "json"), ("--report", "-")])
def test_a_full_stdout_does_not_stop_a_purchase(world: World, arguments: tuple[str, ...]) -> None:
    """Nothing can be written to stdout: all orders are bought and recorded, stderr names what was lost, and it is exit 0."""
    world.manifest(ipv4("a"), ipv4("b"))
    call = ("apply", "--yes", *arguments, MANIFEST)
    with Path("/dev/full").open("wb") as full:
        process = world.start(*call, stdout=full)
        out, err = process.communicate(timeout=60)
    assert out is None
    assert b"Traceback" not in err
    assert b"Exception" not in err
    assert world.bought == ["a", "b"]
    assert b"stdout could not be written" in err
    assert process.returncode == 0
    assert world.run("status", MANIFEST).out.count("placed") >= 2


def test_both_streams_closed_does_not_stop_a_purchase(world: World) -> None:
    """A run that nobody listens to buys, records and reports."""
    world.manifest(ipv4("a"), ipv4("b"))
    nowhere = os.open("/dev/full", os.O_WRONLY)
    process = world.start("apply", "--yes", MANIFEST, stdout=nowhere, stderr=nowhere)
    os.close(nowhere)
    process.wait(60)
    assert world.bought == ["a", "b"]
    assert world.report()["summary"]["placed"] == 2


def test_streams_that_were_never_open_do_not_stop_a_purchase(world: World) -> None:
    """Started without stdout and stderr, as some supervisors do: bought, recorded, reported."""
    world.manifest(ipv4("a"))
    process = world.start("apply", "--yes", MANIFEST, stdout=None, stderr=None, prelude="os.close(1); os.close(2)")
    process.wait(60)
    assert world.bought == ["a"]
    assert world.report()["summary"]["placed"] == 1


@pytest.mark.parametrize("closed", ["0", "0, 1", "0, 2", "0, 1, 2", "1", "2"])
def test_a_stream_that_the_parent_has_closed_stops_nothing(world: World, closed: str) -> None:
    """Whichever of the three it is, no file of a call gets its number: bought, recorded, reported, exit 0."""
    world.manifest(ipv4("a"))
    prelude = f"[os.close(number) for number in ({closed},)]"
    process = world.start("apply", "--yes", MANIFEST, stdin=None, stdout=None, stderr=None, prelude=prelude)
    assert process.wait(60) == 0
    assert world.bought == ["a"]
    assert world.report()["summary"]["placed"] == 1


def test_a_manifest_from_a_closed_stdin_is_an_empty_one(world: World) -> None:
    """`-` with nothing behind it is a finding, not a bug."""
    process = world.start("validate", "-", stdin=None, prelude="os.close(0)")
    result = world.finish(process, "validate", "-")
    assert (result.code, "PSR" in result.output) == (4, True)


# -- the report


def unwritable_reports() -> dict[str, Callable[[World], str]]:
    def linked(world: World) -> str:
        (world.root / "target.json").write_text("{}")
        (world.root / "link.json").symlink_to("target.json")
        return "link.json"

    def dangling(world: World) -> str:
        (world.root / "link.json").symlink_to("nowhere.json")
        return "link.json"

    def hard_linked(world: World) -> str:
        (world.root / "one.json").write_text("{}")
        (world.root / "two.json").hardlink_to(world.root / "one.json")
        return "two.json"

    def folder(world: World) -> str:
        (world.root / "folder").mkdir()
        return "folder"

    def pipe(world: World) -> str:
        os.mkfifo(world.root / "pipe")
        return "pipe"

    return {
        "missing folder": lambda _: "no/such/folder/report.json",
        "symlink": linked,
        "dangling symlink": dangling,
        "hard link": hard_linked,
        "folder": folder,
        "pipe": pipe,
        "device": lambda _: "/dev/null",
        "below a file": lambda world: f"{world.manifest(ipv4('x'), name='file.yaml')}/report.json",
    }


@pytest.mark.parametrize("place", unwritable_reports())
def test_a_report_that_cannot_be_written_buys_nothing(world: World, place: str) -> None:
    """The report's place is proved before the first purchase: exit 2, named with the reason, the place untouched."""
    path = unwritable_reports()[place](world)
    before = sorted(world.root.iterdir())
    world.manifest(ipv4("a"))
    result = world.apply("--report", path, MANIFEST, reported=False)
    assert result.code == 2
    assert path in result.err
    assert world.money_requests == 0
    assert {item for item in world.root.iterdir() if "ledger" not in item.name} == {*before, world.root / MANIFEST}
    assert not (world.root / "target.json").exists() or (world.root / "target.json").read_text() == "{}"


def test_a_report_in_a_read_only_folder_buys_nothing(world: World) -> None:
    """The same for a folder without permission."""
    (world.root / "closed").mkdir(mode=0o500)
    world.manifest(ipv4("a"))
    call = ("--report", "closed/report.json", MANIFEST)
    assert world.apply(*call, reported=False, prelude=HELD_TO_PERMISSIONS).code == 2
    assert world.money_requests == 0


@pytest.mark.parametrize("call", [("-f", "json=no/such/out.json"), ("-f", "json=/dev/full")])
def test_a_format_that_cannot_be_written_hides_no_purchase(world: World, call: tuple[str, ...]) -> None:
    """Either nothing is bought and it is exit 2, or the batch is bought and its own exit code and report stand."""
    world.manifest(ipv4("a"))
    result = world.apply(*call, MANIFEST, reported=False)
    assert "out.json" in result.err or "/dev/full" in result.err
    if result.code == 2:
        assert world.money_requests == 0
    else:
        assert world.bought == ["a"]
        assert world.report()["summary"]["placed"] == 1


def test_a_failed_format_hides_no_unknown_outcome(world: World) -> None:
    """An unknown order is exit 7, whatever could not be written afterwards."""
    world.manifest(ipv4("a"))
    world.box.add_fault("close-after@1")
    result = world.apply("-f", "json=out/out.json", MANIFEST, reported=False)
    assert result.code == (7 if world.money_requests else 2)


def test_a_report_that_becomes_unwritable_hides_no_purchase(world: World) -> None:
    """Its folder disappears while an order is in flight: bought, recorded, told on stderr, and the exit code is not 1."""
    (world.root / "out").mkdir()
    world.manifest(ipv4("a"), ipv4("b"))
    world.hold_answer(1)
    call = ("apply", "--yes", "--report", "out/report.json", MANIFEST)
    process = world.start(*call)
    world.wait_for(lambda: world.bought == ["a"], process)
    (world.root / "out").rename(world.root / "gone")
    world.release()
    result = world.finish(process, *call, reported=False)
    assert world.bought == ["a", "b"]
    assert result.code == 0
    assert "out/report.json" in result.err
    assert "ledger" in result.err
    states = {row["key"]: row["state"] for row in world.run("status", "-f", "json").json["orders"]}
    assert states == {"crawl/a": "placed", "crawl/b": "placed"}


def test_the_report_is_there_and_true_from_the_start(world: World) -> None:
    """While the first order is in flight the report is valid, incomplete, and already names the possible charge."""
    world.manifest(ipv4("a"), ipv4("b"))
    world.hold_answer(1)
    process = world.start("apply", "--yes", MANIFEST)
    world.wait_for(lambda: world.bought == ["a"], process)
    report = world.report()
    assert (report["run"]["complete"], report["run"]["exit"], report["run"]["finished_at"]) == (False, None, None)
    assert [entry["key"] for entry in report["orders"]] == ["crawl/a", "crawl/b"]
    world.release()
    assert world.finish(process, "apply", "--yes", MANIFEST).code == 0


def test_the_report_is_replaced_whole(world: World) -> None:
    """Whoever reads the report of a running batch of fifty, at any moment, reads a valid one that only ever grows."""
    many(world)
    world.serve(latency=0.02)
    process = world.start("apply", "--yes", MANIFEST)
    path, seen = world.root / "report.json", []
    world.wait_for(path.exists, process)
    stamp = None
    while process.poll() is None:
        found = path.stat()
        if (found.st_ino, found.st_mtime_ns) != stamp:
            stamp = (found.st_ino, found.st_mtime_ns)
            seen.append(checked_report(path.read_bytes())["summary"]["placed"])
    assert world.finish(process, "apply", "--yes", MANIFEST).code == 0
    assert len(seen) >= 2
    assert seen == sorted(seen)
    assert world.report()["summary"]["placed"] == 50
    assert [item.name for item in world.root.iterdir() if item.name.endswith(".tmp")] == []


# -- who may read what


def test_files_are_private_whatever_the_umask(world: World) -> None:
    """Under umask 000: report, outputs, ledger and everything beside it 0600, folders 0700."""
    world.manifest(ipv4("a"))
    env = {"ORDER_RUNNER_LEDGER": None}
    call = ("apply", "--yes", "-f", "json=out.json", MANIFEST)
    process = world.start(*call, env=env, prelude="os.umask(0)")
    assert world.finish(process, *call).code == 0
    sandbox = ("apply", "--yes", "--sandbox", "--report", "box.json", MANIFEST)
    process = world.start(*sandbox, env=env, prelude="os.umask(0)")
    assert world.finish(process, *sandbox).code == 0
    for name in ("report.json", "out.json", "box.json"):
        assert mode_of(world.root / name) == 0o600, name
    state = world.home / "state"
    assert list(state.rglob("*.sqlite3"))
    for path in (state, *state.rglob("*")):
        assert mode_of(path) == (0o700 if path.is_dir() else 0o600), path


# -- the ledger


def assert_refused(world: World, words: str, *, buys: int = 0, code: str = "PSR601", **process: Any) -> None:
    """`apply` stops with exit 5 and these words, before it asks anything that costs."""
    before = world.money_requests
    result = world.apply(**process)
    assert result.code == 5
    assert words in result.output
    assert world.money_requests == before == buys
    found = world.report()["errors"]
    assert [finding["code"] for finding in found] == [code]


def test_a_corrupt_ledger_buys_nothing(world: World) -> None:
    """Bytes that are no ledger: exit 5, named, and not overwritten."""
    world.manifest(ipv4("a"))
    world.ledger.write_bytes(b"this is no database" * 1000)
    assert_refused(world, "orders.ledger")
    assert world.ledger.read_bytes().startswith(b"this is no database")
    assert world.run("status").code == 5
    assert world.run("plan", MANIFEST).code == 5


def test_a_damaged_ledger_buys_nothing(world: World) -> None:
    """A ledger that lost its middle: exit 5, and no fresh one in its place."""
    world.manifest(*(ipv4(name) for name in "ab"))
    assert world.apply().code == 0
    data = bytearray(world.ledger.read_bytes())
    data[100:] = os.urandom(len(data) - 100)
    world.ledger.write_bytes(data)
    world.manifest(*(ipv4(name) for name in "abc"))
    assert_refused(world, "orders.ledger", buys=2)


def test_another_programs_database_buys_nothing(world: World) -> None:
    """Some other SQLite file: exit 5, and left as it is."""
    world.manifest(ipv4("a"))
    connection = sqlite3.connect(world.ledger)
    connection.execute("CREATE TABLE cats (name TEXT)")
    connection.commit()
    connection.close()
    assert_refused(world, "another program")


def test_a_newer_ledger_buys_nothing(world: World) -> None:
    """Written by a version from the future: exit 5, and to upgrade is the way out."""
    world.manifest(ipv4("a"))
    assert world.apply().code == 0
    connection = sqlite3.connect(world.ledger)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    world.manifest(ipv4("a"), ipv4("b"))
    assert_refused(world, "newer", buys=1)


def test_a_ledger_that_was_deleted_is_missed(world: World) -> None:
    """The file is gone, its lock is not: nothing is bought as if it were the first time."""
    world.manifest(ipv4("a"))
    assert world.apply().code == 0
    for path in world.root.glob("orders.ledger*"):
        if not path.name.endswith(".lock"):
            path.unlink()
    assert_refused(world, "gone or empty", buys=1, code="PSR606")


@pytest.mark.parametrize("kind", ["symlink", "folder", "pipe"])
def test_a_ledger_that_is_no_plain_file_buys_nothing(world: World, kind: str) -> None:
    """A link, a folder or a pipe in the ledger's place is refused."""
    world.manifest(ipv4("a"))
    if kind == "symlink":
        world.ledger.symlink_to(world.root / "elsewhere.ledger")
    elif kind == "folder":
        world.ledger.mkdir()
    else:
        os.mkfifo(world.ledger)
    if kind == "folder":  # can be told from its name
        assert (world.apply().code, world.bought) == (2, [])
    else:
        assert_refused(world, "orders.ledger")
    assert not (world.root / "elsewhere.ledger").exists()


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_read_only_ledger_buys_nothing(world: World, what: str) -> None:
    """A ledger or folder without permission to write: exit 5 before any request, named."""
    world.manifest(ipv4("a"))
    shelf = world.root / "shelf"
    shelf.mkdir()
    ledger = str(shelf / "orders.ledger")
    assert world.apply("--ledger", ledger, MANIFEST).code == 0
    world.manifest(ipv4("a"), ipv4("b"))
    asked = len(world.box.requests)
    closed = shelf if what == "folder" else Path(ledger)
    closed.chmod(0o500 if what == "folder" else 0o400)
    result = world.apply("--ledger", ledger, MANIFEST, prelude=HELD_TO_PERMISSIONS)
    closed.chmod(0o700 if what == "folder" else 0o600)
    assert (result.code, len(world.box.requests)) == (5, asked)
    assert "shelf" in result.output


def test_a_ledger_that_cannot_be_read_is_not_an_empty_one(world: World) -> None:
    """Looking at a ledger without permission is exit 5, not a plan to buy everything again."""
    world.manifest(ipv4("a"))
    assert world.apply().code == 0
    world.ledger.chmod(0)
    for command in (("status",), ("plan", MANIFEST), ("apply", "--yes", MANIFEST)):
        assert world.run(*command, prelude=HELD_TO_PERMISSIONS).code == 5, command
    assert world.bought == ["a"]


def test_a_ledger_in_a_folder_of_proc_buys_nothing(world: World) -> None:
    """A place where no file can be made, for root neither: exit 5, named."""
    world.manifest(ipv4("a"))
    result = world.apply("--ledger", "/proc/orders.ledger", MANIFEST)
    assert result.code == 5
    assert "/proc/orders.ledger" in result.output
    assert world.money_requests == 0


@pytest.mark.parametrize("limit", [0, 4096, 40_000])
def test_a_full_disk_for_a_new_ledger_buys_nothing(world: World, limit: int) -> None:
    """No file may grow beyond so many bytes: whatever fails first, no order is sent that could not be recorded."""
    world.manifest(ipv4("a"))

    result = world.run("apply", "--yes", "--report", "-", MANIFEST, reported=False, prelude=files_up_to(limit))
    assert result.code == 5
    assert world.money_requests == 0
    assert "ledger" in result.output


def test_a_disk_that_fills_between_orders_loses_nothing(world: World) -> None:
    """The ledger may not grow any more while a batch runs: what was sent is recorded, and the rest is not sent."""
    many(world)
    first = world.apply("--max-spend", "1", MANIFEST)
    assert first.code == 5

    result = world.run("apply", "--yes", "--report", "-", MANIFEST, reported=False, prelude=files_up_to(120_000))
    assert result.code in (5, 7)
    sent = world.money_requests
    assert 0 < sent < 50
    placed = [order for order in json.loads(result.out)["orders"] if order["status"] == "placed"]
    assert len(placed) == sent == len(world.purchases)
    assert world.apply().code == 0
    assert world.bought == list(MANY)


def test_a_large_report_on_a_full_disk_is_no_excuse(world: World) -> None:
    """The report cannot be written at the start: exit 2, nothing bought."""
    many(world)

    assert world.apply(reported=False, prelude=files_up_to(1024)).code in (2, 5)
    assert world.money_requests == 0


def test_the_key_is_in_no_argument_list(world: World) -> None:
    """While an order is in flight, /proc shows no key among the arguments of the process."""
    world.manifest(ipv4("a"))
    world.hold_answer(1)
    process = world.start("apply", "--yes", MANIFEST, cold=True)
    world.wait_for(lambda: world.bought == ["a"], process)
    arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    assert b"apply" in arguments
    world.find_no_key(arguments, "/proc")
    world.release()
    assert world.finish(process, "apply", "--yes", MANIFEST).code == 0
