"""What limits a call: options, environment and policies."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runner.cli.options.common import Amount, option
from runner.cli.options.words import lockfile_option
from runner.core.errors import ExitCode

if TYPE_CHECKING:
    from runner.core.errors import Problem
    from runner.limits.limits import Limits
    from runner.limits.policy import Policies, Policy
    from runner.manifest import Checked, Loaded
    from runner.manifest.wording import Words
    from runner.views.terminal.console import Console

F = TypeVar("F", bound=Callable[..., Any])


def policy_option(command: F) -> F:
    """A policy beside those that are found."""
    return option(
        "--policy",
        metavar="PATH",
        help="A policy that holds beside every order-runner.yaml from here up to the repository's root.",
    )(command)


def limit_options(command: F) -> F:
    """What may be bought, and how the manifests are read."""
    command = option(
        "--strict-account/--no-strict-account",
        default=None,
        help="Refuse orders that look like one the vendor has and the ledger does not know. [on with CI, else off]",
    )(command)
    command = option("--strict", is_flag=True, help="Warnings are errors.")(lockfile_option(command))
    command = option("--keep-going", is_flag=True, help="Buy the others although some orders are refused.")(command)
    command = policy_option(command)
    command = option(
        "--large",
        type=Amount(),
        metavar="AMOUNT",
        help="An order of up to that price is meant, although it is more than ten times the dearest one before.",
    )(command)
    command = option(
        "--max-orders", type=click.IntRange(min=0), metavar="N", help="Refuse a batch that would buy more orders."
    )(command)
    return option("--max-spend", type=Amount(), metavar="AMOUNT", help="Refuse a batch that costs more, in USD.")(
        command
    )


def limited(loaded: Loaded, base: Limits) -> tuple[Loaded, Limits]:
    """`base` with what options, environment and policies of the present call add; findings of policies come first."""
    from runner.run import call

    ctx = click.get_current_context()
    names = {"max_spend": "--max-spend", "max_orders": "--max-orders", "large": "--large"}
    origins = {
        option_name: _variable(name)
        for name, option_name in names.items()
        if ctx.get_parameter_source(name) is click.core.ParameterSource.ENVIRONMENT
    }
    limits = replace(
        base,
        max_orders=ctx.params["max_orders"],
        large=ctx.params["large"],
        strict=ctx.params["strict"],
        origins=origins,
    )
    return call.governed(loaded, limits, ctx.params["policy"])


def _variable(name: str) -> str:
    return f"ORDER_RUNNER_{name.upper()}"


def told(policies: Sequence[Policy]) -> str:
    """Which policies hold, for `-v`."""
    if not policies:
        return "policy: none"
    return "policy: " + ", ".join(os.path.relpath(policy.path) for policy in policies)


def is_exclusive(named: str | None, console: Console) -> bool:
    """Whether the policies call the account exclusive. Ends the call where one of them is wrong."""
    from runner.limits import policy

    policies = policy.over(named)
    if policies.problems:
        from runner.cli.validate import source_line
        from runner.views import findings

        findings.render(
            policies.problems, fmt="text", console=console.aside(), files=0, orders=0, source_line=source_line
        )
        raise click.exceptions.Exit(int(ExitCode.INVALID))
    return policies.exclusive


def checked(words: Words, named: str | None, *, strict: bool) -> tuple[Checked, Policies]:
    """Manifests held against their schemas and, where there are policies, each order against those.

    Only then the orders have to be kept meanwhile. An order that is not `enabled`, or has words that are not locked, is
    held against no policy.
    """
    from runner import manifest
    from runner.limits import policy

    policies = policy.over(named, manifest.discover(words.paths, apart=words.apart).paths)
    if not policies.policies:
        found = manifest.check(words.paths, strict=strict, judge=words.judge, apart=words.apart, watch=words.watch)
        return replace(found, problems=(*policies.problems, *found.problems)), policies
    loaded = words.check(strict=strict)
    problems = sorted([*loaded.problems, *_forbidden(policies.policies, loaded)], key=lambda problem: problem.order)
    return replace(loaded, problems=(*policies.problems, *problems)), policies


def _forbidden(policies: Sequence[Policy], loaded: Loaded) -> list[Problem]:
    from runner.limits.policy import breaches

    return [
        request.problem(breach.code, breach.message, hint=breach.hint, field=breach.field)
        for request in loaded.orders
        if request.enabled
        for breach in breaches(policies, request)
    ]
