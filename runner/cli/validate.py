"""`order-runner validate PATH...`"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.options import common
from runner.cli.options.bounds import policies_line, policy_option, require_policy_option
from runner.cli.options.command import CommandOptions, define, group, option, option_class
from runner.cli.options.targets import Targets
from runner.cli.outputs import annotates, source_line, tell_job
from runner.core.errors import ExitCode, Problem

if TYPE_CHECKING:
    from runner.limits.policy import Policies, Policy
    from runner.manifest import Checked, Loaded
    from runner.manifest.words import Words
    from runner.views.terminal.console import Console

FORMATS = ("text", "json", "github", "junit", "sarif", "markdown")


@option_class
class ValidateOptions(CommandOptions):
    paths: tuple[str, ...] = common.paths_argument()
    formats: tuple[str, ...] = common.format_option(*FORMATS)
    strict: bool = option("--strict", is_flag=True, help="Warnings are errors.")
    policy: str | None = policy_option()
    require_policy: bool = require_policy_option()
    lockfile: Path | None = common.lockfile_option()
    screen: common.ScreenOptions = group(common.ScreenOptions)


@define("validate", ValidateOptions)
def command(options: ValidateOptions) -> int:
    """Check manifests: every finding of every file, as file:line:column, in one run.

    PATH is a file, a folder (every *.yaml and *.yml below it), a glob, or - for stdin. Needs no network and no key.
    Words are looked up in the lockfile, if there is one. Exit code 4 if anything is wrong.
    """
    from runner.limits.policy import missing
    from runner.manifest.words import Words
    from runner.views import findings

    default = "github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text"
    outputs = common.outputs_of(options.formats, FORMATS, default)
    Targets(outputs).refuse_inputs(options.paths, policy=options.policy, lockfile=options.lockfile)
    console = options.screen.console()
    with options.screen.watching(console) as watch:
        words = Words(paths=options.paths, lockfile_path=options.lockfile, watch=watch)
        checked, policies = _check(words, options.policy, strict=options.strict)
        if options.require_policy and not (policies.policies or policies.problems):
            checked = replace(checked, problems=(missing(), *checked.problems))
    common.note_left_out(checked, console)
    if options.screen.verbose:
        console.note(f"{policies_line(policies.policies)}\n")
    common.write_outputs(
        outputs,
        console,
        lambda fmt, target: findings.render(
            checked.problems,
            fmt=fmt,
            console=target,
            files=len(checked.files),
            orders=checked.count,
            source_line=source_line,
            paths=[file.path for file in checked.files],
        ),
    )
    code = ExitCode.INVALID if checked.errors else ExitCode.OK
    if annotates(outputs):
        _tell_job(checked, code, console)
    return common.exit_code(code, console)


def _check(words: Words, named: str | None, *, strict: bool) -> tuple[Checked, Policies]:
    """Manifests held against their schemas and, where there are policies, each order against those.

    Only then the orders have to be kept meanwhile. An order that is not `enabled`, or has words that are not locked, is
    held against no policy.
    """
    from runner import manifest
    from runner.limits import policy

    policies = policy.over(named, manifest.discover(words.paths, apart=words.apart).paths)
    if not policies.policies:
        checked = manifest.check(words.paths, strict=strict, judge=words.judge, apart=words.apart, watch=words.watch)
        return replace(checked, problems=(*policies.problems, *checked.problems)), policies
    loaded = words.check(strict=strict)
    problems = sorted(
        [*loaded.problems, *_policy_problems(policies.policies, loaded)], key=lambda problem: problem.order
    )
    return replace(loaded, problems=(*policies.problems, *problems)), policies


def _policy_problems(policies: Sequence[Policy], loaded: Loaded) -> list[Problem]:
    from runner.limits.policy import breaches

    return [
        request.problem(breach.code, breach.message, hint=breach.hint, field=breach.field)
        for request in loaded.orders
        if request.enabled
        for breach in breaches(policies, request)
    ]


def _tell_job(checked: Checked, code: ExitCode, console: Console) -> None:
    """Summary and outputs of a step on GitHub."""
    from runner.views.formats import validation

    findings = validation.Findings(
        problems=checked.problems, files=len(checked.files), orders=checked.count, source_line=source_line
    )
    tell_job(lambda room: validation.markdown(findings, room), validation.outputs(findings, int(code)), console)
