"""Texts that look like manifests: most of everyday shape, many with something odd in one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

HEADS: Final = (
    "apiVersion: orders/v1\nbatch: b\norders:\n",
    "apiVersion: orders/v1\nbatch: b\norders:\n",
    "# c\napiVersion: orders/v1  # é\nbatch: 'b'\n\ndefaults:\n  paymentId: 1\n  labels: {a: b}\norders:  # these\n",
    '---\nbatch: 010\ndefaults: &d {quantity: 1}\nbudget:\n  max_total: "1.00"\norders:\n\n  # first\n',
)
ODD_HEADS: Final = (
    "",
    "orders:\n",
    "orders: \n",
    "orders:#\n",
    "orders: []\norders:\n",
    "orders: ~\nx: |\n orders:\n",
    "a: b\na: c\norders:\n",
    "a: {b:\norders:\n",
    "a: 'b\norders:\n",
    "a: |\n  x\norders:\n",
    "a: x\n y\norders:\n",
    "a:\n- b\n...\n---\norders:\n",
    "orders:\n---\norders:\n",
    "%YAML 1.2\n---\norders:\n",
    "\ufeffa: é🎉\norders:\n",
    "a: *b\n!t b: c\n? d\n: e\norders:\n",
    "? orders\n: \norders:\n",
    "{orders:\n",
    "  orders:\n",
    "orders: &o\n",
    '"orders":\n',
)
KEYS: Final = ("name", "type", "countryId", "quantity", "a", "b", "labels", "enabled", "x-y", "Z_1")
ODD_KEYS: Final = (
    "yes",
    "true",
    "null",
    "on",
    "y",
    "é",
    "a b",
    "'a'",
    '"b"',
    "?",
    "<<",
    "-a",
    "1",
    "a:b",
    "~",
    "&a b",
    "a#",
)
VALUES: Final = (
    *("a", "order-1", "ipv4", "561", "0", "-5", "true", "false", "null", "HTTPS", "1m", "price monitoring", "a/b.c"),
    *(
        '"120.00"',
        "'2026-12-31'",
        '"31"',
        '""',
        "''",
        '"a # b: c"',
        "'[x] {y}, \"z\"'",
        "a-b",
        "x@y.z",
        "$5",
        "+x",
        "_",
    ),
    *(
        "a:b",
        "http://a/b?c=d&e",
        "1m  # month",
        "'q' # c",
        "a [b], {c}",
        "it's",
        "é",
        "日本 🎉",
        "a  b",
        "...",
        "a,b",
        "-x",
        ".5x",
    ),
)
ODD_VALUES: Final = (
    *("010", "1.5", "yes", "No", "0x1F", "1_000", "2026-10-01", "1:30", "1e3", "+1", "~", "=", "<<", ".inf", "-", "--"),
    *(
        "'it''s'",
        r'"a\tb"',
        r'"\x85"',
        '"a" b',
        "'a'b",
        '"a"#b',
        "a #b",
        "a#b",
        "a: b",
        "a:",
        ":",
        "- a",
        "-a",
        "a :b",
        ": a",
    ),
    *(
        "{}",
        "[]",
        "{a: b}",
        "[a, b]",
        "|",
        ">",
        "|\n      x",
        "&a b",
        "*a",
        "!t a",
        "!!str 5",
        "%a",
        "@a",
        "`a",
        ",a",
        "]",
        "}",
    ),
    *(
        "'a",
        '"a',
        "a\tb",
        "a\t",
        "\ta",
        '"a\tb"',
        "a\\",
        "?",
        "? a",
        "a ? b",
        "\u00a0a",
        "a\u00a0",
        "\u3000",
        "a # \u2028",
        "²",
        "٣",
        "Ⅷ",
    ),
    *(
        "x" * 1_100,
        '"' + "x" * 1_100 + '"',
        "1" * 1_001,
        "a\n      b",
        "'a\n      b'",
        "a\u0301",
        "\ud7ff",
        "\ue000",
        "#",
        " #",
        "# c",
    ),
)
ODD_LINES: Final = (
    *(
        "---",
        "...",
        "--- a",
        "# c",
        "  # c",
        "      # c",
        "\t",
        "  \t",
        "\t# c",
        "",
        "    ",
        "    \r",
        "    - a",
        "  - a",
        "  -",
        "- ",
    ),
    *(
        "  - - a: 1",
        "  -  a: 1",
        "  - ? a",
        "  - &a",
        "  - *a",
        "  - {a: b}",
        "    <<: *d",
        "    ? a",
        "    : b",
        "    a",
        "  a: 1",
    ),
    *(
        "batch: c",
        "defaults:",
        "orders:",
        "orders: []",
        "%TAG ! x",
        "  - !t",
        "   a: 1",
        "     a: 1",
        "      a: 1",
        "        a: 1",
    ),
    *(
        "  - name: &a x",
        "    a : b",
        "    a:b",
        "    a:  b",
        "    a:",
        "    a: #",
        "  - a:",
        "  -\ta: 1",
        "  - # c",
        "`",
        "    'a': b",
    ),
)
ODD_CHARACTERS: Final = "\t\r\x00\x7f\x85\u2028\u200b\ufeff\ufffd\u00a0é🎉:#-'\"{}[]|>&*!%@`,?\\~= \n"
UNSAFE: Final = frozenset("\r\x00\x7f\x85\u2028\ufeff")


BUYABLE: Final = (
    ("type: resident", "tarifId: 6928"),
    ("type: ipv4", "countryId: 561  # France", "periodId: 1m", "quantity: 10", "customTargetName: price monitoring"),
    ("type: resident", "labels:", '  team: "é"', "", "max_total: '12.50'", "# why", "tarifId: 1"),
)


def text_of(random: Random, *, is_buyable: bool = False) -> str:
    """A text; one seed gives one text. `is_buyable` makes the orders such that nothing is wrong with most of them."""
    lines = _buyable(random) if is_buyable else _everyday(random)
    if random.random() < 0.45:
        for _ in range(random.choice((1, 1, 1, 2))):
            lines = random.choice(_SPOILERS)(random, lines)
    head = random.choice(ODD_HEADS if random.random() < 0.05 else HEADS)
    return head + "\n".join(lines) + random.choice(("\n", "\n", "\n", "", "\n\n", "\n# end\n", "\n    # end", "  \n  "))


def _buyable(random: Random) -> list[str]:
    dash = " " * random.choice((2, 0))
    orders = [(f"name: o{number}", *random.choice(BUYABLE)) for number in range(random.choice((1, 2, 3, 5)))]
    return [f"{dash}{'  ' if at else '- '}{line}" for order in orders for at, line in enumerate(order)]


def _everyday(random: Random) -> list[str]:
    dash = " " * random.choice((2, 2, 2, 0, 4))
    lines: list[str] = []
    for number in range(random.choice((1, 2, 2, 3, 3, 4, 6))):
        first = "name" if random.random() < 0.8 else "first"
        lines.append(f"{dash}- name: o{number}" if first == "name" else f"{dash}- {_field(random, first)}")
        for key in random.sample(KEYS, random.randrange(6)):
            lines += _field_lines(random, dash + "  ", key) if key != first else []
    return lines


def _field_lines(random: Random, indent: str, key: str) -> list[str]:
    dice = random.random()
    if dice < 0.08:
        return [random.choice(("", "  ", "    # c", "# c")), indent + _field(random, key)]
    if dice < 0.16:
        deeper = indent + " " * random.choice((2, 2, 1, 4))
        return [
            f"{indent}{key}:",
            *(deeper + _field(random, inner) for inner in random.sample(KEYS, random.randrange(4))),
        ]
    return [indent + _field(random, key)]


def _field(random: Random, key: str) -> str:
    return f"{key}: {random.choice(VALUES)}"


def _replace_value(random: Random, lines: list[str]) -> list[str]:
    at = random.randrange(len(lines))
    key = lines[at].partition(":")[0]
    return [*lines[:at], f"{key}: {random.choice(ODD_VALUES)}", *lines[at + 1 :]]


def _replace_key(random: Random, lines: list[str]) -> list[str]:
    at = random.randrange(len(lines))
    line = lines[at]
    begin = len(line) - len(line.lstrip(" -"))
    return [*lines[:at], f"{line[:begin]}{random.choice(ODD_KEYS)}:{line.partition(':')[2]}", *lines[at + 1 :]]


def _insert_line(random: Random, lines: list[str]) -> list[str]:
    at = random.randrange(len(lines) + 1)
    return [*lines[:at], random.choice(ODD_LINES), *lines[at:]]


def _copy_line(random: Random, lines: list[str]) -> list[str]:
    at = random.randrange(len(lines) + 1)
    return [*lines[:at], random.choice(lines), *lines[at:]]


def _drop_line(random: Random, lines: list[str]) -> list[str]:
    at = random.randrange(len(lines))
    return [*lines[:at], *lines[at + 1 :]] or lines


def _indent_line(random: Random, lines: list[str]) -> list[str]:
    at = random.randrange(len(lines))
    line = lines[at]
    moved = line[random.choice((1, 2)) :] if random.random() < 0.5 else " " * random.choice((1, 2)) + line
    return [*lines[:at], moved, *lines[at + 1 :]]


def _insert_character(random: Random, lines: list[str]) -> list[str]:
    text = "\n".join(lines)
    at = random.randrange(len(text) + 1)
    return (text[:at] + random.choice(ODD_CHARACTERS) + text[at:]).split("\n")


def _drop_characters(random: Random, lines: list[str]) -> list[str]:
    text = "\n".join(lines)
    at = random.randrange(len(text))
    return (text[:at] + text[at + random.choice((1, 1, 3)) :]).split("\n")


def _cut(random: Random, lines: list[str]) -> list[str]:
    text = "\n".join(lines)
    return text[: random.randrange(len(text)) + 1].split("\n")


def _add_comment(random: Random, lines: list[str]) -> list[str]:
    at = random.randrange(len(lines))
    return [*lines[:at], lines[at] + random.choice((" # c", "  #", "#c", " ", "   ", "\t# c")), *lines[at + 1 :]]


_SPOILERS: Final[Sequence[Callable[[Random, list[str]], list[str]]]] = (
    _replace_value,
    _replace_value,
    _replace_key,
    _insert_line,
    _insert_line,
    _copy_line,
    _drop_line,
    _indent_line,
    _insert_character,
    _drop_characters,
    _cut,
    _add_comment,
)
