"""What is approved is bought, and nothing else and nothing dearer: by a digest, or by a plan that was written down."""

import hashlib
import json
import re
import signal
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from harness import ASKED_EACH_TIME, CANARY, MANIFEST, REPO, SEVEN, Result, World, acting_characters, ipv4
from jsonschema import Draft202012Validator

PLAN = "plan.json"
OTHER = "sha256:" + "0" * 64
SOMEBODY = {"USER": "alice"}


@cache
def schema() -> Draft202012Validator:
    return Draft202012Validator(json.loads((REPO / "schemas" / "plan.schema.json").read_bytes()))


def checked(text: str) -> Any:
    """A plan document, valid by its schema, with the digest of its content."""
    plan = json.loads(text)
    assert [f"{error.json_path}: {error.message}" for error in schema().iter_errors(plan)] == []
    assert not acting_characters(text)
    assert plan["digest"] in (None, recomputed(plan))
    return plan


def recomputed(plan: Any) -> str:
    """The digest as docs/plan.md says it, without a line of the program."""
    names = ("ceiling", "fields", "key", "type")
    content = {
        "account": plan["account"],
        "api": plan["inputs"]["api"],
        "format": "order-runner/approval/1",
        "limits": {entry["batch"]: {k: cents(v) for k, v in entry.items() if k != "batch"} for entry in plan["limits"]},
        "orders": sorted(
            (
                {name: cents(order[name]) if name == "ceiling" else order[name] for name in names}
                for order in plan["orders"]
                if order["status"] == "planned"
            ),
            key=lambda line: line["key"],
        ),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def cents(text: str | None) -> str | None:
    """An amount with two decimals, or as many more as it needs; a day as it is."""
    if text is None or not re.fullmatch(r"[0-9.]+", text):
        return text
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def planned(world: World, *arguments: str) -> Any:
    """What `plan --out plan.json` writes of the usual manifest."""
    result = world.run("plan", "--out", PLAN, *(arguments or (MANIFEST,)))
    assert result.code == 0, result.output
    return checked((world.root / PLAN).read_text())


def approve(world: World, digest: str, *arguments: str) -> Result:
    return world.run("apply", "--approve", digest, *(arguments or (MANIFEST,)))


def differences(world: World) -> list[str]:
    """What the report names as moved."""
    return [error["message"] for error in world.report()["errors"] if error["code"] in ("PSR440", "PSR441")]


# -- the document


def test_the_document_has_everything_a_reviewer_asks(world: World) -> None:
    """Body, prices, ceiling, balance after, inputs with digests and account; private, valid, without the key."""
    world.manifest(*SEVEN, batch="crawl", budget={"price_tolerance": "0.1", "max_total": "900.00"})
    plan = planned(world)
    assert (world.root / PLAN).stat().st_mode & 0o777 == 0o600
    assert [order["status"] for order in plan["orders"]] == ["planned"] * 7
    first = plan["orders"][0]
    assert (first["quote"]["total"], first["quote"]["unit_price"], first["ceiling"]) == ("1.80", "1.80", "1.98")
    assert first["request"] == {
        "countryId": 561,
        "periodId": "1m",
        "quantity": 1,
        "paymentId": 1,
        "customTargetName": "v4",
    }
    total = sum(Decimal(order["quote"]["total"]) for order in plan["orders"])
    assert (Decimal(plan["money"]["total"]), Decimal(plan["money"]["balance_after"])) == (total, 1000 - total)
    sha256 = hashlib.sha256((world.root / MANIFEST).read_bytes()).hexdigest()
    assert plan["inputs"]["manifests"] == [{"path": MANIFEST, "sha256": sha256}]
    assert plan["inputs"]["api"] == {"base_url": f"{world.server.base_url}/***", "version": "v1"}
    assert plan["account"] == "default"
    assert plan["limits"] == [
        {"batch": "crawl", "max_total": "900.00", "max_order": None, "price_tolerance": "0.10", "buy_by": None}
    ]


def test_json_is_the_same_document(world: World) -> None:
    """`-f json` prints what `--out` writes, but for the time; the text ends with the digest."""
    world.manifest(ipv4("a"))
    plan = planned(world)
    result = world.run("plan", "-f", "json", MANIFEST)
    again = checked(result.out)
    for document in (plan, again):
        document["made_at"] = document["orders"][0]["quote"]["at"] = None
    assert again == plan
    assert world.run("plan", MANIFEST).out.splitlines()[-1].split() == ["digest", plan["digest"]]


def test_several_formats_at_once(world: World) -> None:
    """Text for the log, a document and a comment for the pull request come from one call."""
    world.manifest(ipv4("a"))
    result = world.run("plan", "-f", "text", "-f", "markdown=plan.md", "--out", PLAN, MANIFEST)
    assert result.code == 0
    digest = checked((world.root / PLAN).read_text())["digest"]
    assert digest in result.out
    comment = (world.root / "plan.md").read_text()
    assert comment.startswith("**1.80 USD for 1 order**")
    assert f"order-runner apply plan.json --approve {digest}" in comment
    assert sum(request.endpoint == "order/calc" for request in world.box.requests) == 1


def test_the_schema_is_printed(world: World) -> None:
    """`schema plan` prints the published schema."""
    assert world.run("schema", "plan").json == schema().schema


def test_a_plan_that_could_not_be_made_is_still_a_document(world: World) -> None:
    """With the vendor down the document has no digest, says why, and nothing can be bought by it."""
    world.manifest(ipv4("a"))
    world.box.add_fault("calc-htmlx*")
    assert world.run("plan", "--out", PLAN, MANIFEST).code == 5
    plan = checked((world.root / PLAN).read_text())
    assert (plan["digest"], plan["orders"][0]["quote"]) == (None, None)
    assert [finding["code"] for finding in plan["findings"]] == ["PSR506"]
    result = world.run("apply", PLAN)
    assert (result.code, world.money_requests) == (2, 0)
    assert "approves nothing" in result.err


def test_a_broken_manifest_leaves_a_document_without_orders(world: World) -> None:
    """Exit 4, and the document names the findings of the manifest."""
    world.manifest(ipv4("a", quantity=0))
    assert world.run("plan", "--out", PLAN, MANIFEST).code == 4
    plan = checked((world.root / PLAN).read_text())
    assert (plan["orders"], plan["digest"]) == ([], None)
    assert plan["findings"][0]["range"]["start"]["line"] == world.line_of("quantity")


# -- buying what was approved


def test_a_digest_buys_without_a_question(world: World) -> None:
    """`--approve` stands for `--yes`: exactly what was shown is bought, and a second time nothing."""
    world.manifest(ipv4("a"), ipv4("b"))
    digest = planned(world)["digest"]
    assert approve(world, digest).code == 0
    assert world.bought == ["a", "b"]
    assert approve(world, digest).code == 0
    assert world.bought == ["a", "b"]


def test_a_document_buys_without_a_question(world: World) -> None:
    """`apply plan.json` needs no manifest named, and no `--yes`; the digest may be given beside it."""
    world.manifest(ipv4("a"), ipv4("b"), name="sub/one.yaml")
    digest = planned(world, "sub")["digest"]
    assert world.run("apply", "--approve", digest, PLAN).code == 0
    assert world.bought == ["a", "b"]
    assert world.report()["inputs"]["manifests"][0]["path"] == "sub/one.yaml"
    assert world.run("apply", PLAN).code == 0
    assert world.bought == ["a", "b"]


def test_a_document_is_known_by_its_content(world: World) -> None:
    """Under any name and in any order of its keys it is a plan; a manifest in JSON stays a manifest."""
    world.manifest(ipv4("a"))
    plan = planned(world)
    world.write("orders/approved.yaml", json.dumps(plan, sort_keys=True))
    manifest = {"apiVersion": "orders/v1", "batch": "other", "orders": [ipv4("j")]}
    world.write("json.yaml", json.dumps(manifest))
    assert world.run("apply", "orders/approved.yaml").code == 0
    assert world.apply("json.yaml").code == 0
    assert world.bought == ["a", "j"]


def test_the_sandbox_in_the_process_takes_approvals(world: World) -> None:
    """With `--sandbox`, whose port is another each time, a digest holds from one call to the next."""
    world.manifest(ipv4("a"))
    env = {"PROXY_SELLER_BASE_URL": None, "PROXY_SELLER_API_KEY": None, "ORDER_RUNNER_LEDGER": None}
    assert world.run("plan", "--sandbox", "--out", PLAN, MANIFEST, env=env).code == 0
    digest = checked((world.root / PLAN).read_text())["digest"]
    assert world.run("apply", "--sandbox", "--approve", digest, MANIFEST, env=env).code == 0
    assert world.run("apply", "--sandbox", PLAN, env=env).code == 0
    assert world.run("apply", PLAN).code == 5
    assert any("address of the API was sandbox" in text for text in differences(world))


def test_a_dry_run_tells_whether_an_approval_still_holds(world: World) -> None:
    """`apply --dry-run plan.json` buys nothing and ends as the purchase would; offline it cannot tell: exit 2."""
    world.manifest(ipv4("a"))
    planned(world)
    assert world.run("apply", "--dry-run", PLAN).code == 0
    assert world.run("apply", "--dry-run=offline", PLAN).code == 2
    world.manifest(ipv4("a"), ipv4("b"))
    assert world.run("apply", "--dry-run", PLAN).code == 5
    assert differences(world) == ["manifest: crawl/b was added"]
    assert world.money_requests == 0


# -- refusing what was not


@pytest.mark.parametrize("orders", [(ipv4("a", countryId=563),), (ipv4("a"), ipv4("b")), (ipv4("b"),)])
def test_a_changed_manifest_is_not_what_was_approved(world: World, orders: tuple[dict[str, Any], ...]) -> None:
    """Another country, an order more, an order renamed: exit 5 by digest and by document, nothing bought."""
    world.manifest(ipv4("a"))
    digest = planned(world)["digest"]
    world.manifest(*orders)
    for arguments in (("--approve", digest, MANIFEST), (PLAN,)):
        result = world.run("apply", *arguments)
        assert (result.code, world.money_requests) == (5, 0)
        assert differences(world)
    changed = orders[0]["countryId"] == 563
    if changed:
        (finding,) = world.report()["errors"]
        assert finding["message"] == "manifest: crawl/a was changed: countryId 561 → 563"
        assert (finding["file"], finding["line"]) == (MANIFEST, world.line_of("countryId"))


def test_a_digest_alone_tells_the_new_one(world: World) -> None:
    """Without a document the refusal has the new digest, how many orders and at most for how much."""
    world.manifest(ipv4("a"))
    digest = planned(world)["digest"]
    world.manifest(ipv4("a"), ipv4("b"))
    new = planned(world)["digest"]
    result = approve(world, digest)
    assert result.code == 5
    assert f"the digest of 2 orders for at most 3.60 on account default is {new}" in result.output
    assert "plan --out FILE" in result.output
    assert approve(world, new).code == 0


def test_a_comment_and_a_label_are_nothing_to_approve(world: World) -> None:
    """What does not change what is bought needs no second approval: comments, labels, another order of orders."""
    world.manifest(ipv4("a"), ipv4("b"))
    digest = planned(world)["digest"]
    world.manifest(ipv4("b", labels={"team": "x"}), ipv4("a"))
    (world.root / MANIFEST).write_text("# words\n" + (world.root / MANIFEST).read_text())
    assert world.run("apply", "--dry-run", PLAN).code == 0
    assert approve(world, digest).code == 0
    assert world.bought == ["b", "a"]


@pytest.mark.parametrize("by", ["digest", "document"])
def test_a_price_that_rose_is_refused(world: World, by: str) -> None:
    """Dearer than approved when the plan is made again: exit 5 before anything is bought, the price named."""
    world.manifest(ipv4("a"), ipv4("b"))
    digest = planned(world)["digest"]
    world.box.add_fault("price-up-quote:10")
    assert world.run("plan", MANIFEST).code == 0
    result = approve(world, digest) if by == "digest" else world.run("apply", PLAN)
    assert (result.code, world.money_requests) == (5, 0)
    if by == "document":
        assert differences(world) == [
            f"price: crawl/{name} costs 1.98 now, was 1.80, above its approved ceiling 1.80" for name in "ab"
        ]


def test_a_price_within_the_approved_ceiling_is_covered(world: World) -> None:
    """A document covers what costs no more than was approved, and the approved ceiling is that of the purchase."""
    world.manifest(ipv4("a"), budget={"price_tolerance": "0.10"})
    plan = planned(world)
    world.box.add_fault("price-up-quote:10")
    world.run("plan", MANIFEST)
    assert approve(world, plan["digest"]).code == 5
    assert world.run("apply", PLAN).code == 0
    assert [purchase.total for purchase in world.purchases] == [Decimal("1.98")]


def test_the_approved_ceiling_does_not_rise_with_the_price(world: World) -> None:
    """The tolerance counts from the approved price: what it has used up is gone at the last quote, too."""
    world.manifest(ipv4("a", **ASKED_EACH_TIME), budget={"price_tolerance": "0.10"})
    planned(world)
    world.box.add_fault("price-up-quote:10")
    world.run("plan", MANIFEST)
    world.box.add_fault("price-up-quote:5")
    assert world.run("apply", PLAN).code == 5
    assert world.money_requests == 0
    (finding,) = world.order("a")["errors"]
    assert finding["message"] == "its price rose to 2.08, above its ceiling 1.98"


def test_a_price_that_fell_is_covered_by_a_document(world: World) -> None:
    """A lower price needs no new approval with the document; a digest stands for exactly its ceilings."""
    world.manifest(ipv4("a"))
    world.box.add_fault("price-up-quote:10")
    world.run("plan", MANIFEST)
    digest = planned(world)["digest"]
    cheaper(world)
    assert approve(world, digest).code == 5
    assert world.run("apply", PLAN).code == 0
    assert [purchase.total for purchase in world.purchases] == [Decimal("1.80")]


def cheaper(world: World) -> None:
    """The vendor takes its rises back."""
    world.box._vendor.rise = Decimal(1)


def test_an_expired_plan_is_refused(world: World) -> None:
    """A document older than `--max-age` is not bought; a digest has no age, and saying one for it is exit 2."""
    world.manifest(ipv4("a"))
    digest = planned(world)["digest"]
    result = world.run("apply", "--max-age", "0s", PLAN)
    assert (result.code, world.money_requests) == (5, 0)
    assert differences(world)[0].startswith("age: the plan was made at ")
    plan = json.loads((world.root / PLAN).read_text())
    made = f"{datetime.now(UTC) - timedelta(days=40):%Y-%m-%d}T00:00:00.000Z"
    plan["made_at"] = made
    world.write("old.json", json.dumps(plan))
    assert world.run("apply", "old.json").code == 5
    assert differences(world) == [f"age: the plan was made at {made}, more than 24h ago"]
    assert approve(world, digest, "--max-age", "1h", MANIFEST).code == 2
    assert world.run("apply", "--max-age", "365d", "old.json").code == 0


def test_another_account_is_refused(world: World) -> None:
    """What was approved for one account is not bought on another."""
    world.manifest(ipv4("a"))
    digest = planned(world)["digest"]
    result = world.run("apply", "--account", "second", PLAN)
    assert (result.code, world.money_requests) == (5, 0)
    assert differences(world) == ["account: the plan is for account default, not second"]
    assert approve(world, digest, "--account", "second", MANIFEST).code == 5


def test_loosened_limits_are_named(world: World) -> None:
    """A budget or a last day that somebody moved after the approval is a difference."""
    world.manifest(ipv4("a"), budget={"max_total": "5.00"}, buy_by="2099-01-01")
    digest = planned(world)["digest"]
    world.manifest(ipv4("a"), budget={"max_total": "500.00"}, buy_by="2099-01-02")
    assert world.run("apply", PLAN).code == 5
    assert differences(world) == [
        "manifest: budget.max_total of batch crawl was 5.00 and is now 500.00",
        "manifest: buy_by of batch crawl was 2099-01-01 and is now 2099-01-02",
    ]
    assert approve(world, digest).code == 5


def test_what_somebody_bought_meanwhile_is_named(world: World) -> None:
    """An order that another run bought without this approval makes the batch another one: exit 5, the order named."""
    world.manifest(ipv4("a"), ipv4("b"))
    digest = planned(world)["digest"]
    assert world.apply("--only", "a", MANIFEST).code == 0
    assert world.run("apply", PLAN).code == 5
    assert differences(world) == [
        "ledger: crawl/a has since been bought as order 2426273, but not under this approval",
    ]
    assert approve(world, digest).code == 5
    assert world.bought == ["a"]


@pytest.mark.parametrize("by", ["digest", "document"])
def test_a_ledger_that_forgot_is_no_reason_to_buy_again(world: World, by: str) -> None:
    """Bought when the plan was made, unknown to the ledger now: not approved, and not bought a second time."""
    world.manifest(ipv4("a"), ipv4("b"))
    assert world.apply("--only", "a", MANIFEST).code == 0
    digest = planned(world)["digest"]
    for path in world.root.glob("orders.ledger*"):
        path.unlink()
    result = approve(world, digest) if by == "digest" else world.run("apply", PLAN)
    assert (result.code, world.bought) == (5, ["a"])
    if by == "document":
        assert differences(world) == [
            "ledger: crawl/a was bought as order 2426273 when this was approved, but this ledger does not know it"
        ]


def test_a_document_that_was_changed_is_refused(world: World) -> None:
    """A ceiling raised in the file does not fit its digest; with a digest of its own it does not fit the approved one."""
    world.manifest(ipv4("a"))
    plan = planned(world)
    approved = plan["digest"]
    plan["orders"][0]["ceiling"] = "999.00"
    world.write(PLAN, json.dumps(plan))
    assert world.run("apply", PLAN).code == 5
    assert differences(world)[0].startswith("plan: the document was edited after it was written")
    plan["digest"] = recomputed(plan)
    world.write(PLAN, json.dumps(plan))
    assert world.run("apply", "--approve", approved, PLAN).code == 5
    assert differences(world) == [f"plan: {approved} was approved, but the document has {plan['digest']}"]
    assert world.money_requests == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"plan_version": "2.0"}, "a plan of version 2.0"),
        ({"plan_version": 7}, "a plan of version 7"),
        ({"orders": [{}]}, "not a complete plan: orders.0"),
        ({"made_at": "2026-13-45T00:00:00Z"}, "not a complete plan"),
        ({"surprise": 1}, "not a complete plan: its top"),
    ],
)
def test_a_document_that_makes_no_sense_is_exit_2(world: World, change: dict[str, Any], words: str) -> None:
    """Another version, a part that is missing or wrong: said, and nothing is asked of the vendor."""
    world.manifest(ipv4("a"))
    plan = planned(world) | change
    world.write(PLAN, json.dumps(plan))
    asked = len(world.box.requests)
    result = world.run("apply", PLAN)
    assert (result.code, len(world.box.requests)) == (2, asked)
    assert words in result.err


def test_planned_orders_without_a_ceiling_are_no_plan(world: World) -> None:
    """A document with a digest whose orders lost their ceilings or prices cannot be used: exit 2."""
    world.manifest(ipv4("a"))
    for name in ("ceiling", "quote"):
        plan = planned(world)
        plan["orders"][0][name] = None
        world.write(PLAN, json.dumps(plan))
        assert world.run("apply", PLAN).code == 2


def test_a_document_whose_manifest_is_gone_is_exit_2(world: World) -> None:
    """The manifests are found from the working folder; one that is not there is named."""
    world.manifest(ipv4("a"), name="sub/one.yaml")
    planned(world, "sub/one.yaml")
    (world.root / "sub").rename(world.root / "elsewhere")
    result = world.run("apply", PLAN)
    assert result.code == 2
    assert "sub/one.yaml, which does not exist here" in result.err


def test_a_plan_of_stdin_cannot_be_written_down(world: World) -> None:
    """What cannot be read again cannot be approved as a document: exit 2."""
    result = world.run("plan", "--out", PLAN, "-", stdin="orders: []")
    assert (result.code, (world.root / PLAN).exists()) == (2, False)


@pytest.mark.parametrize("digest", ["sha256:12", "0" * 64, OTHER.upper(), "yes"])
def test_no_digest_is_exit_2(world: World, digest: str) -> None:
    """What cannot be a digest is a mistake of the caller, not a difference."""
    world.manifest(ipv4("a"))
    result = approve(world, digest)
    assert (result.code, world.box.requests) == (2, ())
    assert "is not a digest" in result.err


# -- partial runs


def test_what_is_left_after_a_refusal_is_still_covered(world: World) -> None:
    """The vendor refuses an order in the middle; the same digest buys the rest later, and no more."""
    world.manifest(*(ipv4(name) for name in "abc"))
    digest = planned(world)["digest"]
    world.box.add_fault("no-funds@2")
    assert approve(world, digest).code == 6
    assert world.bought == ["a"]
    world.box.set_balance(Decimal(100), CANARY)
    assert approve(world, digest).code == 0
    assert world.bought == ["a", "b", "c"]
    assert world.run("apply", PLAN).code == 0
    assert world.money_requests == 4


@pytest.mark.parametrize("by", ["digest", "document"])
def test_what_is_left_after_a_kill_is_still_covered(world: World, by: str) -> None:
    """SIGKILL with an order in flight; once that is resolved the same approval buys the rest, each once."""
    world.manifest(*(ipv4(name) for name in "abc"))
    digest = planned(world)["digest"]
    arguments = ("apply", "--approve", digest, MANIFEST) if by == "digest" else ("apply", PLAN)
    world.hold_answer(2)
    process = world.start(*arguments)
    world.wait_for(lambda: len(world.purchases) == 2, process)
    process.kill()
    assert world.finish(process, *arguments).code == -signal.SIGKILL
    world.release()
    assert world.run(*arguments).code == 7
    order_id = str(world.purchases[1].order_id)
    assert world.run("resolve", "crawl/b", "--placed", order_id, "--yes", env=SOMEBODY).code == 0
    assert world.run(*arguments).code == 0
    assert world.bought == ["a", "b", "c"]
    assert world.run(*arguments).code == 0
    assert world.money_requests == 3


@pytest.mark.parametrize("made", [True, False])
def test_what_is_left_after_an_unknown_outcome_is_still_covered(world: World, made: bool) -> None:
    """An answer is lost; whichever way a person settles it, the approval covers exactly what is not bought."""
    world.manifest(*(ipv4(name) for name in "abc"))
    digest = planned(world)["digest"]
    world.box.add_fault(f"reset-{'after' if made else 'before'}@2")
    assert approve(world, digest).code == 7
    verdict = (
        ("--placed", str(world.purchases[1].order_id))
        if made
        else ("--absent", "--accept-possible-second-purchase", "--reason", "not on the dashboard")
    )
    assert world.run("resolve", "crawl/b", *verdict, "--yes", env=SOMEBODY).code == 0
    assert approve(world, digest).code == 0
    assert world.bought == ["a", "b", "c"]
    assert approve(world, digest).code == 0
    assert len(world.purchases) == 3


def test_a_partial_run_by_document_at_a_lower_price_stays_covered(world: World) -> None:
    """The claim keeps the approved ceiling, so that the same document covers the rest after the price fell."""
    world.manifest(ipv4("a"), ipv4("b"))
    world.box.add_fault("price-up-quote:10")
    world.run("plan", MANIFEST)
    planned(world)
    cheaper(world)
    world.box.add_fault("no-funds@2")
    assert world.run("apply", PLAN).code == 6
    world.box.set_balance(Decimal(100), CANARY)
    assert world.run("apply", PLAN).code == 0
    assert world.bought == ["a", "b"]


def test_more_than_what_is_left_is_not_covered(world: World) -> None:
    """After a partial run an order added to the manifest is not bought under the old approval."""
    world.manifest(ipv4("a"), ipv4("b"))
    digest = planned(world)["digest"]
    world.box.add_fault("no-funds@2")
    assert approve(world, digest).code == 6
    world.box.set_balance(Decimal(100), CANARY)
    world.manifest(*(ipv4(name) for name in "abc"))
    assert approve(world, digest).code == 5
    assert world.run("apply", PLAN).code == 5
    assert differences(world) == ["manifest: crawl/c was added"]
    assert world.bought == ["a"]


# -- the price right before the purchase


@pytest.mark.parametrize("form", ["success", "error"])
def test_a_warning_at_the_last_quote_stops_the_order(world: World, form: str) -> None:
    """The vendor warns when the price is asked again before the purchase: not sent, whatever the envelope says."""
    world.serve(calc_warning=form)
    world.manifest(ipv4("a", **ASKED_EACH_TIME))
    respond, quotes = world.box.respond, []

    def emptied(method: str, target: str, raw: bytes) -> Any:
        if target.endswith("/order/calc"):
            quotes.append(target)
            if len(quotes) == 2:
                world.box.set_balance(Decimal(0), CANARY)
        return respond(method, target, raw)

    world.box.respond = emptied  # type: ignore[method-assign]
    result = world.apply()
    assert (result.code, len(quotes), world.money_requests) == (5, 2, 0)
    (finding,) = world.order("a")["errors"]
    assert (finding["code"], finding["category"]) == ("PSR403", "refused")
    assert finding["vendor"]["message"].startswith("Insufficient funds")


def renamed(world: World, **moves: str) -> None:
    """Orders of the usual manifest under new names, and one that is new."""
    orders = [ipv4(new, customTargetName=old, renamed_from=f"crawl/{old}") for new, old in moves.items()]
    world.manifest(*orders, *(ipv4(old) for old in {"a", "b"} - set(moves.values())), ipv4("c"))


@pytest.mark.parametrize("moves", [{"y": "b"}, {"y": "b", "z": "a"}, {}])
def test_another_renaming_than_approved(world: World, moves: dict[str, str]) -> None:
    """What was bought is renamed as it was approved, and not otherwise: a digest and a document stand for it."""
    world.manifest(ipv4("a"), ipv4("b"))
    assert world.apply().code == 0
    renamed(world, z="a")
    assert world.run("plan", "--out", "plan.json", MANIFEST).code == 0
    digest = json.loads((world.root / "plan.json").read_text())["digest"]
    renamed(world, **moves)
    assert world.apply("--approve", digest, MANIFEST).code == 5
    assert world.apply("plan.json").code == (0 if not moves else 5)
    assert world.bought == ["a", "b"] + (["c"] if not moves else [])
    assert "renamed" not in world.run("status").out


def test_an_approved_renaming_after_a_run_that_ended(world: World) -> None:
    """What is left under an approval is still covered once the renaming is done."""
    world.manifest(ipv4("a"), ipv4("b"))
    assert world.apply().code == 0
    renamed(world, z="a")
    assert world.run("plan", "--out", "plan.json", MANIFEST).code == 0
    digest = json.loads((world.root / "plan.json").read_text())["digest"]
    world.box.add_fault("reset-before@3")
    assert world.apply("--approve", digest, MANIFEST).code == 7
    assert "crawl/a" in world.run("status").out
    assert world.run("reconcile", "--settle-after", "0s").code == 0
    assert world.apply("--approve", digest, MANIFEST).code == 0
    assert world.apply("plan.json").code == 0
    assert world.bought == ["a", "b", "c"]
