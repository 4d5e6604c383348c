"""An account is its key, not only a name: whatever is mistyped, unset, swapped or rotated, nothing is bought twice."""

from __future__ import annotations

import json
import re
import shlex
import sqlite3
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest
from harness import CANARY, HELD_TO_PERMISSIONS, MANIFEST, SECOND, World, ipv4

ROTATED = "Rotated-5dF8gH2jK4lZ7xC1vB3nM6qW"
PERSON = {"USER": "alice", "GITHUB_ACTOR": None, "GITLAB_USER_LOGIN": None, "BUILD_USER_ID": None}


def key(text: str) -> dict[str, str | None]:
    return {"PROXY_SELLER_API_KEY": text}


@pytest.fixture(name="acme")
def of_one_account(world: World) -> World:
    """A ledger with account acme, which has bought an order; the vendor has a second account and a rotated key."""
    world.serve(accounts={name: Decimal(1000) for name in (CANARY, SECOND, ROTATED)})
    world.manifest(ipv4("a"))
    assert world.apply("--account", "acme", MANIFEST).code == 0
    return world


def looks(world: World) -> int:
    """How often the vendor was asked anything."""
    return len(world.box.requests)


def refused(world: World, code: str, *arguments: str, env: dict[str, str | None] | None = None) -> str:
    """A call that ends with exit 5 and this finding, and asks the vendor nothing; what it says."""
    before = looks(world)
    result = world.run(*arguments, env=env)
    assert (result.code, code in result.output) == (5, True), result.output
    assert looks(world) == before
    world.find_no_key(result.output.encode(), " ".join(arguments))
    return result.output


def test_an_unset_variable_buys_nothing_again(world: World) -> None:
    """Without ORDER_RUNNER_ACCOUNT a resident order that the account has is not bought again; set to nothing, neither."""
    world.manifest({"name": "r", "type": "resident", "tarifId": 6929})
    assert world.apply(env={"ORDER_RUNNER_ACCOUNT": "acme"}).code == 0
    assert world.apply(env={"ORDER_RUNNER_ACCOUNT": ""}).code == 2
    for env in ({}, {"CI": "true"}):
        said = refused(world, "PSR607", "apply", "--yes", MANIFEST, env=env)
        assert "pass --account acme" in said
    assert len(world.purchases) == 1
    assert [found["code"] for found in world.report()["errors"]] == ["PSR607"]


SUGGESTED = re.compile(r"order-runner (ledger (?:init|rekey)[^;,\n]*)")


@pytest.mark.parametrize(
    "command", [("plan", MANIFEST), ("apply", "--yes", MANIFEST), ("reconcile",), ("status",), ("doctor", "--offline")]
)
@pytest.mark.parametrize(
    ("account", "with_key", "suggested"), [("main", ROTATED, "ledger rekey"), ("second", SECOND, "ledger init")]
)
def test_a_suggested_command_means_the_same_ledger(
    world: World, command: tuple[str, ...], account: str, with_key: str, suggested: str
) -> None:
    """One that options name, like the call that was refused; obeyed to the letter, the purchase goes on."""
    world.serve(accounts={name: Decimal(1000) for name in (CANARY, SECOND, ROTATED)})
    world.manifest(ipv4("a"))
    ledger = str(world.root / "an other.ledger")
    here = {"ORDER_RUNNER_LEDGER": None} | PERSON
    assert world.apply("--ledger", ledger, "--account", "main", MANIFEST, env=here).code == 0
    env = here | key(with_key)
    result = world.run(*command, "--ledger", ledger, "--account", account, env=env)
    found = SUGGESTED.search(result.output)
    assert found is not None, result.output
    assert found[1].startswith(suggested)
    assert world.run(*shlex.split(found[1]), *(["--yes"] if suggested == "ledger rekey" else []), env=env).code == 0
    arguments = ("--ledger", ledger, "--account", account, "--no-strict-account", MANIFEST)
    assert world.apply(*arguments, env=env).code == 0
    assert world.bought == (["a"] if account == "main" else ["a", "a"])
    assert not list(world.home.rglob("ledger.sqlite3"))


@pytest.mark.parametrize(
    ("account", "with_key", "code"),
    [
        ("default", CANARY, "PSR607"),
        ("amce", CANARY, "PSR607"),
        ("Acme", CANARY, "PSR607"),
        ("acme", SECOND, "PSR608"),
        ("acme", "WrongWrongWrong", "PSR608"),
        ("default", SECOND, "PSR609"),
        ("ACME", SECOND, "PSR609"),
    ],
)
def test_every_command_says_the_same(acme: World, account: str, with_key: str, code: str) -> None:
    """`plan`, dry run, `apply`, `reconcile` and `doctor` refuse a wrong pair of name and key with one code, unasked."""
    named, env = ("--account", account), key(with_key) | PERSON
    for command in (("plan",), ("apply", "--dry-run"), ("apply", "--yes")):
        said = refused(acme, code, *command, *named, MANIFEST, env=env)
        assert "acme" in said
    refused(acme, code, "reconcile", *named, env=env)
    result = acme.run("doctor", "-f", "json", "--offline", *named, env=env)
    (check,) = [check for check in json.loads(result.out)["checks"] if check["name"] == "account"]
    assert (result.code, check["state"], check["facts"]["finding"]) == (5, "failed", code)
    assert acme.bought == ["a"]


@pytest.mark.parametrize(("account", "with_key"), [("acme", CANARY), ("Acme", SECOND), ("default", SECOND)])
def test_what_needs_no_key_knows_the_name(acme: World, account: str, with_key: str) -> None:
    """`status`, `resolve` and an offline dry run know the account by its name alone, and refuse an unknown one."""
    env = key(with_key) | PERSON
    code = 0 if account == "acme" else 5
    unknown = acme.run("apply", "--dry-run=offline", "--account", account, MANIFEST, env=env | key(CANARY))
    shown = acme.run("status", "--account", account, env=env)
    disowning = ("resolve", "--not-mine", "999", "--reason", "hers", "--yes", "--account", account)
    disowned = acme.run(*disowning, env=env)
    assert [unknown.code, shown.code, disowned.code] == [code] * 3
    for result in (unknown, shown, disowned):
        assert ("PSR609" in result.output) == (code == 5)


def test_status_tells_of_another_key(acme: World) -> None:
    """`status` shows what the ledger has without a key; with another account's it says so, without failing for it."""
    assert acme.run("status", "--account", "acme", env={"PROXY_SELLER_API_KEY": None}).err == ""
    result = acme.run("status", "--account", "acme", env=key(SECOND))
    assert result.code == 0
    assert "crawl/a" in result.out
    assert "warning: PSR608" in result.err


def test_two_accounts_that_are_swapped(acme: World) -> None:
    """With names and keys exchanged neither account buys what the other has, and each message names the right one."""
    beta = ("--account", "beta", "--new-account")
    assert acme.apply(*beta, MANIFEST, env=key(SECOND)).code == 0
    assert acme.bought == ["a", "a"]
    assert "pass --account acme" in refused(acme, "PSR607", "apply", "--yes", "--account", "beta", MANIFEST)
    said = refused(acme, "PSR607", "apply", "--yes", "--account", "acme", MANIFEST, env=key(SECOND))
    assert "pass --account beta" in said


def test_a_new_account_has_to_be_meant(acme: World) -> None:
    """One more account is entered by `--new-account` only, once, never in CI, and by no variable."""
    beta = ("apply", "--yes", "--account", "beta", MANIFEST)
    refused(acme, "PSR609", *beta, env=key(SECOND))
    assert acme.run(*beta, env=key(SECOND) | {"ORDER_RUNNER_NEW_ACCOUNT": "1"}).code == 2
    in_ci = acme.run(*beta, "--new-account", env=key(SECOND) | {"CI": "true"})
    assert (in_ci.code, "ledger init --account" in in_ci.output) == (2, True)
    assert acme.run("plan", *beta[2:], "--new-account", env=key(SECOND)).code == 0
    refused(acme, "PSR609", *beta, env=key(SECOND))
    assert acme.run(*beta, "--new-account", env=key(SECOND)).code == 0
    assert acme.run(*beta, env=key(SECOND)).code == 0
    assert acme.bought == ["a", "a"]


@pytest.mark.parametrize("spelled", ["{}", "{}/", "{upper}", "{localhost}"])
def test_an_address_spelled_otherwise(acme: World, spelled: str) -> None:
    """A slash at the end, capitals or another name of this machine are no other address: the same account goes on."""
    url = acme.server.base_url
    upper, localhost = (
        url.upper().replace("/PERSONAL/API/V1", "/personal/api/v1"),
        url.replace("127.0.0.1", "localhost"),
    )
    text = spelled.format(url, upper=upper, localhost=localhost)
    result = acme.apply("--account", "acme", "--base-url", text, MANIFEST)
    assert (result.code, acme.bought) == (0, ["a"])


@pytest.mark.parametrize("content", [CANARY, CANARY + "\n", f"  {CANARY}\t\r\n", CANARY.swapcase()])
def test_a_key_spelled_otherwise(acme: World, content: str) -> None:
    """A key with blanks around it, from a file in place of the variable, or in other letter case is still that key."""
    file = acme.key_file(content)
    env = {"PROXY_SELLER_API_KEY": None, "PROXY_SELLER_API_KEY_FILE": str(file)}
    assert acme.run("plan", "--account", "acme", MANIFEST, env=env).code in (0, 3)
    refused(acme, "PSR607", "apply", "--yes", MANIFEST, env=env)


def test_another_address(acme: World) -> None:
    """The account's key at another base URL is refused until a person says that the vendor has moved."""
    moved = ("--account", "acme", "--base-url", acme.server.base_url.replace("/v1", "/v1x"))
    assert "localhost/personal/api/v1x" in refused(acme, "PSR608", "plan", *moved, MANIFEST)
    assert acme.run("ledger", "rekey", "--yes", *moved, env=PERSON).code == 0
    refused(acme, "PSR608", "plan", "--account", "acme", MANIFEST)


def test_a_rotated_key(acme: World) -> None:
    """After `ledger rekey` the new key is the account's own and buys nothing again, and the old one is refused."""
    new = key(ROTATED) | PERSON
    rekey = ("ledger", "rekey", "--account", "acme")
    unasked = acme.run(*rekey, env=new)
    assert (unasked.code, "--yes" in unasked.err) == (2, True)
    refused(acme, "PSR608", "plan", "--account", "acme", MANIFEST, env=new)
    said = acme.run(*rekey, "--yes", env=new)
    assert (said.code, "alice (by USER)" in said.out) == (0, True)
    assert acme.run(*rekey, "--yes", env=new).out == "account acme has this API key already\n"
    assert acme.apply("--account", "acme", MANIFEST, env=new).code == 0
    assert acme.bought == ["a"]
    assert "an earlier API key of account acme" in refused(acme, "PSR608", "plan", "--account", "acme", MANIFEST)
    with closing(sqlite3.connect(acme.ledger)) as raw:
        rows = raw.execute("SELECT n, account, who, length(salt), length(digest) FROM account_keys").fetchall()
    assert [(n, account) for n, account, *_ in rows] == [(1, "acme"), (2, "acme")]
    assert [row[2:] for row in rows][1] == ("alice (by USER)", 32, 64)


def test_a_key_is_not_rotated_into_another_account(acme: World) -> None:
    """`ledger rekey` takes no key that another account has, and no account that the ledger does not know."""
    assert acme.apply("--account", "beta", "--new-account", MANIFEST, env=key(SECOND)).code == 0
    refused(acme, "PSR607", "ledger", "rekey", "--yes", "--account", "acme", env=key(SECOND) | PERSON)
    refused(acme, "PSR609", "ledger", "rekey", "--yes", "--account", "gamma", env=key(ROTATED) | PERSON)


def test_a_rotation_is_recorded_under_a_name_even_without_user(acme: World) -> None:
    """Where no variable says who it is, the system's own list of users does."""
    nobody = key(ROTATED) | PERSON | {"USER": None, "LOGNAME": None}
    refused(acme, "PSR608", "plan", "--account", "acme", MANIFEST, env=key(ROTATED))
    result = acme.run("ledger", "rekey", "--yes", "--account", "acme", env=nobody)
    assert (result.code, "(by passwd) says that account acme has this API key" in result.out) == (0, True)


def test_a_mistyped_first_key_is_nobodys(world: World) -> None:
    """A key that the vendor refuses is not entered: the right one, next time, is taken without a word."""
    world.manifest(ipv4("a"))
    assert world.apply(env=key("WrongWrongWrong")).code == 3
    assert world.apply().code == 0
    assert world.bought == ["a"]


def test_a_doubt_is_not_judged_by_another_account(world: World) -> None:
    """With another account's key an order in doubt is not called absent: nothing is read, and it stays open."""
    world.serve(accounts={CANARY: Decimal(1000), SECOND: Decimal(1000)})
    world.manifest(ipv4("a"))
    world.box.add_fault("reset-after")
    assert world.apply().code == 7
    before = looks(world)
    result = world.run("reconcile", "--settle-after", "0s", env=key(SECOND))
    assert (result.code, looks(world)) == (7, before)
    assert "nothing was read: PSR608" in result.err
    blocked = world.apply(env=key(SECOND))
    assert (blocked.code, "PSR608" in blocked.output) == (7, True)
    assert world.bought == ["a"]


def test_an_older_ledger_takes_the_first_key(acme: World) -> None:
    """The account of a ledger without keys takes that of its next run with a note, once, and refuses others then."""
    exported = acme.run("ledger", "export", "--account", "acme").out
    acme.write("acme.jsonl", exported)
    place = ("--account", "acme", "--ledger", "copy.ledger")
    assert acme.run("ledger", "import", *place, "acme.jsonl").code == 0
    refused(acme, "PSR609", "plan", "--ledger", "copy.ledger", MANIFEST)
    acme.manifest(ipv4("a"), ipv4("b"))
    first, second = (acme.apply(*place, MANIFEST) for _ in range(2))
    assert (first.code, second.code) == (0, 0)
    assert ["no API key for account acme" in result.err for result in (first, second)] == [True, False]
    assert acme.bought == ["a", "b"]
    refused(acme, "PSR608", "plan", *place, MANIFEST, env=key(SECOND))


def test_a_ledger_that_is_only_read(acme: World) -> None:
    """`plan` compares names and keys in a ledger that cannot be written, too."""
    acme.ledger.chmod(0o400)
    result = acme.finish(acme.start("plan", MANIFEST, prelude=HELD_TO_PERMISSIONS), "plan", MANIFEST)
    assert (result.code, "PSR607" in result.output) == (5, True)


def test_no_key_is_kept(acme: World) -> None:
    """Neither database nor log nor any file beside them has a key, in any spelling."""
    assert acme.run("ledger", "rekey", "--yes", "--account", "acme", env=key(ROTATED) | PERSON).code == 0
    for path in acme.root.glob("orders.ledger*"):
        data: Any = path.read_bytes().lower()
        assert not any(text.lower().encode() in data for text in (CANARY, ROTATED, CANARY[:12], ROTATED[:12]))
