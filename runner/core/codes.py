"""The catalogue of findings of a run: every code, once. docs/findings.md explains each with an example.

4xx guards that say no before money moves, 5xx what the vendor did, 6xx ledger and run, 7xx policies. Findings in
manifests, 0xx to 3xx, are in runner/manifest/findings.py.
"""

from __future__ import annotations

from typing import Final

TITLES: Final[dict[str, str]] = {
    "PSR401": "order changed after it was bought",
    "PSR402": "batch past its last day",
    "PSR403": "order without a price",
    "PSR404": "order above its limit",
    "PSR405": "batch above its budget",
    "PSR406": "run above its limit",
    "PSR407": "balance too low for the batch",
    "PSR408": "price above its ceiling",
    "PSR409": "order not settled",
    "PSR410": "balance too low for the order",
    "PSR411": "order not claimed",
    "PSR412": "batch stopped",
    "PSR420": "order that looks bought already",
    "PSR430": "spending above a budget of the policy",
    "PSR431": "more orders than allowed",
    "PSR432": "far dearer than anything before",
    "PSR433": "alike one bought within a day",
    "PSR440": "not what was approved",
    "PSR441": "approval too old",
    "PSR442": "something left to buy",
    "PSR450": "id of no product of its type",
    "PSR451": "word that means another id by now",
    "PSR501": "order refused by the vendor",
    "PSR502": "access refused",
    "PSR503": "order not sent",
    "PSR504": "outcome unknown",
    "PSR505": "overcharged",
    "PSR506": "vendor not answering",
    "PSR507": "balance change that nothing explains",
    "PSR508": "orders that nobody in the ledger owns",
    "PSR509": "vendor's orders not compared",
    "PSR601": "ledger not usable",
    "PSR602": "result not recorded",
    "PSR603": "account busy",
    "PSR604": "run cancelled",
    "PSR605": "call not possible",
    "PSR701": "not a policy",
    "PSR702": "other format than a policy's",
    "PSR703": "unknown field of a policy",
    "PSR704": "missing field of a policy",
    "PSR705": "wrong kind of value in a policy field",
    "PSR706": "value not allowed in a policy field",
    "PSR707": "number out of range in a policy field",
    "PSR708": "policy field not in the right form",
    "PSR709": "policy field without a value",
    "PSR710": "order that a policy does not allow",
    "PSR711": "label that a policy wants",
    "PSR999": "fault of order-runner",
}
