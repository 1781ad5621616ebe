"""Every pair of changes, and every policy, for each family: what happens to a box happens to all labels."""

from __future__ import annotations

import copy
from itertools import product

import fiftyone as fo
import numpy as np
import pytest

from fo_labelstudio.convert.families import family_of, holds_list
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import Attribute
from fo_labelstudio.merge.conflicts import ANNOTATOR, BOTH, DATASET, KEEP_BOTH, ON_CONFLICT, names_of, value_of
from tests.convert import strategies
from tests.convert.trip import Trip
from tests.merge.test_conflicts import Campaign

NOTHING, GEOMETRY, CLASS, QUALITY, DELETE = "untouched", "geometry", "class", "attribute quality", "deleted"
ATTRIBUTE = Attribute("quality", Question("select", "str", ("good", "bad", "worst", "poor", "fair")), "quality")
ID = "6b01070a57a5240a9753b901"


def box(shift):
    return {"bounding_box": [0.125 + shift / 16, 0.25, 0.25, 0.25]}


def masked(shift):
    mask = np.ones((25, 25), bool)
    mask[shift] = False
    return {"bounding_box": [0.25, 0.25, 0.25, 0.25], "mask": mask}


def line(shift):
    return {"points": [[(0.125 + shift / 16, 0.25), (0.5, 0.25), (0.5, 0.75)]], "filled": False, "closed": False}


def polygon(shift):
    return {**line(shift), "filled": True, "closed": True}


def points(shift):
    return {"points": [(0.125 + shift / 16, 0.25), (0.5, 0.5), (0.5, 0.25), (0.75, 0.5)]}


def mask(shift):
    pixels = np.zeros((100, 100), np.uint8)
    pixels[10 * shift : 10 * shift + 20, 10:20] = 1
    return {"mask": pixels}


LABELS = {
    "detection": (fo.Detection, box),
    "detections": (fo.Detection, box),
    "instance": (fo.Detection, masked),
    "instances": (fo.Detection, masked),
    "polyline": (fo.Polyline, line),
    "polylines": (fo.Polyline, line),
    "polygon": (fo.Polyline, polygon),
    "polygons": (fo.Polyline, polygon),
    "keypoint": (fo.Keypoint, points),
    "keypoints": (fo.Keypoint, points),
    "classification": (fo.Classification, lambda shift: {}),
    "segmentation": (fo.Segmentation, mask),
}
"""Label type -> class of its labels, and a geometry by its number. Of `classifications`, the class is the label itself:
whoever changes it deletes one and chooses another one."""


def label_of(label_type, shift=0, name="cat", quality="good"):
    cls, geometry = LABELS[label_type]
    named = {} if cls is fo.Segmentation else {"label": name, "quality": quality}
    return cls(id=ID, tags=["mine"], **named, **geometry(shift))


VARIANTS = {GEOMETRY: {"shift": 1}, CLASS: {"name": "dog"}, QUALITY: {"quality": "bad"}}
OTHERS = {GEOMETRY: {"shift": 2}, CLASS: {"name": "Cat"}, QUALITY: {"quality": "poor"}}


def changes_of(label_type):
    """What can be changed of a label."""
    cls, _ = LABELS[label_type]
    if cls is fo.Segmentation:
        return (NOTHING, GEOMETRY, DELETE)
    return (NOTHING, *([] if cls is fo.Classification else [GEOMETRY]), CLASS, QUALITY, DELETE)


def unit_of(change, field):
    """The unit that a change is of."""
    units = [unit for unit in family_of(field).aspects if unit != "label"]
    return {CLASS: "label", QUALITY: ".quality", GEOMETRY: units[0] if units else ""}[change]


CASES = [
    (label_type, mine, theirs) for label_type in LABELS for mine, theirs in product(changes_of(label_type), repeat=2)
]


@pytest.mark.parametrize("policy", ON_CONFLICT)
@pytest.mark.parametrize(("label_type", "mine", "theirs"), CASES)
def test_every_pair_of_changes_is_merged_settled_and_told(label_type, mine, theirs, policy):
    is_segmentation = label_type == "segmentation"
    field = strategies.field_of(label_type, "things", attributes=() if is_segmentation else (ATTRIBUTE,))
    campaign = Campaign(policy, field, label_of(label_type))
    held = copy.deepcopy(campaign.doc())
    if mine == DELETE:
        campaign.docs = []
    elif mine != NOTHING:
        variant = label_of(label_type, **VARIANTS[mine]).to_dict()
        campaign.doc().update(
            {name: variant[name] for name in names_of(unit_of(mine, field), field) if name in variant}
        )
        held = copy.deepcopy(campaign.doc())
    if theirs == DELETE:
        campaign.result = []
    elif theirs != NOTHING:
        campaign.result = copy.deepcopy(Trip(field, label_of(label_type, **OTHERS[theirs])).sent)
    campaign.load()

    def is_as(doc, change, variants):
        unit = unit_of(change, field)
        return doc is not None and value_of(unit, doc, field) == value_of(
            unit, label_of(label_type, **variants[change]).to_dict(), field
        )

    doc, told = campaign.doc(), [(conflict.aspect, conflict.kept) for conflict in campaign.conflicts]
    kept = {KEEP_BOTH: BOTH if holds_list(label_type) else ANNOTATOR}.get(policy, policy)
    is_deletion = DELETE in (mine, theirs)
    if is_deletion and (mine == theirs or NOTHING in (mine, theirs)):
        assert (doc, told) == (None, [])
    elif mine == DELETE:
        assert (doc is None) is (policy == DATASET)
        assert doc is None or is_as(doc, theirs, OTHERS)
        assert told == [("deletion", DATASET if policy == DATASET else ANNOTATOR)]
    elif theirs == DELETE:
        stays = policy == DATASET or (policy == KEEP_BOTH and holds_list(label_type))
        assert doc == (held if stays else None)
        assert told == [("deletion", DATASET if stays else ANNOTATOR)]
    elif mine == theirs != NOTHING:
        assert told == [(mine, kept)]
        assert is_as(doc, mine, OTHERS if kept == ANNOTATOR else VARIANTS)
        assert (campaign.second is not None) is (kept == BOTH)
        assert kept != BOTH or is_as(campaign.second, mine, OTHERS)
    else:
        assert told == []
        assert mine == NOTHING or is_as(doc, mine, VARIANTS)
        assert theirs == NOTHING or is_as(doc, theirs, OTHERS)
        assert mine != NOTHING or theirs != NOTHING or doc == held
    assert doc is None or mine == DELETE or doc["tags"] == ["mine"]
    campaign.load_again()
