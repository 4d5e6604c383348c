"""Text of vendors and manifests is data: made visible, on one line, and a command to no terminal and no CI log.

Every line that leaves a view has gone through `one_line`, and every JSON text through `json_text`; both leave what is
harmless as it is. They keep out terminal escapes, overwriting, bidirectional controls, `::error::`, `##[command]`.
"""

from __future__ import annotations

import json
import re
from typing import Final

INVISIBLE: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
"""Letters and marks without a shape, which Python calls printable."""

_INVISIBLE = re.compile(f"[{''.join(sorted(INVISIBLE))}]")


def one_line(text: str) -> str:
    r"""`text` on one line with nothing in it that acts: a newline is shown as `\n`, an escape as `\x1b`, `##` as `# #`.

    The result neither starts, after blanks, with `::` nor holds `##`, and `one_line` leaves it as it is.
    """
    if text.isprintable() and "##" not in text and not text.lstrip().startswith("::") and not _hides(text):
        return text
    return "".join(pieces(text))


def pieces(text: str) -> list[str]:
    """`one_line` by character: the i-th item is what is shown for `text[i]`."""
    parts = [visible(character) for character in text]
    for index in range(1, len(text)):
        if text[index - 1] == text[index] == "#":
            parts[index] = " #"
    start = len(text) - len(text.lstrip())
    if text.startswith("::", start) and not "".join(parts[:start]).strip():
        parts[start + 1] = " :"
    return parts


def visible(character: str) -> str:
    """One character as it may be shown: itself, a plain blank for the other blanks, or its Python escape."""
    if character.isprintable() and character not in INVISIBLE:
        return character
    if character.isspace() and character >= "\xa0" and character not in "\u2028\u2029":
        return " "
    return character.encode("unicode_escape").decode("ascii")


def cell(text: str) -> str:
    """`one_line` for text that a table or a narrow terminal may break anywhere: no `::` is left to start a line."""
    return re.sub(":(?=:)", ": ", one_line(text))


def json_text(value: object, *, indent: int | None = None) -> str:
    """JSON in ASCII without `##`; compact on one line where `indent` is None."""
    separators = (",", ":") if indent is None else None
    encoded = json.dumps(value, indent=indent, ensure_ascii=True, separators=separators)
    return encoded.replace("##", "#\\u0023")


def github_escape_data(text: str) -> str:
    """The message of a workflow command (docs.github.com, "Workflow commands": `%`, CR and LF are escaped)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def github_escape_property(text: str) -> str:
    """A property of a workflow command: `:` and `,` are escaped as well."""
    return github_escape_data(text).replace(":", "%3A").replace(",", "%2C")


def _hides(text: str) -> bool:
    return not text.isascii() and _INVISIBLE.search(text) is not None
