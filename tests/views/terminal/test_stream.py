"""The events of a run while it goes on, when several orders are on their way at once."""

from __future__ import annotations

import io
import random
from decimal import Decimal

import pytest

from runner.core.errors import ExitCode
from runner.core.vendor import Answer, Outcome, Placed, Rejected, Unknown, VendorError
from runner.report import entries
from runner.report.report import Report
from runner.views.formats import ndjson
from runner.views.terminal.console import Channel
from runner.views.terminal.stream import Stream
from tests import make as values
from tests.views.conftest import Make

ORDERS = 24
OUTCOMES: tuple[Outcome, ...] = (
    Placed(order_id="1000501", total=Decimal("12.5")),
    Rejected(errors=(VendorError(message="Country not exists"),)),
    Placed(order_id="1000502", total=Decimal("12.5")),
)


def bought(make: Make, seed: int) -> tuple[str, Report]:
    """The stream of a run in which eight lanes settle their orders in some order, and its report."""
    chance, out = random.Random(seed), io.StringIO()
    report = make.report(*(make.entry("planned", f"o{n:02}", quote=make.quote()) for n in range(ORDERS)))
    stream = Stream(Channel(stream=out), [])
    stream.follow(report)
    waiting, sent = list(range(ORDERS)), list[int]()
    while waiting or sent:
        if waiting and len(sent) < 8 and chance.random() < 0.6:
            sent.append(waiting.pop(0))
            entry = report.orders[sent[-1]]
            entries.note_sent(entry, values.attempt(entry.request))
        elif sent:
            n = sent.pop(chance.randrange(len(sent)))
            outcome = Unknown(reason="no answer") if n == ORDERS - 1 else OUTCOMES[n % len(OUTCOMES)]
            entries.note_outcome(report.orders[n], Answer(outcome=outcome), outcome, 2.0)
        stream.follow(report)
        lines = out.getvalue().splitlines()
        assert lines == list(ndjson.lines(make.document(report)))
    report.finish(make.at, ExitCode.OUTCOME_UNKNOWN)
    stream.finish(make.document(report))
    return out.getvalue(), report


@pytest.mark.parametrize("seed", range(5))
def test_a_stream_does_not_depend_on_which_lane_was_answered_first(make: Make, seed: int) -> None:
    """Each order's line comes once nothing changes it any more, in the order of the manifests, and none twice."""
    stream, report = bought(make, seed)
    assert stream == ndjson.render(make.document(report))
    assert stream == bought(make, seed + 100)[0]
