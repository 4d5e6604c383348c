"""Comments on addresses, over HTTP."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runner.sandbox.options import Options

BODIES: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "bodies.json").read_text())
Staging = Callable[..., Any]


def rows(s: Any, type_: str = "ipv4") -> list[dict[str, Any]]:
    return list(s.get(f"proxy/list/{type_}").data["items"])


def ids(s: Any, *types: str) -> list[Any]:
    return [row["id"] for type_ in types or ("ipv4",) for row in rows(s, type_)]


def comments(s: Any, type_: str = "ipv4") -> list[str]:
    return [row["comment"] for row in rows(s, type_)]


def comment(s: Any, ids: Any, comment: Any) -> Any:
    return s.ask("POST", "proxy/comment/set", {"ids": ids, "comment": comment})


def refusal(text: str) -> dict[str, Any]:
    return {"status": "error", "data": None, "errors": [{"message": text, "code": 0, "customData": None}]}


def test_a_comment_is_set_on_rows_of_any_type(stage: Staging) -> None:
    """The count of rows is answered; what else a row has stays; a later comment takes its place."""
    s = stage()
    for type_ in ("ipv4", "mix", "ipv6"):
        s.make(BODIES[type_])
    before = rows(s)
    assert comment(s, ids(s, "ipv4", "mix", "ipv6"), "a & 'b' \"c\" é").data == {"updated": 40}
    assert {text for type_ in ("ipv4", "mix", "ipv6") for text in comments(s, type_)} == {"a & 'b' \"c\" é"}
    assert [row | {"comment": ""} for row in rows(s)] == before
    assert comment(s, ids(s)[0], "other").data == {"updated": 1}
    assert comments(s)[:2] == ["other", "a & 'b' \"c\" é"]
    assert comment(s, [str(ids(s)[0]), ids(s)[0]], "").data == {"updated": 1}
    assert comments(s)[0] == ""


@pytest.mark.parametrize(
    ("given", "kept"),
    [("<b>or1</b> x", "or1 x"), ("1 < 2 > 1", "1  1"), ("a < b", "a < b"), ("<script>x</script>", "x"), ("a>b", "a>b")],
)
def test_html_tags_are_taken_out(stage: Staging, given: str, kept: str) -> None:
    """What stands between two angle brackets is gone; a lone one stays."""
    s = stage()
    s.make(BODIES["ipv4"], quantity=1)
    comment(s, ids(s), given)
    assert comments(s) == [kept]


def test_a_comment_has_at_most_256_characters(stage: Staging) -> None:
    """Characters, not bytes; the longest is kept whole and one more is refused."""
    s = stage()
    s.make(BODIES["ipv4"], quantity=1)
    assert comment(s, ids(s), "é" * 256).data == {"updated": 1}
    assert comment(s, ids(s), "x" * 257).json == refusal("Set [comment <= 256]")
    assert comments(s) == ["é" * 256]


@pytest.mark.parametrize("given", [None, 5, ["x"]])
def test_a_comment_that_is_no_text_is_refused(stage: Staging, given: Any) -> None:
    """Null above all, which the vendor does not take for an empty one."""
    s = stage()
    s.make(BODIES["ipv4"], quantity=1)
    comment(s, ids(s), "mine")
    assert comment(s, ids(s), given).json == refusal("Set [comment]")
    assert comments(s) == ["mine"]


@pytest.mark.parametrize("given", [[], None, [1], "x", {}])
def test_unknown_ids_have_no_comment(stage: Staging, given: Any) -> None:
    """The vendor's words, code 0."""
    s = stage()
    s.make(BODIES["ipv4"], quantity=1)
    assert comment(s, given, "x").json == refusal("IP not found")


@pytest.mark.parametrize("form", ["counted", "refused"])
def test_some_unknown_ids_are_passed_over_or_refuse_all(stage: Staging, form: Any) -> None:
    """No source says which; the switch decides."""
    s = stage(options=Options(comments_unknown=form))
    s.make(BODIES["ipv4"], quantity=2)
    reply = comment(s, [*ids(s), 1], "x")
    if form == "counted":
        assert reply.data == {"updated": 2}
    else:
        assert reply.json == refusal("IP not found")
    assert comments(s) == (["x"] * 2 if form == "counted" else [""] * 2)


def test_somebody_elses_rows_have_no_comment_of_ours(stage: Staging) -> None:
    """Row ids of another account are unknown."""
    s = stage(options=Options(accounts={"other": Decimal(10)}))
    s.make(BODIES["ipv4"], quantity=1)
    body = {"ids": ids(s), "comment": "x"}
    assert s.ask("POST", "proxy/comment/set", body, key="other").json == refusal("IP not found")


@pytest.mark.parametrize(("form", "kept"), [("kept", "or1 ab/c#2"), ("plain", "or1 abc2"), ("lost", "")])
def test_the_vendor_may_strip_or_lose_a_comment(stage: Staging, form: Any, kept: str) -> None:
    """The answer is the same; the row has all of it, letters, digits and spaces, or nothing."""
    s = stage(options=Options(comments=form))
    s.make(BODIES["ipv4"], quantity=1)
    assert comment(s, ids(s), "or1 ab/c#2").data == {"updated": 1}
    assert comments(s) == [kept]


@pytest.mark.parametrize(("form", "kept"), [("kept", "mine"), ("lost", "")])
def test_a_comment_may_be_lost_on_renewal(stage: Staging, form: Any, kept: str) -> None:
    """By the switch; the old ids are unknown then."""
    s = stage(options=Options(comments_renewed=form))
    s.make(BODIES["ipv4"], quantity=1)
    old = ids(s)
    comment(s, old, "mine")
    s.ask("POST", "prolong/make/ipv4", {"ids": old, "periodId": "1m"})
    assert comments(s) == [kept]
    assert comment(s, old, "x").json == refusal("IP not found")


def test_a_comment_is_set_on_a_row_whose_renewal_does_not_show_yet(stage: Staging, clock: Any) -> None:
    """It is there at once and stays when the renewal shows."""
    s = stage(clock=clock, options=Options(renewal_delay=60))
    s.make(BODIES["ipv4"], quantity=1)
    s.ask("POST", "prolong/make/ipv4", {"ids": ids(s), "periodId": "1m"})
    assert comment(s, ids(s), "mine").data == {"updated": 1}
    assert comments(s) == ["mine"]
    clock.now += 60
    assert comments(s) == ["mine"]


def test_a_comment_whose_answer_is_lost_is_set(stage: Staging, tmp_path: Path) -> None:
    """And outlives a restart; one that fails before is not."""
    s = stage(state=tmp_path / "state", faults=["comment-close", "comment-500"])
    s.make(BODIES["ipv4"], quantity=1)
    with pytest.raises(ConnectionError):
        comment(s, ids(s), "one")
    assert comment(s, ids(s), "two").status == 500
    assert comments(s) == comments(stage(state=tmp_path / "state")) == ["one"]
