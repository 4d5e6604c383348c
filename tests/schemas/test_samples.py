"""The samples are manifests to copy: valid, of the sandbox's ids, and plain about where real ids come from."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from runner.core.orders import PRODUCT_TYPES, WORDS
from runner.core.schemas import load as load_schema
from runner.manifest import load
from runner.sandbox import goods

SAMPLES = Path(__file__).parents[2] / "samples"
PATHS = sorted(SAMPLES.glob("*.yaml"))


def orders_of(path: Path) -> list[tuple[str, dict[str, str | int]]]:
    """Type and fields of each order in a sample."""
    return [(order.type, dict(order.fields)) for order in load([str(path)]).orders]


def test_there_is_one_for_each_type_and_one_of_everything() -> None:
    """Each type has a sample of its own, and one sample has them all."""
    assert {path.stem for path in PATHS} == {*PRODUCT_TYPES, "everything"}
    for name in PRODUCT_TYPES:
        assert {product for product, _ in orders_of(SAMPLES / f"{name}.yaml")} == {name}
    assert Counter(product for product, _ in orders_of(SAMPLES / "everything.yaml")) == Counter(PRODUCT_TYPES)


def test_all_are_valid_together() -> None:
    """All samples can be given in one call: no finding, not even a warning, and no name twice."""
    found = load([str(SAMPLES)], strict=True)
    assert found.problems == ()
    assert len({batch.name for batch in found.batches}) == len(PATHS)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_ids_are_the_sandboxes(path: Path) -> None:
    """Every id is one the sandbox sells for that type."""
    for product, fields in orders_of(path):
        if product == "resident":
            assert fields["tarifId"] in goods.TARIFFS
            continue
        sold, place = goods.PLACES[int(fields["countryId"])]
        assert sold.type == product
        assert fields["periodId"] in sold.periods
        assert not place.quantities or fields["quantity"] in place.quantities


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_each_says_where_ids_come_from(path: Path) -> None:
    """A sample names its schema to editors, the command that runs it, and the source of real ids."""
    text = path.read_text("utf-8")
    assert text.startswith("# yaml-language-server: $schema=../schemas/manifest.schema.json\n")
    assert f"order-runner apply --sandbox samples/{path.name}" in text
    kind = path.stem if path.stem in PRODUCT_TYPES else "TYPE"
    assert f"`order-runner reference {kind}`" in text


def test_everything_shows_every_field() -> None:
    """The sample of everything has each field that any manifest can have, but for a coupon, which must be real.

    Words stand in place of fields and need a lockfile; they are not in it.
    """
    text = (SAMPLES / "everything.yaml").read_text("utf-8")
    manifest = load_schema("manifest")["properties"]
    fields = {field for name in PRODUCT_TYPES for field in load_schema(name)["properties"]}
    words = {*WORDS, "payment", "auth"}
    shown = {*manifest, *manifest["budget"]["properties"], *fields} - words
    assert {field for field in shown if f"{field}:" not in text} == {"coupon"}
