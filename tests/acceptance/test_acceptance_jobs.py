"""Several purchases in flight, as the command shows them: bounds, bad luck of all lanes at once, and what is reported."""

import itertools
import signal
import threading
import time

import pytest
from harness import CANARY, World, ipv4

NAMES = tuple(f"o{n}" for n in range(8))
LANES = ("--jobs", "8")
FROZEN = 5.5
"""Seconds: longer than a claim may be old when it is sent."""
GAP = 0.4


def eight(world: World) -> str:
    return world.manifest(*(ipv4(name) for name in NAMES))


def reported_names(world: World) -> list[str]:
    return [entry["key"].partition("/")[2] for entry in world.report()["orders"]]


NO_JOBS = ("0", "33", "-1", "nan", "1.5", "eight", "", " ")
NO_GAP = ("nan", "inf", "-1", "1_0", "soon", "", " ")


@pytest.mark.parametrize(
    ("name", "value"), [*(("jobs", text) for text in NO_JOBS), *(("gap", text) for text in NO_GAP)]
)
@pytest.mark.parametrize("way", ["option", "variable"])
def test_a_number_that_is_none_is_a_usage_error(name: str, value: str, way: str, world: World) -> None:
    """Jobs outside of 1 to 32, no number of seconds: exit 2, named by where it was said; the vendor hears nothing."""
    path, variable = eight(world), f"ORDER_RUNNER_{name.upper()}"
    if way == "option":
        result = world.run("apply", "--yes", path, f"--{name}={value}", reported=False)
    else:
        result = world.run("apply", "--yes", path, env={variable: value}, reported=False)
    assert result.code == 2
    assert (f"--{name}" if way == "option" else variable) in result.err
    assert not world.box.requests


@pytest.mark.parametrize(("bound", "most"), [(None, 8), (2, 2)])
def test_a_policy_bounds_how_many_are_in_flight(bound: int | None, most: int, world: World) -> None:
    """Eight are asked for: as many stand at the vendor at once as the policy allows, never more, and the rule is named."""
    if bound:
        world.write("order-runner.yaml", f"apiVersion: policy/v1\njobs: {bound}\n")
    path = eight(world)
    at_vendor, peak, turn = 0, 0, threading.Lock()
    respond = world.box.respond

    def counted(method: str, target: str, raw: bytes) -> object:
        nonlocal at_vendor, peak
        is_purchase = target.endswith("/order/make")
        with turn:
            at_vendor += is_purchase
            peak = max(peak, at_vendor)
        answer = respond(method, target, raw)
        if is_purchase:
            time.sleep(0.5)
        with turn:
            at_vendor -= is_purchase
        return answer

    world.box.respond = counted  # type: ignore[method-assign,assignment]
    result = world.apply(path, *LANES)
    assert (result.code, sorted(world.bought)) == (0, list(NAMES))
    assert 1 < peak <= most
    assert ("2 purchases at once in place of 8" in result.err) == bool(bound)


def test_answers_out_of_order_are_reported_in_order(world: World) -> None:
    """The first purchase is answered last: the report has the manifest's order, each with the vendor's own id."""
    path = eight(world)
    world.box.add_fault("slow@1:1")
    assert world.apply(path, *LANES).code == 0
    assert reported_names(world) == list(NAMES)
    ids = {sale.body["customTargetName"]: str(sale.order_id) for sale in world.purchases}
    assert {name: world.order(name)["result"]["order_id"] for name in NAMES} == ids


def test_all_connections_closed_at_once_are_all_in_doubt(world: World) -> None:
    """Eight purchases lose their answers together: exit 7; summary, report and `status` name every one that was sent."""
    world.serve(latency=0.3)  # before the first is closed, all are on their way
    path = eight(world)
    world.box.add_fault("close-after@1x8")
    result = world.apply(path, *LANES)
    sent = sorted(world.bought)
    assert result.code == 7
    assert len(sent) > 1
    assert [name for name in NAMES if world.order(name)["status"] == "unknown"] == sent
    status = world.run("status")
    assert status.code == 7
    for name in sent:
        assert f"crawl/{name}" in result.out
        assert f"crawl/{name}" in status.out
    assert world.apply(path, *LANES).code == 7
    assert sorted(world.bought) == sent
    world.find_no_key_in_files()
    assert CANARY not in result.output + status.output


def test_one_lane_that_is_throttled_holds_up_no_other(world: World) -> None:
    """HTTP 429 for one purchase of eight: it is sent again, the others are bought once, exit 0."""
    path = eight(world)
    world.box.add_fault("429@2:0")
    assert world.apply(path, *LANES).code == 0
    assert sorted(world.bought) == list(NAMES)
    assert world.money_requests == len(NAMES) + 1


def test_a_freeze_with_lanes_waiting_for_the_gap_sends_nothing_in_a_burst(world: World) -> None:
    """Stopped for longer than a claim may be old, lanes waiting for their turn: each is bought once, a gap apart."""
    path = eight(world)
    arguments = ("apply", "--yes", path, *LANES, "--gap", str(GAP))
    process = world.start(*arguments)
    world.wait_for(lambda: len(world.purchases) >= 2, process)
    process.send_signal(signal.SIGSTOP)
    before = len(world.purchases)
    time.sleep(FROZEN)
    assert len(world.purchases) <= before + 1
    process.send_signal(signal.SIGCONT)
    assert world.finish(process, *arguments).code == 0
    assert sorted(world.bought) == list(NAMES)
    woken = [sale.at for sale in world.purchases[before:]]
    assert all(later - sooner > GAP / 2 for sooner, later in itertools.pairwise(woken))
