"""A ledger that forgot what was bought: noticed by the vendor's list before anything is bought a second time."""

import json
import re
import shlex
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import CANARY, MANIFEST, Result, Sandbox, SandboxServer, World, ipv4

from runner.sandbox.box import PREFIX
from runner.sandbox.options import Options

STRICT = {"ORDER_RUNNER_STRICT_ACCOUNT": "1"}
PERSON = {"ORDER_RUNNER_YES": "1", "USER": "alice"}
COMMAND = re.compile(r"order-runner (resolve [^;\n]+)")


def somebody_buys(world: World, **changes: Any) -> None:
    """An order on our account that no ledger has."""
    body = ipv4("theirs", **changes) | {"paymentId": 1}
    wanted = {name: value for name, value in body.items() if name not in ("name", "type")}
    world.box.respond("POST", f"{PREFIX}{CANARY}/order/make", json.dumps(wanted).encode())
    assert world.bought[-1] == "theirs"


def copy_of(world: World) -> Path:
    """A copy of the ledger, made while nobody uses it."""
    place = world.root / "copy"
    place.mkdir()
    for path in world.root.glob("orders.ledger*"):
        shutil.copy2(path, place / path.name)
    return place


def put_back(world: World, place: Path) -> None:
    for path in world.root.glob("orders.ledger*"):
        path.unlink()
    for path in place.iterdir():
        shutil.copy2(path, world.root / path.name)


def codes(world: World, path: str = "report.json") -> list[str]:
    report = world.report(path)
    return sorted(finding["code"] for owner in (report, *report["orders"]) for finding in owner["errors"])


def finding(world: World, name: str) -> Any:
    (found,) = world.order(name)["errors"]
    return found


def suggested(text: str, which: str = "--placed") -> Iterator[list[str]]:
    """The commands that a text names, as a shell would take them."""
    for command in COMMAND.findall(text):
        if which in command:
            yield shlex.split(command)


def obey(world: World, *names: str) -> None:
    """Runs the adopting command that the last report has for each of these orders, to the letter."""
    for name in names:
        (command,) = suggested(finding(world, name)["hint"])
        result = world.run(*command, env=STRICT | PERSON)
        assert result.code == 0, result.err
        assert f"crawl/{name} is now placed as order" in result.out


def lists(world: World) -> int:
    return sum(request.endpoint.startswith("proxy/list") for request in world.box.requests)


def test_ledger_from_yesterday(world: World) -> None:
    """Orders bought since a backup are noticed and named, the printed commands adopt them, and the rest is bought."""
    world.manifest(ipv4("a"))
    assert world.apply(env=STRICT).code == 0
    backup = copy_of(world)
    world.manifest(ipv4("a"), ipv4("b"), ipv4("c"))
    assert world.apply(env=STRICT).code == 0
    put_back(world, backup)
    world.manifest(*(ipv4(name) for name in "abc"), ipv4("other", countryId=562))
    result = world.apply(env=STRICT)
    assert (result.code, world.bought) == (5, ["a", "b", "c"])
    ids = [str(purchase.order_id) for purchase in world.purchases]
    (named,) = [found for found in world.report()["errors"] if found["code"] == "PSR508"]
    assert f"{ids[1]} (ipv4), {ids[2]} (ipv4)" in named["message"]
    assert ids[0] not in named["message"]
    for name, order_id in zip("bc", ids[1:], strict=True):
        found = finding(world, name)
        assert (found["code"], found["category"], found["line"]) == ("PSR420", "refused", world.line_of(f'"{name}"'))
        assert f"resolve crawl/{name} --placed {order_id};" in found["hint"]
        assert f"{MANIFEST}:{found['line']}:" in result.output
    obey(world, "b", "c")
    assert world.apply(env=STRICT).code == 0
    assert world.bought == ["a", "b", "c", "other"]
    assert [world.order(name)["status"] for name in ("a", "b", "c", "other")] == [*["already_placed"] * 3, "placed"]
    assert codes(world) == []
    assert world.run("ledger", "verify").code == 0
    assert world.run("ledger", "export", "-o", "export.jsonl").code == 0
    assert world.run("ledger", "verify", "export.jsonl").code == 0


def test_ledger_deleted(world: World) -> None:
    """A ledger that is gone without a trace is noticed, too."""
    world.manifest(ipv4("a"), ipv4("b"))
    assert world.apply(env=STRICT).code == 0
    for path in world.root.glob("orders.ledger*"):
        path.unlink()
    assert world.apply(env=STRICT).code == 5
    obey(world, "a", "b")
    assert world.apply(env=STRICT).code == 0
    assert world.bought == ["a", "b"]


def test_account_mistyped_beside_another_ledger(world: World) -> None:
    """A ledger that never saw the account is noticed; the commands name ledger and account as typed."""
    world.manifest(ipv4("a"))
    assert world.apply("--account", "acme", MANIFEST, env=STRICT).code == 0
    other = ("--account", "amce", "--ledger", "other.ledger")
    assert world.apply(*other, MANIFEST, env=STRICT).code == 5
    hint = finding(world, "a")["hint"]
    assert hint.count("--ledger other.ledger --account amce") == 2
    assert world.bought == ["a"]
    obey(world, "a")
    assert world.apply(*other, MANIFEST, env=STRICT).code == 0
    assert world.bought == ["a"]


def test_stranger_in_another_country(world: World) -> None:
    """An order that cannot be one of ours is a warning, and stops nothing."""
    somebody_buys(world, countryId=562)
    world.manifest(ipv4("a"))
    assert world.apply(env=STRICT).code == 0
    assert codes(world) == ["PSR508"]
    assert world.bought[1:] == ["a"]


def test_not_mine_is_remembered(world: World) -> None:
    """What a person says is somebody else's is asked about once; who said so and why is in the export."""
    world.manifest(ipv4("a"))
    world.apply(env=STRICT)
    world.manifest(ipv4("b"))
    assert world.apply("--ledger", "second.ledger", MANIFEST, env=STRICT).code == 5
    assert world.bought == ["a"]
    (command,) = suggested(finding(world, "b")["hint"], "--not-mine")
    result = world.run(*command, env=STRICT | PERSON)
    assert (result.code, result.out) == (
        0,
        f"order {world.purchases[0].order_id} is somebody else's, recorded for alice (by USER): WHY\n",
    )
    assert world.apply("--ledger", "second.ledger", MANIFEST, env=STRICT).code == 0
    assert (world.bought, codes(world)) == (["a", "b"], [])
    exported = world.run("ledger", "export", "--ledger", "second.ledger")
    assert '"kind":"stranger"' in exported.out
    world.write("second.jsonl", exported.out)
    assert world.run("ledger", "import", "second.jsonl", "--ledger", "new.ledger").code == 0
    assert world.run("ledger", "export", "--ledger", "new.ledger").out.count("stranger") == 1


def test_not_strict_warns_and_buys(world: World) -> None:
    """On an account that is not strict the same orders are bought, each with a warning at its line."""
    world.manifest(ipv4("a"))
    world.apply()
    result = world.apply("--ledger", "second.ledger", MANIFEST)
    assert (result.code, world.bought) == (0, ["a", "a"])
    assert codes(world) == ["PSR420", "PSR508"]
    assert finding(world, "a")["category"] == "warning"
    assert "--strict-account" in result.output


@pytest.mark.parametrize(
    ("option", "variables", "code"),
    [
        ((), {}, 0),
        ((), {"CI": "true"}, 5),
        (("--strict-account",), {}, 5),
        (("--no-strict-account",), {"CI": "true"}, 0),
        ((), {"ORDER_RUNNER_STRICT_ACCOUNT": "1"}, 5),
        ((), {"ORDER_RUNNER_STRICT_ACCOUNT": "0", "CI": "true"}, 0),
    ],
)
def test_what_makes_an_account_strict(
    world: World, option: tuple[str, ...], variables: dict[str, str], code: int
) -> None:
    """The option wins over its variable, and that over `CI`; `plan` and the dry run find what `apply` finds."""
    world.manifest(ipv4("a"))
    world.apply()
    second = str(world.root / "second.ledger")
    world.make_ledger("--ledger", second)
    asked = ("--ledger", second, *option, MANIFEST)
    for command in (("plan", "--report", "report.json"), ("apply", "--dry-run"), ("apply", "--yes")):
        assert (world.run(*command, *asked, env=variables).code, codes(world)) == (code, ["PSR420", "PSR508"])
    assert world.bought == ["a"] * (1 if code else 2)


def test_keep_going_buys_what_looks_like_nothing(world: World) -> None:
    """With `--keep-going` only what looks bought is refused; limits count only what is left."""
    world.manifest(ipv4("a"))
    world.apply()
    world.manifest(ipv4("a"), ipv4("b", countryId=562))
    result = world.apply("--ledger", "second.ledger", "--keep-going", "--max-spend", "2.50", MANIFEST, env=STRICT)
    assert (result.code, world.bought) == (5, ["a", "b"])
    assert world.report()["summary"] | {"refused": 1, "placed": 1} == world.report()["summary"]


@pytest.mark.parametrize("new_id", [False, True])
def test_renewed_orders_are_noticed(world: World, new_id: bool) -> None:
    """An order that was forgotten may have been renewed since: it looks bought all the same, to nobody who has it."""
    world.manifest(ipv4("a"))
    world.apply()
    world.box.renew(world.purchases[0].order_id, new_id=new_id)
    assert world.apply("--ledger", "second.ledger", MANIFEST, env=STRICT).code == 5
    assert codes(world) == ["PSR420", "PSR508"]
    assert "it ends later, as if it had been renewed" in finding(world, "a")["message"]
    world.manifest(ipv4("a"), ipv4("b"))
    assert world.apply(env=STRICT).code == 0
    assert (world.bought, codes(world)) == (["a", "b"], [])


def test_old_orders_are_not_named(tmp_path: Path) -> None:
    """An order that began more than 31 days ago is none that was forgotten since."""
    home, root = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    root.mkdir()
    world, ahead = World(root=root, home=home), [-40 * 86_400.0]
    world.server.close()
    world.box = Sandbox(options=Options(accounts={CANARY: world.balance}), clock=lambda: time.time() + ahead[0])
    world.server = SandboxServer(world._respond, "127.0.0.1", 0)
    try:
        world.manifest(ipv4("a", periodId="3m"))
        assert world.apply(env=STRICT).code == 0
        ahead[0] = 0
        assert world.apply("--ledger", "second.ledger", MANIFEST, env=STRICT).code == 0
        assert (len(world.bought), codes(world)) == (2, [])
    finally:
        world.close()


@pytest.mark.parametrize("fault", ["list-500@1x*", "list-html@1x*", "list-blank@1x*"])
def test_list_that_is_not_whole(world: World, fault: str) -> None:
    """Without a whole list nothing is bought; `plan` refuses it on a strict account, and else says so."""
    world.make_ledger()  # before all of them: whether `apply` makes it before a `plan` looks is left to chance
    world.manifest(ipv4("a"))
    world.box.add_fault(fault)
    plans = [("plan", "--report", name, MANIFEST) for name in ("strict.json", "else.json")]
    looks = [("apply", "--yes", MANIFEST), *plans]
    # All at once: each of them asks again and again, for seconds.
    runs = [world.start(*look, env=env) for look, env in zip(looks, (STRICT, STRICT, {}), strict=True)]
    ends = [world.finish(run, *look, reported=True).code for run, look in zip(runs, looks, strict=True)]
    assert (ends, world.money_requests) == ([5, 5, 0], 0)
    told = [codes(world, path) for path in ("report.json", "strict.json", "else.json")]
    assert told == [["PSR506"], ["PSR506"], ["PSR509"]]


def test_many_are_counted(world: World) -> None:
    """Of many orders the first are named and the rest counted."""
    world.manifest(*(ipv4(f"o{number}") for number in range(25)))
    world.apply()
    world.manifest(ipv4("new", countryId=562))
    world.apply("--ledger", "second.ledger", MANIFEST, env=STRICT)
    (named,) = world.report()["errors"]
    assert named["message"].startswith("the vendor shows 25 orders that the ledger does not know: 2426273 (ipv4), ")
    assert named["message"].endswith(" and 5 more")


def test_the_look_is_the_witness(world: World) -> None:
    """Comparing costs a run no more lists: two calls for each type, and none for what is not to be bought."""
    world.manifest(*(ipv4(f"o{number}") for number in range(5)))
    assert world.apply().code == 0
    assert lists(world) == 2
    assert world.apply().code == 0
    assert lists(world) == 2
    world.manifest({"name": "traffic", "type": "resident", "tarifId": 6929}, batch="other")
    assert world.apply().code == 0
    assert lists(world) == 2


def test_a_key_that_nobody_ever_wanted(world: World) -> None:
    """Adopting needs to know what the key stands for: the refusal says how the ledger gets to know it."""
    world.manifest(ipv4("a"))
    world.apply()
    result: Result = world.run("resolve", "crawl/b", "--placed", "77", env=PERSON)
    assert result.code == 2
    assert "apply --strict-account" in result.err


def test_a_refused_order_that_was_bought_after_all(world: World) -> None:
    """An order the vendor refused, and somebody then bought by hand, is adopted with the content of its attempt."""
    world.manifest(ipv4("a"))
    world.box.add_fault("no-funds@1")
    assert world.apply().code == 6
    assert world.run("resolve", "crawl/a", "--absent", "--reason", "no", env=PERSON).code == 5
    assert world.run("resolve", "crawl/a", "--placed", "77", env=PERSON).code == 0
    assert world.apply().code == 0
    assert (world.bought, world.order("a")["result"]["order_id"]) == ([], "77")
    assert world.run("ledger", "verify").code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("--not-mine", "77"),
        ("--not-mine", "7 7", "--reason", "r"),
        ("crawl/a", "--not-mine", "77", "--reason", "r"),
        ("--not-mine", "77", "--absent", "--reason", "r"),
        ("--placed", "77"),
        (),
    ],
)
def test_calls_that_cannot_be(world: World, arguments: tuple[str, ...]) -> None:
    """Disowning takes order ids and a reason, nothing else; every other verdict takes a key."""
    world.manifest(ipv4("a"))
    world.apply()
    assert world.run("resolve", *arguments, env=PERSON).code == 2


def test_own_order_cannot_be_disowned(world: World) -> None:
    """An order that the ledger owns is nobody else's."""
    world.manifest(ipv4("a"))
    world.apply()
    order_id = str(world.purchases[0].order_id)
    result = world.run("resolve", "--not-mine", "77", "--not-mine", order_id, "--reason", "r", env=PERSON)
    assert result.code == 5
    assert f"order {order_id} belongs to crawl/a" in result.err
    assert "stranger" not in world.run("ledger", "export").out


def test_any_order_of_a_refused_batch_can_be_adopted(world: World) -> None:
    """What looks like one order may be another one of its batch: a person gives it to the one that it is."""
    world.manifest(ipv4("a"))
    assert world.apply().code == 0
    (ours,) = [row["order_id"] for row in world.run("status", "-f", "json").json["orders"]]
    (world.root / "nothing").mkdir()
    put_back(world, world.root / "nothing")
    world.manifest(ipv4("first"), ipv4("a"), ipv4("else", countryId=562))
    assert world.apply(env=STRICT).code == 5
    assert finding(world, "first")["code"] == "PSR420"
    adopted = world.run("resolve", "crawl/else", "--placed", ours, env=PERSON)
    assert adopted.code == 0, adopted.err
    assert f"crawl/else is now placed as order {ours}" in adopted.out
