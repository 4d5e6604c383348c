"""A user without a home, as in a container that is started with any number for a user, and one who may not write there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from harness import CANARY, REPO, World, ipv4

NOBODY = """\
import pwd

def getpwuid(uid):
    raise KeyError(f"getpwuid(): uid not found: {uid}")

pwd.getpwuid = getpwuid
"""
Environment = Mapping[str, str | None]


@pytest.fixture
def homeless(tmp_path: Path) -> Environment:
    """The environment of a process whose user is in no passwd file, with no HOME."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(NOBODY)
    gone = ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
    return {"PYTHONPATH": os.pathsep.join((str(folder), str(REPO))), **dict.fromkeys(gone)}


@pytest.mark.parametrize(
    "command",
    [
        "status",
        "plan orders.yaml",
        "plan --sandbox orders.yaml",
        "apply --yes orders.yaml",
        "reconcile",
        "sandbox --reset",
        "doctor --offline",
        "status --ledger postgresql://ci@127.0.0.1:1/orders",
    ],
)
def test_without_a_home_the_variable_to_set_is_named(world: World, homeless: Environment, command: str) -> None:
    """Where the state folder would be needed: exit 2, what to set, nothing bought, and no folder that is called ~."""
    world.manifest(ipv4("one"))
    done = world.run(*command.split(), env={**homeless, "ORDER_RUNNER_LEDGER": None}, cold=True)
    assert done.code == 2
    assert "there is no folder for what this user's runs remember" in done.output
    assert "set XDG_STATE_HOME, or HOME" in done.output
    assert world.money_requests == 0
    assert not (world.root / "~").exists()


def test_a_named_ledger_needs_no_home(world: World, homeless: Environment) -> None:
    """With a ledger that is named, everything works without a home: it is bought once, and lists are not cached."""
    world.manifest(ipv4("one"))
    for code in (0, 0):
        assert world.apply(env=homeless, cold=True).code == code
    assert len(world.purchases) == 1
    assert world.run("status", env=homeless, cold=True).code == 0
    assert world.run("reference", "ipv4", env=homeless, cold=True).code == 0
    assert not (world.root / "~").exists()


def test_a_state_folder_that_is_named_needs_no_home(world: World, homeless: Environment) -> None:
    """The variable that the message names is enough."""
    world.manifest(ipv4("one"))
    env = {**homeless, "ORDER_RUNNER_LEDGER": None, "XDG_STATE_HOME": str(world.home / "elsewhere")}
    assert world.apply(env=env, cold=True).code == 0
    assert (world.home / "elsewhere" / "order-runner" / "ledger.sqlite3").exists()


def test_a_tilde_without_a_home_is_refused(world: World, homeless: Environment) -> None:
    """`~` in a ledger's name stands for nothing: exit 2, and no folder of that name."""
    world.manifest(ipv4("one"))
    done = world.run("apply", "--yes", "--ledger", "~/orders.ledger", "orders.yaml", env=homeless, cold=True)
    assert done.code == 2
    assert "begins with a home folder that is not known here" in done.err
    assert world.money_requests == 0


@pytest.mark.parametrize(("command", "code"), [("plan --sandbox orders.yaml", 5), ("apply --yes orders.yaml", 5)])
def test_a_state_folder_that_cannot_be_made_is_named(world: World, command: str, code: int) -> None:
    """The folder stands in the message, the way out beside it, and nothing is bought."""
    world.manifest(ipv4("one"))
    world.write("file", "in the way")
    state = str(world.root / "file" / "state")
    done = world.run(*command.split(), env={"ORDER_RUNNER_LEDGER": None, "XDG_STATE_HOME": state})
    assert done.code == code
    assert state in done.err
    assert "XDG_STATE_HOME" in done.err
    assert world.money_requests == 0
    assert CANARY not in done.output
