"""Who makes a call, and why: the actor, and in CI commit, ref and job. Claims, settlements and reports have it.

What a CI system sets is text of strangers (a branch, a display name): it is cut to one plain line, and what may let
somebody in (a login in a URL, a token, what a variable of a secret holds) is taken out before it is kept.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from runner.core import ci
from runner.core.errors import UsageError
from runner.core.secrets import MASK

PEOPLE: Final = ("USER", "LOGNAME", "USERNAME")
"""Variables that name the user of a system; the first that is set counts."""

OPTION: Final = "--as"

LONGEST: Final[Mapping[str, int]] = {"actor": 100, "commit": 100, "ref": 200, "job": 500}
"""Characters that are kept of each."""

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of Unicode that show nothing, or turn around what stands beside them."""

# Every repetition that may begin anywhere is bounded: a variable has up to 128 KiB.
_LOGIN: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,20}://)[^\s/?#]*@")
_BARE_LOGIN: Final = re.compile(r"[^\s/:@]{1,64}:[^\s/@]{1,256}@")
_TOKENS: Final = re.compile(
    r"gh[a-z]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|gl[a-z]{2,6}-[\w.-]{16,}|xox[a-z]-[\w-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}"
    r"|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|(?i:bearer|basic)\s+[\w+/.=-]{16,}"
    r"|(?i:[\w-]{0,40}(?:token|secret|passw(?:or)?d|api[_-]?key|signature|credential))\s*[=:]\s*\S+"
)
"""What a credential looks like: those of GitHub, GitLab, Slack, AWS, JSON Web Tokens, and whatever is called one."""

_SECRET_NAME: Final = re.compile(
    r"(?:.*_)?(?:TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|PRIVATE_KEY|ACCESS_KEY|CREDENTIALS?)"
)
_SECRET_SIZE: Final = 8
"""Characters from which on what a variable of a secret holds is no plain word."""

_HARMLESS: Final = frozenset({"buildid", "buildtypeid", "id", "tab", "view"})
"""Parameters of a URL without which some systems do not find a job. Any other may be a ticket, and goes."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Who, what says that it is they (a variable, `--as`, `passwd` or `uid`), and why: None where nothing tells."""

    actor: str
    source: str
    commit: str | None = None
    ref: str | None = None
    job: str | None = None

    def __str__(self) -> str:
        return f"{self.actor} (by {self.source})"

    def as_json(self) -> dict[str, str]:
        """What there is of it, by name."""
        values = ((name, getattr(self, name)) for name in _NAMES)
        return {name: value for name, value in values if value is not None}

    @classmethod
    def of_json(cls, content: object) -> Provenance | None:
        """What `as_json` made; None for nothing, and for what it never makes."""
        if not isinstance(content, Mapping):
            return None
        texts = {name: content[name] for name in _NAMES if isinstance(content.get(name), str)}
        return cls(**texts) if {"actor", "source"} <= texts.keys() else None


_NAMES: Final = ("actor", "source", "commit", "ref", "job")


def provenance_of(environ: Mapping[str, str], named: str | None = None, *, source: str = OPTION) -> Provenance:
    """Who makes this call: `named` by `source`, else whom the CI system names, else the user of this system.

    Never fails for want of a name: a user without variables and without an entry in the passwd file is `uid 1000`.
    UsageError for a `named` that is no name.
    """
    system = ci.system_of(environ)
    actor, by = (_name_of(named, environ, source), source) if named is not None else _actor(environ, system)
    return Provenance(
        actor=actor,
        source=by,
        commit=_first(environ, system.commits if system else (), "commit")[0],
        ref=_first(environ, system.refs if system else (), "ref")[0],
        job=job_of(environ),
    )


def job_of(environ: Mapping[str, str]) -> str | None:
    """A link to the job, or its name, without what could let somebody in; None where the system tells neither."""
    job = ci.job_of(environ)
    return _without_secrets(_plain_url(job), environ, "job") if job else None


def _name_of(text: str, environ: Mapping[str, str], source: str) -> str:
    name, limit = plain(text), LONGEST["actor"]
    if not name or name != " ".join(text.split()) or len(name) > limit:
        raise UsageError(f"{source}: that is no name", hint=f"one line of at most {limit} characters, none invisible")
    if _without_secrets(name, environ, "actor") != name:
        raise UsageError(f"{source}: that looks like a secret, and is not shown", hint="name a person, or a job")
    return name


def _actor(environ: Mapping[str, str], system: ci.System | None) -> tuple[str, str]:
    variables = (*(system.actors if system else ()), *ci.ANY_ACTOR, *PEOPLE)
    actor, variable = _first(environ, variables, "actor")
    return (actor, variable) if actor else _owner()


def _owner() -> tuple[str, str]:
    """The user that this process belongs to, as far as the system knows it."""
    import pwd

    number = os.getuid()
    try:
        name = plain(pwd.getpwuid(number).pw_name)[: LONGEST["actor"]]
    except KeyError:
        name = ""
    return (name, "passwd") if name else (f"uid {number}", "uid")


def _first(environ: Mapping[str, str], variables: Iterable[str], what: str) -> tuple[str | None, str]:
    """What the first of these variables holds that says something, and its name."""
    for name in variables:
        if text := _without_secrets(environ.get(name, ""), environ, what):
            return text, name
    return None, ""


def _without_secrets(text: str, environ: Mapping[str, str], what: str) -> str | None:
    """What is kept of a text; None where that is nothing."""
    line = plain(text)
    for secret in _secrets(environ):
        line = line.replace(secret, MASK)
    line = _LOGIN.sub(lambda match: match["scheme"], line)
    line = line if what == "actor" else _BARE_LOGIN.sub("", line)
    return _TOKENS.sub(MASK, line)[: LONGEST[what]].strip() or None


def _secrets(environ: Mapping[str, str]) -> Iterator[str]:
    """What the variables of secrets hold, the longest first: one may be the beginning of another."""
    values = {plain(value) for name, value in environ.items() if _SECRET_NAME.fullmatch(name.upper())}
    yield from sorted((value for value in values if len(value) >= _SECRET_SIZE), key=len, reverse=True)


def plain(text: str) -> str:
    """A text on one line, blanks as single ones, without characters that nobody sees."""
    seen = (" " if char.isspace() else char for char in text if char.isspace() or not _is_unseen(char))
    return " ".join("".join(seen).split())


def _is_unseen(char: str) -> bool:
    return unicodedata.category(char) in _UNSEEN


def _plain_url(text: str) -> str:
    """A URL with the parameters that are harmless, and what else is none as it is."""
    try:
        url = urlsplit(text)
        if not (url.scheme and url.netloc):
            return text
        pairs = parse_qsl(url.query)
    except ValueError:
        return text.partition("?")[0]
    query = urlencode([(name, value) for name, value in pairs if name.lower() in _HARMLESS and _PLAIN.fullmatch(value)])
    return urlunsplit(url._replace(query=query, fragment=url.fragment if _PLAIN.fullmatch(url.fragment) else ""))
