"""What may name a ledger. A text that nobody can have meant is refused: as a file's name it would begin a new memory.

Variables that a CI system did not fill in, masks of a log, URLs of other databases: each is a legal name of a file on
POSIX, and a ledger made there knows nothing of what was bought.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from runner.core.errors import UsageError

FORMS: Final = (
    "a ledger is a file, like /var/lib/order-runner/orders.ledger or sqlite:////var/lib/order-runner/orders.ledger "
    "(./NAME for one in the working folder), or a database, like "
    "postgresql://user@host:5432/database?sslmode=verify-full"
)
"""The hint of every refusal."""

_POSTGRES: Final = ("postgresql://", "postgres://")
_SQLITE: Final = "sqlite:///"

_UNFILLED: Final = "holds a variable that nothing has filled in"
_MASKED: Final = "is what a log shows in place of a secret"
_PLACEHOLDER: Final = "is a placeholder that nobody has replaced"
_PARAMETERS: Final = "is a list of connection parameters, where a URL is expected"
_ABSENT: Final = "is what programs write for a value that is missing or no text"

_ANYWHERE: Final = (
    (r"\A\Z", "is empty"),
    (r"\A\s+\Z", "is blank"),
    (r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", "holds a line break or another control character"),
    (r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]", "holds an invisible character"),
    (r"\A\s|\s\Z", "begins or ends with a blank"),
    (r"\A[\"'\u2018-\u201f]|[\"'\u2018-\u201f]\Z", "has quotation marks around it, which belong to a shell"),
    (r"\*\*|\[(?i:secure|secret|masked|redacted|filtered|hidden)\]|\u2022", _MASKED),
    # Shells, Azure Pipelines and GoCD, `{{ }}` of many, `<NAME>` of manuals, `@@NAME@@` of build tools.
    (r"\$[\w{(\[]|[{}<>`]|@@", _UNFILLED),
    # TeamCity and Windows; but `%C3%A9` in a URL is an encoded character.
    (r"%[A-Za-z_][\w.-]*%(?![0-9A-Fa-f]{2})", _UNFILLED),
    # Python, and Concourse; sops and Hiera.
    (r"%\(\w+\)s|\(\([\w.:/-]+\)\)|\b(?:ENC|ENV)\[", _UNFILLED),
    # `__NAME__`, `!NAME!`, `@NAME@` and `#NAME#` of build tools, as a whole part of a path or a URL.
    (r"(?:\A|[/:@])(?:__\w+__|!\w+!|@\w+@|#\w+#)(?:[/:@?]|\Z)", _UNFILLED),
    (r"\.\.\.|\u2026", "is abbreviated"),
)
"""Patterns of texts that name no ledger, neither file nor database, each with why."""

_IN_URL: Final = (
    (r"\s", "holds a blank, which a URL writes as %20"),
    (r"://[^?]*://", "is two URLs in one"),
)

_IN_FILE: Final = (
    (r"\A(?i:null|none|nil|undefined|nan|true|false|yes|no|on|off|0|1|-)\Z", _ABSENT),
    # A part of a path that a program made of nothing; whoever has such a folder begins with `./`, or writes it so.
    (r"\A(?!\./)(?:.*/)?(?:undefined|null|None|nil|NaN)(?:/|\Z)", _ABSENT),
    (r"\[\[|\A!\w+(?:\s|\Z)", _UNFILLED),
    (r"\A(?:\[.*\]|\(.*\)|[xX]{3,}|#{3,})\Z", _MASKED),
    (r"\A(?i:(?:change|replace|fix)[-_ ]?me|to[-_]?do|tbd|placeholder|your[-_ ].*)\Z|\A/path/to/", _PLACEHOLDER),
    (r"\A-", "looks like an option"),
    (r"\A(?:export\s+)?[A-Z][A-Z0-9_]*=", "begins with the name of a variable"),
    (
        r"\A(?:LEDGER|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|(?:secrets|env|vars|variables|parameters|inputs)\.\w+)\Z",
        "is the name of a variable, where its value is expected",
    ),
    (r"(?:\A|\s)(?:host|hostaddr|port|dbname|user|password|passfile|service|ssl\w+)\s*=", _PARAMETERS),
    (r"(?:\A|;)\s*(?i:data source|server|provider|initial catalog|database|filename)\s*=", _PARAMETERS),
    (r"\A@", "begins with @, which some programs take for the name of a file to read"),
    (r"\A=|\s#", "is more of a settings file's line than its value"),
    (r"\A[\u2010-\u2015\u2212]", "begins with a dash, as an option does"),
    (r"\Aprojects/[^/]+/secrets/", "is the name of a secret, where its value is expected"),
    (r"\A:memory:\Z", "is a database in memory, which forgets everything at the end of the run"),
    (
        r"\Apostgres(?:ql)?(?::|\W*//)",
        "has the beginning of its URL wrong: postgresql:// needs a colon and two slashes",
    ),
    (r"\Asqlite3?:", "has the slashes of its URL wrong: sqlite:/// needs three, and four before an absolute path"),
    (r"\A[A-Za-z]:", "begins with a drive letter, which only Windows knows"),
    (r"\\", "holds a backslash, which separates folders only on Windows"),
    (
        r"\A[^/.~][^/]*:|://|\A[^/.~][^/]*@[^/]*/|\A//|\A(?:localhost|\d+(?:\.\d+){3})(?:/|\Z)",
        "looks like a URL of a kind that no ledger has",
    ),
    (r"\A(?!\./).*[;,][^\s;,]", "holds a comma or a semicolon, as two names in one do"),
    (r"[*?]", "is a pattern or a URL, and not the name of a file"),
    (r"/\Z|(?:\A|/)\.\.?\Z|\A~\Z", "is a folder"),
    (r"-(?:wal|shm|journal)\Z|\.(?:lock|emergency)(?:-\d+)?\Z", "is that of a file beside a ledger"),
    (r"\A/[^/]+\Z", "is in the root folder, as it is where a variable before the slash is empty"),
)


def is_postgres(text: str) -> bool:
    """Whether a ledger's name is a URL of PostgreSQL."""
    return text.startswith(_POSTGRES)


def check_text(text: str) -> None:
    """UsageError, without any secret of a URL, where `text` is neither the name of a file nor of a database."""
    name = text.removeprefix(_SQLITE)
    for pattern, why in (*_ANYWHERE, *(_IN_URL if is_postgres(text) else _IN_FILE)):
        if re.search(pattern, name):
            raise _refusal(_other_scheme(text) or f"the ledger's name{_visible_text(text)} {why}")


def file_of(text: str) -> Path:
    """The file that a checked text names. UsageError for a folder, or for a home folder that nobody has."""
    try:
        path = Path(text.removeprefix(_SQLITE)).expanduser()
    except RuntimeError:
        raise _refusal(
            f"the ledger's name{_visible_text(text)} begins with a home folder that is not known here"
        ) from None
    if path.is_dir():
        raise _refusal(f"the ledger {path} is a folder")
    return path


def _refusal(message: str) -> UsageError:
    return UsageError(message, hint=FORMS)


def _other_scheme(text: str) -> str | None:
    """The refusal of a URL that is well written, but not of a database that can hold a ledger."""
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", text)
    if scheme is None or is_postgres(text) or text.startswith(_SQLITE) or scheme[1] == "sqlite":
        return None
    return f"ledgers at {scheme[1]}:// are not supported"


def _visible_text(text: str) -> str:
    """The text, a blank before it; nothing where it is empty, long, or could have a password in it."""
    from runner.core.secrets import KEY_PATTERN

    private = set(":@=\\") & set(text) or KEY_PATTERN.fullmatch(text)
    return "" if private or not 0 < len(text) <= 80 else f" {text!a}"
