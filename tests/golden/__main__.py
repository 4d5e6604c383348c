"""Hold the bytes that commands print and write against those of another commit.

python -m tests.golden compare                      against what was recorded
python -m tests.golden compare --against OTHER      against another runner, side by side, with the differences as text
python -m tests.golden record                       what is printed now is right from now on; with --only, of these cases

OTHER is a commit, the folder of a checkout, or a Python that has a runner installed.
"""

from __future__ import annotations

import argparse
import difflib
import fnmatch
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Final

from tests.golden import store
from tests.golden.cases import Case, every_case
from tests.golden.commands import Build, Commands, Outputs, build_of

EVERY: Final = 100
"""Cases after which a line on stderr says how far it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One output of a case that is not what it was; None where it is not there."""

    case: Case
    output: str
    before: str | None
    after: str | None


Compared = Iterator[tuple[int, list[Difference]]]
"""Of each case how many outputs it has, and which of them differ."""


def main(arguments: Sequence[str]) -> int:
    asked = _asked(arguments)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    cases = [case for case in every_case() if any(fnmatch.fnmatch(case.name, pattern) for pattern in asked.only)]
    if not cases:
        sys.exit(f"no case is named {' or '.join(asked.only)}")
    if asked.command == "record":
        return _record(cases, asked.jobs, whole=asked.only == ["*"])
    compared = _side_by_side if asked.against else _recorded
    groups: Counter[str] = Counter()
    outputs = 0
    for played, differences in compared(cases, asked):
        outputs += played
        groups.update(one.case.group for one in differences)
        for difference in differences:
            _show(difference, asked.lines)
    return _sum_up(len(cases), outputs, groups, asked.accept)


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.golden", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["record", "compare"])
    parser.add_argument("--against", metavar="OTHER", help="a commit, a checkout, or the Python of an environment")
    parser.add_argument("--only", metavar="PATTERN", action="append", help="only cases like faults/isp/*")
    parser.add_argument("--accept", metavar="GROUP", action="append", default=[], help="these may differ; still shown")
    parser.add_argument("--jobs", metavar="N", type=int, default=os.cpu_count() or 1, help="cases at a time")
    parser.add_argument("--lines", metavar="N", type=int, default=12, help="lines to show of each difference")
    asked = parser.parse_args(arguments)
    asked.only = asked.only or ["*"]
    return asked


def play(build: Build, cases: Sequence[Case], jobs: int) -> Iterator[tuple[Case, Outputs]]:
    """The outputs of the cases, in their order."""
    with ExitStack() as opened:
        idle: SimpleQueue[Commands] = SimpleQueue()
        for _ in range(jobs):
            idle.put(opened.enter_context(Commands(build)))
        pool = ThreadPoolExecutor(jobs)
        opened.callback(pool.shutdown, cancel_futures=True)

        def one(case: Case) -> Outputs:
            commands = idle.get()
            try:
                return commands.play(case.files, case.steps)
            finally:
                idle.put(commands)

        for number, (case, outputs) in enumerate(zip(cases, pool.map(one, cases), strict=True), 1):
            if not number % EVERY:
                print(f"{number} of {len(cases)}", file=sys.stderr, flush=True)
            yield case, outputs


def differences_of(case: Case, before: Mapping[str, str], after: Mapping[str, str]) -> list[Difference]:
    """Every output of a case that differs, by the texts or the digests of both."""
    names = [*after, *(name for name in before if name not in after)]
    return [
        Difference(case=case, output=name, before=before.get(name), after=after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    ]


def _record(cases: Sequence[Case], jobs: int, *, whole: bool) -> int:
    digests, core = {} if whole else dict(store.load()), []
    for case, outputs in play(Build(), cases, jobs):
        digests[case.name] = {name: store.digest(text) for name, text in outputs.items()}
        core += [(case, outputs)] if case.core else []
    store.save(digests, core, whole=whole)
    print(f"{len(cases)} cases recorded, {len(core)} with their text")
    return 0


def _recorded(cases: Sequence[Case], asked: argparse.Namespace) -> Compared:
    stored = store.load()
    for case, outputs in play(Build(), cases, asked.jobs):
        yield len(outputs), against_store(case, outputs, stored.get(case.name, {}))


def against_store(case: Case, outputs: Outputs, stored: Mapping[str, str]) -> list[Difference]:
    """What differs from the recording: as texts where these were kept, else as digests."""
    texts = store.texts(case.name)
    now = {name: store.digest(text) for name, text in outputs.items()}
    return [
        Difference(
            case=case,
            output=one.output,
            before=texts.get(one.output, f"(recorded as {one.before})") if one.before else None,
            after=outputs[one.output] if one.after and one.output in texts else one.after and f"(now {one.after})",
        )
        for one in differences_of(case, stored, now)
    ]


def _side_by_side(cases: Sequence[Case], asked: argparse.Namespace) -> Compared:
    jobs = max(1, asked.jobs // 2)
    with build_of(asked.against) as other:
        for (case, before), (_, after) in zip(play(other, cases, jobs), play(Build(), cases, jobs), strict=True):
            yield len(after), differences_of(case, before, after)


def _show(difference: Difference, lines: int) -> None:
    print(f"{difference.case.name}  {difference.output}")
    before, after = ((text or "").splitlines() for text in (difference.before, difference.after))
    if None in (difference.before, difference.after):
        print(f"  {'only before' if difference.after is None else 'only now'}")
    changed = list(difflib.unified_diff(before, after, "before", "now", lineterm="", n=0))[2:]
    for line in changed[:lines]:
        print(f"  {line[:400]}")
    if len(changed) > lines:
        print(f"  … {len(changed) - lines} more lines")


def _sum_up(cases: int, outputs: int, groups: Counter[str], accepted: Sequence[str]) -> int:
    print(f"{cases} cases, {outputs} outputs, {groups.total()} differ")
    for group, count in groups.items():
        print(f"  {group}: {count}{' (accepted)' if group in accepted else ''}")
    return 1 if groups.keys() - set(accepted) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
