"""A manifest written from what the vendor shows reads back as exactly that."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from runner import manifest
from runner.manifest.draft import batch_name, manifest_text


@pytest.mark.parametrize(
    ("stem", "name"),
    [("found", "found"), ("Found Orders!", "found-orders"), ("x" * 80, "x" * 63), ("-._", "adopted"), ("über", "ber")],
)
def test_a_batch_has_the_name_of_its_file(stem: str, name: str) -> None:
    """As far as a batch can be called that."""
    assert batch_name(stem) == name


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    """Every field comes back with its value and its kind, words that YAML would change included."""
    fields = {"type": "ipv4", "countryId": 561, "periodId": "1m", "quantity": 3, "customTargetName": "no"}
    path = tmp_path / "found.yaml"
    path.write_text(manifest_text("found", [("a-1", fields, "order 1"), ("off", fields, "")], date(2026, 11, 30)))
    loaded = manifest.load((str(path),))
    assert [problem.code for problem in loaded.problems if problem.severity == "error"] == []
    assert [str(order.key) for order in loaded.orders] == ["found/a-1", "found/off"]
    assert loaded.orders[0].fields == {
        "countryId": 561,
        "periodId": "1m",
        "quantity": 3,
        "customTargetName": "no",
        "paymentId": 1,
    }
    assert "renamed_from: found/a-1" in path.read_text()
