"""The register of accounts on every engine: added to, never changed, and one entry a number."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from runner.core.errors import KeyChanged, KeyOfAnother, Refused
from runner.core.identity import AccountKey, Identity, Register
from runner.core.ledger import Hold, Ledger
from runner.core.progress import Notice, Progress
from runner.core.records import Stranger
from runner.core.secrets import ApiKey
from runner.core.states import State
from runner.ledger.export import Export, Header, lines
from runner.limits.admission import admit, enter_account, rotate
from tests.ledger.conftest import AT, Child, SqliteStore, bring, holder, later, opened_and_held

HERE = "proxy-seller.com/personal/api/v1"
KEY, NEW = "AcmeAcmeAcmeAcme", "NewNewNewNewNew1"


def identity(key: str = KEY) -> Identity:
    return Identity(address=HERE, key=ApiKey(key))


def entry(n: int = 1, account: str = "acme", key: str = KEY, at: datetime = AT) -> AccountKey:
    return identity(key).entry(account, n, at=at, who="run 1")


def let_in(ledger: Ledger, hold: Hold, key: str = KEY, *, new: bool = False) -> list[Progress]:
    """What was said while a run was let in."""
    said: list[Progress] = []
    admit(ledger, hold, identity(key), at=AT, who="run 1", watch=said.append, new=new)
    return said


def test_an_entry_is_read_as_it_was_written(store: SqliteStore, hold: Hold) -> None:
    """Names, salts, digests, times and who: all come back, in the order of their numbers, for every account."""
    named = AccountKey(account="beta", n=2, at=later(1), who="ann \0 (by USER)")
    assert hold.enter_key(entry())
    assert hold.enter_key(named)
    register = store.open("beta", read_only=True).register()
    assert register.names == {"acme", "beta"}
    assert [each.n for each in register.entries] == [1, 2]
    assert identity().has_key_of(register.entries[0])
    assert register.entries[1].who == "ann � (by USER)"
    assert register.entries[1].at == later(1)


def test_a_number_is_taken_once(store: SqliteStore, hold: Hold) -> None:
    """Of two entries with one number the second is not made: who made it has not seen the first."""
    assert hold.enter_key(entry())
    assert not hold.enter_key(entry(key=NEW))
    (only,) = store.open().register().entries
    assert identity().has_key_of(only)


@pytest.mark.parametrize("change", ["UPDATE account_keys SET who = 'me'", "DELETE FROM account_keys"])
def test_entries_are_only_added_to(store: SqliteStore, hold: Hold, change: str) -> None:
    """No entry can be changed or removed."""
    hold.enter_key(entry())
    with pytest.raises(store.refusal, match="only ever added to"):
        store.sql(change)


@pytest.mark.parametrize(
    "values",
    [
        "(1, 'acme', NULL, 'digest', 'address', '', '')",
        "(1, 'acme', 'salt', NULL, 'address', '', '')",
        "(1, 'acme', 'salt', 'digest', NULL, '', '')",
        "(0, 'acme', 'salt', 'digest', 'address', '', '')",
        "(1, NULL, 'salt', 'digest', 'address', '', '')",
    ],
)
def test_entries_make_sense(store: SqliteStore, hold: Hold, values: str) -> None:
    """A digest has its salt and its address, an entry its account, and numbers count from 1."""
    with pytest.raises(store.refusal):
        store.sql(f"INSERT INTO account_keys (n, account, salt, digest, address, at, who) VALUES {values}")


def test_events_make_a_name_known(store: SqliteStore) -> None:
    """Who bought before keys were kept is known by name; who only held the account or disowned an order is not."""
    with store.open().hold(holder(), timeout=0) as hold:
        bring(hold, "one", State.PLACED)
    with store.open("beta").hold(holder(), timeout=0) as hold:
        hold.disown([Stranger(order_id="9", who="ann", source="USER", reason="hers", at=AT)])
    assert store.open().register() == Register(names=frozenset({"acme"}))


def test_the_first_run_of_an_older_account_enters_its_key(store: SqliteStore) -> None:
    """A known name without a key takes the first that comes, and says so, once; after that no other one."""
    ledger = store.open()
    with ledger.hold(holder(), timeout=0) as hold:
        bring(hold, "one", State.PLACED)
        (said,) = let_in(ledger, hold)
        assert isinstance(said, Notice)
        assert "no API key for account acme" in said.text
        assert let_in(ledger, hold) == []
        with pytest.raises(KeyChanged):
            let_in(ledger, hold, NEW)
    assert len(ledger.register().entries) == 1


def test_a_rotated_key_is_taken_in_place_of_the_old(store: SqliteStore) -> None:
    """After a person has said that the key was rotated the new one is the account's, and the old one is not."""
    ledger = store.open()
    with ledger.hold(holder(), timeout=0) as hold:
        let_in(ledger, hold)
        assert rotate(ledger, hold, identity(NEW), at=later(9), who="ann (by USER)")
        assert not rotate(ledger, hold, identity(NEW), at=later(9), who="ann (by USER)")
        let_in(ledger, hold, NEW)
        with pytest.raises(KeyChanged, match="an earlier API key"):
            let_in(ledger, hold)
    last = ledger.register().last("acme")
    assert last is not None
    assert (last.n, last.who, last.at) == (2, "ann (by USER)", later(9))


def test_an_account_is_entered_on_purpose(store: SqliteStore) -> None:
    """With its key or before that is known; entered again, nothing changes; a key that comes later is added."""
    first, second = store.open(), store.open("beta")
    with first.hold(holder(), timeout=0) as hold:
        assert enter_account(first, hold, None, at=AT, who="ann (by USER)")
        assert not enter_account(first, hold, None, at=AT, who="ann (by USER)")
        assert enter_account(first, hold, identity(), at=AT, who="ann (by USER)")
        assert not enter_account(first, hold, identity(), at=AT, who="ann (by USER)")
    with second.hold(holder(), timeout=0) as hold:
        with pytest.raises(KeyOfAnother, match="account acme's"):
            enter_account(second, hold, identity(), at=AT, who="ann (by USER)")
        assert enter_account(second, hold, identity(NEW), at=AT, who="ann (by USER)")
    assert [each.account for each in first.register().entries] == ["acme", "acme", "beta"]


class Interloper:
    """A hold before whose first entry another account's run makes one with the same key."""

    def __init__(self, hold: Hold, other: Hold) -> None:
        self._hold, self._other = hold, other

    def enter_key(self, mine: AccountKey) -> bool:
        assert self._other.enter_key(entry(mine.n, "beta"))
        return self._hold.enter_key(mine)


def test_two_names_with_one_key_at_once(store: SqliteStore, hold: Hold) -> None:
    """Of two runs that bring one key under two names at the same moment one is let in, and the other refused."""
    ledger = store.open()
    with (
        store.open("beta").hold(holder(), timeout=0) as other,
        pytest.raises(KeyOfAnother, match="account beta's"),
    ):
        let_in(ledger, Interloper(hold, other), new=True)  # type: ignore[arg-type]
    assert [each.account for each in ledger.register().entries] == ["beta"]


def test_racing_processes_make_one_entry(store: SqliteStore, child: Child) -> None:
    """Processes that enter one number at the same moment make one entry, and every other is told so."""
    accounts = [f"acc{n}" for n in range(4)]
    opening = store.opening.replace("'acme'", "sys.argv[2]")
    beginning = opened_and_held(store).replace(store.opening, opening)
    program = (
        "from runner.core.identity import AccountKey\n"
        f"{beginning}"
        "    sys.stdin.readline()\n"
        "    print(hold.enter_key(AccountKey(account=sys.argv[2], n=1, at=AT, who='me')))\n"
    )
    store.open()
    children = [child(program, store.path, account) for account in accounts]
    for process in children:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
    for process in children:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = sorted(process.communicate()[0] for process in children)
    assert said == ["False\n"] * 3 + ["True\n"]
    assert len(store.open().register().entries) == 1


def test_who_was_overtaken_enters_nothing(store: SqliteStore, hold: Hold) -> None:
    """A run whose hold another has taken since cannot say whose account it is."""
    store.sql("UPDATE holds SET fence = fence + 1")
    with pytest.raises(Refused, match="taken over"):
        hold.enter_key(entry())
    assert store.open().register().entries == ()


def test_an_export_carries_no_key(store: SqliteStore, tmp_path: Path) -> None:
    """An export has nothing of the register; imported elsewhere the account is known, and its key is not."""
    ledger = store.open()
    with ledger.hold(holder(), timeout=0) as hold:
        bring(hold, "one", State.PLACED)
        let_in(ledger, hold)
    header = Header(account="acme", ledger="here", tool="test", at=AT, head=ledger.head())
    text = "".join(lines(ledger, header))
    digest = ledger.register().entries[0].digest
    assert digest is not None
    assert digest not in text
    copy = SqliteStore(tmp_path / "copy.db")
    (tmp_path / "export.jsonl").write_text(text)
    with (tmp_path / "export.jsonl").open() as stream, copy.open().hold(holder(), timeout=0) as hold:
        hold.restore(Export(stream).parts())
    assert copy.open().register() == Register(names=frozenset({"acme"}))
    copy.close()
