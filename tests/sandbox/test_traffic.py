"""Lists of resident addresses, over HTTP; the package itself is compared with its samples in test_api.py."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runner.sandbox.options import Options

EXAMPLES = Path(__file__).parent / "examples"
RESIDENT = {"tarifId": 6929, "paymentId": 1}
WANTED = {
    "title": "US Washington",
    "whitelist": "",
    "geo": {"country": "US", "region": "Washington"},
    "export": {"ports": 3, "ext": "txt"},
    "rotation": 60,
}
Staging = Callable[..., Any]


def add(s: Any, **changes: Any) -> Any:
    return s.ask("POST", "resident/list/add", {**WANTED, **changes})


@pytest.mark.parametrize("form", ["live", "docs"])
def test_a_list_is_made_and_listed(stage: Staging, form: Any, tmp_path: Path) -> None:
    """What was asked for, with an id, a login and a password, in the shape of the switch; no money is spent."""
    s = stage(options=Options(resident_lists=form), state=tmp_path / "state")
    s.make(RESIDENT)
    first, second = add(s).data, add(s, title="another").data
    sample = json.loads((EXAMPLES / "v1-resident-lists.json").read_text())["data"]["items"][0]
    assert list(first) == list(sample)
    geo, ports = {"live": ([WANTED["geo"]], "3"), "docs": (WANTED["geo"], 3)}[form]
    assert (first["title"], first["rotation"], first["geo"]) == ("US Washington", 60, geo)
    assert first["export"] == {"ports": ports, "ext": "txt"}
    assert len({first["id"], second["id"]}) == len({first["login"], second["login"]}) == 2
    listing = s.get("resident/lists").data
    assert listing == ({"items": [first, second]} if form == "docs" else [first, second])
    assert s.box.balances[s.server.api_key] == Decimal("9996.50")
    again = stage(options=Options(resident_lists=form), state=tmp_path / "state")
    assert again.get("resident/lists").data == listing


def test_a_list_needs_a_package(stage: Staging, clock: Any) -> None:
    """Without traffic, or before it is delivered, there is none."""
    s = stage(clock=clock, options=Options(provisioning_delay=60))
    assert s.get("resident/lists").data == []
    assert add(s).error == "Tarif not found"
    s.make(RESIDENT)
    assert add(s).error == "Tarif not found"
    clock.now += 60
    assert add(s).json["status"] == "success"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"title": ""}, "Set [title]"),
        ({"title": None}, "Set [title]"),
        ({"whitelist": "nobody"}, "Set [whitelist]"),
        ({"rotation": 3601}, "Set [rotation]"),
        ({"rotation": "60"}, "Set [rotation]"),
        ({"rotation": True}, "Set [rotation]"),
        ({"geo": [{"country": "US"}]}, "Set [geo]"),
        ({"geo": {"region": "Washington"}}, "Set [geo.country]"),
        ({"geo": {"country": "US", "city": "Garfield"}}, "Set [geo.region]"),
        ({"export": {"ports": 0}}, "Set [export.ports]"),
        ({"export": {"ports": 1001}}, "Set [export.ports]"),
        ({"export": 5}, "Set [export.ports]"),
    ],
)
def test_a_bad_list_is_refused(stage: Staging, changes: dict[str, Any], text: str) -> None:
    """In the vendor's pattern, and nothing is made."""
    s = stage()
    s.make(RESIDENT)
    assert add(s, **changes).error == text
    assert s.get("resident/lists").data == []


def test_a_list_of_everywhere_has_an_empty_place(stage: Staging) -> None:
    """Without a place there is no filter; allowed addresses are kept as given; the smallest list has one port."""
    s = stage()
    s.make(RESIDENT)
    made = add(s, geo={}, whitelist="127.0.0.1,192.168.0.1", export=None, rotation=-1).data
    assert (made["geo"], made["whitelist"], made["export"]) == (
        [],
        "127.0.0.1,192.168.0.1",
        {"ports": "1", "ext": "txt"},
    )


def test_accounts_have_lists_of_their_own(stage: Staging) -> None:
    """Nobody sees another one's list."""
    s = stage(options=Options(accounts={"other": Decimal(10)}))
    s.make(RESIDENT)
    add(s)
    assert s.ask("GET", "resident/lists", key="other").data == []


def test_a_list_whose_answer_is_lost_is_made(stage: Staging) -> None:
    """And one that fails before is not."""
    s = stage(faults=["list-add-close", "list-add-500"])
    s.make(RESIDENT)
    with pytest.raises(ConnectionError):
        add(s, title="one")
    assert add(s, title="two").status == 500
    assert [made["title"] for made in s.get("resident/lists").data] == ["one"]
