"""A manifest that is written for adopted orders: new, read back as it will be, and there only at the end."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from runner.core.errors import Refused, UsageError
from runner.core.vendor import Choice
from runner.manifest.draft import manifest_text
from runner.run.found_file import FoundFile

CHOICES = (
    Choice(type="ipv4", field="countryId", value=561, name="France", alpha3="FRA"),
    Choice(type="ipv4", field="periodId", value="1m", name="1 month"),
)
FIELDS = {"type": "ipv4", "country": "FRA", "period": "1 month", "quantity": 1, "customTargetName": "x"}
TEXT = manifest_text("found", [("a", FIELDS, "")], date(2026, 11, 30))
NOW = "2026-11-30T00:00:00Z"


def load(file: FoundFile) -> list[str]:
    return [str(request.key) for request in file.load(TEXT, lambda _: CHOICES, NOW)]


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_the_file_appears_only_when_it_is_put(tmp_path: Path) -> None:
    """Its orders are read with their ids before, so that no call can buy what is not entered yet."""
    file = FoundFile(tmp_path / "found.yaml")
    (request,) = file.load(TEXT, lambda _: CHOICES, NOW)
    assert (request.fields["countryId"], request.fields["periodId"]) == (561, "1m")
    assert visible(tmp_path) == ["orders.lock.json"]
    file.put()
    assert visible(tmp_path) == ["found.yaml", "orders.lock.json"]
    assert (tmp_path / "found.yaml").read_text() == TEXT
    assert len(list(tmp_path.iterdir())) == 2


def test_nothing_is_written_over(tmp_path: Path) -> None:
    """Neither what is there at the beginning, a broken link included, nor what comes meanwhile."""
    (tmp_path / "old.yaml").write_text("old")
    (tmp_path / "link.yaml").symlink_to("nowhere")
    for name in ("old.yaml", "link.yaml", "missing/x.yaml"):
        with pytest.raises(UsageError):
            FoundFile(tmp_path / name)
    file = FoundFile(tmp_path / "found.yaml")
    load(file)
    (tmp_path / "found.yaml").write_text("somebody else's")
    with pytest.raises(UsageError, match="are in the ledger") as raised:
        file.put()
    assert (tmp_path / "found.yaml").read_text() == "somebody else's"
    draft = next(path for path in tmp_path.iterdir() if path.name.endswith(".draft.yaml"))
    assert str(draft) in str(raised.value.hint)
    assert draft.read_text() == TEXT


def test_a_draft_that_is_not_wanted_is_gone(tmp_path: Path) -> None:
    """Nothing was adopted: nothing is left but the words that were locked."""
    file = FoundFile(tmp_path / "found.yaml")
    load(file)
    file.drop()
    file.drop()
    assert [path.name for path in tmp_path.iterdir()] == ["orders.lock.json"]


def test_other_words_of_the_lockfile_stay(tmp_path: Path) -> None:
    """What is locked stays locked, and a word that is locked to something else is refused."""
    load(FoundFile(tmp_path / "one.yaml"))
    before = (tmp_path / "orders.lock.json").read_text()
    (tmp_path / "orders.lock.json").write_text(before.replace("561", "999"))
    with pytest.raises(Refused, match="is locked as 999"):
        load(FoundFile(tmp_path / "two.yaml"))
