"""What is explored: three orders in two lanes, by what tells them apart, by who else acts, and by what may go wrong."""

from __future__ import annotations

from itertools import product
from typing import Any, Final

from tests.interleavings.state import Kind, Scope

_PLAIN: Final = Kind(price=5)
_GERMAN: Final = Kind(price=7, country="DEU")

KINDS: Final[dict[str, tuple[Kind, ...]]] = {
    "all equal": (_PLAIN, _PLAIN, _PLAIN),
    "two equal": (_PLAIN, _GERMAN, _PLAIN),
    "all different": (_PLAIN, _GERMAN, Kind(price=12, country="ITA")),
    "one price": (_PLAIN, Kind(price=5, country="DEU"), Kind(price=5, country="ITA")),
    "alike": (_PLAIN, Kind(price=7, target="b"), Kind(price=12, target="c")),
    "alike, one price": (_PLAIN, Kind(price=5, target="b"), _PLAIN),
    "only two": (_PLAIN, _PLAIN),
}
"""What is ordered. `alike` ones are told apart by no list, and the third costs what the others do together."""
OTHERS: Final[dict[str, dict[str, Any]]] = {
    "alone": {},
    "stranger": {"stranger": True},
    "top-up": {"top_up": True},
    "stranger and top-up": {"stranger": True, "top_up": True},
}
TROUBLE: Final[dict[str, dict[str, Any]]] = {
    "plain": {},
    "read often": {"is_slow": True},
    "listed late": {"lags": True},
    "answers kept": {"keeps": True},
    "connection closed": {"drops": True},
    "claimed again": {"claims": 2},
    "everything": {"lags": True, "keeps": True, "drops": True, "claims": 2},
}
"""What goes wrong beside lost and late answers, deaths and refusals, which go wrong everywhere."""


def scope(kinds: str, others: str, trouble: str) -> Scope:
    """By its three names."""
    return Scope(name=f"{kinds}; {others}; {trouble}", kinds=KINDS[kinds], **OTHERS[others], **TROUBLE[trouble])


THREE: Final = tuple(kinds for kinds in KINDS if kinds != "only two")
SMALL: Final = (*(scope(kinds, "alone", "plain") for kinds in THREE), scope("only two", "stranger and top-up", "plain"))
"""For every run of the tests."""
FULL: Final = (
    *(scope(*names) for names in product(THREE, ("alone",), (one for one in TROUBLE if one != "everything"))),
    *(
        scope(*names)
        for names in product(("all equal", "two equal", "alike"), ("stranger", "top-up"), ("plain", "listed late"))
    ),
    *(scope(kinds, "stranger and top-up", "plain") for kinds in ("all equal", "two equal", "alike")),
    scope("all equal", "stranger", "claimed again"),
    scope("only two", "stranger and top-up", "everything"),
)
