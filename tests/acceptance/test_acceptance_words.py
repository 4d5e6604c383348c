"""Words in manifests, the lockfile, and orders held against the vendor's lists: the command against the vendor."""

from __future__ import annotations

import json
from typing import Any

import pytest
from harness import ASKED_EACH_TIME, MANIFEST, World, ipv4

LOCK = "orders.lock.json"


def worded(name: str, country: str = "FRA", **changes: Any) -> dict[str, Any]:
    """`ipv4` of the harness, in words."""
    return ipv4(name, countryId=None, periodId=None, country=country, period="1 month") | changes


MOBILE = {
    "name": "m",
    "type": "mobile",
    "country": "France",
    "mobileServiceType": "dedicated",
    "operator": "operator b",
    "rotation": "by link",
    "period": "1w",
    "quantity": 1,
}
EVERY = (
    worded("v4"),
    {**worded("isp", "United States"), "type": "isp"},
    {**worded("v6", "DEU", quantity=10), "type": "ipv6", "protocol": "HTTPS"},
    {"name": "mix", "type": "mix", "package": "Europe mix", "period": "1 month", "quantity": 10},
    {"name": "mix-isp", "type": "mix_isp", "package": "World ISP mix", "period": "1m", "quantity": 20},
    MOBILE,
    {"name": "traffic", "type": "resident", "tariff": "1 gb", "payment": "card"},
)
"""One order of every type, every id a word."""


def locked(world: World) -> dict[str, Any]:
    """The lockfile's entries by type, kind and word."""
    entries = json.loads((world.root / LOCK).read_text("utf-8"))["entries"]
    return {f"{e['type']} {e['kind']} {e['word']}": e["id"] for e in entries}


def asked(world: World, endpoint: str) -> int:
    return sum(request.endpoint.startswith(endpoint) for request in world.box.requests)


def test_words_are_bought_as_what_they_are_locked_to(world: World) -> None:
    """Locked once, every word of every type is bought as the vendor's id, and the report says by which lockfile."""
    world.manifest(*EVERY)
    assert world.run("lock", MANIFEST).code == 0
    assert world.apply().code == 0
    sent = [
        (p.type, p.body.get("countryId", p.body.get("tarifId")), p.body.get("periodId"), p.body["paymentId"])
        for p in world.purchases
    ]
    assert sent == [
        ("ipv4", 561, "1m", 1),
        ("isp", 3758, "1m", 1),
        ("ipv6", 2102, "1m", 1),
        ("mix", 1370, "1m", 1),
        ("mix_isp", 8802, "1m", 1),
        ("mobile", 4401, "1w", 1),
        ("resident", 6929, None, 43),
    ]
    assert (world.purchases[5].body["operatorId"], world.purchases[5].body["rotationId"]) == ("32", 0)
    assert world.report()["inputs"]["lockfile"] == LOCK
    assert world.run("status", MANIFEST).code == 0


def test_a_word_and_its_id_are_the_same_order(world: World) -> None:
    """An order bought in words is bought; writing its ids instead, or the words again, buys nothing."""
    world.manifest(worded("a"))
    assert world.run("lock", MANIFEST).code == 0
    assert world.apply().code == 0
    world.manifest(ipv4("a"))
    assert world.apply().code == 0
    world.manifest(worded("a", "France", period="1m"))
    assert world.run("lock", MANIFEST).code == 0
    assert world.apply().code == 0
    assert world.bought == ["a"]


def test_nothing_is_planned_in_words_that_are_not_locked(world: World) -> None:
    """Without its entry a word is a finding at its place with the command to run; the vendor is not asked."""
    world.manifest(worded("a"), ipv4("b"))
    result = world.apply()
    assert result.code == 4
    line = world.line_of('country: "FRA"')
    assert f"{MANIFEST}:{line}:14: PSR304 `country: FRA` is not locked: there is no {LOCK}" in result.err
    assert f"run `order-runner lock {MANIFEST}`" in result.err
    assert world.box.requests == ()
    assert [e["code"] for e in world.report()["errors"]] == ["PSR304", "PSR304"]
    assert world.run("lock", MANIFEST).code == 0
    world.manifest(worded("a"), worded("c", "DEU"))
    found = world.run("plan", MANIFEST)
    assert (found.code, "`country: DEU` of ipv4 is not locked in" in found.err) == (4, True)
    assert "FRA" not in found.err


def test_validate_warns_without_a_lockfile_and_checks_with_one(world: World) -> None:
    """Offline: no lockfile is one warning, a word that is not in it an error, and all is well when it is."""
    world.manifest(worded("a"), worded("b", "DEU"))
    bare = world.run("validate", MANIFEST)
    assert (bare.code, bare.out.count("PSR305 warning:")) == (0, 1)
    assert world.run("validate", "--strict", MANIFEST).code == 4
    assert world.run("lock", MANIFEST).code == 0
    assert world.run("validate", "--strict", MANIFEST).code == 0
    world.manifest(worded("a"), worded("b", "ESP"))
    wrong = world.run("validate", MANIFEST)
    assert (wrong.code, wrong.out.count("PSR304")) == (4, 1)


def test_locking_again_changes_no_byte(world: World) -> None:
    """The file is sorted, one entry a line, and stays as it is to the byte while the words mean the same."""
    world.manifest(worded("b", "DEU"), worded("a"))
    assert world.run("lock", MANIFEST).code == 0
    before = (world.root / LOCK).read_bytes()
    assert world.run("lock", MANIFEST).code == 0
    assert (world.root / LOCK).read_bytes() == before
    world.manifest(worded("a"), worded("b", "DEU"), worded("c", "ITA"))
    assert world.run("lock", ".").code == 0
    after = (world.root / LOCK).read_text("utf-8").splitlines()
    kept = [line.rstrip(",") for line in before.decode().splitlines() if '"word"' in line]
    assert [line.rstrip(",") for line in after if '"word"' in line and "ITA" not in line] == kept
    assert sum('"word"' in line for line in after) == 4
    world.manifest(worded("a"))
    assert world.run("lock", ".").code == 0
    assert locked(world) == {"ipv4 country FRA": 561, "ipv4 period 1 month": "1m"}


def test_a_lockfile_keeps_what_other_manifests_may_use(world: World) -> None:
    """Locking one file of a folder removes nothing; locking the folder removes what no manifest there uses."""
    world.manifest(worded("a"), name="orders/a.yaml")
    world.manifest(worded("b", "DEU"), name="orders/b.yaml", batch="other")
    assert world.run("lock", "orders").code == 0
    (world.root / "orders" / "b.yaml").unlink()
    assert world.run("lock", "orders/a.yaml").code == 0
    text = (world.root / "orders" / LOCK).read_text("utf-8")
    assert "DEU" in text
    stale = world.run("lock", "--check", "orders")
    assert (stale.code, "PSR309 `country: DEU`" in stale.out) == (4, True)
    assert asked(world, "reference/list") == 2
    assert world.run("lock", "orders").code == 0
    assert "DEU" not in (world.root / "orders" / LOCK).read_text("utf-8")
    assert world.run("plan", "orders/a.yaml").code == 0


def test_what_the_vendor_moves_stays_locked_until_somebody_says_so(world: World) -> None:
    """`--check` exits 4 and names what moved, `lock` says so and keeps it, `--update` takes over only that word."""
    world.manifest(worded("a"), worded("b", "DEU"))
    assert world.run("lock", MANIFEST).code == 0
    assert world.run("lock", "--check", MANIFEST).code == 0
    before = (world.root / LOCK).read_bytes()
    world.box.edit_reference("ipv4", "country", 561, {"id": 599})
    world.box.edit_reference("ipv4", "country", 562, {"name": "Deutschland"})
    moved = world.run("lock", "--check", MANIFEST)
    assert moved.code == 4
    assert f"{LOCK}:6:5: PSR310 `country: FRA` of ipv4 is locked as 561 (France), but has changed" in moved.out
    assert "it is now 599 (France)" in moved.out
    assert "it is now 562 (Deutschland)" in moved.out
    kept = world.run("lock", MANIFEST)
    assert (kept.code, kept.out.count("PSR310 warning:")) == (0, 2)
    assert (world.root / LOCK).read_bytes() == before
    updated = world.run("lock", MANIFEST, "--update", "FRA")
    assert (updated.code, updated.out.count("PSR310")) == (0, 1)
    assert "~ ipv4 country FRA was 561 (France), is 599 (France)" in updated.out
    assert locked(world)["ipv4 country FRA"] == 599
    assert "Deutschland" not in (world.root / LOCK).read_text("utf-8")


def test_a_word_that_means_another_country_by_now_is_not_bought(world: World) -> None:
    """What is locked is what is bought or nothing: an id that now names another country, or none, is refused."""
    world.manifest(worded("a"))
    assert world.run("lock", MANIFEST).code == 0
    world.box.edit_reference("ipv4", "country", 561, {"name": "Germany", "alpha3": "DEU"})
    result = world.apply()
    assert (result.code, world.bought) == (5, [])
    (finding,) = world.order("a")["errors"]
    assert (finding["code"], finding["line"]) == ("PSR451", world.line_of("country:"))
    world.box.edit_reference("ipv4", "country", 561, None)
    assert world.apply().code == 5
    (finding,) = world.order("a")["errors"]
    assert (finding["code"], finding["line"]) == ("PSR450", world.line_of("country:"))
    assert f"order-runner lock {MANIFEST} --update FRA" in finding["hint"]
    assert world.money_requests == 0


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ('"id": 561, "name": "France"', '"id": 562, "name": "France"', "country"),
        ('"id": "1m"', '"id": "12m"', "period"),
    ],
)
def test_a_lockfile_that_was_turned_by_hand_buys_nothing(world: World, before: str, after: str, field: str) -> None:
    """An entry whose word does not lead to its id at the vendor is refused, though the id is sold: FRA buys no Germany."""
    world.manifest(worded("a"))
    assert world.run("lock", MANIFEST).code == 0
    text = (world.root / LOCK).read_text("utf-8")
    assert before in text
    world.write(LOCK, text.replace(before, after))
    assert world.run("validate", MANIFEST).code == 0
    assert (world.apply().code, world.money_requests) == (5, 0)
    (finding,) = world.order("a")["errors"]
    assert (finding["code"], finding["field"], finding["line"]) == ("PSR451", field, world.line_of(f"{field}:"))
    assert world.run("lock", "--check", MANIFEST).code == 4


@pytest.mark.parametrize(
    ("order", "code", "says", "hint"),
    [
        (worded("a", "Frnace"), "PSR307", "no `country` called `Frnace` for ipv4", "nearest: FRA (France)"),
        (worded("a", period="1 mnth"), "PSR307", "no `period` called `1 mnth`", "1m (1 month)"),
        ({**MOBILE, "operator": "Orange"}, "PSR307", "no `operator` called `Orange`", "Operator A, Operator B"),
        ({**MOBILE, "mobileServiceType": "shared"}, "PSR307", "called `operator b` for mobile there", "Operator A"),
    ],
)
def test_an_unknown_word_is_answered_with_the_nearest(
    world: World, order: dict[str, Any], code: str, says: str, hint: str
) -> None:
    """Nothing is written while one word is unknown, and what was probably meant is named."""
    world.manifest(order)
    result = world.run("lock", MANIFEST)
    assert result.code == 4
    assert code in result.out
    assert says in result.out
    assert hint in result.out
    assert not (world.root / LOCK).exists()


def test_a_word_of_two_meanings_is_refused_with_both(world: World) -> None:
    """A word that the vendor has twice is never guessed."""
    world.box.edit_reference("ipv4", "country", 562, {"alpha3": "FRA", "name": "France (old)"})
    world.manifest(worded("a"))
    result = world.run("lock", MANIFEST)
    assert result.code == 4
    assert "PSR308 `country: FRA` could mean 561 (France) and 562 (France (old)) of ipv4" in result.out
    world.manifest(worded("a", "France (old)"))
    assert world.run("lock", MANIFEST).code == 0
    assert locked(world)["ipv4 country France (old)"] == 562


def test_an_id_of_another_type_is_refused_before_it_is_priced(world: World) -> None:
    """In API v1 the number alone decides the product: one of another type's list is refused, and whose it is named."""
    world.manifest(ipv4("a"), ipv4("b", countryId=3758), ipv4("c", countryId=99999))
    result = world.apply("--keep-going", MANIFEST)
    assert (result.code, world.bought) == (5, ["a"])
    (other,) = world.order("b")["errors"]
    assert (other["code"], other["line"]) == ("PSR450", world.line_of("countryId: 3758"))
    assert other["message"] == "`countryId` 3758 is not in the vendor's list for ipv4: it is United States of isp"
    assert other["hint"] == "for ipv4 that is 563 (United States)"
    (nobodys,) = world.order("c")["errors"]
    assert nobodys["message"] == "`countryId` 99999 is not in the vendor's list for ipv4"
    assert {r.endpoint for r in world.box.requests if r.endpoint.startswith("reference/")} == {
        f"reference/list/{name}" for name in ("ipv4", "isp", "mix", "mix_isp", "ipv6", "mobile")
    }
    assert asked(world, "reference/list") == 6


def test_the_batch_stops_at_an_id_of_another_type(world: World) -> None:
    """Without --keep-going nothing at all is bought."""
    world.manifest(ipv4("a"), ipv4("b", countryId=3758))
    assert (world.apply().code, world.bought) == (5, [])
    assert world.run("plan", MANIFEST).code == 5
    offline = world.run("apply", "--dry-run=offline", MANIFEST)
    assert offline.code == 0
    assert "vendor's reference lists" in offline.out


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"periodId": "5y"}, "periodId"),
        ({"type": "mobile", "countryId": 4401, "mobileServiceType": "shared", "operatorId": "31", "rotationId": 5},
         "operatorId"),
        ({"type": "mobile", "countryId": 4401, "mobileServiceType": "shared", "operatorId": "317", "rotationId": 0},
         "rotationId"),
    ],
)  # fmt: skip
def test_other_ids_are_held_against_the_list_too(world: World, changes: dict[str, Any], field: str) -> None:
    """A period, operator or rotation that is not in the list is refused at its line, with what is."""
    world.manifest(ipv4("a", **changes))
    assert world.run("plan", "--report", "report.json", MANIFEST).code == 5
    (finding,) = world.order("a")["errors"]
    assert (finding["code"], finding["field"], finding["line"]) == ("PSR450", field, world.line_of(f"{field}:"))
    assert (
        finding["hint"].startswith("nearest in the vendor's list for ") or "order-runner reference" in finding["hint"]
    )
    assert asked(world, "order/calc") == 0


def test_a_silent_list_refuses_nothing(world: World) -> None:
    """Where the vendor's list has no rows for a field, nothing is said of it."""
    for row in ("1w", "2w", "1m", "2m", "3m", "6m", "9m", "12m"):
        world.box.edit_reference("ipv4", "period", row, None)
    world.manifest(ipv4("a"))
    assert world.apply().code == 0


def test_a_list_in_an_unknown_form_is_said_and_refuses_nothing(world: World) -> None:
    """A list that cannot be made out is no proof against an order: it is bought, and said not to have been checked."""
    world.box.edit_reference("ipv4", "country", 561, {"id": True})
    world.manifest(ipv4("a"))
    result = world.apply()
    assert (result.code, world.bought) == (0, ["a"])
    assert "the ids of ipv4 orders were not checked" in result.err
    assert "ids of ipv4 orders" in world.report()["not_checked"]


@pytest.mark.parametrize("fault", ["calc-error@1:Country not exists", "calc-error@2:Country not exists"])
def test_a_refusal_of_the_vendor_names_the_nearest(world: World, fault: str) -> None:
    """Its words stand at the line of the word that caused them, beside the nearest legal values, without another call."""
    world.manifest(worded("a") | ASKED_EACH_TIME)
    assert world.run("lock", MANIFEST).code == 0
    world.box.add_fault(fault)
    assert (world.apply().code, world.bought) == (5, [])
    (finding,) = world.order("a")["errors"]
    assert (finding["line"], finding["field"]) == (world.line_of("country:"), "countryId")
    assert finding["vendor"]["message"] == "Country not exists"
    assert finding["hint"].startswith("nearest in the vendor's list for ipv4: 56")
    assert asked(world, "reference/list") == 2


def test_lists_and_prices_are_asked_once(world: World) -> None:
    """A plan asks at most one reference list a type and one price a content, however many orders there are."""
    orders = [worded(f"o{n}", ("FRA", "DEU")[n % 2]) for n in range(20)]
    world.manifest(*orders, {**worded("i"), "type": "isp"})
    assert world.run("lock", MANIFEST).code == 0
    assert asked(world, "reference/list") == 2
    assert world.run("plan", MANIFEST).code == 0
    assert asked(world, "reference/list") == 4
    assert asked(world, "order/calc") == 3


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("{", "1:2", "not valid JSON"),
        ('{"lockfile_version": "2.0", "api_version": "v1", "entries": []}', "1:22", "version 2.0"),
        ('{\n  "lockfile_version": "1.0",\n  "entries": []\n}', "1:1", "lacks `api_version`"),
        ('{"lockfile_version": "1.0", "api_version": "v1", "entries": [\n  {"type": "ipv4"}\n]}', "2:3", "lacks `id`"),
        ('{"lockfile_version": "1.0", "api_version": "v1", "entries": [], "entries": []}', "1:65", "twice"),
    ],
)
def test_a_broken_lockfile_is_a_finding_at_its_place(world: World, text: str, place: str, says: str) -> None:
    """A lockfile is read strictly: line, column and what is wrong, exit code 4, and the vendor is not asked."""
    world.manifest(worded("a"))
    world.write(LOCK, text)
    for command in ("lock", "plan", "validate"):
        result = world.run(command, MANIFEST)
        assert result.code == 4, command
        assert f"{LOCK}:{place}: PSR" in result.output
        assert says in result.output
    assert world.box.requests == ()


def test_manifests_without_words_need_no_lockfile(world: World) -> None:
    """Nothing to lock is said and nothing written, the vendor is not asked; a broken lockfile nobody needs stops nothing."""
    world.manifest(ipv4("a"))
    result = world.run("lock", MANIFEST, env={"PROXY_SELLER_API_KEY": None})
    assert (result.code, result.out) == (0, "no words, nothing to lock\n")
    assert not (world.root / LOCK).exists()
    assert world.run("lock", "--check", MANIFEST).code == 0
    assert world.box.requests == ()
    world.write(LOCK, "{")
    assert world.apply().code == 0
    assert world.report()["inputs"]["lockfile"] is None


def test_stdin_uses_the_lockfile_of_the_working_folder(world: World) -> None:
    """A manifest that comes through a pipe is locked beside the working folder."""
    text = (world.root / world.manifest(worded("a"))).read_text("utf-8")
    assert world.run("lock", "-", stdin=text).code == 0
    assert locked(world)["ipv4 country FRA"] == 561
    assert world.run("plan", "-", stdin=text).code == 0


def test_a_lockfile_can_be_named(world: World) -> None:
    """`--lockfile` says which; one that is not there is an error of usage for all but `lock`."""
    world.manifest(worded("a"))
    assert world.run("plan", MANIFEST, "--lockfile", "other.json").code == 2
    assert world.run("lock", MANIFEST, "--lockfile", "other.json").code == 0
    assert not (world.root / LOCK).exists()
    assert world.run("plan", MANIFEST, "--lockfile", "other.json").code == 0
    assert world.run("lock", MANIFEST, "--check", "--update", "FRA").code == 2
    assert "did you mean `FRA`" in world.run("lock", MANIFEST, "--update", "FRAN").err


def test_validate_says_the_same_of_words_beside_a_policy(world: World) -> None:
    """A policy changes nothing in what `validate` says of words; orders whose words are locked are held against it."""
    world.manifest(worded("fr", quantity=3))
    (world.root / "order-runner.yaml").write_text("apiVersion: policy/v1\nallow: {max_quantity: {any: 2}}\n", "utf-8")
    unlocked = world.run("validate", MANIFEST)
    assert (unlocked.code, unlocked.out.count("PSR305")) == (0, 1)
    assert world.run("validate", "--strict", MANIFEST).code == 4
    assert world.run("lock", MANIFEST).code == 0
    refused = world.run("validate", MANIFEST)
    assert refused.code == 4
    assert "max_quantity" in refused.out
