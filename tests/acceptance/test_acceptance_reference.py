"""`order-runner reference`: what can be ordered, in words and ids, asked of the vendor once a day."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from harness import CANARY, MANIFEST, World, ipv4

FOLDER = Path("cache") / "order-runner" / "reference"


def asked(world: World) -> int:
    return sum(request.endpoint.startswith("reference/list") for request in world.box.requests)


def cached(world: World) -> list[Path]:
    return sorted((world.home / FOLDER).glob("*"))


def age(world: World, passed: timedelta) -> None:
    """As if the cached lists had been read that much earlier."""
    for path in cached(world):
        found = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps(found | {"read_at": (datetime.now(UTC) - passed).isoformat()}))


def test_a_list_is_asked_once_a_day(world: World) -> None:
    """What was read less than a day ago is shown without the vendor and without a key, and its age is said."""
    first = world.run("reference", "ipv4")
    age(world, timedelta(hours=3, minutes=1))
    again = world.run("reference", "ipv4", env={"PROXY_SELLER_API_KEY": None})
    assert (first.code, again.code, again.out) == (0, 0, first.out)
    assert again.err == "read from the vendor 3 h ago; --refresh reads it again\n"
    assert asked(world) == 1
    assert world.run("reference", "ipv4", "--refresh").err == ""
    assert asked(world) == 2
    for passed in (timedelta(days=1, seconds=1), timedelta(hours=-1)):
        age(world, passed)
        assert world.run("reference", "ipv4").code == 0
    assert asked(world) == 4


def test_the_cache_is_private_and_knows_no_key(world: World) -> None:
    """Its files are for the owner alone, one for each type, account and base URL, and the key is in none of them."""
    assert world.run("reference", "ipv4").code == 0
    assert world.run("reference", "ipv4", "--account", "other").code == 0
    assert world.run("reference", "isp").code == 0
    assert asked(world) == 3
    assert len(cached(world)) == 3
    assert (world.home / FOLDER).stat().st_mode & 0o777 == 0o700
    for path in cached(world):
        assert path.stat().st_mode & 0o777 == 0o600
        assert CANARY not in path.name + path.read_text("utf-8")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": "2"}', '{"format": "1", "read_at": "x", "choices": []}']
)
def test_a_cache_that_makes_no_sense_is_none(world: World, content: str) -> None:
    """Whatever became of its files, the vendor is asked then."""
    first = world.run("reference", "mobile")
    for path in cached(world):
        path.write_text(content)
    assert world.run("reference", "mobile").out == first.out
    assert asked(world) == 2


def test_a_cache_that_cannot_be_written_is_no_failure(world: World) -> None:
    """Without a place for it every call asks."""
    (world.home / "cache").mkdir(parents=True, exist_ok=True)
    (world.home / "cache" / "order-runner").write_text("in the way")
    assert [world.run("reference", "ipv4").code for _ in range(2)] == [0, 0]
    assert asked(world) == 2


def test_one_country_with_what_hangs_on_it(world: World) -> None:
    """`--country` takes a code or a name, keeps operators, rotations and periods, and knows a near miss."""
    found = world.run("reference", "mobile", "--country", "poland", "-f", "json").json
    choices = {(c["word"], c["value"]) for c in found["choices"]}
    assert {("country", 4404), ("operator", "61"), ("operator", "617"), ("rotation", 0), ("period", "1m")} <= choices
    assert ("country", 4401) not in choices
    assert ("operator", "31") not in choices
    assert {c["type"] for c in world.run("reference", "--country", "SGP", "-f", "json").json["choices"]} == {"ipv6"}
    missed = world.run("reference", "--country", "Polnd")
    assert (missed.code, "nearest: Poland" in missed.err) == (2, True)


def test_nothing_is_locked_or_planned_by_the_cache(world: World) -> None:
    """`lock` and `plan` ask the vendor, whatever was read a minute ago."""
    assert world.run("reference", "ipv4").code == 0
    world.box.edit_reference("ipv4", "country", 561, {"id": 599})
    world.manifest(ipv4("a", countryId=None, country="FRA"))
    assert "is 599 (France)" in world.run("lock", MANIFEST).out
    world.manifest(ipv4("a"))
    assert world.run("plan", MANIFEST).code == 5
