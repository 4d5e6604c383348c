"""The vendor's lists are asked for once a call, and only where no cache has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from runner.core.catalogue import MAX_AGE, Catalogue, ListCache, ReferenceList
from runner.core.clock import SystemClock
from runner.core.errors import UnknownForm
from runner.core.orders import ProductType
from runner.core.progress import Watch, ignore
from runner.core.vendor import Choice, Reader

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
FRANCE = Choice(type="ipv4", field="countryId", value=561, name="France", alpha3="FRA")
OPERATOR = Choice(
    type="ipv4", field="operatorId", value="o1", name="A", within=(("countryId", 561), ("mobileServiceType", "shared"))
)


@dataclass
class Shelf:
    """A vendor that has two choices of every type, and counts who asks."""

    asked: list[ProductType] = field(default_factory=list)
    opened: int = 0
    form: str = "known"

    def connect(self) -> tuple[Reader, Watch]:
        self.opened += 1
        return cast("Reader", self), ignore

    def reference(self, product: ProductType) -> tuple[Choice, ...]:
        self.asked.append(product)
        if self.form != "known":
            raise UnknownForm(f"a form that is {self.form}")
        return (FRANCE, OPERATOR)


class Noon(SystemClock):
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW


def test_a_list_is_asked_for_once_a_call() -> None:
    """The way to the vendor is opened for the first list and never again, and no list is asked for twice."""
    vendor = Shelf()
    catalogue = Catalogue(connect=vendor.connect)
    assert vendor.opened == 0
    assert [catalogue.choices(product)[0] for product in ("ipv4", "isp", "ipv4")] == [FRANCE] * 3
    assert (vendor.opened, vendor.asked) == (1, ["ipv4", "isp"])


def test_a_list_in_an_unknown_form_is_not_kept() -> None:
    """What could not be read is asked for again, and never taken from memory."""
    vendor = Shelf(form="new")
    catalogue = Catalogue(connect=vendor.connect)
    for _ in range(2):
        with pytest.raises(UnknownForm):
            catalogue.choices("ipv4")
    assert vendor.asked == ["ipv4", "ipv4"]


def test_a_cached_list_is_what_was_read_from_the_vendor(tmp_path: Path) -> None:
    """A second call within a day opens no way to the vendor and sees the same choices, read at the same time."""
    cache, vendor = ListCache(folder=tmp_path / "lists", mark="a"), Shelf()
    first = Catalogue(connect=vendor.connect, cache=cache, clock=Noon()).reference("ipv4")
    second = Catalogue(connect=vendor.connect, cache=cache, clock=Noon()).reference("ipv4")
    assert second == first == ReferenceList(read_at=NOW, choices=(FRANCE, OPERATOR))
    assert vendor.opened == 1


@pytest.mark.parametrize("age", [MAX_AGE, timedelta(seconds=-1)], ids=["a day old", "of the future"])
def test_an_old_list_is_asked_for_anew(age: timedelta, tmp_path: Path) -> None:
    """A list that is a day old, or from a time that has not come, is as good as none."""
    cache, vendor = ListCache(folder=tmp_path, mark="a"), Shelf()
    cache.write("ipv4", ReferenceList(read_at=NOW - age, choices=()))
    assert Catalogue(connect=vendor.connect, cache=cache, clock=Noon()).choices("ipv4") == (FRANCE, OPERATOR)


def test_a_refresh_asks_and_keeps(tmp_path: Path) -> None:
    """With `refresh` the vendor is asked although the cache has a list, and its answer takes the old one's place."""
    cache, vendor = ListCache(folder=tmp_path, mark="a"), Shelf()
    cache.write("ipv4", ReferenceList(read_at=NOW, choices=()))
    Catalogue(connect=vendor.connect, cache=cache, refresh=True, clock=Noon()).choices("ipv4")
    kept = cache.read("ipv4", NOW)
    assert kept is not None
    assert kept.choices == (FRANCE, OPERATOR)


@pytest.mark.parametrize("text", ["", "[]", '{"format": "0", "read_at": "2026-11-29T12:00:00+00:00", "choices": []}'])
def test_a_cache_of_something_else_is_none(text: str, tmp_path: Path) -> None:
    """A file that cannot be understood, or is of another format, is read as no list at all."""
    (tmp_path / "a-ipv4.json").write_text(text)
    assert ListCache(folder=tmp_path, mark="a").read("ipv4", NOW) is None
