"""What may name a ledger, and what nobody can have meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.core.errors import UsageError
from runner.run.ledger_text import FORMS
from runner.run.settings import LEDGER_VARIABLE, Settings, locate

SECRET = "s3cret"
REFUSED: dict[str, tuple[str, ...]] = {
    "is a list of connection parameters, where a URL is expected": (
        "Data Source=orders.db",
        "Provider=SQLNCLI;Server=db",
    ),
    "holds a comma or a semicolon": ("orders.ledger,other.ledger", "orders.ledger;rm"),
    "begins with @": ("@ledger", "@/run/secrets/ledger"),
    "is more of a settings file's line": ("=orders.ledger", "orders.ledger # the usual one"),
    "begins with a dash": ("\u2013ledger", "\u2014ledger=x"),
    "is the name of a secret": ("projects/shop/secrets/ledger/versions/latest",),
    "is empty": ("", "sqlite:///"),
    "is blank": (" ", "\u00a0"),
    "begins or ends with a blank": (" orders.ledger", "orders.ledger ", f" postgresql://me:{SECRET}@db/orders"),
    "control character": (
        "orders\n.ledger",
        "orders.ledger\n",
        "\x00",
        "a\x1b[31m",
        f"postgresql://me:{SECRET}\n@db/o",
    ),
    "invisible character": ("\ufefforders.ledger", "orders\u200b.ledger", "orders\u202e.ledger"),
    "quotation marks": ('"orders.ledger"', "'orders.ledger", f'"postgresql://me:{SECRET}@db/orders"', "“orders”"),
    "a variable that nothing has filled in": (
        "$LEDGER",
        "${LEDGER}",
        "${LEDGER:-/data/orders}",
        "$(LEDGER)",
        "$[variables.LEDGER]",
        "$env:LEDGER",
        "${{ secrets.LEDGER }}",
        "{{ ledger }}",
        "{{.Values.ledger}}",
        "{% ledger %}",
        "{ledger}",
        "#{LEDGER}",
        "<LEDGER>",
        "<< parameters.ledger >>",
        "<%= ledger %>",
        "<no value>",
        "<nil>",
        "%LEDGER%",
        "%env.LEDGER%",
        "%system.teamcity.ledger%",
        "@@LEDGER@@",
        "@LEDGER@",
        "__LEDGER__",
        "!LEDGER!",
        "[[ledger]]",
        "%(LEDGER)s",
        "/data/%(LEDGER)s/orders.ledger",
        "/data/((ledger))/orders.ledger",
        "/data/__LEDGER__/orders.ledger",
        "__FOLDER__/orders.ledger",
        "/data/@LEDGER@/x",
        "/data/!LEDGER!/x",
        "#LEDGER#",
        "postgresql://me:__PASSWORD__@db/orders",
        "postgresql://me:((password))@db/orders",
        "/data/ENC[AES256_GCM,data]",
        "ENV[LEDGER]",
        "!Ref Ledger",
        "!vault",
        "!reference [.orders, ledger]",
        "ENC[AES256_GCM,data]",
        "`cat ledger`",
        "/data/$LEDGER/orders.ledger",
        "sqlite:////data/${LEDGER}",
        "postgresql://me@$HOST/orders",
        "postgresql://me:${PASSWORD}@db/orders",
        "postgresql://%DB_USER%@db/orders",
        "postgresql://<user>:<password>@db/orders",
    ),
    "in place of a secret": (
        "***",
        "****",
        "********",
        "[secure]",
        "[MASKED]",
        "[REDACTED]",
        "(hidden)",
        "xxxxx",
        "#####",
        "•••••",
        "postgresql://me:***@db/orders",
        "postgresql://me:[MASKED]@db/orders",
    ),
    "a value that is missing": (
        *("null", "None", "undefined", "nil", "true", "FALSE", "-"),
        *("undefined/orders.ledger", "/data/undefined/orders.ledger", "None/orders.ledger", "/data/null"),
    ),
    "a placeholder that nobody has replaced": (
        "CHANGEME",
        "change-me",
        "TODO",
        "tbd",
        "your-ledger",
        "/path/to/orders",
    ),
    "is abbreviated": ("postgresql://me:…@db/orders", "postgresql://...", "…"),
    "looks like an option": ("--account", "-q"),
    "begins with the name of a variable": (
        "ORDER_RUNNER_LEDGER=/data/orders.ledger",
        "export LEDGER=/data/orders.ledger",
    ),
    "is the name of a variable": (
        "ORDER_RUNNER_LEDGER",
        "DATABASE_URL",
        "LEDGER",
        "secrets.ORDER_LEDGER",
        "env.LEDGER",
    ),
    "connection parameters": (f"host=db dbname=orders password={SECRET}", "service=orders", "dbname = orders"),
    "in memory": (":memory:", "sqlite:///:memory:"),
    "postgresql:// needs a colon and two slashes": (
        *("postgresql:/db/orders", "postgres:db/orders", f"postgresql:me:{SECRET}@db/orders"),
        *("postgresql//db/orders", f"postgresql//me:{SECRET}@db/orders", "postgres;//db/orders"),
    ),
    "sqlite:/// needs three": ("sqlite://orders.ledger", "sqlite:orders.ledger", "sqlite:/data/orders"),
    "a drive letter": ("C:\\orders.ledger", "c:/orders.ledger", "sqlite:///C:/orders.ledger", "C:orders.ledger"),
    "holds a backslash": ("data\\orders.ledger", "\\\\server\\orders"),
    "are not supported": (
        "mysql://me@db/orders",
        f"postgresql+psycopg://me:{SECRET}@db/orders",
        "postgresql+asyncpg://db/orders",
        "PostgreSQL://db/orders",
        "https://host/orders.ledger",
        "file:///data/orders.ledger",
        "s3://bucket/orders.ledger",
        "sqlite3:///orders.ledger",
        "redis://db",
    ),
    "looks like a URL": (
        f"jdbc:postgresql://db/orders?user=me&password={SECRET}",
        "file:orders.ledger",
        "file:orders.ledger?mode=memory",
        "db:5432/orders",
        f"me:{SECRET}@db/orders",
        "me@db/orders",
        "//db.example/orders",
        "localhost/orders",
        "10.0.0.7/orders",
        f"psql postgresql://me:{SECRET}@db/orders",
        "arn:aws:secretsmanager:eu-west-1:1:secret:orders",
        "vault:secret/orders",
    ),
    "two URLs in one": (f"postgresql://postgresql://me:{SECRET}@db/orders",),
    "a URL writes as %20": (f"postgresql://me:{SECRET} 2@db/orders", "postgresql://db/orders sslmode=require"),
    "is a pattern": ("*.ledger", "orders?.ledger", "orders.ledger?mode=ro", "sqlite:///orders.ledger?mode=ro"),
    "a file beside a ledger": (
        *("orders.ledger-wal", "orders.ledger-shm", "orders.ledger-journal", "sqlite:////data/orders.ledger-wal"),
        *("orders.ledger.default.lock", "/data/orders.ledger.default.emergency", "orders.ledger.main.emergency-1"),
    ),
    "is in the root folder": ("/orders.ledger", "sqlite:////orders.ledger"),
    "is a folder": (".", "..", "data/", "/", "~", "folder", "./folder", "sqlite:///folder", "/data/.."),
    "a home folder that is not known": ("~nobody-of-this-name/orders.ledger", "~nobody-of-this-name"),
}
"""What is refused, by words of the refusal."""

TAKEN = {
    "orders.ledger": "orders.ledger",
    "./orders.ledger": "orders.ledger",
    "../orders.ledger": "../orders.ledger",
    "/data/orders.ledger": "/data/orders.ledger",
    "~/orders.ledger": "HOME/orders.ledger",
    "sqlite:///orders.ledger": "orders.ledger",
    "sqlite:////data/orders.ledger": "/data/orders.ledger",
    "my orders, 2026 (new).ledger": "my orders, 2026 (new).ledger",
    "/data/a:b@c/env=prod/100%": "/data/a:b@c/env=prod/100%",
    "./db:5432/orders": "db:5432/orders",
    "über/заказы.ledger": "über/заказы.ledger",
    ".orders.ledger": ".orders.ledger",
    "./null": "null",
    "file": "file",
    "postgresql": "postgresql",
    "postgresql/orders.ledger": "postgresql/orders.ledger",
    "./LEDGER": "LEDGER",
    "./undefined/orders.ledger": "undefined/orders.ledger",
    "/data//orders.ledger": "/data/orders.ledger",
    "/srv/todo/nullable/orders.ledger": "/srv/todo/nullable/orders.ledger",
}
"""What names a file, and which one."""

URLS = (
    "postgresql://me@db/orders",
    "postgres://db/orders",
    "postgresql://me:p%40ss%24word@db-1.example:5432/orders?sslmode=verify-full&options=-csearch_path%3Dteam",
    "postgresql://me:%C3%A9%C3%BC%DF%C3@a:1,b:2/orders?target_session_attrs=read-write",
    "postgresql://[::1]:5432/orders",
    "postgresql:///orders?host=/run/pg",
    "postgresql://?service=orders",
)


@pytest.fixture(autouse=True)
def somewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A working folder, a home and a state folder of their own, and a folder called `folder`."""
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(LEDGER_VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.mark.parametrize(("why", "text"), [(why, text) for why, texts in REFUSED.items() for text in texts])
def test_what_nobody_can_have_meant_is_refused(why: str, text: str) -> None:
    """Each is said to be what it is, with the forms that work, and no part of a password is repeated."""
    with pytest.raises(UsageError) as caught:
        locate(Settings(ledger=text))
    assert why in str(caught.value)
    assert caught.value.hint == FORMS
    assert SECRET not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(("text", "path"), TAKEN.items())
def test_names_of_files(text: str, path: str, tmp_path: Path) -> None:
    """A file may be called anything else; `./` in front of a name says that it is one."""
    place = locate(Settings(ledger=text))
    assert place.path == Path(path.replace("HOME", str(tmp_path / "home")))
    assert place.url is None


@pytest.mark.parametrize("url", URLS)
def test_urls_of_databases(url: str) -> None:
    """A URL of PostgreSQL is passed on as it is, percent-encoded parts, several hosts and parameters included."""
    assert locate(Settings(ledger=url)).url == url


def test_a_variable_that_is_set_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that was missing leaves its variable empty: that is no wish for the default, unless an option wins."""
    monkeypatch.setenv(LEDGER_VARIABLE, "")
    with pytest.raises(UsageError, match="is empty"):
        locate(Settings())
    assert locate(Settings(ledger="orders.ledger")).path == Path("orders.ledger")
    assert locate(Settings(sandbox=True)).path.name == "ledger.sqlite3"
    monkeypatch.delenv(LEDGER_VARIABLE)
    assert locate(Settings()).path.name == "ledger.sqlite3"
