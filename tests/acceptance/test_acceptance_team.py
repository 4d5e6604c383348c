"""The sample repository of a team: what its files allow is bought once, and whatever else somebody tries is refused."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from harness import REPO, Result, World

CRAWL = "orders/crawl.yaml"
POLICY = "order-runner.yaml"
APPROVED = "approved.json"
TOTAL = Decimal("62.65")


@pytest.fixture
def team(world: World) -> World:
    """A copy of samples/team, and a vendor as the sandbox is."""
    shutil.copytree(REPO / "samples" / "team", world.root, dirs_exist_ok=True)
    return world


def approve(team: World) -> str:
    """The plan of all orders as the approved document; its digest."""
    result = team.run("plan", "--out", APPROVED, "orders")
    assert result.code == 0, result.output
    return str(json.loads((team.root / APPROVED).read_text())["digest"])


def change(team: World, path: str, old: str, new: str) -> None:
    """Somebody edits a file, in one place."""
    text = (team.root / path).read_text()
    assert text.count(old) == 1
    team.write(path, text.replace(old, new))


def differences(team: World) -> list[str]:
    """What the report says is not as it was approved."""
    found = team.report()
    assert {finding["code"] for finding in found["errors"]} <= {"PSR440", "PSR441"}
    return [finding["message"] for finding in found["errors"]]


def refused(team: World, *arguments: str) -> Result:
    """A command that ends with exit code 5 and sends no purchase."""
    sent = team.money_requests
    result = team.run(*arguments)
    assert (result.code, team.money_requests) == (5, sent), result.output
    return result


def test_the_way_from_manifest_to_purchase(team: World) -> None:
    """Valid, locked, planned, approved, bought; bought once, and nothing is left to buy."""
    assert team.run("validate", "--strict", "orders").out == "2 files, 6 orders: all valid\n"
    assert team.run("lock", "--check", "orders").code == 0
    approve(team)
    assert team.run("apply", APPROVED).code == 0
    assert (len(team.purchases), sum(purchase.total for purchase in team.purchases)) == (6, TOTAL)
    for again in (("apply", APPROVED), ("apply", "--yes", "orders")):
        result = team.run(*again)
        assert result.code == 0
        assert "skipped: 6 orders already bought" in result.out
    assert team.run("plan", "--expect-nothing", "orders").code == 0
    assert len(team.purchases) == 6


def test_the_digest_alone_approves_as_well(team: World) -> None:
    """`--approve` with the digest of the comment buys what the document buys."""
    assert team.run("apply", "--approve", approve(team), "orders").code == 0
    assert len(team.purchases) == 6


def test_expect_nothing_names_what_is_not_bought(team: World) -> None:
    """The nightly check ends with exit code 5 while orders of the repository are not bought."""
    assert "crawl-2026-12/fr-prices" in refused(team, "plan", "--expect-nothing", "orders").output


@pytest.mark.parametrize("by", ["digest", "document"])
def test_a_changed_price_is_refused(team: World, by: str) -> None:
    """Dearer than the approved ceiling: exit 5 under the digest and under the document, which names each price."""
    digest = approve(team)
    team.box.add_fault("price-up-quote:10")
    assert team.run("plan", "--only", "traffic", "orders").code == 0
    if by == "digest":
        result = refused(team, "apply", "--approve", digest, "orders")
        assert (
            "this is not what was approved: the digest of 6 orders for at most 71.38 on account default is sha256:"
            in result.output
        )
        return
    refused(team, "apply", APPROVED)
    assert "price: crawl-2026-12/fr-prices costs 17.90 now, was 16.20, above its approved ceiling 17.01" in differences(
        team
    )
    assert len(differences(team)) == 6


def test_a_changed_country_is_refused(team: World) -> None:
    """Other words than approved are another order: the field is named, old and new."""
    digest = approve(team)
    change(team, CRAWL, "country: DEU", "country: FRA")
    refused(team, "apply", APPROVED)
    assert "manifest: crawl-2026-12/de-prices was changed: countryId 562 → 561" in differences(team)
    refused(team, "apply", "--approve", digest, "orders")


def test_another_meaning_of_a_country_is_refused(team: World) -> None:
    """A lockfile that was turned by hand changes what is bought, not the manifest: that is named, too."""
    approve(team)
    change(
        team,
        "orders/orders.lock.json",
        '"word": "DEU", "within": {}, "id": 562',
        '"word": "DEU", "within": {}, "id": 561',
    )
    refused(team, "apply", APPROVED)
    assert any(text.startswith("lockfile: crawl-2026-12/de-prices") for text in differences(team))


def test_a_second_manifest_with_the_same_key_is_refused(team: World) -> None:
    """Two orders with one name are found by validate, plan and apply, with both places; nothing is asked."""
    shutil.copy(team.root / CRAWL, team.root / "orders" / "more.yaml")
    asked = len(team.box.requests)
    for command in (["validate"], ["plan"], ["apply", "--yes"]):
        result = team.run(*command, "orders")
        assert result.code == 4
        assert "orders/more.yaml:15:11: PSR301" in result.output
        assert "orders/crawl.yaml:15:11" in result.output
    assert len(team.box.requests) == asked


def test_a_batch_over_its_budget_is_refused(team: World) -> None:
    """The manifest's budget, the amount, and where it stands."""
    change(team, CRAWL, 'max_total: "60.00"', 'max_total: "40.00"')
    for command in (["plan"], ["apply", "--yes"]):
        result = refused(team, *command, "orders")
        assert "42.35" in result.output
        assert "budget.max_total 40.00" in result.output
        assert "orders/crawl.yaml:8:14" in result.output


def test_a_batch_over_the_policys_budget_is_refused(team: World) -> None:
    """The policy's budget holds over all batches and all runs: what was bought today counts."""
    change(team, POLICY, 'day: "100.00"', 'day: "60.00"')
    result = refused(team, "plan", "orders")
    assert "budgets.day" in result.output
    assert "order-runner.yaml:7:8" in result.output
    assert team.run("apply", "--yes", "orders/apps.yaml").code == 0
    result = refused(team, "apply", "--yes", CRAWL)
    assert "20.30" in result.output
    assert "60.00" in result.output
    assert len(team.purchases) == 2


def test_an_expired_approval_is_refused(team: World) -> None:
    """Older than `--max-age`: exit 5 and the time it was made."""
    approve(team)
    plan = json.loads((team.root / APPROVED).read_text())
    made = (datetime.now(UTC) - timedelta(hours=73)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    team.write(APPROVED, json.dumps(plan | {"made_at": made}))
    refused(team, "apply", "--max-age", "72h", APPROVED)
    assert differences(team) == [f"age: the plan was made at {made}, more than 72h ago"]
    assert team.run("apply", "--max-age", "74h", APPROVED).code == 0


def test_an_approval_of_another_account_is_refused(team: World) -> None:
    """What was approved for one account is bought on no other."""
    digest = approve(team)
    refused(team, "apply", "--account", "second", APPROVED)
    assert differences(team) == ["account: the plan is for account default, not second"]
    refused(team, "apply", "--account", "second", "--approve", digest, "orders")


def test_a_word_that_moved_is_refused(team: World) -> None:
    """The vendor means another id by now: `lock --check` exits 4 and names both, and plan refuses the order."""
    team.box.edit_reference("ipv4", "country", 561, {"id": 599})
    result = team.run("lock", "--check", "orders")
    assert result.code == 4
    assert (
        "PSR310 `country: FRA` of ipv4 is locked as 561 (France), but has changed: it is now 599 (France)" in result.out
    )
    assert "PSR450" in refused(team, "plan", "orders").output


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "country: DEU",
            "country: POL",
            "country or package POL is not allowed: allow.countries (order-runner.yaml:11:14)",
        ),
        ("type: mix", "type: mix_isp", "type mix_isp is not allowed: allow.types (order-runner.yaml:10:10)"),
        ("quantity: 5", "quantity: 21", "quantity 21 is above allow.max_quantity.any (order-runner.yaml:14:23), 20"),
        ("team: crawl, ", "", "label team is missing"),
        ("env: prod", "env: dev", "label env: dev is not allowed"),
        ("period: 1 month", "period: 3 months", "period 3m is not allowed"),
    ],
)
def test_what_the_policy_does_not_allow_is_refused(team: World, old: str, new: str, says: str) -> None:
    """Validate names the rule and its place and ends with exit code 4, plan and apply with 5."""
    change(team, CRAWL, old, new)
    if new == "type: mix_isp":
        change(team, CRAWL, "package: Europe mix", "package: Europe ISP mix")
    assert team.run("lock", "orders").code == 0
    for command, code in ((["validate"], 4), (["plan"], 5), (["apply", "--yes"], 5)):
        result = team.run(*command, "orders")
        assert result.code == code, result.output
        assert says in result.output
    assert team.money_requests == 0


def test_the_samples_beside_it_are_bought_without_it(world: World) -> None:
    """The folder of all samples is one call, the team's orders another: stderr says that they were left out."""
    samples = str(REPO / "samples")
    assert world.run("validate", samples).out == "8 files, 17 orders: all valid\n"
    result = world.run("plan", "--sandbox", samples)
    assert (result.code, "to buy         169.55 USD for 17 orders" in result.out) == (0, True)
    assert f"left out: {samples}/team/orders has its own lockfile" in result.err
