"""What can be drawn: orders, faults, times, by names that read well in a list of steps."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hypothesis import strategies as st

from runner.core.orders import PAY_BY_CARD
from tests.chaos.schedule import ARGUMENTS, JOBS, MAKE_FAULTS, OFFERS, READ_FAULTS

SHAPES: Final = {
    **{f"{offer['type']} {offer.get('countryId', offer.get('tarifId'))}": dict(offer) for offer in OFFERS},
    "ipv4 561 by card": {**OFFERS[0], "paymentId": PAY_BY_CARD},
}
"""What can be wanted, by a name that reads well in a list of steps."""
SIZES: Final = {**ARGUMENTS, "silent-later": "300", "slow": "0.1", "calc-slow": "0.05"}
"""Arguments of faults: seconds of the vendor's clock for what is made later, of the machine's for what is slow."""
DISTURBING: Final = frozenset({"price-up", "price-up-quote", "overcharge", "no-funds"})
JUMPS: Final = (-86_400.0, -3_600.0, -100.0, -1.0, 1.0, 100.0)
"""Our clock, in seconds: forwards only as far as the waiting time has room for, backwards as far as it likes."""
DAYS_40: Final = 40 * 86_400.0

MEMORY: Final = Path("/dev/shm")
"""Syncs cost nothing here, and what they are for is the business of `tests.powercuts`."""

shapes = st.sampled_from(sorted(SHAPES))
more = st.lists(shapes, min_size=1, max_size=3)
several = st.sampled_from(JOBS)
places = st.integers(1, 2)
make_faults = st.sampled_from(MAKE_FAULTS)
read_faults = st.sampled_from(READ_FAULTS)
look_faults = st.none() | st.sampled_from(("list-500", "list-html", "list-blank", "list-empty", "balance-500", "down"))
delays = st.sampled_from((0.0, 60.0, 1300.0, 5 * 3600.0))
