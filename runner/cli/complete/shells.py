"""What a shell asks when Tab is pressed, and the scripts that ask it: click's machinery, with a bash script of our own.

An answer never fails, says nothing on stderr and ends with exit code 0: the terminal belongs to a half-typed line.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import redirect_stderr
from typing import TYPE_CHECKING, Any, Final

from click import Command, Context, Group, Option
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete, split_arg_string

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

PROGRAM: Final = "order-runner"
VARIABLE: Final = "_ORDER_RUNNER_COMPLETE"

BASH: Final = """\
%(complete_func)s() {
    local line response
    COMPREPLY=()
    response=$(COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "$1" 2>/dev/null) || return 0
    while IFS= read -r line; do
        case $line in
            dir,*) compopt -o dirnames 2>/dev/null ;;
            file,*) compopt -o default 2>/dev/null ;;
            plain,*) printf -v line %%q "${line#plain,}"; COMPREPLY+=("$line") ;;
        esac
    done <<< "$response"
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
    return 0
}
complete -o nosort -F %(complete_func)s %(prog_name)s 2>/dev/null \\
    || complete -o default -F %(complete_func)s %(prog_name)s
"""
"""Unlike click's it works on the line as typed: bash takes a word with `=` or `:` apart before a function sees it."""

PLAIN: Final = re.compile(r"[\w.,:@%+=/#-]+")
"""What may stand between quotes in any shell."""


class _Ours(ShellComplete):
    """`--label=te` is completed as a whole word, and what no line can hold is left out."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        name, equals, _ = incomplete.partition("=")
        if _awaits_value(self.cli, args):
            # An option without its value would end the parsing, and what was typed before would not be known.
            items = super().get_completions(args[:-1], f"{args[-1]}={incomplete}")
        else:
            items = super().get_completions(args, incomplete)
        for item in items:
            if equals and name.startswith("--") and item.type == "plain":
                item.value = f"{name}={item.value}"
        return [item for item in items if item.type != "plain" or str(item.value).isprintable()]


class _Bash(_Ours, BashComplete):
    source_template = BASH

    def source(self) -> str:
        return self.source_template % self.source_vars()  # without asking which bash there is: the script copes

    def get_completion_args(self) -> tuple[list[str], str]:
        return words_of(os.environ["COMP_LINE"])

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        line = os.environ["COMP_LINE"]
        quoted = bool(incomplete) and line[: len(line) - len(incomplete)].endswith(("'", '"'))
        held = 0 if quoted else _kept_length(incomplete, os.environ.get("COMP_WORDBREAKS", ""))
        items = super().get_completions(args, incomplete)
        for item in items:
            if item.type == "plain":
                item.value = item.value[held:]
        return [item for item in items if item.type != "plain" or not quoted or PLAIN.fullmatch(item.value)]


class _Zsh(_Ours, ZshComplete):
    pass


class _Fish(_Ours, FishComplete):
    # A help text may hold commas.
    source_template = FishComplete.source_template.replace('string split ","', 'string split -m 1 ","')


CLASSES: Final[dict[str, type[ShellComplete]]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}


def script(shell: str) -> str:
    """What a shell has to read once. It asks the program for everything, and so holds no command of it."""
    return CLASSES[shell](Command(PROGRAM), {}, PROGRAM, VARIABLE).source()


def answer(group: Command, instruction: str) -> int:
    """Print what fits the line that the environment describes; nothing at all where that cannot be told."""
    shell = instruction.partition("_")[0]
    try:
        with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):  # noqa: PTH123
            lines = CLASSES[shell](group, {}, PROGRAM, VARIABLE).complete()
        sys.stdout.write(f"{lines}\n")
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt, SystemExit):  # noqa: BLE001 - see above
        return 0
    return 0


def words_of(line: str) -> tuple[list[str], str]:
    """The whole words behind the program's name, and the one that is being typed."""
    words = split_arg_string(line)
    if line[-1:].isspace() and not line.endswith("\\ "):
        return words[1:], ""
    return words[1:-1], words[-1] if len(words) > 1 else ""


def _awaits_value(group: Command, args: list[str]) -> bool:
    """Whether the last word is an option that goes on with the next one."""
    command = group
    for word in args:
        if isinstance(command, Group) and not word.startswith("-"):
            command = command.get_command(Context(command), word) or command
    options = (param for param in command.params if isinstance(param, Option) and not (param.is_flag or param.count))
    return bool(args) and any(args[-1] in option.opts for option in options)


def _kept_length(incomplete: str, breaks: str) -> int:
    """How much of a word bash keeps as it is: up to the last character that breaks words for it."""
    return 1 + max((incomplete.rfind(mark) for mark in breaks if mark in "=:"), default=-1)
