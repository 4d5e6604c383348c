"""A command whose options are one frozen, typed value: each field of its dataclass is a parameter, or a group of them.

    @option_class
    class SchemaOptions(CommandOptions):
        name: str | None = argument(required=False)
        screen: ScreenOptions = group(ScreenOptions)

    @define("schema", SchemaOptions)
    def command(options: SchemaOptions) -> int: ...

`--help` lists options in the order of the fields. A field is named after its option, which is how click calls it, too.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, TypeVar, cast, dataclass_transform

import click

from runner.cli.complete.values import COMPLETERS
from runner.core.leading import leading_there
from runner.run import environment
from runner.run.environment import variable

_OWN_VARIABLES: Final = {"--base-url": "PROXY_SELLER_BASE_URL"}
_PARAMETER: Final = "parameter"
_GROUP: Final = "group"
_PLACES: Final = ("ledger", "account", "trust_file_system")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """The parameters that a caller set: field → `--option` of the command line, or field → variable."""

    line: Mapping[str, str]
    environment: Mapping[str, str]


def flags_of(origins: Origins, values: Mapping[str, Any]) -> str:
    """The flags, a blank before each, that send another command to the same account of the same ledger.

    `values` has the call's parameters by field.
    """
    if values.get("sandbox"):
        return " --sandbox"
    said = [(origins.line[name], values[name]) for name in _PLACES if name in origins.line]
    return "".join(f" {flag} {shlex.quote(str(value))}" for flag, value in said)


class _Option(click.Option):
    """An option that is never empty: `--lockfile "$LOCK"` of a variable that is not set names nothing."""

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        try:
            texts = value if isinstance(value, (tuple, list)) else (value,)
            if any(isinstance(text, str) and not text.strip() for text in texts):
                raise click.BadParameter("it is empty: give it a value, or leave the option out", ctx, self)
            return super().process_value(ctx, value)
        except click.BadParameter as error:
            if ctx.get_parameter_source(self.name or "") is click.core.ParameterSource.ENVIRONMENT:
                raise click.BadParameter(f"{error.message} (from {self.envvar})", ctx, self) from None
            raise


G = TypeVar("G")


def option(*names: str, **settings: Any) -> Any:
    """A field that is a click option, which the environment can set as `ORDER_RUNNER_<OPTION>`."""
    flag = next(name for name in names if name.startswith("--")).partition("/")[0]
    settings.setdefault("envvar", _OWN_VARIABLES.get(flag) or variable(flag))
    if flag in COMPLETERS:
        settings.setdefault("shell_complete", COMPLETERS[flag])
    return field(metadata={_PARAMETER: lambda name: _Option([*names, name], **settings)})


def argument(**settings: Any) -> Any:
    """A field that is a click argument."""
    return field(metadata={_PARAMETER: lambda name: click.Argument([name], **settings)})


def group(kind: type[G]) -> G:
    """A field that holds the options of another dataclass, which several commands share."""
    return cast("G", field(metadata={_GROUP: kind}))


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option, argument, group))
def option_class(kind: type[G]) -> type[G]:
    """Make a class a frozen dataclass of its options. It has no `repr`, for an option may hold a password."""
    kind.__doc__ = kind.__doc__ or kind.__name__  # dataclass would work out a signature in its place, which takes long
    return dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)(kind)


@option_class
class CommandOptions:
    """What every command is handed; `origins` tells set parameters from defaults, and the line from the environment."""

    origins: Origins


T = TypeVar("T", bound=CommandOptions)


def define(
    name: str, kind: type[T], *, cls: type[click.Command] = click.Command, under: click.Group | None = None
) -> Callable[[Callable[[T], int]], click.Command]:
    """Make a function the command of that name, `under` a group where it belongs to one; its docstring is the help."""

    def make(function: Callable[[T], int]) -> click.Command:
        @click.pass_context
        def call(context: click.Context, /, **_: object) -> int:
            environment.check()
            origins = _origins_of_options(context)
            with leading_there(flags_of(origins, context.params)):
                return function(_value(kind, context.params, {"origins": origins}))

        command = cls(name, callback=call, params=list(parameters(kind)), help=function.__doc__)
        if under is not None:
            under.add_command(command)
        return command

    return make


def parameters(kind: type) -> Iterator[click.Parameter]:
    """The parameters that a dataclass declares, in the order of its fields. TypeError for a field that is none."""
    for each in fields(kind):
        if _GROUP in each.metadata:
            yield from parameters(each.metadata[_GROUP])
        elif _PARAMETER in each.metadata:
            yield each.metadata[_PARAMETER](each.name)
        elif each.type != Origins.__name__:
            raise TypeError(f"{kind.__name__}.{each.name} is neither an option, an argument nor a group of them")


def _value(kind: type[Any], params: Mapping[str, Any], beside: Mapping[str, Any]) -> Any:
    """An instance of a dataclass that `parameters` accepts, from what click has parsed."""
    return kind(
        **beside,
        **{
            each.name: _value(each.metadata[_GROUP], params, {}) if _GROUP in each.metadata else params[each.name]
            for each in fields(kind)
            if each.metadata
        },
    )


def _origins_of_options(context: click.Context) -> Origins:
    line, environment = {}, {}
    for param in context.command.params:
        source = context.get_parameter_source(param.name or "")
        if source is click.core.ParameterSource.COMMANDLINE:
            line[str(param.name)] = param.opts[0]
        elif source is click.core.ParameterSource.ENVIRONMENT:
            environment[str(param.name)] = str(param.envvar)
    return Origins(line=line, environment=environment)
