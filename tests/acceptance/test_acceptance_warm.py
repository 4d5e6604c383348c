"""A warm command is like a cold one, seen from inside and from outside; what is special starts cold."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import warm
from harness import MANIFEST, World, ipv4

from tests.acceptance.looking import ENDS

LOOKING = "tests.acceptance.looking"


@pytest.fixture
def warmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever may start warm does so."""
    monkeypatch.setattr(warm, "drawn", lambda nth: False)
    for name in (warm.ALL_COLD, "COVERAGE_PROCESS_START"):
        monkeypatch.delenv(name, raising=False)


def cold_and_warm(world: World, *arguments: str) -> tuple[tuple[int, str, str], ...]:
    """The same program, started both ways: exit code, stdout, stderr."""
    env = world.environment()
    cold = subprocess.run(
        [sys.executable, "-m", LOOKING, *arguments],
        cwd=world.root,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    command = warm.Command(nursery(world), LOOKING, arguments, env=env, cwd=world.root)
    out, err = command.communicate(timeout=60)
    assert command.returncode is not None
    return (cold.returncode, cold.stdout.decode(), cold.stderr.decode()), (
        command.returncode,
        out.decode(),
        err.decode(),
    )


def nursery(world: World) -> warm.Nursery:
    return warm.home(tuple(warm.at_start(world.environment()).items()))


def test_a_warm_process_looks_like_a_cold_one(world: World) -> None:
    """Arguments, folder, variables, path, umask, descriptors, streams, signals, limits, locale, warnings: all the same."""
    cold, like = (json.loads(out) for _, out, _ in cold_and_warm(world))
    assert cold["open"] == ["0", "1", "2"]
    assert {name: found for name, found in like.items() if found != cold[name]} == {}


@pytest.mark.parametrize("end", ENDS)
def test_a_warm_process_ends_like_a_cold_one(world: World, end: str) -> None:
    """Exit code, stdout and the last line of stderr, whichever way it ends."""
    cold, like = cold_and_warm(world, end)
    assert "said before the end" in cold[1]
    assert like[:2] == cold[:2]
    assert last_line(like[2]) == last_line(cold[2])


def last_line(text: str) -> str:
    return (text.splitlines() or [""])[-1]


def test_nothing_is_left_in_the_nursery(world: World, tmp_path: Path) -> None:
    """What one warm command was told or has found, the next one does not know."""
    other = tmp_path / "other"
    other.mkdir()
    first = warm.Command(nursery(world), LOOKING, [], env=world.environment(ONLY_ONCE="1"), cwd=world.root)
    again = warm.Command(nursery(world), LOOKING, [], env=world.environment(), cwd=other)
    seen = [json.loads(command.communicate(timeout=60)[0]) for command in (first, again)]
    assert [found["folder"] for found in seen] == [str(world.root), str(other)]
    assert ["ONLY_ONCE" in found["environment"] for found in seen] == [True, False]


@pytest.mark.parametrize(
    "special",
    [
        {"env": {"PYTHONUTF8": "1"}},
        {"env": {"LC_TIME": "C"}},
        {"env": {"TZ": "Asia/Tokyo"}},
        {"env": {"PYTHONWARNINGS": None}},
        {"prelude": "os.umask(0)"},
        {"cold": True},
        {"start_new_session": True},
        {"stdin": subprocess.PIPE},
    ],
    ids=str,
)
@pytest.mark.usefixtures("warmed")
def test_what_is_special_starts_cold(world: World, special: dict[str, Any]) -> None:
    """Other variables that Python reads when it starts, a prelude, any option of the process: a Python of its own."""
    usual, other = world.start("--version"), world.start("--version", **special)
    assert (type(usual), type(other)) == (warm.Command, subprocess.Popen)
    assert world.finish(usual).out == world.finish(other).out


def test_a_share_starts_cold() -> None:
    """About one command in ten, drawn by its test and its place there: the same ones every time."""
    drawn = [warm.drawn(nth) for nth in range(1000)]
    assert 60 < sum(drawn) < 140
    assert drawn == [warm.drawn(nth) for nth in range(1000)]


@pytest.mark.usefixtures("warmed")
def test_all_start_cold_on_request(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `ORDER_RUNNER_TEST_COLD=1` no command is warm."""
    monkeypatch.setenv("ORDER_RUNNER_TEST_COLD", "1")
    command = world.start("--version")
    assert isinstance(command, subprocess.Popen)
    assert world.finish(command).code == 0


@pytest.mark.usefixtures("warmed")
def test_a_warm_command_dies_like_any_process(world: World) -> None:
    """It has a pid of its own, can be killed, holds the account, and lets go of it with its death."""
    world.manifest(ipv4("a"))
    world.hold_answer(1)
    call = ("apply", "--yes", "--report", "first.json", MANIFEST)
    command = world.start(*call)
    world.wait_for(lambda: world.bought == ["a"], command)
    assert isinstance(command, warm.Command)
    assert Path(f"/proc/{command.pid}/cwd").readlink() == world.root
    with pytest.raises(subprocess.TimeoutExpired):
        command.communicate(timeout=0.1)
    assert world.apply().code == 9
    command.kill()
    assert world.finish(command, *call).code == -signal.SIGKILL
    assert world.apply().code == 7
