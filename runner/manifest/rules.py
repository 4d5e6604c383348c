"""Schema violations as findings: what is wrong, where, and the way out. Only runs where something is wrong.

What each type has and needs is read from the schemas; here are only the words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from runner.core import schemas
from runner.core.errors import Problem, Span
from runner.core.orders import PRODUCT_TYPES
from runner.core.schemas import Violation
from runner.manifest.fitting import rule_at, spelling
from runner.manifest.phrases import did_you_mean, display, nearest_name, one_of
from runner.manifest.places import Path

KINDS: Final = {
    "object": "a mapping of fields",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
}
_NAME: Final = "lower-case letters, digits, `.`, `_` and `-`, 63 at most, the first a letter or digit"
FORMS: Final = {
    "name": _NAME,
    "batch": _NAME,
    "renamed_from": "the key it was bought by, such as `crawl/fr-prices`; for a whole batch, the name it had",
    "labels": _NAME,
    "max_total": 'an amount in USD as quoted text with at most two decimals, such as "120.00"',
    "max_order": 'an amount in USD as quoted text with at most two decimals, such as "120.00"',
    "price_tolerance": 'a quoted fraction from "0" to below 1 with at most four decimals, such as "0.05"',
    "day": 'an amount in USD as quoted text with at most two decimals, such as "120.00"',
    "week": 'an amount in USD as quoted text with at most two decimals, such as "120.00"',
    "month": 'an amount in USD as quoted text with at most two decimals, such as "120.00"',
    "require_labels": _NAME,
    "until": 'a quoted date, such as "2027-06-30"',
    "within": "days with a `d`, from `1d` to `90d`, such as `3d`",
    "buy_by": 'a quoted date, such as "2026-12-31"',
    "ip": "an IPv4 address, or an IPv6 address in quotes",
}
_REASONS: Final = {
    "name": "it is the order's key",
    "type": "it says what is bought",
    "mode": "it says how the proxies are authorized",
    "ip": "it is the address that `mode: ip` authorizes",
    "until": "it says up to which day the order is renewed",
}
TEMPLATE: Final = "14"
"""The last digits of the finding about a template, of an order or of the manifest."""
TEMPLATE_IN_TEXT: Final = (
    r".*(?:\$[{(\[<]|[#%@~]\{|\{[{%#$]|[<\[]%|%\([A-Za-z_][A-Za-z0-9_]*\)|\(\([^()]+\)\)|\[\[[^\]]+\]\]|@@[^@]+@@"
    r"|\$[Ee]nv:|\$[A-Z][A-Z0-9]*_[A-Z0-9]|%(?:env|system|vault)[.:]|ENC[\[(]|ref\+[a-z0-9]+://|op://[^ ]"
    r"|@Microsoft\.KeyVault\(|<no value>|\[object |%![a-z]\()"
)
TEMPLATE_AS_TEXT: Final = (
    r"(?:\$[$!]?[A-Za-z_][A-Za-z0-9_]*\$?|%{1,2}[A-Za-z_][A-Za-z0-9_.:-]*%{1,2}|@[A-Za-z_][A-Za-z0-9_.]*@"
    r"|#{1,2}[A-Za-z_][A-Za-z0-9_]*#{1,2}|![A-Za-z_][A-Za-z0-9_]*!|__[A-Za-z0-9_]+__|<[A-Za-z][A-Za-z0-9_ -]*>"
    r"|\{[A-Za-z0-9_.|]*\}|%[a-z]|!(?:vault|secret|env|Ref|Sub|GetAtt|ImportValue) .*|(?:vault|secretref|arn:aws)[:+].*"
    r"|(?:secrets|vars|inputs|process\.env)\.[A-Za-z_][A-Za-z0-9_]*|\*{3,}|\[(?:secure|masked|redacted|filtered|secret"
    r"|hidden|SECURE|MASKED|REDACTED|FILTERED|SECRET|HIDDEN)\]|change-?me|CHANGE_?ME|REPLACE_?ME|FIXME|TODO|TBD"
    r"|null|None|nil|undefined|NaN|nan|[-+]?\.(?:nan|NaN|NAN|inf|Inf|INF))$"
)
"""What tools leave where nothing was filled in, anywhere in a text or as all of it: as the schemas refuse it."""
_TEMPLATES: Final = re.compile(f"{TEMPLATE_IN_TEXT}|{TEMPLATE_AS_TEXT}")
_URGENCY: Final = {"type": 0, "additionalProperties": 1, "oneOf": 2}
_OTHER_TYPE: Final = "remove it, or change the `type`"
_NOT_RENEWED: Final = "remove it: traffic is bought by a new order, or by this one with a higher `generation`"
_PERIOD: Final = "a period as `order-runner reference` lists it, such as `1m` or `2w`"
_FORM: Final = "text on one line, without control characters"
_REFERENCE: Final = re.compile(r"[Tt]ake it from (`[^`]+`)")


class Places(Protocol):
    """Finds what is written where, or the nearest place there is.

    `landmark` stands for the whole; `inherits` tells what comes from the defaults.
    """

    @property
    def landmark(self) -> Span: ...
    def inherits(self, name: str) -> bool: ...
    def key(self, path: Path) -> Span: ...
    def value(self, path: Path) -> Span: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaSubject:
    """What is checked: one order, which begins at `line`, or a manifest without its orders."""

    schema: str
    places: Places
    path: str
    key: str | None = None
    line: int = 0

    def merge_note(self, place: Span) -> str:
        """Words for a field that stands before the order at `line`, and so came into it by a merge key."""
        return f" (merged in at line {self.line})" if place.line < self.line else ""

    @property
    def is_order(self) -> bool:
        return self.schema != schemas.HEAD

    def problem(self, number: str, message: str, place: Span, at: Path, hint: str | None) -> Problem:
        """A finding of the 1xx or 2xx group, by its last two digits."""
        return Problem(
            code=f"PSR{2 if self.is_order or number == TEMPLATE else 1}{number}",
            message=message,
            hint=hint,
            path=self.path,
            span=place,
            field=str(at[0]) if at else None,
            key=self.key,
        )


def violations(subject: SchemaSubject, instance: Mapping[str, Any]) -> list[Problem]:
    """Every violation of the subject's schema, at most one a place; empty where `jsonschema` finds it valid."""
    broken = sorted(schemas.explain(subject.schema, instance), key=lambda violation: _URGENCY.get(violation.keyword, 1))
    problems: dict[tuple[Path, str | None], Problem] = {}
    suggested: set[str] = set()
    for violation in broken:
        at = violation.at
        if violation.keyword == "additionalProperties":
            allowed = violation.rule["properties"]
            free = tuple(field for field in allowed if field not in violation.value or subject.places.inherits(field))
            for field in (field for field in violation.value if field not in allowed):
                nearest = nearest_name(field, free)
                suggested |= {nearest} if nearest else set()
                problems[at, field] = _unknown_field(subject, (*at, field), nearest)
        elif violation.keyword in ("oneOf", "not"):
            names = _alternatives(violation)
            if not suggested.isdisjoint(names):
                continue
            problems[at, names[-1]] = (_twice if any(n in violation.value for n in names) else _neither)(
                subject, violation, names
            )
        elif violation.keyword != "required":
            name = str(violation.value) if violation.in_name else None
            words = _template if is_template(violation.value) else _WORDS.get(violation.keyword, _other)
            problems.setdefault((at, name), words(subject, violation))
    for violation in broken:
        if violation.keyword == "required":
            for field in set(violation.demand) - set(violation.value) - suggested:
                problems[violation.at, field] = _missing(subject, violation, field)
    return list(problems.values())


def _unknown_field(subject: SchemaSubject, at: Path, nearest: str | None) -> Problem:
    name = str(at[-1])
    place = subject.places.key(at)
    having = [kind for kind in PRODUCT_TYPES if name in schemas.load(kind)["properties"]] if len(at) == 1 else []
    if subject.is_order and having:
        message = f"`{name}` is not a field of {subject.schema}: {_who_has(having)} it{subject.merge_note(place)}"
        return subject.problem("10", message, place, at, _NOT_RENEWED if name == "renew" else _OTHER_TYPE)
    where = "" if len(at) == 1 else f" in {_label(at[:-1])}"
    hint = None if nearest else "remove it"
    if having and not subject.is_order:
        hint = "move it into `defaults`, or into an order"
        nearest = None
    message = f"unknown field `{display(name)}`{where}{subject.merge_note(place)}{did_you_mean(nearest)}"
    return subject.problem("03", message, place, at, hint)


def _alternatives(violation: Violation) -> tuple[str, ...]:
    """The names of which one may be there: of two spellings of one thing, or one that another field rules out."""
    branches = violation.demand if violation.keyword == "oneOf" else [violation.demand]
    return tuple(name for branch in branches for name in branch["required"])


def _neither(subject: SchemaSubject, violation: Violation, names: tuple[str, ...]) -> Problem:
    field, word = names
    at = violation.at
    rule = rule_at(schemas.load(subject.schema), (*at, field)) or {}
    reason = "it says for how long" if at else f"the vendor needs it for {subject.schema}"
    message = f"{_label((*at, field))} is missing: {reason}"
    hint = f"{way_out(rule, field)}, or write it in words as `{word}`"
    place = subject.places.value(at) if at else subject.places.landmark
    return subject.problem("04", message, place, (*at, field), hint)


def _twice(subject: SchemaSubject, violation: Violation, names: tuple[str, ...]) -> Problem:
    at = violation.at
    if len(names) == 1:
        path = (*at, names[0])
        message = f"{_label(path)} has no meaning with `mode: {display(violation.value.get('mode'))}`"
        return subject.problem("13", message, subject.places.key(path), path, "remove it, or write `mode: ip`")
    field, word = names
    own = next((name for name in (word, field) if at or not subject.places.inherits(name)), word)
    place = subject.places.key((*at, own))
    message = f"`{word}` and `{field}` mean the same thing{subject.merge_note(place)}"
    hint = f"keep one: `{word}`, or the vendor's own `{field}`"
    return subject.problem("13", message, place, (*at, own), hint)


def _who_has(kinds: Sequence[str]) -> str:
    return f"only {kinds[0]} has" if len(kinds) == 1 else f"{', '.join(kinds[:-1])} and {kinds[-1]} have"


def _missing(subject: SchemaSubject, violation: Violation, name: str) -> Problem:
    rule, at = violation.rule.get("properties", {}).get(name, {}), violation.at
    needs = f"the vendor needs it for {subject.schema}" if subject.is_order else "every manifest has one"
    reason = _REASONS.get(name, needs)
    place = subject.places.value(at) if at else subject.places.landmark
    return subject.problem("04", f"`{name}` is missing: {reason}", place, (*at, name), way_out(rule, name))


def way_out(rule: Mapping[str, Any], name: str) -> str | None:
    """Where a right value comes from: the vendor's reference, the list of allowed values, or its form."""
    if found := _REFERENCE.search(rule.get("description", "")):
        return f"take it from {found[1]}"
    if "enum" in rule:
        return one_of(rule["enum"])
    if "const" in rule:
        return f"write `{name}: {rule['const']}`"
    if rule.get("type") == "integer":
        return f"a whole number, {rule['minimum']} or more" if "minimum" in rule else "a whole number"
    return FORMS.get(name)


def _label(at: Path) -> str:
    return "`" + ".".join(display(step) for step in at) + "`" if at else "this"


def _type(subject: SchemaSubject, violation: Violation) -> Problem:
    at, value, wanted = violation.at, violation.value, str(violation.demand)
    place = subject.places.value(at)
    name = str(at[-1]) if at else ""
    if value is None:
        return subject.problem("09", f"{_label(at)} has no value", place, at, "give it a value, or remove the line")
    given = "a number" if isinstance(value, int) and not isinstance(value, bool) else _kind_of(value)
    hint = way_out(violation.rule, name)
    if isinstance(value, str | int):
        hint = spelling(violation.rule, _scalar_text(value)) or hint
    return subject.problem("05", f"{_label(at)} must be {KINDS.get(wanted, wanted)}, not {given}", place, at, hint)


def _scalar_text(value: str | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _kind_of(value: object) -> str:
    return {bool: "true or false", str: "text", dict: "a mapping", list: "a list"}.get(type(value), "this")


def _choice(subject: SchemaSubject, violation: Violation) -> Problem:
    allowed = violation.demand if violation.keyword == "enum" else [violation.demand]
    at, value = violation.at, violation.value
    names = tuple(choice for choice in allowed if isinstance(choice, str))
    hint = spelling(violation.rule, _scalar_text(value)) if isinstance(value, str | int) else None
    nearest = nearest_name(value, names) if isinstance(value, str) and hint is None else None
    wanted = one_of(allowed) if len(allowed) > 1 else f"`{allowed[0]}`"
    message = f"{_label(at)} must be {wanted}, not `{display(value)}`{did_you_mean(nearest)}"
    return subject.problem("06", message, subject.places.value(at), at, hint)


def _range(subject: SchemaSubject, violation: Violation) -> Problem:
    at = violation.at
    least, most = violation.rule.get("minimum"), violation.rule.get("maximum")
    bound = f"at least {least}" if violation.keyword == "minimum" else f"at most {most}"
    message = f"{_label(at)} must be {bound}, not {display(violation.value)}"
    return subject.problem("07", message, subject.places.value(at), at, way_out(violation.rule, str(at[-1])))


def _form(subject: SchemaSubject, violation: Violation) -> Problem:
    at = violation.at
    if violation.in_name:
        place, label = (
            subject.places.key((*at, violation.value)),
            f"the name `{display(violation.value)}` in {_label(at)}",
        )
        return subject.problem("08", f"{label} is not in the right form", place, at, f"write {FORMS['name']}")
    message = f"{_label(at)} is not in the right form: `{display(violation.value)}`"
    form = FORMS.get(str(at[-1]), FORMS.get(str(at[0]), _FORM))
    if at[0] == "labels" or at[-2:] == ("renew", "periodId"):
        form = _FORM if at[0] == "labels" else _PERIOD
    return subject.problem("08", message, subject.places.value(at), at, f"write {form}")


def is_template(value: object) -> bool:
    """Whether a value is text with a template that nobody filled in."""
    return isinstance(value, str) and _TEMPLATES.match(value) is not None


def _template(subject: SchemaSubject, violation: Violation) -> Problem:
    at, where = violation.at, subject.places.value(violation.at)
    if violation.in_name:
        where = subject.places.key((*at, violation.value))
    message = f"{_label(at)} has a template that nobody filled in: `{display(violation.value)}`"
    return subject.problem(TEMPLATE, message, where, at, "write the value, or have it filled in before")


def _length(subject: SchemaSubject, violation: Violation) -> Problem:
    at, value, limit = violation.at, violation.value, violation.demand
    if not value:
        message, hint = f"{_label(at)} is empty", "give it a value, or remove the line"
    else:
        message, hint = f"{_label(at)} has {len(value)} characters; the limit is {limit}", "shorten it"
    return subject.problem("08", message, subject.places.value(at), at, hint)


def _other(subject: SchemaSubject, violation: Violation) -> Problem:
    """A rule of the schema that nobody has words for yet."""
    at = violation.at
    message = f"{_label(at)} violates the rule `{violation.keyword}` of its schema"
    hint = f"see `order-runner schema {subject.schema if subject.is_order else 'manifest'}`"
    return subject.problem("08", message, subject.places.value(at), at, hint)


_WORDS: Final[dict[str, Callable[[SchemaSubject, Violation], Problem]]] = {
    "type": _type,
    "enum": _choice,
    "const": _choice,
    "minimum": _range,
    "maximum": _range,
    "pattern": _form,
    "minLength": _length,
    "maxLength": _length,
    "minItems": _length,
}
