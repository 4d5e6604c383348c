"""How far the reading of manifests has come."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from runner import manifest
from runner.core.progress import Progress, Reading
from runner.manifest.telling import EVERY

ORDER = "  - {{name: n{}, type: ipv4, countryId: 561, periodId: 1m, quantity: 1, customTargetName: t}}\n"


def write(path: Path, orders: int, *, late: bool = False) -> None:
    body = "orders:\n" + "".join(ORDER.format(n) for n in range(orders))
    head = f"batch: {path.stem}\n"
    path.write_text("apiVersion: orders/v1\n" + (body + head if late else head + body))


def readings_of(*paths: Path) -> list[Reading]:
    heard: list[Progress] = []
    found = manifest.load([str(path) for path in paths], watch=heard.append)
    assert not found.errors
    assert all(isinstance(event, Reading) for event in heard)
    return [event for event in heard if isinstance(event, Reading)]


def test_files_orders_and_bytes_only_grow(tmp_path: Path) -> None:
    """Now and then inside a file and at its end: what is read never becomes less, and all of it is read at the end."""
    paths = [tmp_path / f"{name}.yaml" for name in "abc"]
    for path, orders in zip(paths, (2000, 1, 900), strict=True):
        write(path, orders)
    heard = readings_of(*paths)
    assert len(heard) == 3 + 2901 // EVERY
    assert [event.done for event in heard] == sorted(event.done for event in heard)
    assert all(before.part <= after.part and before.orders <= after.orders for before, after in pairwise(heard))
    assert 0 < heard[0].part < 1
    assert (heard[-1].done, heard[-1].total, heard[-1].orders, heard[-1].part) == (3, 3, 2901, 1.0)


def test_a_file_that_is_read_twice_counts_once(tmp_path: Path) -> None:
    """A batch that is named behind its orders has them read again, and no more of them."""
    write(tmp_path / "late.yaml", 1000, late=True)
    heard = readings_of(tmp_path / "late.yaml")
    assert heard[-1].orders == 1000
    assert all(before.part <= after.part for before, after in pairwise(heard))
