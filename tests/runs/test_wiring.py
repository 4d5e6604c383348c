"""Settings become a ledger's place, an address and a key, and none of them lets the key out."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.core.errors import UsageError
from runner.core.progress import Notice, Progress
from runner.run import wiring
from runner.run.settings import (
    KEY_FILE_VARIABLE,
    KEY_VARIABLE,
    SANDBOX_ACCOUNT,
    Settings,
    locate,
    read_key,
    require_named_ledger,
    short_path,
)

KEY = "CanaryKey0123456789abcdefABCDEF"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CI", KEY_VARIABLE, KEY_FILE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def refusal(settings: Settings) -> str:
    with pytest.raises(UsageError) as caught, wiring.endpoint(settings):
        pass
    return f"{caught.value} {caught.value.hint}"


def test_the_file_beats_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--api-key-file wins over the environment, and a final newline is no part of the key."""
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    path.chmod(0o600)
    monkeypatch.setenv(KEY_VARIABLE, "AnotherKey0123456789")
    assert read_key(Settings(api_key_file=path)).reveal() == KEY


def test_a_key_that_others_can_read_is_told(tmp_path: Path) -> None:
    """A key file open to other users works, with a word about it."""
    path = tmp_path / "key"
    path.write_text(KEY)
    path.chmod(0o644)
    told: list[Progress] = []
    read_key(Settings(api_key_file=path), told.append)
    assert [isinstance(event, Notice) for event in told] == [True]


def test_a_key_given_for_a_file_name_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever puts the key where its file's name belongs does not find it in the log."""
    monkeypatch.setenv(KEY_FILE_VARIABLE, KEY)
    assert KEY not in refusal(Settings())


def test_a_base_url_with_the_key_in_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor's examples have the key in the URL; here it would end up in reports."""
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    said = refusal(Settings(base_url=f"https://proxy-seller.com/personal/api/v1/{KEY.lower()}"))
    assert KEY.lower() not in said.lower()


@pytest.mark.parametrize("text", ["", "short", "has space in it", "key/with/slash", "ключ-ключ-ключ"])
def test_what_is_no_key_is_refused_without_repeating_it(text: str, tmp_path: Path) -> None:
    """A file that holds something else is named; what it holds is not."""
    path = tmp_path / "key"
    path.write_text(text)
    said = refusal(Settings(api_key_file=path))
    assert str(path) in said
    assert not text or text not in said


@pytest.mark.parametrize(
    ("value", "named", "refused"),
    [("true", False, True), ("1", False, True), ("false", False, False), ("1", True, False)],
)
def test_in_ci_the_ledger_is_named(value: str, named: bool, refused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With CI set, a ledger that nobody named is refused."""
    monkeypatch.setenv("CI", value)
    settings = Settings(ledger="/data/orders.ledger" if named else None)
    if refused:
        with pytest.raises(UsageError, match="bought again"):
            require_named_ledger(settings)
    else:
        require_named_ledger(settings)


def test_the_sandbox_keeps_to_itself(tmp_path: Path) -> None:
    """Its account and its ledger lie together, under its own name, whatever else is set."""
    place = locate(Settings(sandbox=True, ledger="real.ledger", account="real"))
    assert place.account == SANDBOX_ACCOUNT
    assert place.path == tmp_path / "state" / "order-runner" / "sandbox" / "ledger.sqlite3"


def test_paths_in_reports_tell_nothing_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger is named from the working folder or the home folder where it lies there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert short_path(Path("a/b")) == "a/b"
    assert short_path(tmp_path.parent / "x" / "ledger") == str(tmp_path.parent / "x" / "ledger")
    monkeypatch.chdir("/")
    monkeypatch.setenv("HOME", "/nowhere/home")
    assert short_path(Path("/tmp/ledger")) == "tmp/ledger"
