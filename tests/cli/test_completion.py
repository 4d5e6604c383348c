"""Pressing Tab, in real shells."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.cli import COMMANDS
from runner.sandbox.box import Sandbox
from tests.terminal.screen import Screen

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[2]
MANIFEST = """\
apiVersion: orders/v1
batch: crawl
defaults: {countryId: 561, periodId: 1m, quantity: 1, customTargetName: prices}
orders:
  - {type: ipv4, name: fr-prices, labels: {team: data}}
  - {type: ipv4, name: de-prices, labels: {team: web, evil: "`touch pwned`"}}
  - {type: ipv4, name: fr-stock, enabled: false}
"""
BREAKS = " \t\n\"'><=;|&(:"
"""COMP_WORDBREAKS of an interactive bash."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a manifest, a ledger with one order bought and one in doubt, and a cached list of countries."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "orders.yaml").write_text(MANIFEST)
    run(folder, "apply", "orders.yaml", "--sandbox", "--yes", "--fault", "reset-after@2", "-q")
    with Sandbox().serve() as served:
        env = {"PROXY_SELLER_API_KEY": served.api_key, "PROXY_SELLER_BASE_URL": served.base_url}
        run(folder, "reference", "ipv4", "-q", **env)
        (folder / "base_url").write_text(served.base_url)
    for name in ("bash", "zsh", "fish"):
        (folder / f"script.{name}").write_text(run(folder, "completion", name))
    return folder


def environment(home: Path, **more: str) -> dict[str, str]:
    known = {"HOME": str(home), "PATH": f"{BIN}:{os.environ['PATH']}", "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    return known | {"PYTHONWARNINGS": "error", "XDG_STATE_HOME": str(home / "state"), "PS1": "$ "} | more


def call(home: Path, *argv: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    env = environment(home, **env)
    return subprocess.run(
        argv, cwd=home, env=env, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


def run(home: Path, *arguments: str, **env: str) -> str:
    done = call(home, BIN / "order-runner", *arguments, **env)
    assert done.returncode in (0, 7), done.stderr
    return done.stdout


def asked(home: Path, *lines: str, **env: str) -> list[list[str]]:
    """What bash offers for each line, its quoting taken off, through the function that the script defines."""
    ask = (
        'COMP_LINE="$1" COMP_POINT=${#1}; _order_runner_completion order-runner; printf "%s\\t" "${COMPREPLY[@]}"; echo'
    )
    script = f"source script.bash\nask() {{ {ask}; }}\n" + "".join(f"ask {json.dumps(line)}\n" for line in lines)
    done = call(home, "bash", "--norc", "-c", script, COMP_WORDBREAKS=BREAKS, **env)
    assert done.stderr == ""
    return [[text for text in line.split("\t") if text] for line in done.stdout.splitlines()]


CASES = {
    "order-runner reco": ["reconcile"],
    "order-runner ledger ": ["export", "import", "init", "rekey", "spent", "verify"],
    "order-runner plan --max-s": ["--max-spend"],
    "order-runner reference i": ["ipv4", "isp", "ipv6"],
    "order-runner schema mani": ["manifest"],
    "order-runner status -f ": ["text", "json", "ndjson", "markdown", "github"],
    "order-runner plan orders.yaml --only ": ["fr-prices", "de-prices", "fr-stock"],
    "order-runner apply orders.yaml --only crawl/f": ["crawl/fr-prices", "crawl/fr-stock"],
    "order-runner plan orders.yaml --label te": ["team=data", "team=web"],
    "order-runner plan orders.yaml --label team=": ["data", "web"],
    "order-runner plan orders.yaml --label=team=d": ["data"],
    "order-runner plan orders.yaml --label e": ["evil=\\`touch\\ pwned\\`"],
    "order-runner plan orders.yaml --label 'ev": [],
    "order-runner plan --only ": [],
    "order-runner resolve --sandbox ": ["crawl/de-prices"],
    "order-runner resolve --sandbox crawl/f": ["crawl/fr-prices"],
    "order-runner reconcile --sandbox crawl/de-prices ": ["crawl/fr-prices"],
    "order-runner status --sandbox --account ": ["sandbox"],
    "order-runner sandbox --switch items": ["items_shape="],
    "order-runner nonsense --": ["--version", "--help"],
    "order-runner plan orders.yaml": [],
}


def test_what_bash_offers(home: Path) -> None:
    """Commands, options, values, order names, keys, labels, as they would stand on the line: quoted where needed."""
    assert dict(zip(CASES, asked(home, *CASES), strict=True)) == CASES
    assert not (home / "pwned").exists()


def test_the_word_before_the_cursor_counts(home: Path) -> None:
    """Every command is offered, the ledger's account by its name in a named ledger, countries by code."""
    named = f"order-runner resolve --account sandbox --ledger {home}/state/order-runner/sandbox/ledger.sqlite3 "
    france = "order-runner reference ipv4 --country f"
    offered = asked(home, "order-runner ", named, france, PROXY_SELLER_BASE_URL=(home / "base_url").read_text())
    assert offered == [list(COMMANDS), ["crawl/de-prices"], ["FRA"]]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_completing_leaves_no_trace(home: Path) -> None:
    """No file is made or changed, not even beside the ledger, and no ledger comes into being."""
    before = files(home)
    asked(home, "order-runner resolve --sandbox ", "order-runner resolve --ledger new.db ", "order-runner resolve ")
    assert files(home) == before


def test_completing_asks_nobody(home: Path) -> None:
    """Neither the vendor nor a database server hears of it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        env = {"PROXY_SELLER_API_KEY": "k" * 32, "PROXY_SELLER_BASE_URL": f"http://127.0.0.1:{port}"}
        ledger = f"--ledger postgresql://127.0.0.1:{port}/db"
        lines = (f"order-runner resolve {ledger} ", "order-runner lock orders.yaml --update ")
        lines += ("order-runner reference --country ", f"order-runner status {ledger} --account ")
        assert asked(home, *lines, **env) == [[]] * len(lines)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize(
    ("instruction", "line"),
    [
        ("bash_complete", "order-runner plan broken.yaml --only "),
        ("bash_complete", "order-runner plan missing.yaml --only "),
        ("bash_complete", "order-runner plan - --only "),
        ("bash_complete", "order-runner resolve --ledger broken.yaml "),
        ("bash_complete", "order-runner plan --rate many --only 'half"),
        ("bash_complete", None),
        ("tcsh_complete", "order-runner "),
        ("nonsense", "order-runner "),
    ],
)
def test_completing_never_complains(home: Path, instruction: str, line: str | None) -> None:
    """Whatever is wrong, nothing is said, nothing offered, and the exit code is 0."""
    (home / "broken.yaml").write_text("apiVersion: orders/v1\nbatch: [\n")
    env = {"_ORDER_RUNNER_COMPLETE": instruction} | ({"COMP_LINE": line} if line else {})
    done = call(home, BIN / "order-runner", **env)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_a_purchase_is_no_question_of_a_shell(home: Path) -> None:
    """The variable that asks for completions changes nothing for a command with arguments."""
    assert run(home, "schema", _ORDER_RUNNER_COMPLETED="1").startswith("delivery\ndoctor\n")
    told = run(home, "schema", _ORDER_RUNNER_COMPLETE="bash_complete", COMP_LINE="order-runner sch")
    assert told == run(home, "schema")


PROBE = """\
import json, runpy, sys
try:
    runpy.run_module("runner", run_name="__main__", alter_sys=True)
except SystemExit:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
DEAR = {"httpx", "httpcore", "ssl", "sqlalchemy", "alembic", "jsonschema", "runner.vendors.transport"}


@pytest.mark.parametrize("line", ["order-runner ", "order-runner plan --", "order-runner resolve --sandbox "])
def test_completing_imports_nothing_dear(home: Path, line: str) -> None:
    """An answer comes at once: neither network nor SQLAlchemy is loaded, and no command for a list of names."""
    env = {"_ORDER_RUNNER_COMPLETE": "bash_complete", "COMP_LINE": line, "PYTHONPATH": str(ROOT)}
    done = call(home, sys.executable, "-c", PROBE, **env)
    modules = set(json.loads(done.stderr))
    assert done.stdout.strip()
    assert sorted(modules & DEAR) == []
    if line == "order-runner ":
        assert sorted(modules & {f"runner.cli.{name}" for name in COMMANDS}) == []


@pytest.fixture
def shell(home: Path, request: pytest.FixtureRequest) -> Iterator[Screen]:
    """An interactive shell that has read its script."""
    name = request.param
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed: .ci/tools installs it")
    argv = {"bash": ["--norc", "-i"], "zsh": ["-f", "-i"], "fish": ["-N", "-i"]}[name]
    screen = Screen([program, *argv], env=environment(home), cwd=home, columns=100)
    prepare = "autoload -U compinit; compinit -u -D; PS1='$ '; " if name == "zsh" else ""
    fish = "function fish_prompt; echo '$ '; end; " if name == "fish" else ""
    screen.type(f"{prepare}{fish}source ./script.{name}; echo re''ady\r")
    screen.until(r"^ready")
    yield screen
    screen.close()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"], indirect=True)
def test_tab_in_an_interactive_shell(shell: Screen, home: Path) -> None:
    """The only choice is typed for you, of an order's name as well as of a command; a label keeps its `=`, and text
    that the shell would act on stays text when the line is run."""
    shell.type("order-runner pla\t")
    shell.until(r"order-runner plan$")
    shell.type("orders.yaml --only de\t")
    shell.until(r" plan orders.yaml --only de-prices$")
    shell.type("--label team=w\t")
    shell.until(r" de-prices --label team=web$")
    shell.type("--label ev\t")
    shell.until(r"touch")
    shell.type("\r")
    shell.until(r"no API key")
    assert not (home / "pwned").exists()


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed: .ci/tools installs it")
def test_what_fish_offers(home: Path) -> None:
    """fish shows beside each choice what it is, commas and all."""
    lines = (
        "order-runner val",
        "order-runner plan orders.yaml --only fr-p",
        "order-runner plan --label=x orders.yaml --label=te",
    )
    ask = "; ".join(f"complete -C {json.dumps(line)}" for line in lines)
    done = call(home, "fish", "-N", "-c", f"source script.fish; {ask}")
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        f"validate\t{COMMANDS['validate']}",
        "fr-prices\tipv4, 1 × country 561, 1m",
        "--label=team=data",
        "--label=team=web",
    ]
