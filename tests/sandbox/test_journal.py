"""The state file: nothing bought is ever forgotten, and nothing else is mistaken for one."""

import http.client
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from runner.sandbox.box import Sandbox
from runner.sandbox.journal import StateFileError
from runner.sandbox.options import SANDBOX_KEY, Options

BODIES: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "bodies.json").read_text())
ORDER = BODIES["ipv4"]
Staging = Callable[..., Any]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A place for a state file in a folder that is not there yet."""
    return tmp_path / "folder" / "state.jsonl"


def test_a_second_emulator_finds_everything(stage: Staging, clock: Any, state: Path) -> None:
    """Purchases, balances, rows, prices, renewals and late orders are the same after a restart."""
    options = Options(accounts={"other": Decimal(50)})
    first = stage(state=state, options=options, clock=clock, faults=["price-up@3:50", "silent-later@9:60"])
    for body in BODIES.values():
        first.make(body, generateAuth="Y")
    first.ask("POST", "order/make", ORDER, key="other")
    first.box.renew(first.box.purchases[0].order_id)
    first.box.buy_as_stranger(type="isp")
    first.box.set_balance(Decimal("77.70"), key="other")
    with pytest.raises(TimeoutError):
        first.unanswered(ORDER)
    second = stage(state=state, options=options, clock=clock)
    assert second.box.purchases == first.box.purchases
    assert second.box.balances == first.box.balances
    assert [p.stranger for p in second.box.purchases] == [False] * 8 + [True]
    for endpoint in ("proxy/list", "auth/list", "resident/package"):
        assert second.get(endpoint).body == first.get(endpoint).body
    assert second.calc(ORDER).body == first.calc(ORDER).body
    clock.now += 60
    assert len(second.box.purchases) == 10
    assert first.box.purchases == second.box.purchases


def test_ids_go_on_after_a_restart(stage: Staging, state: Path) -> None:
    """No order id, base number or row id is given twice."""
    for _ in range(3):
        s = stage(state=state)
        s.make(ORDER)
    rows = s.get("proxy/list/ipv4").data["items"]
    assert len({row["id"] for row in rows}) == 30
    assert len({row["order_id"] for row in rows}) == len({row["base_order_number"] for row in rows}) == 3


def test_two_emulators_on_one_file_take_turns(stage: Staging, state: Path) -> None:
    """Each sees what the other sold, so no purchase, id or cent is lost between them."""
    one, other = stage(state=state), stage(state=state)
    ids = [s.make(ORDER).data["orderId"] for s in (one, other, other, one)]
    assert len(set(ids)) == 4
    assert [p.order_id for p in one.box.purchases] == [p.order_id for p in other.box.purchases] == ids
    assert one.box.balances == other.box.balances == {SANDBOX_KEY: Decimal(10000) - 4 * Decimal("16.20")}


def test_two_emulators_at_once_do_not_write_over_each_other(state: Path) -> None:
    """Every purchase of either is kept, under an id of its own."""
    boxes = [Sandbox(state=state), Sandbox(state=state)]
    with ThreadPoolExecutor(4) as pool:
        bought = list(pool.map(lambda number: boxes[number % 2].buy_as_stranger(), range(200)))
    kept = Sandbox(state=state).purchases
    assert kept == boxes[0].purchases == boxes[1].purchases
    assert [p.order_id for p in kept] == sorted(p.order_id for p in bought)
    assert len(kept) == len({p.order_id for p in kept}) == 200


@pytest.mark.parametrize("cut", [1, 2, 50])
def test_a_torn_last_line_is_ignored(stage: Staging, state: Path, cut: int) -> None:
    """A writer that died in the middle of a line had answered nobody; later events are whole again."""
    first = stage(state=state)
    first.make(ORDER)
    kept = first.make(ORDER).data["orderId"]
    first.make(ORDER)
    os.truncate(state, state.stat().st_size - cut)
    second = stage(state=state)
    assert [p.order_id for p in second.box.purchases][-1] == kept
    assert state.read_bytes().endswith(b"}\n")
    second.make(ORDER)
    assert Sandbox(state=state).purchases == second.box.purchases
    assert len(second.box.purchases) == 3


@pytest.mark.parametrize("size", [0, 1, 20])
def test_a_torn_first_line_is_a_new_file(state: Path, size: int) -> None:
    """A file cut off in its header holds nothing yet."""
    Sandbox(state=state)
    os.truncate(state, size)
    assert Sandbox(state=state).purchases == ()
    assert Sandbox(state=state).buy_as_stranger().order_id > 0


def test_a_purchase_is_in_the_file_before_it_is_answered(stage: Staging, state: Path) -> None:
    """Once the answer is in hand, the line is there for everybody, one line a purchase, and only appended."""
    s = stage(state=state)
    for _ in range(3):
        before = state.read_bytes()
        order_id = s.make(ORDER).data["orderId"]
        after = state.read_bytes()
        assert after.startswith(before)
        (line,) = after[len(before) :].splitlines()
        assert json.loads(line)["order_id"] == order_id


def test_the_file_is_private_and_holds_no_key(stage: Staging, state: Path) -> None:
    """Mode 0600 in a folder 0700, and accounts by a digest of their key."""
    s = stage(state=state, options=Options(accounts={"Canary0Key": Decimal(50)}))
    s.ask("POST", "order/make", ORDER, key="Canary0Key")
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.parent.stat().st_mode) == 0o700
    assert b"canary" not in state.read_bytes().lower()


@pytest.mark.parametrize("content", ["orders: []\n", '{"event":"purchase"}\n', "\x00"])
def test_another_file_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    """A wrong path does not cost somebody a file."""
    path = tmp_path / "orders.yaml"
    path.write_text(content)
    with pytest.raises(StateFileError, match="not a sandbox state file"):
        Sandbox(state=path)
    assert path.read_text() == content


def test_a_link_is_refused(tmp_path: Path, state: Path) -> None:
    """The state file is not written through a symbolic link."""
    Sandbox(state=state)
    link = tmp_path / "link"
    link.symlink_to(state)
    with pytest.raises(OSError, match="link"):
        Sandbox(state=link)


def test_damage_before_the_last_line_is_refused(stage: Staging, state: Path) -> None:
    """Only the last line may be torn; anything else would silently lose purchases."""
    stage(state=state).make(ORDER)
    state.write_bytes(state.read_bytes() + b"{broken\n")
    with pytest.raises(StateFileError, match="damaged"):
        Sandbox(state=state)


def test_reset_forgets_everything(stage: Staging, state: Path) -> None:
    """Purchases, balance, requests, faults and the file are gone, for another emulator on the file too."""
    other: Any = Sandbox(state=state)
    s = stage(state=state, faults=["500-after@1", "500-after@2"])
    s.make(ORDER)
    assert len(other.purchases) == 1
    s.box.reset()
    assert not state.exists()
    assert (s.box.purchases, s.box.requests, s.box.fault_counts) == ((), (), {})
    assert other.purchases == ()
    assert s.make(ORDER).data["balance"] == 9983.8
    assert [p.order_id for p in other.purchases] == [2426273]


def test_without_a_file_the_state_lives_in_memory(stage: Staging) -> None:
    """Two emulators without a file know nothing of each other."""
    first, second = stage(), stage()
    first.make(ORDER)
    assert (len(first.box.purchases), second.box.purchases) == (1, ())


def test_a_file_that_cannot_be_written_is_a_server_error(stage: Staging, state: Path) -> None:
    """If the state cannot be kept, the order is not made and the answer is HTTP 500."""
    s = stage(state=state)
    s.make(ORDER)
    state.unlink()
    state.mkdir()
    assert s.make(ORDER).status == 500
    state.rmdir()
    assert s.box.purchases == ()


@pytest.mark.parametrize("amount", ["-1", "1.005", "NaN", "Infinity"])
def test_a_balance_is_whole_cents(amount: str) -> None:
    """Any other sum is refused."""
    box = Sandbox()
    with pytest.raises(ValueError, match="whole cents"):
        box.set_balance(Decimal(amount))
    assert box.balances[SANDBOX_KEY] == Decimal(10000)


SERVE = """
import sys, threading, pathlib
from runner.sandbox import Sandbox
print(Sandbox(state=pathlib.Path(sys.argv[1])).serve().base_url, flush=True)
threading.Event().wait()
"""


def test_a_killed_emulator_forgets_no_answered_purchase(state: Path) -> None:
    """After SIGKILL in the middle of a request, every answered order is there, and at most the last one more."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)}
    with subprocess.Popen([sys.executable, "-c", SERVE, state], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        parts = urlsplit(process.stdout.readline().decode().strip())
        path, raw = f"{parts.path}/{SANDBOX_KEY}/order/make", json.dumps(ORDER)
        with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)) as connection:
            answered = []
            for _ in range(20):
                connection.request("POST", path, raw)
                answered.append(json.loads(connection.getresponse().read())["data"]["orderId"])
            connection.request("POST", path, raw)
            process.kill()
    found = [purchase.order_id for purchase in Sandbox(state=state).purchases]
    assert found[:20] == answered
    assert len(found) in (20, 21)
