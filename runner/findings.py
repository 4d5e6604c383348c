"""The catalogue of findings of a run: every code, once. docs/findings.md explains each with an example.

4xx guards that say no before money moves, 5xx what the vendor did, 6xx ledger and run. Findings in manifests, 0xx to
3xx, are in runner/manifest/findings.py.
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
    "PSR450": "id of no product of its type",
    "PSR451": "word that means another id by now",
    "PSR501": "order refused by the vendor",
    "PSR502": "access refused",
    "PSR503": "order not sent",
    "PSR504": "outcome unknown",
    "PSR505": "overcharged",
    "PSR506": "vendor not answering",
    "PSR507": "balance change that nothing explains",
    "PSR601": "ledger not usable",
    "PSR602": "result not recorded",
    "PSR603": "account busy",
    "PSR604": "run cancelled",
    "PSR605": "call not possible",
    "PSR999": "fault of order-runner",
}
