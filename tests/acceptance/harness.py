"""The command as its user has it: a process, a vendor that is served on loopback, and an empty home.

Every finished process is examined before a test sees its result: no API key anywhere, no control bytes, no line that a
CI log would take for a command, exactly one JSON document where one was asked for, and a report that keeps its schema.
"""

from __future__ import annotations

import base64
import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import jsonschema_rs
import warm
from jsonschema import Draft202012Validator
from warm import Process

from runner.sandbox.box import PREFIX, Sandbox
from runner.sandbox.logins import credentials
from runner.sandbox.memory import Sale
from runner.sandbox.options import SANDBOX_KEY, Options
from runner.sandbox.replies import Reply
from runner.sandbox.server import SandboxServer
from runner.views.terminal.safe import one_line

REPO: Final = Path(__file__).resolve().parents[2]
REPORT_SCHEMA: Final = REPO / "schemas" / "report.schema.json"
LARGE: Final = 1000
"""A report with more orders is held against its schema by the faster of the two validators, which names no fault."""
CANARY: Final = "Canary-9fX2mQ7pL0tZ_4vB8nR6wKd3Y"
"""The account's key: in mixed case, as long as a real one, and in no text by chance."""
SECOND: Final = "Second-7kT4wQ1zXc9_hJ2mN5pR8sV3b"
"""The key of a second account, where a test has one served."""
MANIFEST: Final = "orders.yaml"
FIRST_ID: Final = 2_426_273
"""The sandbox's first order id."""
KEPT: Final = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")
SOON: Final = 30.0
"""Seconds after which something that should have happened has not; never a measure of speed."""
HIDDEN: Final = frozenset("\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")

Order = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A finished process: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout as the one JSON document it must be, amounts exact."""
        return json.loads(self.out, parse_float=Decimal)

    @property
    def output(self) -> str:
        """Everything a person may have read."""
        return self.out + self.err


HELD_TO_PERMISSIONS: Final = "import ctypes; [ctypes.CDLL(None).prctl(24, right, 0, 0, 0) for right in (1, 2)]"
"""A prelude that binds root, too, to the permissions of files: drops CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""


def files_up_to(size: int) -> str:
    """A prelude after which no file can grow beyond so many bytes, as on a full disk."""
    return f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"


def ipv4(name: str, **changes: Any) -> Order:
    """An order of one address for 1.80 USD, with its name for a purpose: the vendor's record tells which one it was."""
    order = {"name": name, "type": "ipv4", "countryId": 561, "periodId": "1m", "quantity": 1, "customTargetName": name}
    return {key: value for key, value in (order | changes).items() if value is not None}


ASKED_EACH_TIME: Final[Order] = {"coupon": "SAVE"}
"""What keeps an order from sharing a quote, and from using one twice; the sandbox takes any coupon for nothing."""

PRICE: Final = Decimal("1.80")
"""What `ipv4` costs."""

SEVEN: Final[tuple[Order, ...]] = (
    ipv4("v4"),
    {"name": "isp", "type": "isp", "countryId": 4480, "periodId": "1m", "quantity": 2, "customTargetName": "isp"},
    {"name": "mix", "type": "mix", "countryId": 1371, "periodId": "1m", "quantity": 10},
    {"name": "mix-isp", "type": "mix_isp", "countryId": 8802, "periodId": "3m", "quantity": 20},
    {
        "name": "v6",
        "type": "ipv6",
        "countryId": 2103,
        "periodId": "1w",
        "quantity": 20,
        "protocol": "SOCKS5",
        "customTargetName": "v6",
    },
    {
        "name": "mobile",
        "type": "mobile",
        "countryId": 4404,
        "periodId": "1w",
        "quantity": 1,
        "mobileServiceType": "shared",
        "operatorId": "617",
        "rotationId": 10,
    },
    {"name": "traffic", "type": "resident", "tarifId": 6929},
)
"""One order of every type."""


def yaml_of(orders: tuple[Order, ...], *, batch: str = "crawl", **head: Any) -> str:
    """A manifest, one field a line. Text is quoted, mappings are in flow style."""
    lines = ["apiVersion: orders/v1", f"batch: {batch}"]
    lines += [f"{name}: {json.dumps(value)}" for name, value in head.items()]
    lines += ["orders:"] if orders else []
    for order in orders:
        rows = [f"{name}: {json.dumps(value)}" for name, value in order.items()]
        lines += [f"  - {rows[0]}", *(f"    {row}" for row in rows[1:])]
    return "\n".join(lines) + "\n"


@dataclass(slots=True)
class World:
    """A folder of its own, a served vendor whose memory is the truth, and commands that are run between the two."""

    root: Path
    home: Path
    box: Sandbox = field(init=False)
    server: SandboxServer = field(init=False)
    secret_files: set[Path] = field(default_factory=set)
    started: list[Process] = field(default_factory=list)
    held: int | None = None
    quote_held: int | None = None
    is_quoting: bool = False
    released: threading.Event = field(default_factory=threading.Event)
    rewrite: Callable[[str, Any], object] | None = None
    """Changes the documents of answers, told the endpoint, in ways for which the sandbox has no switch."""

    def __post_init__(self) -> None:
        self._open({})

    def serve(self, **switches: Any) -> None:
        """Another vendor, without a memory, with these switches."""
        self.server.close()
        self._open(switches)

    def _open(self, switches: Mapping[str, Any]) -> None:
        self.box = Sandbox(options=Options(**({"accounts": {CANARY: Decimal("1000.00")}} | switches)))
        self.server = SandboxServer(self._respond, "127.0.0.1", 0)

    def hold_answer(self, number: int) -> None:
        """The answer to the `number`-th purchase from now on is held back until `release`; the order is made."""
        self.held = self.money_requests + number
        self.released = threading.Event()

    def hold_quote(self) -> None:
        """The price that is asked for after the next purchase is held back until `release`."""
        self.quote_held = self.money_requests + 1
        self.released = threading.Event()

    def release(self) -> None:
        """What was held back is answered."""
        self.released.set()

    def _respond(self, method: str, target: str, raw: bytes) -> Reply:
        answer = self.box.respond(method, target, raw)
        if target.endswith("/order/make") and self.money_requests == self.held:
            self.released.wait(4 * SOON)
        if target.endswith("/order/calc") and self.money_requests == self.quote_held:
            self.is_quoting = True
            self.released.wait(4 * SOON)
        return answer if self.rewrite is None else self._rewritten(target, answer)

    def _rewritten(self, target: str, answer: Reply) -> Reply:
        document = json.loads(answer.body)
        assert self.rewrite is not None
        self.rewrite(target.partition("?")[0].partition(f"/{CANARY}/")[2], document)
        return replace(answer, body=json.dumps(document).encode())

    def buy_as_stranger(self, order: Order) -> None:
        """Somebody else buys on the account, past the runner."""
        body = {"paymentId": 1} | {name: value for name, value in order.items() if name not in ("name", "type")}
        self.box.respond("POST", f"{PREFIX}{CANARY}/order/make", json.dumps(body).encode())

    def close(self) -> None:
        """Ends whatever a test that failed has left running."""
        self.release()
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate()
            for pipe in (process.stdin, process.stdout, process.stderr):  # nobody may have read them to their end
                if pipe is not None:
                    pipe.close()
        self.server.close()

    # -- what the vendor knows

    @property
    def bought(self) -> list[str]:
        """The purposes, which are the names, of every order the vendor made, in that order."""
        return [purchase.body.get("customTargetName", purchase.type) for purchase in self.purchases]

    @property
    def purchases(self) -> tuple[Sale, ...]:
        return self.box.purchases

    @property
    def money_requests(self) -> int:
        """Requests that may cost money, whatever became of them."""
        return sum(request.endpoint == "order/make" for request in self.box.requests)

    @property
    def balance(self) -> Decimal:
        return self.box.balances[CANARY]

    def wait_for(self, happened: Callable[[], bool], process: Process | None = None) -> None:
        """Until it has happened. Fails where it never does, or the process it is expected of has ended before."""
        end = time.monotonic() + SOON
        while not happened():
            ended = process is not None and process.poll() is not None
            assert not ended or happened(), f"the command ended with {process and process.returncode} instead"
            assert time.monotonic() < end, "it never happened"
            time.sleep(0.01)

    def signal(self, process: Process, *numbers: signal.Signals) -> None:
        """Sends signals to a run with an order in flight, until it says that it heeds them.

        A signal that comes in the instant before a system call waits for its end: so it is sent again.
        """
        assert process.stderr is not None
        line = b""
        while b"stopping: the order in flight is finished" not in line:
            for number in numbers:
                process.send_signal(number)
            while select.select([process.stderr], [], [], 0.5)[0] and b"stopping: " not in line:
                line = process.stderr.readline()
                assert line, "it said nothing of the signal"

    # -- files

    @property
    def ledger(self) -> Path:
        return self.root / "orders.ledger"

    def manifest(self, *orders: Order, name: str = MANIFEST, **head: Any) -> str:
        """Writes a manifest; its path, from the folder that commands run in."""
        return self.write(name, yaml_of(orders, **head))

    def write(self, name: str, text: str) -> str:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return name

    def key_file(self, content: str | bytes = CANARY + "\n", name: str = "key") -> Path:
        """A private file with a key, the one place where it may be."""
        path = self.root / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(0o600)
        self.secret_files.add(path)
        return path

    def line_of(self, text: str, *, name: str = MANIFEST, nth: int = 1) -> int:
        """The number of the n-th line of a manifest that holds `text`."""
        lines = (self.root / name).read_text(encoding="utf-8").splitlines()
        return [number for number, line in enumerate(lines, 1) if text in line][nth - 1]

    def report(self, path: str = "report.json") -> Any:
        """A report, held against its schema and against itself."""
        return checked_report((self.root / path).read_bytes())

    def order(self, name: str, path: str = "report.json") -> Any:
        """The one entry of that name in the report."""
        (found,) = [entry for entry in self.report(path)["orders"] if entry["name"] == name]
        return found

    # -- commands

    def environment(self, **changes: str | None) -> dict[str, str]:
        """What a command sees: an empty home, the served vendor, its key; None takes a variable away."""
        wanted: dict[str, str | None] = {name: os.environ.get(name) for name in KEPT}
        wanted |= {
            "PYTHONPATH": str(REPO),
            "PYTHONWARNINGS": "error",
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.home / "state"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "PROXY_SELLER_BASE_URL": self.server.base_url,
            "PROXY_SELLER_API_KEY": CANARY,
            "ORDER_RUNNER_RATE": "0",
            "ORDER_RUNNER_LEDGER": str(self.ledger),
        }
        return {name: value for name, value in (wanted | changes).items() if value is not None}

    def start(
        self,
        *arguments: str,
        env: Mapping[str, str | None] | None = None,
        prelude: str = "",
        cold: bool = False,
        **process: Any,
    ) -> Process:
        """A command that is left to run; hand it to `finish`. `prelude` is Python that its process runs first.

        It may be a warm one, unless there is something special about it or `cold` is asked for.
        """
        whole = self.environment(**(env or {}))
        started = None
        if not (cold or prelude or process):
            usual, nth = self.environment(), len(self.started)
            started = warm.start(arguments, env=whole, usual=usual, cwd=self.root, nth=nth)
        self.started.append(started or self._start_cold(arguments, whole, prelude, process))
        return self.started[-1]

    def _start_cold(
        self, arguments: tuple[str, ...], env: Mapping[str, str], prelude: str, process: Mapping[str, Any]
    ) -> Process:
        piped = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "bufsize": 0}
        command = [sys.executable, "-m", "runner", *arguments]
        if prelude:
            onward = "os.execv(sys.executable, [sys.executable, '-m', 'runner', *sys.argv[1:]])"
            command = [sys.executable, "-c", f"import os, sys; {prelude}; {onward}", *arguments]
        return subprocess.Popen(command, cwd=self.root, env=env, **{**piped, **process})

    def run(
        self,
        *arguments: str,
        env: Mapping[str, str | None] | None = None,
        stdin: str | None = None,
        reported: bool | None = None,
        **process: Any,
    ) -> Result:
        """A command from start to end, examined. `reported`: whether it must leave a new report, if not the usual."""
        before = self._stamp(arguments)
        piped = {"stdin": subprocess.PIPE} if stdin is not None else {}
        started = self.start(*arguments, env=env, **(piped | process))
        return self.finish(started, *arguments, stdin=stdin, reported=reported, before=before)

    def apply(self, *arguments: str, **more: Any) -> Result:
        """`apply --yes`, of the usual manifest unless arguments are given."""
        return self.run("apply", "--yes", *(arguments or (MANIFEST,)), **more)

    def make_ledger(self, *arguments: str) -> None:
        """`ledger init`, as a person does it once before CI buys."""
        assert self.run("ledger", "init", *arguments, env={"USER": "ann"}).code == 0

    def finish(
        self,
        process: Process,
        *arguments: str,
        stdin: str | None = None,
        reported: bool | None = None,
        before: object = None,
    ) -> Result:
        """The end of a process, examined."""
        out, err = process.communicate(stdin.encode() if stdin is not None else None, timeout=120)
        result = Result(code=process.returncode, out=(out or b"").decode(), err=(err or b"").decode())
        self._examine(result, arguments)
        self._examine_report(result, arguments, reported=reported, before=before)
        return result

    # -- what holds for every run

    def _examine(self, result: Result, arguments: tuple[str, ...]) -> None:
        context = f"{' '.join(arguments)}\n-- exit {result.code}\n-- stdout\n{result.out}\n-- stderr\n{result.err}"
        assert result.code != 1, f"a bug of ours: {context}"
        assert "Traceback" not in result.err, context
        out = unmasked(result.out, arguments)
        for text, github in ((without_masks(out), wants_github(arguments, out)), (without_masks(result.err), False)):
            assert not acting_characters(text), f"{acting_characters(text)!r} in: {context}"
            assert not command_lines(text, github=github), f"{command_lines(text, github=github)!r} in: {context}"
        if wants_json(arguments) and (result.out or result.code != 2):
            assert json.loads(result.out) is not None, context
        self.find_no_key((out + result.err).encode(), context)
        shown = result.err if "--reveal" in arguments else out + result.err
        self.find_no_login(without_masks(shown).encode(), context)
        if "--sandbox" in arguments:
            assert SANDBOX_KEY.lower() not in result.output.lower(), context
        self.find_no_key_in_files("--sandbox" in arguments)

    def find_no_key(self, data: bytes, where: str) -> None:
        assert not holds_key(data, CANARY), f"the API key is in {where}"

    def find_no_login(self, data: bytes, where: str) -> None:
        """Nothing that opens a proxy of this vendor is there: no login, password or link, however it is spelled."""
        assert (leak := logins_in(data, self.box.options)) is None, f"{leak!r} is in {where}"

    def find_no_key_in_files(self, sandbox: bool = False) -> None:
        """Nothing on disk holds the key: neither what was meant to stay nor what was left lying about."""
        for path in (*self.root.rglob("*"), *self.home.rglob("*")):
            if path in self.secret_files or not path.is_file() or path.is_symlink():
                continue
            data = path.read_bytes() if os.access(path, os.R_OK) else b""
            self.find_no_key(data, str(path))
            self.find_no_login(data, str(path))
            assert not (sandbox and SANDBOX_KEY.lower().encode() in data.lower()), f"the sandbox's key is in {path}"

    def _examine_report(
        self, result: Result, arguments: tuple[str, ...], *, reported: bool | None, before: object
    ) -> None:
        place = report_place(arguments)
        expected = reported if reported is not None else arguments[:1] == ("apply",) and result.code != 2
        if place == "-":
            if result.out:
                assert_ended(checked_report(result.out.encode()), result)
            return
        path = self.root / place if place else None
        renewed = path is not None and self._stamp(arguments) != before
        assert renewed or not expected, f"exit {result.code} and no new report; stderr:\n{result.err}"
        if path is not None and renewed and path.is_file():
            assert_ended(checked_report(path.read_bytes()), result)

    def _stamp(self, arguments: tuple[str, ...]) -> object:
        """What tells one report file from its successor."""
        place = report_place(arguments)
        path = self.root / place if place and place != "-" else None
        if path is None or not path.is_file():
            return None
        found = path.stat()
        return found.st_ino, found.st_mtime_ns


def assert_ended(report: Any, result: Result) -> None:
    """A command that has ended says so in its report, with the exit code it had."""
    if result.code >= 0:
        assert report["run"]["complete"] is True, result.err
        assert report["run"]["exit"]["code"] == result.code, (report["run"], result.err)


@cache
def report_schema() -> Draft202012Validator:
    return Draft202012Validator(json.loads(REPORT_SCHEMA.read_bytes()))


def checked_report(data: bytes) -> Any:
    """A report, valid by its schema, its sums and counts those of its orders."""
    text = data.decode("ascii")
    report = json.loads(text, parse_float=Decimal)
    if len(report["orders"]) <= LARGE:
        faults = [f"{error.json_path}: {error.message}" for error in report_schema().iter_errors(report)]
        assert not faults, f"not by the schema: {faults}"
    else:
        assert jsonschema_rs.validator_for(json.loads(REPORT_SCHEMA.read_bytes())).is_valid(report)
    assert not acting_characters(text)
    assert not command_lines(text)
    orders, counts = report["orders"], dict(report["summary"])
    assert counts.pop("total") == len(orders)
    assert counts == {status: sum(order["status"] == status for order in orders) for status in counts}
    assert len({order["key"] for order in orders}) == len(orders)
    placed = [order for order in orders if order["status"] == "placed"]
    spent = sum(Decimal(order["result"]["total"] or order["quote"]["total"]) for order in placed)
    assert Decimal(report["money"]["spent_confirmed"]) == spent
    assert report["inputs"]["api"]["base_url"] is None or report["inputs"]["api"]["base_url"].endswith("/***")
    return report


def report_place(arguments: tuple[str, ...]) -> str | None:
    """Where these arguments want the report of a purchase."""
    if arguments[:1] == ("proxies",):
        return None
    for index, argument in enumerate(arguments):
        if argument == "--report":
            return arguments[index + 1]
        if argument.startswith("--report="):
            return argument.partition("=")[2]
    return "report.json" if arguments[:1] == ("apply",) else None


def logins_in(data: bytes, options: Options) -> bytes | None:
    """The first login, password or link of the served vendor's proxies, plain, escaped or encoded; None without any."""
    numbered = rb"[0-9a-f]*[0-9]"
    for value in credentials("", options):
        spellings = {value, json.dumps(value)[1:-1], repr(value)[1:-1], quote(value, safe=""), one_line(value)}
        for spelling in spellings:
            if match := re.search(re.escape(spelling.encode()) + numbered, data):
                return match[0]
    match = re.search(rb"reboot(?:\?|%3F)token(?:=|%3D)[0-9a-f]+", data, re.IGNORECASE)
    return match and match[0]


def without_masks(text: str) -> str:
    """What is left of a job's log once its runner has taken the commands out that name what to hide."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("::add-mask::"))


def wants_json(arguments: tuple[str, ...]) -> bool:
    """Whether stdout is to be JSON."""
    formats = {arguments[index + 1] for index, name in enumerate(arguments[:-1]) if name in ("-f", "--format")}
    return "json" in formats or report_place(arguments) == "-"


def wants_github(arguments: tuple[str, ...], out: str) -> bool:
    asked = "github" in arguments or arguments[:1] == ("validate",)
    return asked and not wants_json(arguments) and out.startswith("::")


def unmasked(out: str, arguments: tuple[str, ...]) -> str:
    """stdout without the one line that may have the key in it: the first, and only where a job on GitHub was meant."""
    return out.removeprefix(f"::add-mask::{CANARY}\n") if "github" in arguments else out


def acting_characters(text: str) -> set[str]:
    """Characters that do something to a terminal or to the order of what is read."""
    return {c for c in set(text) if (unicodedata.category(c) == "Cc" and c != "\n") or c in HIDDEN}


def command_lines(text: str, *, github: bool = False) -> list[str]:
    """Lines that a CI log may take for a command; with `github`, annotations are meant to be ones."""
    annotation = re.compile(r"::(?:error|warning|notice) [^\s:][^:]*::")
    lines = []
    for line in text.split("\n"):
        start = line.lstrip()
        if (
            (start.startswith("::") and not (github and annotation.match(line)))
            or start.startswith("##")
            or "##[" in line
        ):
            lines.append(line)
    return lines


def holds_key(data: bytes, key: str) -> bool:
    """Whether the key is there in any disguise: any case, percent- or JSON-escaped in part, halved, reversed, base64."""
    coded = (base64.b64encode(b"x" * pad + key.encode()).decode()[4 * bool(pad) : -4] for pad in range(3))
    lower = data.lower()
    if any(text.lower().encode() in lower for text in (key[:16], key[16:], key[::-1], *coded)):
        return True
    return (b"%" in data or b"\\u00" in lower) and bool(escaped_key(key).search(data))


@cache
def escaped_key(key: str) -> re.Pattern[bytes]:
    spelled = "".join(f"(?:{re.escape(c)}|%{ord(c):02x}|\\\\u00{ord(c):02x})" for c in key)
    return re.compile(spelled.encode(), re.IGNORECASE)
