"""Addresses are compared without being kept: replaced, gone and added ones are counted."""

from __future__ import annotations

import pytest

from runner.core.sightings import difference, digests_of, new_salt

FIVE = [f"203.0.113.{n} 8080 1080" for n in range(5)]


@pytest.mark.parametrize(
    ("now", "counts"),
    [
        (FIVE, (0, 0)),
        (FIVE[::-1], (0, 0)),
        ([*FIVE[:3], "198.51.100.1 8080 1080", "198.51.100.2 8080 1080"], (2, 2)),
        (FIVE[:3], (2, 0)),
        ([*FIVE, *FIVE[:1]], (0, 1)),
        ([], (5, 0)),
    ],
)
def test_changes_are_counted(now: list[str], counts: tuple[int, int]) -> None:
    """In whatever order the vendor lists them; one that is there twice counts twice."""
    salt = new_salt()
    assert tuple(map(len, difference(digests_of(FIVE, salt), digests_of(now, salt)))) == counts


def test_salts_differ() -> None:
    """The same addresses of two orders cannot be told to be the same."""
    one, two = new_salt(), new_salt()
    assert one != two
    assert digests_of(FIVE, one) != digests_of(FIVE, two)


def test_digests_are_few() -> None:
    """A digest is shared by thousands of addresses: it does not name one."""
    digests = digests_of((f"{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}.1" for n in range(200_000)), "11" * 8)
    assert len(set(digests)) <= 65_536
