"""What is compared: samples × faults × formats, and every other command.

A case is a list of commands in one world, named `GROUP/…`. Each case has its world to itself, so any of them can be run
alone; `--only PATTERN` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.golden.commands import Step
from tests.nursery import ROOT

INPUTS: Final = Path(__file__).with_name("inputs")
REPORT_FORMATS: Final = ("json", "ndjson", "junit", "sarif", "markdown", "github", "html")
CHECK_FORMATS: Final = ("json", "github", "junit", "sarif", "markdown")
COMMANDS: Final = (
    "validate", "plan", "apply", "status", "reconcile", "resolve", "ledger", "reference", "lock", "doctor", "report",
    "schema", "explain", "sandbox", "init", "completion",
)  # fmt: skip
TYPES: Final = ("ipv4", "isp", "mix", "mix_isp", "ipv6", "mobile", "resident")

SAMPLES: Final[Mapping[str, tuple[str, ...]]] = {
    **{name: (f"samples/{name}.yaml",) for name in TYPES},
    "everything": ("samples/everything.yaml",),
    "team": ("samples/team/orders",),
    "all": ("samples",),
    "coupons": ("inputs/coupons.yaml",),
    "hostile": ("inputs/hostile.yaml",),
    "three": ("inputs/three.yaml",),
}
"""What is bought: a name → the paths that a command is given."""
SEVERAL: Final = frozenset({"ipv4", "isp", "everything", "team", "three"})
"""Samples whose second purchase is met by each fault as well, and every read of a kind."""

IMPATIENT: Final = ("--money-timeout", "1", "--allow-short-money-timeout")
MAKE_FAULTS: Final[Mapping[str, tuple[str, ...]]] = {
    **{
        f"{how}-{when}": IMPATIENT if how == "silent" else ()
        for how in ("reset", "close", "silent", "500", "502", "html", "empty")
        for when in ("before", "after")
    },
    "silent-later": IMPATIENT,
    "cut-body": (),
    "no-id": (),
    "error-with-data": (),
    "error-with-data-before": (),
    "429": (),
    "triple": (),
    "drip": IMPATIENT,
    "price-up": (),
    "overcharge": (),
    "no-funds": (),
    "slow": (),
}
"""Faults of a purchase, and what the command is told beside them."""
ARGUMENTS: Final = {"drip": ":5", "slow": ":0.05", "calc-error": ":Sold out for <now>", "calc-slow": ":0.05"}
QUOTE_FAULTS: Final = ("price-up-quote", "calc-error", "calc-html", "calc-slow")
READ_FAULTS: Final = ("list-500", "list-html", "list-empty", "list-blank", "balance-500", "down")
MORE_FAULTS: Final[Mapping[str, tuple[str, ...]]] = {
    "429@1:2": (),
    "429@1x*": (),
    "slow@1:5": IMPATIENT,
    "overcharge@1:300": (),
    "price-up@1:1": (),
    "price-up-quote@1:1": (),
    "down@5": (),
    "down@5x*": (),
    "down@7x3": (),
    "reset-after@1 list-500x*": (),
    "reset-after@1 balance-500x*": (),
    "close-after@1 price-up-quote@1": (),
}
KINDS: Final = frozenset({*MAKE_FAULTS, *QUOTE_FAULTS, *READ_FAULTS})

CORE: Final = frozenset({"ipv6", "mobile", "resident", "everything", "team", "hostile"})
CORE_FAULTS: Final = frozenset({
    "reset-after@2", "502-before@2", "cut-body@2", "no-id@2", "error-with-data@2", "429@2", "triple@2", "overcharge@2",
    "price-up@2", "no-funds@2", "calc-error:Sold_out_for_<now>", "list-500x*", "down@5x*",
})  # fmt: skip
"""What of the matrix every test run takes."""

SWITCHES: Final = (
    "items_shape=list", "filters=body", "filters=ignored", "calc_warning=error", "limit_form=429", "limit_form=triple",
    "triple_items=1", "provisioning_delay=3600", "partial_delivery=true", "base_order_numbers=false",
    "number_prefix=order", "ids=string", "money=string", "untyped_list=nested", "resident_package=live",
    "require_target=false", "ipv6_minimum=30", "order_numbers=marked", "ends_hidden=40",
)  # fmt: skip
"""How the vendor may be otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Commands in one world. `core` is part of every test run, and its text is kept."""

    name: str
    steps: tuple[Step, ...]
    files: Mapping[str, Path] = field(default_factory=lambda: FILES)
    core: bool = False

    @property
    def group(self) -> str:
        return self.name.partition("/")[0]


FILES: Final[Mapping[str, Path]] = {"samples": ROOT / "samples", "inputs": INPUTS}


def formats(*names: str, to: str = "out") -> tuple[str, ...]:
    """Text on stdout, and each of the formats in a file."""
    return ("-f", "text", *(part for name in names for part in ("-f", f"{name}={to}.{name}")))


ALL: Final = formats(*REPORT_FORMATS)
TWO: Final = formats("json")


def every_case() -> list[Case]:
    """The whole matrix, always in the same order."""
    cases = [
        *_faults(), *_served(), *_switches(), *_unrecorded(), *_settled(), *_approved(), *_limited(), *_forgotten(),
        *_manifests(), *_policies(), *_locked(), *_ledgers(), *_words_of_help(),
    ]  # fmt: skip
    assert len({case.name for case in cases}) == len(cases)
    return cases


# -- samples × faults, in a sandbox inside the command


def _faults() -> Iterator[Case]:
    for sample, paths in SAMPLES.items():
        plan = Step("plan", ("plan", "--sandbox", *ALL, *paths))
        yield Case(name=f"faults/{sample}/none", steps=(plan, *_bought(paths, (), ())), core=sample in CORE)
        for spec, more in _specs(sample):
            core = sample == "three" and spec in CORE_FAULTS
            yield Case(name=f"faults/{sample}/{spec}", steps=_bought(paths, spec.split(" "), more), core=core)


def _specs(sample: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for kind, more in MAKE_FAULTS.items():
        for number in (1, 2) if sample in SEVERAL else (1,):
            yield f"{kind}@{number}{ARGUMENTS.get(kind, '')}", more
    for kind in (*QUOTE_FAULTS, *READ_FAULTS):
        for many in ("", "x*") if sample in SEVERAL else ("",):
            yield f"{kind}{many}{ARGUMENTS.get(kind, '').replace(' ', '_')}", ()
    if sample in SEVERAL:
        yield from MORE_FAULTS.items()


def _bought(paths: tuple[str, ...], faults: list[str] | tuple[str, ...], more: tuple[str, ...]) -> tuple[Step, ...]:
    """Buy, look at what became of it in every way there is, settle, and buy the rest."""
    asked = tuple(part for spec in faults for part in ("--fault", spec))
    return (
        Step("apply", ("apply", "--sandbox", "--yes", *more, *asked, *ALL, *paths)),
        Step("render", ("report", "render", *formats(*REPORT_FORMATS, to="again"), "report.json")),
        Step("status", ("status", "--sandbox", *TWO)),
        Step("reconcile", ("reconcile", "--sandbox", *formats("json", to="verdicts"))),
        Step("exclusive", ("reconcile", "--sandbox", "--exclusive", *formats("json", to="verdicts")), late=1500),
        Step("rest", ("apply", "--sandbox", "--yes", *ALL, *paths)),
        Step("export", ("ledger", "export", "--sandbox")),
        Step("verify", ("ledger", "verify", "--sandbox", *formats("json", to="verified"))),
    )


# -- the other commands against a served vendor that fails


def _served() -> Iterator[Case]:
    specs = [f"{kind}{many}{ARGUMENTS.get(kind, '')}" for kind in (*QUOTE_FAULTS, *READ_FAULTS) for many in ("", "x*")]
    for sample in ("three", "team", "everything"):
        paths = SAMPLES[sample]
        for spec in specs:
            steps = (
                Step("plan", ("plan", *ALL, *paths), served=("--fault", spec)),
                Step("dry-run", ("apply", "--dry-run", *ALL, *paths), served=("--fault", spec)),
                Step("doctor", ("doctor", *TWO, *paths), served=("--fault", spec)),
                Step("lock", ("lock", *paths), served=("--fault", spec)),
                Step("reference", ("reference", *TWO), served=("--fault", spec)),
                Step("lose", ("apply", "--yes", "--quiet", *paths), served=("--fault", "reset-after@2")),
                Step("reconcile", ("reconcile", *TWO), served=("--fault", spec)),
                Step("plan-open", ("plan", *ALL, *paths), served=("--fault", spec)),
                Step("status", ("status", *TWO, *paths)),
            )
            yield Case(name=f"served/{sample}/{spec}", steps=steps, core=sample == "three" and spec == "down")


def _switches() -> Iterator[Case]:
    for switch in SWITCHES:
        served = ("--switch", switch)
        steps = (
            Step("plan", ("plan", *ALL, "samples"), served=served),
            Step("apply", ("apply", "--yes", *ALL, "samples"), served=(*served, "--fault", "close-after@3")),
            Step("reconcile", ("reconcile", "--exclusive", *TWO), served=served),
            Step("rest", ("apply", "--yes", *ALL, "samples"), served=served),
            Step("reference", ("reference", "--refresh", *TWO), served=served),
            Step("export", ("ledger", "export")),
        )
        yield Case(name=f"switches/{switch}", steps=steps)
    for balance in ("0", "5.00", "20.00"):
        served = ("--balance", balance)
        steps = (
            Step("plan", ("plan", *ALL, "inputs/three.yaml"), served=served),
            Step("apply", ("apply", "--yes", *ALL, "inputs/three.yaml"), served=served),
            Step("keep", ("apply", "--yes", "--keep-going", *ALL, "inputs/three.yaml"), served=served),
            Step("doctor", ("doctor", *TWO), served=served),
        )
        yield Case(name=f"switches/balance-{balance}", steps=steps)


# -- a disk that is full from some moment on


def _unrecorded() -> Iterator[Case]:
    """The group `unrecorded` has the ledger that does not take a result, `unclaimed` the one that takes no claim."""
    for sample, orders in (("three", 3), ("everything", 7), ("hostile", 1)):
        for number in range(1, orders + 1):
            for fault in ("", "reset-after", "no-id", "triple"):
                yield _full("unrecorded", sample, f"order/make@{number}", f"{fault}@{number}" if fault else "")
    for number in (4, 5, 6):
        yield _full("unclaimed", "three", f"order/calc@{number}", "")


def _full(group: str, sample: str, at: str, fault: str) -> Case:
    paths = SAMPLES[sample]
    asked = ("--fault", fault) if fault else ()
    steps = (
        Step("apply", ("apply", "--sandbox", "--yes", *asked, *ALL, *paths), env={"GOLDEN_FULL": at}),
        Step("render", ("report", "render", *formats(*REPORT_FORMATS, to="again"), "report.json")),
        Step("status", ("status", "--sandbox", *TWO)),
        Step("doctor", ("doctor", "--sandbox")),
        Step("plan", ("plan", "--sandbox", *ALL, *paths)),
        Step("rest", ("apply", "--sandbox", "--yes", *ALL, *paths)),
        Step("export", ("ledger", "export", "--sandbox")),
    )
    name = f"{group}/{sample}/{at.rpartition('@')[2]}{'-' + fault.partition('@')[0] if fault else ''}"
    return Case(name=name, steps=steps, core=name in ("unrecorded/three/1", "unrecorded/three/2", "unclaimed/three/5"))


# -- doubt, and the ways out of it


def _settled() -> Iterator[Case]:
    lost = Step("lose", ("apply", "--yes", "--quiet", "inputs/three.yaml"), served=("--fault", "reset-after@2"))
    unsold = Step("lose", ("apply", "--yes", "--quiet", "inputs/three.yaml"), served=("--fault", "reset-before@2"))
    after = (
        Step("status", ("status", *TWO, "inputs/three.yaml")),
        Step("rest", ("apply", "--yes", *ALL, "inputs/three.yaml"), served=()),
        Step("export", ("ledger", "export")),
    )
    absent = ("resolve", "crawl/two", "--absent", "--reason", "looked at the dashboard")
    ways: dict[str, tuple[Step, ...]] = {
        "placed": (Step("way", ("resolve", "crawl/two", "--placed", "2426274", "--yes")),),
        "placed-owned": (Step("way", ("resolve", "crawl/two", "--placed", "2426273", "--yes")),),
        "absent-early": (Step("way", (*absent, "--yes")),),
        "absent-late": (Step("way", (*absent, "--yes"), late=1500),),
        "absent-accepted": (Step("way", (*absent, "--accept-possible-second-purchase", "--yes")),),
        "absent-without-reason": (Step("way", ("resolve", "crawl/two", "--absent", "--yes")),),
        "unasked": (Step("way", absent),),
        "bought-already": (Step("way", ("resolve", "crawl/one", "--placed", "1", "--yes")),),
        "no-such-order": (Step("way", ("resolve", "crawl/nobody", "--placed", "1", "--yes")),),
        "not-mine": (Step("way", ("resolve", "--not-mine", "2426274", "--reason", "theirs", "--yes")),),
        "waited": (Step("way", ("reconcile", "--wait", "30m", *TWO), served=()),),
        "exclusive": (Step("way", ("reconcile", "--exclusive", "crawl/two", *TWO), served=()),),
        "other-key": (Step("way", ("reconcile", "crawl/one", *TWO), served=()),),
    }
    for name, way in ways.items():
        yield Case(name=f"settled/made/{name}", steps=(lost, *way, *after), core=name in ("placed", "exclusive"))
        yield Case(name=f"settled/not-made/{name}", steps=(unsold, *way, *after), core=name == "waited")


# -- plans as documents, and their approval


def _approved() -> Iterator[Case]:
    def case(name: str, *steps: Step, core: bool = False) -> Case:
        plan = Step("plan", ("plan", "--out", "plan.json", *ALL, "inputs/three.yaml"), served=())
        return Case(name=f"approved/{name}", steps=(plan, *steps), core=core)

    def applied(*more: str, late: float = 60.0, name: str = "apply", served: tuple[str, ...] = ()) -> Step:
        return Step(name, ("apply", *ALL, *more), served=served, late=late)

    digest = "{digest of plan.json}"
    yield case("file", applied("plan.json"), applied("plan.json", name="again"), core=True)
    yield case("digest", applied("--approve", digest, "inputs/three.yaml"), core=True)
    yield case("file-and-digest", applied("--approve", digest, "plan.json"))
    yield case("another-digest", applied("--approve", "sha256:" + 64 * "0", "inputs/three.yaml"))
    yield case("dry-run", Step("apply", ("apply", "--dry-run", "plan.json"), served=()))
    yield case("offline", Step("apply", ("apply", "--dry-run=offline", *ALL, "inputs/three.yaml")))
    yield case("old", applied("plan.json", late=90_000))
    yield case("old-allowed", applied("--max-age", "3d", "plan.json", late=90_000))
    dearer = ("--fault", "price-up-quote:1")
    yield case("price", applied("plan.json", served=dearer), applied("plan.json", name="after"))
    yield case(
        "price-much",
        applied("plan.json", served=("--fault", "price-up-quote:50")),
        applied("plan.json", name="after"),
        core=True,
    )
    for name, old, new in (
        ("quantity", "quantity: 1", "quantity: 3"),
        ("name", "name: one", "name: uno"),
        ("label", "team: crawl", "team: other"),
        ("budget", '"200.00"', '"300.00"'),
        (
            "gone",
            "  - {name: three, type: isp, countryId: 4480, periodId: 1m, quantity: 2, customTargetName: three}\n",
            "",
        ),
    ):
        yield case(
            f"edited-{name}",
            Step("apply", ("apply", *ALL, "plan.json"), served=(), edits=(("inputs/three.yaml", old, new),)),
        )
    yield case(
        "cut-off", applied("plan.json", served=("--fault", "close-before@2")), applied("plan.json", name="after")
    )
    yield case(
        "flags-beside", applied("--max-spend", "1", "plan.json"), applied("--only", "one", "plan.json", name="only")
    )
    yield case("unasked", applied("inputs/three.yaml"))


# -- limits, policies, selections


def _limited() -> Iterator[Case]:
    ways: dict[str, tuple[str, ...]] = {
        "max-spend": ("--max-spend", "10", "inputs/three.yaml"),
        "max-orders": ("--max-orders", "2", "inputs/three.yaml"),
        "policy": ("--policy", "inputs/strict-policy.yaml", "inputs/three.yaml"),
        "policy-keep-going": ("--policy", "inputs/strict-policy.yaml", "--keep-going", "inputs/three.yaml"),
        "refused": ("inputs/refused.yaml",),
        "refused-keep-going": ("--keep-going", "inputs/refused.yaml"),
        "refused-strict": ("--strict", "inputs/refused.yaml"),
        "late": ("inputs/late.yaml",),
        "words-unlocked": ("inputs/words.yaml",),
        "only": ("--only", "crawl/t*", "inputs/three.yaml"),
        "exclude": ("--exclude", "one", "inputs/three.yaml"),
        "label": ("--label", "team=shops", "inputs/three.yaml"),
        "only-none": ("--only", "nobody", "inputs/three.yaml"),
        "missing-file": ("nowhere.yaml",),
        "not-an-amount": ("--max-spend", "lots", "inputs/three.yaml"),
        "unknown-fault": ("--fault", "resett", "inputs/three.yaml"),
    }
    for name, more in ways.items():
        asked = more if "--fault" not in more else more[-1:]
        yield Case(
            name=f"limited/{name}",
            steps=(
                Step("validate", ("validate", *formats(*CHECK_FORMATS), more[-1])),
                Step("plan", ("plan", "--sandbox", *ALL, *asked)),
                Step("plan-code", ("plan", "--sandbox", "--detailed-exitcode", "-q", *asked)),
                Step("expect-nothing", ("plan", "--sandbox", "--expect-nothing", *asked)),
                Step("apply", ("apply", "--sandbox", "--yes", *ALL, *more)),
                Step("verbose", ("apply", "--sandbox", "--yes", "-v", "--report", "-", *more)),
                Step("status", ("status", "--sandbox", *TWO)),
            ),
            core=name in ("policy", "refused-keep-going"),
        )
    many = tuple(
        Step(f"day-{day}", ("apply", "--sandbox", "--yes", "--policy", "inputs/daily.yaml", *ALL, "inputs/three.yaml"),
             late=86_400, edits=() if day == 1 else (("inputs/three.yaml", f"batch: crawl{day - 2 or ''}", f"batch: crawl{day - 1}"),))
        for day in range(1, 6)
    )  # fmt: skip
    yield Case(name="limited/days", steps=many, core=True)
    changed = (("inputs/three.yaml", "quantity: 1", "quantity: 3"),)
    yield Case(
        name="limited/changed-after-purchase",
        steps=(
            Step("apply", ("apply", "--sandbox", "--yes", *ALL, "inputs/three.yaml")),
            Step("plan", ("plan", "--sandbox", *ALL, "inputs/three.yaml"), edits=changed),
            Step("again", ("apply", "--sandbox", "--yes", *ALL, "inputs/three.yaml")),
            Step("status", ("status", "--sandbox", *TWO, "inputs/three.yaml")),
        ),
        core=True,
    )


def _forgotten() -> Iterator[Case]:
    """Two ledgers of one account: what the one has bought, the other does not know."""
    first = Step("first", ("apply", "--yes", "-q", "--ledger", "first.ledger", "inputs/three.yaml"), served=())
    second = ("--ledger", "second.ledger")
    tail = (
        Step("status", ("status", *second, *TWO)),
        Step("export", ("ledger", "export", *second)),
    )
    strict = Step("strict", ("apply", "--yes", "--strict-account", *second, *ALL, "inputs/three.yaml"), served=())
    yield Case(
        name="forgotten/strict",
        steps=(
            first,
            Step("plan", ("plan", "--strict-account", *second, *ALL, "inputs/three.yaml"), served=()),
            strict,
            Step("adopt", ("resolve", *second, "crawl/one", "--placed", "2426273", "--yes")),
            Step("disown", ("resolve", *second, "--not-mine", "2426274", "--reason", "theirs", "--yes")),
            Step("again", strict.args, served=()),
            *tail,
        ),
        core=True,
    )
    loose = Step("loose", ("apply", "--yes", *second, *ALL, "inputs/three.yaml"), served=())
    yield Case(name="forgotten/loose", steps=(first, loose, *tail))
    blind = ("--fault", "list-500x*")
    steps = (first, Step("strict", strict.args, served=blind), Step("loose", loose.args, served=blind), *tail)
    yield Case(name="forgotten/blind", steps=steps)


# -- manifests, policies, lockfiles


def _manifests() -> Iterator[Case]:
    for kind in ("valid", "invalid"):
        for folder in sorted((ROOT / "tests" / "manifest" / "cases" / kind).iterdir()):
            names = sorted(path.name for path in folder.iterdir() if path.name != "expected.json")
            paths = tuple(f"case/{name}" for name in names)
            steps = (
                Step("validate", ("validate", *formats(*CHECK_FORMATS), *paths)),
                Step("plan", ("plan", "--sandbox", *ALL, *paths)),
                Step("strict", ("validate", "--strict", "-v", *paths)),
            )
            core = folder.name in ("alias-in-itself", "several-files", "every-type", "syntax-everything-before-it")
            files = {f"case/{name}": folder / name for name in names}
            yield Case(name=f"manifests/{kind}/{folder.name}", steps=steps, files=files, core=core)
    whole = Step("validate", ("validate", *formats(*CHECK_FORMATS), "samples", "inputs"))
    yield Case(name="manifests/samples", steps=(whole,), core=True)


def _policies() -> Iterator[Case]:
    for kind in ("valid", "invalid"):
        for folder in sorted((ROOT / "tests" / "limits" / "policies" / kind).iterdir()):
            more = ("--policy", "case/order-runner.yaml")
            steps = (
                Step("validate", ("validate", *formats(*CHECK_FORMATS), *more, "samples/everything.yaml")),
                Step("plan", ("plan", "--sandbox", *ALL, *more, "samples/everything.yaml")),
                Step("doctor", ("doctor", "--sandbox", *TWO, *more)),
            )
            files = {**FILES, "case/order-runner.yaml": folder / "order-runner.yaml"}
            yield Case(name=f"policies/{kind}/{folder.name}", steps=steps, files=files)


def _locked() -> Iterator[Case]:
    words = "inputs/words.yaml"
    lockfile = ("--lockfile", "lock.json")
    yield Case(
        name="locked/words",
        steps=(
            Step("check-none", ("lock", "--check", *TWO, *lockfile, words), served=()),
            Step("lock", ("lock", *formats("json", "github"), *lockfile, words), served=()),
            Step("check", ("lock", "--check", *TWO, *lockfile, words), served=()),
            Step("update", ("lock", "--update", "FRA", *lockfile, words), served=()),
            Step("validate", ("validate", *formats(*CHECK_FORMATS), *lockfile, words)),
            Step("plan", ("plan", "--out", "plan.json", *ALL, *lockfile, words), served=()),
            Step("apply", ("apply", *ALL, *lockfile, "plan.json"), served=()),
            Step("again", ("apply", "--yes", *ALL, *lockfile, words), served=()),
        ),
        core=True,
    )
    moved = Step("moved", ("plan", *ALL, *lockfile, words), served=(), edits=(("lock.json", '"id": ', '"id": 9'),))
    yield Case(
        name="locked/moved",
        steps=(
            Step("lock", ("lock", *lockfile, words), served=()),
            moved,
            Step("check", ("lock", "--check", *formats("json", "github"), *lockfile, words), served=()),
            Step("lock-again", ("lock", *lockfile, words), served=()),
            Step("update", ("lock", "--update", "FRA", *lockfile, words), served=()),
            Step("apply", ("apply", "--yes", *ALL, *lockfile, words), served=()),
        ),
    )
    yield Case(name="locked/unknown", steps=(Step("lock", ("lock", *TWO, "inputs/unknown-word.yaml"), served=()),))
    yield Case(
        name="locked/sandbox",
        steps=(
            Step("check", ("lock", "--sandbox", "--check", "samples/team/orders")),
            Step("lock", ("lock", "--sandbox", "samples/team/orders")),
            Step("broken", ("validate", "samples/team/orders"),
                 edits=(("samples/team/orders/orders.lock.json", "{", "["),)),
        ),
    )  # fmt: skip


# -- the ledger's history


def _ledgers() -> Iterator[Case]:
    bought = Step("apply", ("apply", "--yes", "-q", "inputs/three.yaml"), served=("--fault", "reset-after@3"))
    export = Step("export", ("ledger", "export", "-o", "history.jsonl"))
    back = ("ledger", "import", "--ledger", "copy.ledger")
    yield Case(
        name="ledgers/there-and-back",
        steps=(
            Step("none", ("ledger", "export")),
            bought,
            export,
            Step("verify", ("ledger", "verify", *TWO)),
            Step("verify-file", ("ledger", "verify", *TWO, "history.jsonl")),
            Step("import", (*back, *TWO, "history.jsonl")),
            Step("import-again", (*back, *TWO, "history.jsonl")),
            Step("export-copy", ("ledger", "export", "--ledger", "copy.ledger")),
            Step("status-copy", ("status", "--ledger", "copy.ledger", *TWO)),
            Step("apply-copy", ("apply", "--yes", "--ledger", "copy.ledger", *ALL, "inputs/three.yaml"), served=()),
        ),
        core=True,
    )
    for name, old, new in (
        ("changed", '"after":"placed"', '"after":"rejected"'),
        ("head", '"events":', '"events":1'),
        ("text", '{"account"', "account"),
    ):
        edits = (("history.jsonl", old, new),)
        steps = (
            bought,
            export,
            Step("verify", ("ledger", "verify", *TWO, "history.jsonl"), edits=edits),
            Step("import", (*back, *TWO, "history.jsonl")),
        )
        yield Case(name=f"ledgers/{name}", steps=steps)


# -- what needs no orders


def _words_of_help() -> Iterator[Case]:
    helped = tuple(Step(name, (name, "--help")) for name in COMMANDS)
    below = tuple(
        Step(f"{group}-{name}", (group, name, "--help"))
        for group, names in (("ledger", ("export", "verify", "import")), ("report", ("render",)))
        for name in names
    )
    lone = (Step("none", ()), Step("help", ("--help",)), Step("version", ("--version",)), Step("unknown", ("by",)))
    yield Case(name="texts/help", steps=(*lone, *helped, *below))
    yield Case(name="texts/bare", steps=tuple(Step(name, (name,)) for name in COMMANDS if name != "sandbox"))
    schemas = ("doctor", "event", "lockfile", "manifest", "plan", "policy", "report", *TYPES)
    yield Case(
        name="texts/schema",
        steps=tuple(Step(name or "names", ("schema", *filter(None, [name]))) for name in ("", *schemas, "nobody")),
    )
    yield _explained()
    steps = (
        *(Step(name, ("reference", "--sandbox", *TWO, name)) for name in TYPES),
        Step("country", ("reference", "--sandbox", "mobile", "--country", "FRA")),
        Step("ask", ("reference", "isp"), served=()),
        Step("cached", ("reference", *TWO), served=()),
        Step("keyless", ("reference", "isp")),
    )
    yield Case(name="texts/reference", steps=steps)
    yield Case(name="texts/doctor", steps=_doctored())
    yield Case(name="texts/init", steps=_started())
    yield Case(name="texts/completion", steps=_completed(), core=True)
    yield Case(name="texts/sandbox", steps=tuple(
        Step(name, ("sandbox", *args)) for name, args in {
            "reset": ("--reset",), "fault": ("--fault", "nonsense"), "argument": ("--fault", "calc-error"),
            "switch": ("--switch", "nonsense=1"), "balance": ("--balance", "much"),
        }.items()
    ))  # fmt: skip
    job = {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "summary.md", "GITHUB_OUTPUT": "outputs.txt"}
    yield Case(
        name="texts/github",
        steps=(
            Step("validate", ("validate", "inputs"), env=job),
            Step("unnamed", ("apply", "--yes", "inputs/three.yaml"), env=job, served=()),
            Step("unread", ("plan", "-f", "github", "--ledger", "~/ci.ledger", "inputs/three.yaml"), env=job, served=()),
            Step("missing", ("apply", "--yes", "--ledger", "~/ci.ledger", "inputs/three.yaml"), env=job, served=()),
            Step("init", ("ledger", "init", "--ledger", "~/ci.ledger"), env=job | {"USER": "ann"}),
            Step("apply", ("apply", "--yes", "-f", "github", "--ledger", "~/ci.ledger", "inputs/three.yaml"),
                 env=job, served=("--fault", "reset-after@2")),
            Step("plan", ("plan", "-f", "github", "--ledger", "~/ci.ledger", "inputs/three.yaml"), env=job, served=()),
        ),
        core=True,
    )  # fmt: skip
    yield Case(
        name="texts/keys",
        steps=(
            Step("none", ("plan", "inputs/three.yaml")),
            Step("wrong", ("plan", "inputs/three.yaml"), served=(), env={"PROXY_SELLER_API_KEY": "A" * 32}),
            Step("short", ("plan", "inputs/three.yaml"), served=(), env={"PROXY_SELLER_API_KEY": "short"}),
            Step("http", ("plan", "--base-url", "http://example.com/", "inputs/three.yaml"), served=()),
            Step("file", ("plan", "--api-key-file", "nowhere", "inputs/three.yaml")),
            Step("beside", ("plan", "--sandbox", "--ledger", "x", "inputs/three.yaml")),
        ),
    )


def _explained() -> Case:
    codes = sorted(set(re.findall(r"PSR\d{3}", (ROOT / "docs" / "findings.md").read_text("utf-8"))))
    fields = [f"{name}.{field}" for name in TYPES for field in ("quantity", "countryId", "tarifId")]
    lists = ["types", "findings", "exit-codes", "statuses", "terms"]
    files = [
        "manifest",
        "policy",
        "lockfile",
        "plan",
        "report",
        "event",
        "doctor",
        "budget.max_total",
        "policy.budgets",
    ]
    steps = [
        Step("none", ("explain", *TWO)),
        *(Step(name, ("explain", *TWO, name)) for name in (*TYPES, *lists, *files)),
        *(Step(name, ("explain", name)) for name in (*fields, "report.money.unexplained", "quantity", "nobody")),
        Step("findings-all", ("explain", *TWO, *codes)),
        *(Step(f"exit-{code}", ("explain", "exit", str(code))) for code in range(12)),
        *(Step(f"status-{name}", ("explain", "status", name)) for name in ("planned", "unknown", "placed", "skipped")),
    ]
    return Case(name="texts/explain", steps=tuple(steps))


def _doctored() -> tuple[Step, ...]:
    return (
        Step("nothing", ("doctor", *TWO)),
        Step("offline", ("doctor", "--offline", *TWO, "samples")),
        Step("served", ("doctor", *TWO, "samples"), served=()),
        Step("refused", ("doctor", *TWO), served=(), env={"PROXY_SELLER_API_KEY": "A" * 32}),
        Step("lose", ("apply", "--yes", "-q", "inputs/three.yaml"), served=("--fault", "reset-after@1")),
        Step("open", ("doctor", *TWO, "inputs/three.yaml"), served=()),
        Step("words", ("doctor", "--sandbox", *TWO, "inputs/words.yaml")),
    )


def _started() -> tuple[Step, ...]:
    types = tuple(part for name in TYPES for part in ("--type", name))
    ci = ("--ci", "github", "--ci", "gitlab", "--ci", "jenkins")
    return (
        Step("least", ("init", "least")),
        Step("all", ("init", "all", *types, *ci, "--pre-commit", "--vscode")),
        Step("again", ("init", "all", *types)),
        Step("changed", ("init", "all", "--ci", "github"),
             edits=(("all/.github/workflows/orders.yml", "name", "nom"),)),
        Step("force", ("init", "all", "--ci", "github", "--force")),
        Step("validate", ("validate", "all/orders")),
        Step("apply", ("apply", "--sandbox", "--yes", "all/orders")),
    )  # fmt: skip


def _completed() -> tuple[Step, ...]:
    lines = (
        "order-runner ", "order-runner pl", "order-runner plan --", "order-runner plan -f ", "order-runner reference ",
        "order-runner plan inputs/three.yaml --only ", "order-runner plan inputs/three.yaml --label ",
        "order-runner resolve --sandbox ", "order-runner schema ", "order-runner explain PSR0", "order-runner init --type ",
    )  # fmt: skip
    return (
        *(Step(shell, ("completion", shell)) for shell in ("bash", "zsh", "fish")),
        Step("apply", ("apply", "--sandbox", "--yes", "-q", "inputs/three.yaml")),
        *(
            Step(f"{shell}-{number}", (), env={
                "_ORDER_RUNNER_COMPLETE": f"{shell}_complete", "COMP_LINE": line, "COMP_POINT": str(len(line)),
                "COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1),
            })
            for shell in ("bash", "zsh", "fish") for number, line in enumerate(lines)
        ),
    )  # fmt: skip
