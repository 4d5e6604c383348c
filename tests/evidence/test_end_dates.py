"""End dates as the witness of renewals, alone and in a tiny vendor that knows the truth of renewals and purchases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, currently_in_test_context, event, given, settings
from hypothesis import strategies as st

from runner.core.renewals import counted_ends, new_end
from runner.evidence.end_dates import EndDates, compare_ends
from tests import make
from tests.evidence.test_judge import Case, ruled

END = date(2026, 12, 29)
HORIZON = 20
FIELDS = {"periodId": "1m"}
PERIODS = st.sampled_from(["1d", "3d", "1w", "2w", "1m", "2m", "3m", "6m", "12m", "1y"])


def compare(before: list[int], now: list[int], period: str = "1m") -> EndDates:
    """Ends as days from `END`, a proxy each."""
    earlier, later = (counted_ends(END + timedelta(days=day) for day in days) for days in (before, now))
    term = replace(make.term("7"), ends=later)
    return compare_ends(earlier, term, "ipv4", {"periodId": period})


@given(PERIODS, st.lists(st.integers(-40, 40), min_size=1, max_size=6))
def test_ends_that_all_moved_by_the_period_are_a_renewal_and_those_that_stayed_are_none(
    period: str, days: list[int]
) -> None:
    """Whatever the days are, and however many proxies have each."""
    moved = [(new_end(END + timedelta(days=day), period) - END).days for day in days]
    assert compare(days, moved, period) == EndDates(moved=True)
    assert compare(days, days, period) == EndDates()


@given(PERIODS, st.integers(1, 6), st.integers(1, 6))
def test_a_part_that_moved_is_neither(period: str, moved: int, unmoved: int) -> None:
    """However few have moved, or not, it is a doubt with both numbers."""
    later = (new_end(END, period) - END).days
    ends = compare([0] * (moved + unmoved), [0] * unmoved + [later] * moved, period)
    assert ends == EndDates(doubt=f"{moved} of its {moved + unmoved} proxies have the new end, the others the old one")


@given(PERIODS, st.integers(-400, 800))
def test_no_shift_is_a_renewal_and_none_at_once(period: str, shift: int) -> None:
    """Each shift of all ends is one of three: the period, nothing, or a doubt; twice the period is a doubt."""
    ends = compare([0, 0], [shift, shift], period)
    assert not (ends.moved and ends.doubt)
    length = (new_end(END, period) - END).days
    if abs(shift) <= min(2, (length - 1) // 2):
        assert ends == EndDates()
    if shift < 0 or shift >= 2 * length:
        assert not ends.moved
    if ends.moved:
        assert length - 2 <= shift <= length * 366 / 360 + 3


@pytest.mark.parametrize(("before", "now"), [([0] * 5, [30] * 4), ([0], []), ([], [30]), ([0], [0, 0])])
def test_other_rows_than_before_prove_nothing(before: list[int], now: list[int]) -> None:
    """Rows that are gone or new, and none before, are a doubt."""
    assert compare(before, now).doubt
    assert not compare(before, now).moved


def test_an_order_that_no_list_shows_proves_nothing() -> None:
    """Nor does a period that nobody knows."""
    assert "do not show" in compare_ends([(END, 2)], None, "ipv4", FIELDS).doubt
    assert "period soon" in compare([0], [0], "soon").doubt


# A vendor that knows the truth.

Scene = tuple[list[Case], Case]
PRICES = st.sampled_from(["5.00", "5.00", "7.50"])
SCENES = settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def scenes(draw: st.DrawFn, *, shared: bool, lasting: float, top_ups: bool = False) -> Scene:
    """What is true of renewals and orders in doubt, which share one reading, and what a judge is told of it.

    `lasting`: how many minutes after a claim rows may take to show what was done.
    """
    number = draw(st.integers(1, 4))
    truths = [_truth(draw, place, shared=shared, lasting=lasting) for place in range(1, number + 1)]
    at = draw(st.floats(number + 1, 90))
    balance = Decimal(1000) - sum((_spent(truth, at) for truth in truths), Decimal(0))
    shown = [row for truth in truths if (row := _order_row(truth, at))]
    if shared:
        for place in range(draw(st.integers(0, 2))):
            balance -= Decimal(draw(st.sampled_from(["0", "5.00", "7.50"])))
            shown.append({"id": f"9{place}"})
    if top_ups and draw(st.booleans()):
        balance += Decimal(draw(PRICES))
    terms = {f"7{t['place']}": _ends(t, at) for t in truths if t["renewal"]}
    facts: Case = {
        "unknowns": [_unknown(truth) for truth in truths],
        "looks": {"ipv4": shown} if draw(st.integers(0, 9)) else {},
        "terms": {"ipv4": terms} if draw(st.integers(0, 9)) else {},
        "balance": str(balance) if draw(st.integers(0, 9)) else None,
        "at": at,
    }
    return truths, facts


def _truth(draw: st.DrawFn, place: int, *, shared: bool, lasting: float) -> Case:
    times = sorted(draw(st.floats(0.01, lasting)) for _ in range(3))
    by_hand = shared and draw(st.integers(0, 3)) == 0
    return {
        "place": place,
        "renewal": draw(st.booleans()),
        "made": draw(st.booleans()),
        "price": draw(PRICES),
        "charged": place + min(times[0], HORIZON),
        "half": place + times[1],
        "whole": place + times[2],
        "by_hand": draw(st.floats(place, 60)) if by_hand else None,
    }


def _unknown(truth: Case) -> Case:
    about = {
        "claimed": truth["place"],
        "read": 0,
        "quote": truth["price"],
        "balance": "1000",
        "name": f"n{truth['place']}",
    }
    return about | ({"renews": f"7{truth['place']}", "ends": [[2, 3]]} if truth["renewal"] else {})


def _spent(truth: Case, at: float) -> Decimal:
    """A renewal by hand costs the same."""
    by_hand = truth["renewal"] and truth["by_hand"] is not None and at >= truth["by_hand"]
    return Decimal(truth["price"]) * ((truth["made"] and at >= truth["charged"]) + by_hand)


def _order_row(truth: Case, at: float) -> Case | None:
    if truth["renewal"] or not truth["made"] or at < truth["half"]:
        return None
    return {"id": str(truth["place"]), "rows": 2 if at >= truth["whole"] else 1}


def _ends(truth: Case, at: float) -> list[list[int]]:
    """Three proxies: of a renewal that is being worked on some have moved."""
    moved = [0, 0, 0]
    if truth["by_hand"] is not None and at >= truth["by_hand"]:
        moved = [1, 1, 1]
    if truth["made"] and at >= truth["half"]:
        moved = [n + (1 if at >= truth["whole"] or not row else 0) for row, n in enumerate(moved)]
    return [[2 + 30 * n, moved.count(n)] for n in sorted(set(moved))]


def wrong(truths: list[Case], case: Case, *, exclusive: bool) -> list[str]:
    """Every verdict that the truth contradicts. Orders that nothing tells apart may stand for each other."""
    by_name = {f"n{truth['place']}": truth for truth in truths}
    faults: list[str] = []
    alike: dict[str, list[tuple[Any, Case]]] = {}
    for verdict in ruled({**case, "exclusive": exclusive}):
        truth = by_name[verdict.key.name]
        if currently_in_test_context():
            event(f"{'renewal' if truth['renewal'] else 'purchase'} {verdict.ruling}")
        if truth["renewal"]:
            if verdict.ruling == "absent" and truth["made"]:
                faults.append(f"{verdict.key} was renewed")
            if verdict.ruling == "placed" and not truth["made"] and truth["by_hand"] is None:
                faults.append(f"{verdict.key} was not renewed")
        else:
            alike.setdefault(verdict.claim.record.fingerprint, []).append((verdict, truth))
    for members in alike.values():
        made = {str(truth["place"]) for _, truth in members if truth["made"]}
        absent = sum(verdict.ruling == "absent" for verdict, _ in members)
        if absent > len(members) - len(made):
            faults.append(f"{absent} of {len(members)} called absent, {len(made)} were bought")
        faults += [f"{v.key} is not {v.order_id}" for v, _ in members if v.order_id and v.order_id not in made]
    return faults


@SCENES
@given(scenes(shared=False, lasting=60))
def test_exclusive_verdicts_on_renewals_and_purchases_are_the_truth(scene: Scene) -> None:
    """Where nobody else buys, nothing is credited or called absent wrongly, however late it shows, in whatever mixture."""
    assert wrong(*scene, exclusive=True) == []


@SCENES
@given(scenes(shared=False, lasting=60))
def test_verdicts_without_that_word_are_the_truth_too(scene: Scene) -> None:
    """What is concluded without knowing that nobody else buys is less, and as true."""
    assert wrong(*scene, exclusive=False) == []


@SCENES
@given(scenes(shared=True, lasting=HORIZON, top_ups=True))
def test_absence_is_the_truth_among_strangers_hands_and_top_ups(scene: Scene) -> None:
    """Where others buy, renew the very orders in doubt by hand, and top up, an absence stands."""
    assert wrong(*scene, exclusive=False) == []


def test_the_model_can_tell_wrong_from_right() -> None:
    """The test would notice: a renewal that was made and shows nowhere is called absent, and that is wrong."""
    truth = {"place": 1, "renewal": True, "made": True, "price": "5.00", "charged": 99, "half": 99, "whole": 99}
    truth |= {"by_hand": None}
    case = {"unknowns": [_unknown(truth)], "terms": {"ipv4": {"71": _ends(truth, 90)}}, "balance": "1000", "at": 90}
    assert wrong([truth], case, exclusive=True) == ["b/n1@2026-11-25 was renewed"]
