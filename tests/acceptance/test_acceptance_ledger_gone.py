"""Ledgers that go away, come back older, or are not where they seem to be: nothing is bought from a wrong memory."""

import os
import re
import shlex
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import ASKED_EACH_TIME, FIRST_ID, HELD_TO_PERMISSIONS, MANIFEST, Process, World, ipv4

from runner.ledger.lockfile import SIGNATURE

APPLY = ("apply", "--yes", MANIFEST)


def folder(world: World) -> Path:
    """The ledger's own folder."""
    return world.root / "state"


def ledger(world: World) -> Path:
    return folder(world) / "orders.ledger"


def env(world: World) -> dict[str, str | None]:
    return {"ORDER_RUNNER_LEDGER": str(ledger(world))}


def lock(world: World) -> Path:
    return folder(world) / "orders.ledger.default.lock"


def remove(world: World) -> None:
    """As `git clean -fdx` does it."""
    shutil.rmtree(folder(world))


def move(world: World) -> None:
    folder(world).rename(world.root / "elsewhere")


def put_back(world: World) -> None:
    """A copy of the folder takes its place."""
    shutil.copytree(folder(world), world.root / "copy")
    move(world)
    (world.root / "copy").rename(folder(world))


def replace_file(world: World) -> None:
    shutil.copy(ledger(world), folder(world) / "copy")
    (folder(world) / "copy").rename(ledger(world))


def lose_log(world: World) -> None:
    (folder(world) / "orders.ledger-wal").unlink()


def lose_lock(world: World) -> None:
    lock(world).unlink()


def start_held(world: World, number: int) -> Process:
    """A batch of four up to the point where so many orders are made, and the last of them is not answered."""
    world.manifest(*(ipv4(name) for name in "abcd"))
    world.hold_answer(number)
    process = world.start(*APPLY, env=env(world))
    world.wait_for(lambda: len(world.purchases) == number, process)
    return process


@pytest.mark.parametrize("happens", [remove, move, put_back, replace_file, lose_log, lose_lock])
def test_a_ledger_that_goes_away_with_an_order_in_flight(world: World, happens: Callable[[World], None]) -> None:
    """The answer is kept and said, exit code 7, nothing more is bought; no later run buys what was bought."""
    process = start_held(world, 2)
    happens(world)
    world.release()
    result = world.finish(process, *APPLY)
    assert (result.code, world.bought) == (7, ["a", "b"])
    assert f"order id {FIRST_ID + 1}" in result.err
    assert "PSR602" in result.output
    kept = [path for path in world.root.rglob("*.emergency*") if str(FIRST_ID + 1).encode() in path.read_bytes()]
    assert kept
    again = world.apply(env=env(world))
    assert world.bought[:2] == ["a", "b"]
    assert not {"a", "b"} & set(world.bought[2:])
    assert again.code in (0, 5, 7)
    if happens in (remove, move):
        assert (again.code, world.bought) == (5, ["a", "b"])
        assert "shows that it was in use" in again.output


def test_a_folder_put_back_is_not_bought_from_at_the_same_time(world: World) -> None:
    """Beside a run whose folder was put back from a copy, another finds the order in flight, and buys nothing."""
    process = start_held(world, 2)
    put_back(world)
    assert world.apply(env=env(world)).code == 7
    world.release()
    assert world.finish(process, *APPLY).code == 7
    assert world.bought == ["a", "b"]
    done = world.apply(env=env(world))
    assert (done.code, world.bought) == (0, ["a", "b", "c", "d"])


@pytest.mark.parametrize("happens", [remove, move, put_back, replace_file, lose_log, lose_lock])
def test_a_ledger_that_goes_away_before_a_claim(world: World, happens: Callable[[World], None]) -> None:
    """Where the ledger goes away between two orders, the next one is neither claimed nor sent: exit code 5, PSR606."""
    world.manifest(*(ipv4(name, **ASKED_EACH_TIME) for name in "abcd"))
    world.hold_quote()
    process = world.start(*APPLY, env=env(world))
    world.wait_for(lambda: world.is_quoting, process)
    happens(world)
    world.release()
    result = world.finish(process, *APPLY)
    assert (result.code, world.bought) == (5, ["a"])
    assert "PSR606" in result.output


def bought_twice_over(world: World) -> Path:
    """Bought `a`, then `b`; a copy of the ledger from between them, and an export from after."""
    world.manifest(ipv4("a"))
    assert world.apply(env=env(world)).code == 0
    older = world.root / "older"
    shutil.copy(ledger(world), older)
    world.manifest(ipv4("a"), ipv4("b"))
    assert world.apply(env=env(world)).code == 0
    assert world.run("ledger", "export", "-o", "newest.jsonl", env=env(world)).code == 0
    return older


def commands_in(text: str) -> list[list[str]]:
    """What a text tells to run, in backticks: the arguments of each command."""
    return [shlex.split(command) for command in re.findall(r"`order-runner ([^`]*)`", text)]


READING = (
    ("apply", "--yes"),
    ("plan",),
    ("apply", "--dry-run"),
    ("status",),
    ("doctor", "--offline"),
    ("ledger", "verify"),
)


@pytest.mark.parametrize("call", READING, ids=" ".join)
def test_the_command_for_an_older_copy_works_as_it_is_printed(world: World, call: tuple[str, ...]) -> None:
    """Where options named the ledger and the account, the printed import has them: pasted, it brings the rest back."""
    place = ("--ledger", str(ledger(world)), "--account", "team")
    world.manifest(ipv4("a"))
    folder(world).mkdir()
    assert world.apply(*place, MANIFEST).code == 0
    older = world.root / "older"
    shutil.copy(ledger(world), older)
    world.manifest(ipv4("a"), ipv4("b"))
    assert world.apply(*place, MANIFEST).code == 0
    assert world.run("ledger", "export", *place, "-o", "newest.jsonl").code == 0
    shutil.copy(older, ledger(world))
    result = world.run(*call, *place, *(() if call[0] in ("status", "doctor", "ledger") else (MANIFEST,)))
    assert result.code == 5
    (printed,) = {tuple(command) for command in commands_in(result.output) if command[:2] == ["ledger", "import"]}
    pasted = ["newest.jsonl" if word == "EXPORT" else word for word in printed]
    assert world.run(*pasted).code == 0
    again = world.apply(*place, MANIFEST)
    assert (again.code, world.bought) == (0, ["a", "b"])


def test_an_older_copy_is_refused_by_every_command_and_filled_by_an_import(world: World) -> None:
    """A ledger behind its lock is bought from by nobody, all commands say so, and an export brings the rest back."""
    older = bought_twice_over(world)
    shutil.copy(older, ledger(world))
    for call in (APPLY, ("plan", MANIFEST), ("status",), ("reconcile",), ("ledger", "verify"), ("ledger", "export")):
        result = world.run(*call, env=env(world))
        assert result.code == 5, call
        assert "is not the newest" in result.output, call
        assert "ledger import" in result.output, call
    assert "is not the newest" in world.run("doctor", "--offline", env=env(world)).output
    assert world.run("ledger", "import", "newest.jsonl", env=env(world)).code == 0
    assert world.apply(env=env(world)).code == 0
    assert world.bought == ["a", "b"]


def test_an_import_that_is_too_short_is_refused(world: World) -> None:
    """An export that ends before what the lock remembers leaves the ledger as it is, refused."""
    older = bought_twice_over(world)
    lines = (world.root / "newest.jsonl").read_text().splitlines()
    assert len(lines) > 3
    shutil.copy(older, ledger(world))
    lock(world).rename(world.root / "lock")
    assert world.run("ledger", "export", "-o", "older.jsonl", env=env(world)).code == 0
    (world.root / "lock").rename(lock(world))
    result = world.run("ledger", "import", "older.jsonl", env=env(world))
    assert (result.code, "is not the newest" in result.output) == (5, True)
    assert world.apply(env=env(world)).code == 5
    assert world.bought == ["a", "b"]


@pytest.mark.parametrize("what", ["missing", "empty"])
def test_a_new_ledger_beside_an_old_lock(world: World, what: str) -> None:
    """A ledger that is gone or empty beside its lock is refused, can be filled by an import, or forgotten on purpose."""
    bought_twice_over(world)
    ledger(world).unlink()
    if what == "empty":
        ledger(world).touch(0o600)
    result = world.apply("--report", "report.json", MANIFEST, env=env(world))
    assert (result.code, world.bought) == (5, ["a", "b"])
    assert [error["code"] for error in world.report()["errors"]] == ["PSR606"]
    assert world.run("ledger", "import", "newest.jsonl", env=env(world)).code == 0
    assert (world.apply(env=env(world)).code, world.bought) == (0, ["a", "b"])


def test_a_lock_that_does_not_tell_how_far_the_ledger_was(world: World) -> None:
    """That of an earlier version: an import, too, is refused beside it, and what its hint says is the way out."""
    bought_twice_over(world)
    ledger(world).unlink()
    lock(world).write_bytes(lock(world).read_bytes()[:SIGNATURE])
    result = world.run("ledger", "import", "newest.jsonl", env=env(world))
    assert (result.code, "delete that file, and import again" in result.output) == (5, True)
    assert f"{lock(world).name} does not tell how far it was" in result.output
    lock(world).unlink()
    assert world.run("ledger", "import", "newest.jsonl", env=env(world)).code == 0
    assert (world.apply(env=env(world)).code, world.bought) == (0, ["a", "b"])


def test_the_lock_of_a_ledger_with_a_longer_name(world: World) -> None:
    """A ledger may be made beside one whose name goes on where its own ends; a lost one is refused all the same."""
    longer = {**env(world), "ORDER_RUNNER_LEDGER": f"{ledger(world)}.new"}
    world.manifest(ipv4("a"))
    ledger(world).parent.mkdir(exist_ok=True)
    assert world.run("ledger", "init", env=longer | {"USER": "ann"}).code == 0
    assert world.run("ledger", "init", env={**env(world), "USER": "ann"}).code == 0
    assert world.apply(env=env(world)).code == 0
    ledger(world).unlink()
    result = world.apply(env=env(world))
    assert (result.code, f"{lock(world)} shows" in result.output) == (5, True)
    assert world.bought == ["a"]


def test_no_hint_leads_to_a_second_memory(world: World) -> None:
    """Where rights are wrong, or a link is in the way, nobody is told to name another file: it would know nothing."""
    world.manifest(ipv4("a"))
    assert world.apply(env=env(world)).code == 0
    for spoil in (lambda: ledger(world).chmod(0o400), lambda: lock(world).chmod(0)):
        spoil()
        process = world.start("apply", "--yes", MANIFEST, env=env(world), prelude=HELD_TO_PERMISSIONS)
        result = world.finish(process, "apply", "--yes", MANIFEST, reported=False)
        assert (result.code, "let this user read and write" in result.output) == (5, True)
        assert "--ledger" not in result.output
        ledger(world).chmod(0o600)
    lock(world).chmod(0o600)
    (world.root / "link").symlink_to(ledger(world))
    result = world.apply(env={**env(world), "ORDER_RUNNER_LEDGER": str(world.root / "link")})
    assert (result.code, "knows nothing of what was bought" in result.output) == (5, True)


def test_a_forgotten_ledger_is_forgotten_by_deleting_the_lock(world: World) -> None:
    """What the message says as the last way out is one: without the lock, the older copy is used."""
    older = bought_twice_over(world)
    shutil.copy(older, ledger(world))
    lock(world).unlink()
    assert world.run("status", env=env(world)).code == 0


def test_a_log_that_is_lost_after_a_kill(world: World) -> None:
    """What a killed run had bought is not bought again where the log that had it is lost."""
    world.manifest(ipv4("a"))
    assert world.apply(env=env(world)).code == 0
    world.manifest(ipv4("a"), ipv4("b"))
    world.hold_answer(1)
    process = world.start(*APPLY, env=env(world))
    world.wait_for(lambda: len(world.purchases) == 2, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    world.release()
    for ending in ("-wal", "-shm"):
        (folder(world) / f"orders.ledger{ending}").unlink()
    result = world.apply(env=env(world))
    assert (result.code, world.bought) == (5, ["a", "b"])
    assert "is not the newest" in result.output


def test_a_batch_leaves_nothing_in_the_log(world: World) -> None:
    """After a run, all that it bought is in the ledger's file itself, though another process keeps the ledger open."""
    world.manifest(ipv4("a"))
    assert world.apply(env=env(world)).code == 0
    with ledger(world).open("rb") as reader:
        assert b"crawl/a" in reader.read()
    log = folder(world) / "orders.ledger-wal"
    assert not log.exists() or not log.stat().st_size


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount")
def test_a_ledger_mounted_as_one_file(world: World) -> None:
    """A container that has only the ledger's file, and not its folder, is refused before anything, with the way out."""
    world.manifest(ipv4("a"))
    assert world.apply(env=env(world)).code == 0
    inside = world.root / "inside"
    inside.mkdir()
    (inside / "orders.ledger").touch(0o600)
    world.manifest(ipv4("a"), ipv4("b"))
    mount = (
        "import ctypes, subprocess; ctypes.CDLL(None).unshare(0x20000); "
        "subprocess.run(['mount', '--make-rprivate', '/'], check=True); "
        f"subprocess.run(['mount', '--bind', {str(ledger(world))!r}, {str(inside / 'orders.ledger')!r}], check=True)"
    )
    mounted = {"ORDER_RUNNER_LEDGER": str(inside / "orders.ledger"), "CI": "true"}
    for call in (APPLY, ("plan", MANIFEST), ("reconcile",), ("status",)):
        process = world.start(*call, env=mounted, prelude=mount)
        result = world.finish(process, *call)
        if "CalledProcessError" in result.err:
            pytest.skip("this machine does not let us mount")
        assert result.code == 5, call
        assert "a mount of its own" in result.output, call
        assert "mount its folder" in result.output, call
    assert world.bought == ["a"]


@pytest.mark.parametrize("command", ["verify", "export"])
def test_no_history_is_not_a_whole_one(world: World, command: str) -> None:
    """A ledger that is not there, one of 0 bytes, and an unknown account are refused; the accounts are named."""
    world.manifest(ipv4("a"))
    assert world.apply("--account", "shop", MANIFEST, env=env(world)).code == 0
    ask = ("ledger", command)
    unknown = world.run(*ask, "--account", "shpo", env=env(world))
    assert (unknown.code, "has no account shpo; it has shop" in unknown.output, unknown.out) == (5, True, "")
    (world.root / "nothing").touch(0o600)
    for path, words in (("nothing", "is empty"), ("nowhere", "does not exist")):
        result = world.run(*ask, env={"ORDER_RUNNER_LEDGER": str(world.root / path)})
        assert (result.code, words in result.output, result.out) == (5, True, "")
    assert world.run(*ask, "--account", "shop", env=env(world)).code == 0
