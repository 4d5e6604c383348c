"""The vendor's reference lists during a run: each read at most once, and every order held against that of its type.

In API v1 the numeric `countryId` alone decides which product is bought (docs/vendor/api-v1.md#product-type), so an id
that is not in the list of the order's own type is refused before it is priced. Where a list is silent, nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from runner.core.catalogue import Catalogue
from runner.core.errors import UnknownForm, VendorUnavailable
from runner.core.nearest import nearest
from runner.core.orders import PRODUCT_TYPES, WORDS, OrderRequest, ProductType, Scalar
from runner.core.progress import Notice, Watch
from runner.core.vendor import Choice, Reader
from runner.manifest.lock import address_of
from runner.manifest.lock.meanings import NEAREST, label, matches
from runner.plan.plan import Plan, Step

CHECKED: Final = ("countryId", "tarifId", "periodId", "operatorId", "rotationId")
_UNDER: Final[Mapping[str, tuple[str, ...]]] = {
    "operatorId": ("countryId", "mobileServiceType"),
    "rotationId": ("countryId", "mobileServiceType", "operatorId"),
}
Shelf = dict[tuple[str, tuple[tuple[str, Scalar], ...]], dict[str, Choice]]
"""Choices by the field they are for and what they hang on, then by id as text."""


@dataclass(slots=True, kw_only=True)
class References:
    """What was read of the vendor's lists in this run. `unread` are types whose list came in an unknown form."""

    reader: Reader
    watch: Watch
    unread: list[ProductType] = field(default_factory=list)
    _catalogue: Catalogue = field(init=False)
    _shelves: dict[ProductType, Shelf] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._catalogue = Catalogue(connect=lambda: (self.reader, self.watch))

    def of(self, product: ProductType) -> tuple[Choice, ...]:
        """What can be ordered of a type, asked once; nothing where the list is in a form nobody knows.

        Raises what `Reader.reference` raises otherwise.
        """
        if product in self.unread:
            return ()
        try:
            choices = self._catalogue.choices(product)
        except UnknownForm as error:
            choices = ()
            self.unread.append(product)
            self.watch(Notice(text=f"the ids of {product} orders were not checked: {error}"))
        if product not in self._shelves:
            self._shelves[product] = _shelf(choices)
        return choices

    def offers(self, request: OrderRequest, name: str) -> Mapping[str, Choice]:
        """What the lists read so far have for a field of an order, by id as text; empty where they are silent."""
        within = tuple((under, request.fields[under]) for under in _UNDER.get(name, ()) if under in request.fields)
        return self._shelves.get(request.type, {}).get((name, within), {})

    def way_out(self, request: OrderRequest, name: str | None) -> str | None:
        """The nearest legal values of a field, from what was read; None where that says nothing."""
        offered = self.offers(request, name) if name else {}
        written = str(request.fields.get(name or "", ""))
        near = [offered[value] for value in nearest_values(written, tuple(offered))]
        if not near:
            return None
        return f"nearest in the vendor's list for {request.type}: " + ", ".join(map(choice_text, near))


def check_ids(plan: Plan, references: References) -> Plan:
    """The plan without orders whose ids are not in the list of their own type, or whose words mean another id now."""
    steps = tuple(
        _check(step, references) if step.to_buy and step.request.renews is None else step for step in plan.steps
    )
    unchecked = tuple(f"ids of {product} orders" for product in references.unread)
    return replace(plan, steps=steps, unchecked=(*plan.unchecked, *unchecked))


def add_ways_out(plan: Plan, references: References) -> Plan:
    """The plan with the nearest legal values beside what the vendor would not price."""
    return replace(plan, steps=tuple(_mend_hint(step, references) for step in plan.steps))


def choice_text(choice: Choice) -> str:
    """`561 (France)`."""
    return f"{choice.value} ({choice.name})"


def nearest_values(written: str, offered: tuple[str, ...]) -> tuple[str, ...]:
    """The ids nearest to the one written, itself left out; all of them where there are few."""
    others = [value for value in offered if value != written]
    close = nearest(written, others, most=NEAREST)
    return tuple(close or (others if len(others) <= 2 * NEAREST else ()))


def _shelf(choices: tuple[Choice, ...]) -> Shelf:
    shelf: Shelf = {}
    for choice in choices:
        shelf.setdefault((choice.field, choice.within), {})[str(choice.value)] = choice
    return shelf


def _check(step: Step, references: References) -> Step:
    request = step.request
    references.of(request.type)
    for name in CHECKED:
        offered = references.offers(request, name) if name in request.fields else {}
        if offered and str(request.fields[name]) not in offered:
            return _foreign(step, name, references)
    for kind in request.words:
        if refused := _refuse_moved_word(step, kind, references):
            return refused
    return step


def _foreign(step: Step, name: str, references: References) -> Step:
    """An id that the vendor does not list for the order's type: whose it is, and what was probably meant."""
    request, value = step.request, step.request.fields[name]
    elsewhere = list(_elsewhere(request, references)) if name == "countryId" else []
    whose = ": it is " + " and ".join(f"{c.name} of {c.type}" for c in elsewhere) if elsewhere else ""
    same = [c for other in elsewhere for c in references.of(request.type) if _same_place(c, other)]
    hint = references.way_out(request, name) or f"`order-runner reference {request.type}` lists what there is"
    if same:
        hint = f"for {request.type} that is {choice_text(same[0])}"
    subject = f"`{name}` {value}"
    word = _word_of(request, name)
    if word:
        subject = f"`{word}: {request.words[word]}` is locked as {value}, which"
        now = _meanings(request, word, references)
        hint = f"the word now means {' or '.join(map(choice_text, now))}" if now else hint
        hint = f"{hint}; {_update(request, word)} locks the new id"
    return step.with_refusal(
        "PSR450", f"{subject} is not in the vendor's list for {request.type}{whose}", hint=hint, field=name
    )


def _elsewhere(request: OrderRequest, references: References) -> Iterator[Choice]:
    """The same id in the lists of other types; those that cannot be read now are left out."""
    value = str(request.fields["countryId"])
    for product in PRODUCT_TYPES:
        if product not in (request.type, "resident"):
            try:
                references.of(product)
            except VendorUnavailable:
                continue
            countries = references._shelves[product].get(("countryId", ()), {})  # noqa: SLF001 - of this module
            if value in countries:
                yield countries[value]


def _same_place(one: Choice, other: Choice) -> bool:
    if one.field != "countryId":
        return False
    return one.alpha3 == other.alpha3 if one.alpha3 and other.alpha3 else one.name == other.name


def _meanings(request: OrderRequest, kind: str, references: References) -> tuple[Choice, ...]:
    """What the vendor means by a word of an order now."""
    address = address_of(request.type, kind, request.words[kind], request.fields)
    return matches(references.of(request.type), address) if address else ()


def _refuse_moved_word(step: Step, kind: str, references: References) -> Step | None:
    """A word by which the vendor means another id than the one it is locked to."""
    request, name = step.request, WORDS[kind]
    if not references.offers(request, name):
        return None
    fitting = _meanings(request, kind, references)
    locked = request.fields[name]
    if any(str(choice.value) == str(locked) for choice in fitting):
        return None
    now = " or ".join(map(choice_text, fitting)) or "nothing"
    subject = f"`{kind}: {request.words[kind]}` is locked as {locked}"
    there = references.offers(request, name)[str(locked)]
    return step.with_refusal(
        "PSR451",
        f"{subject}, which is now {label(there)}; the word now means {now}",
        hint=f"{_update(request, kind)} locks the new id",
        field=kind,
    )


def _word_of(request: OrderRequest, name: str) -> str | None:
    return next((kind for kind in request.words if WORDS[kind] == name), None)


def _update(request: OrderRequest, kind: str) -> str:
    import shlex

    return f"`order-runner lock {shlex.quote(request.source.path)} --update {shlex.quote(request.words[kind])}`"


def _mend_hint(step: Step, references: References) -> Step:
    if step.problem is None or step.vendor is None:
        return step
    hint = references.way_out(step.request, step.vendor.field)
    return replace(step, problem=replace(step.problem, hint=hint)) if hint else step
