"""What holds for every label family of the table."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.families import FAMILIES, LABEL_TYPES, family_of
from fo_labelstudio.convert.family import Region
from fo_labelstudio.convert.schema import MediaInfo
from fo_labelstudio.convert.tasks import groups_of
from fo_labelstudio.errors import RegionError
from tests.convert import strategies

label_types = pytest.mark.parametrize("label_type", LABEL_TYPES)

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def test_one_family_serves_each_label_type():
    served = [label_type for family in FAMILIES for label_type in family.label_types]
    assert len(served) == len(set(served))


@label_types
@given(data=st.data())
def test_labels_come_back_from_their_regions(label_type, data):
    field, family = strategies.field_of(label_type), family_of(label_type)
    labels = data.draw(strategies.LABELS[label_type])
    media = data.draw(strategies.media)
    assert all(family.check(label, field) is None for label in labels)
    regions = json.loads(json.dumps(family.to_regions(labels, field, media), allow_nan=False))
    parsed = {
        label.key: family.to_label(label, field)
        for group in groups_of(regions).values()
        for label in family.parse_regions(group, field, media)
    }
    assert parsed.keys() == {family.key_of(label, field) for label in labels}
    magnified = max(1, media.width / media.height, media.height / media.width)
    for label in labels:
        back = parsed[family.key_of(label, field)]
        assert type(back) is type(label)
        assert back.label == label.label
        for aspect in family.aspects.values():
            for name, absent in aspect.attributes.items():
                expected = label.get_attribute_value(name, absent)
                if not isinstance(expected, str):
                    actual = back.get_attribute_value(name, absent)
                    assert actual == pytest.approx(expected, abs=1e-9 * magnified)


@label_types
@given(data=st.data())
def test_every_region_obeys_what_the_editor_asks_of_predictions(label_type, data):
    field = strategies.field_of(label_type)
    regions = family_of(label_type).to_regions(
        data.draw(strategies.LABELS[label_type]), field, data.draw(strategies.media)
    )
    for region in regions:
        assert isinstance(region["id"], str) and "#" not in region["id"]
        assert region["from_name"] == field.control and region["to_name"] == "image"
        assert region["type"] in family_of(label_type).region_types
        assert isinstance(region["value"][region["type"]], list)
        assert 0 <= region.get("score", 0) <= 1
        if region["value"].get("rotation") == 0:
            assert all(0 <= region["value"][key] <= 100 for key in ("x", "y", "width", "height"))


@label_types
@given(
    value=st.dictionaries(
        st.sampled_from(["x", "y", "width", "height", "rotation", "choices", "rectanglelabels"]), junk
    )
)
def test_no_value_makes_a_label_outside_the_classes(label_type, value):
    field, family = strategies.field_of(label_type), family_of(label_type)
    region: Region = {"id": "r", "type": family.region_types[0], "value": value}
    try:
        parsed = family.parse_regions([region], field, MediaInfo(10, 10))
    except RegionError:
        return
    assert all(family.to_label(label, field).label in field.classes for label in parsed)
