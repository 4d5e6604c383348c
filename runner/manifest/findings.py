"""The catalogue of findings in manifests: every code, once. docs/findings.md explains each with an example.

0xx reading and YAML, 1xx a manifest's own fields, 2xx an order's fields, 3xx across files. From x03 to x09, 1xx and
2xx mean the same thing.
"""

from __future__ import annotations

from typing import Final

TITLES: Final[dict[str, str]] = {
    "PSR001": "not UTF-8",
    "PSR002": "control or invisible character",
    "PSR003": "file too large",
    "PSR005": "no document",
    "PSR006": "empty document",
    "PSR007": "YAML syntax",
    "PSR008": "nested too deep",
    "PSR009": "tag",
    "PSR010": "key set twice",
    "PSR011": "key that is no text",
    "PSR012": "alias without anchor",
    "PSR013": "anchors and aliases without measure",
    "PSR014": "merge key misused",
    "PSR015": "order too large",
    "PSR020": "number that YAML would change",
    "PSR021": "word that YAML would change",
    "PSR022": "floating point number",
    "PSR023": "date or time that YAML would change",
    "PSR024": "sign with a meaning of its own",
    "PSR101": "not a manifest",
    "PSR102": "other format",
    "PSR103": "unknown field of a manifest",
    "PSR104": "missing field of a manifest",
    "PSR105": "wrong kind of value in a manifest field",
    "PSR106": "value not allowed in a manifest field",
    "PSR107": "number out of range in a manifest field",
    "PSR108": "manifest field not in the right form",
    "PSR109": "manifest field without a value",
    "PSR110": "orders not written as a list",
    "PSR111": "no orders",
    "PSR112": "default that no order can use",
    "PSR113": "default said twice",
    "PSR201": "order that is no mapping",
    "PSR202": "unknown type",
    "PSR203": "unknown field of an order",
    "PSR204": "missing field of an order",
    "PSR205": "wrong kind of value in an order field",
    "PSR206": "value not allowed in an order field",
    "PSR207": "number out of range in an order field",
    "PSR208": "order field not in the right form",
    "PSR209": "order field without a value",
    "PSR210": "field of another type",
    "PSR211": "field the vendor is known to want",
    "PSR213": "said twice",
    "PSR301": "two orders of one name",
    "PSR302": "no manifest found",
    "PSR303": "too many findings",
}
