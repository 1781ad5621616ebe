"""Whatever annotate() takes, a load can write and FiftyOne can read: over label types, names, types and answers."""

from __future__ import annotations

import copy
import json

import fiftyone as fo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.annotation.parse import parse_task
from fo_labelstudio.convert.attributes import controls_of
from fo_labelstudio.convert.families import LABEL_TYPES, family_of, holds_list
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.schema import ATTRIBUTE_TYPES, parse_label_schema
from fo_labelstudio.convert.task.write import SampleRecord, checked_task
from fo_labelstudio.dataset.fields import FIELDS, check_field, new_field_of
from fo_labelstudio.dataset.label_schema import completed_label_schema
from fo_labelstudio.dataset.labels import LabelMerge
from fo_labelstudio.dataset.place import Place
from fo_labelstudio.dataset.scalars import ScalarMerge
from fo_labelstudio.errors import LabelSchemaError
from fo_labelstudio.merge.ledger import Ledger
from tests.properties import examples
from tests.support import stored

pytestmark = pytest.mark.database

RUN, TASK, SIZE = "run", 7, MediaInfo(64, 48)
ONE = {
    "classification": lambda: fo.Classification(label="cat"),
    "detection": lambda: fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.5, 0.5]),
    "polygon": lambda: fo.Polyline(label="cat", points=[[[0, 0], [1, 0], [1, 1]]], closed=True, filled=True),
    "polyline": lambda: fo.Polyline(label="cat", points=[[[0, 0], [1, 1]]]),
    "keypoint": lambda: fo.Keypoint(label="cat", points=[[0.5, 0.5]]),
}
TYPES = [name for name in LABEL_TYPES if name.removesuffix("s") in ONE]
NAMES = st.sampled_from(("mine", "a b", "Grüße", "US$x", "tags", "confidence", "index", "rotation")) | st.sampled_from(
    (
        *("No. of people", "$x", "_id", "_cls", "_x", "", "a\x00", "a\ud800", "id", "instance", "logits", "attributes"),
        *("mask", "label", "points", "clean", "validate", "field_names", "get_field", "self", "to_dict", "pk", "save"),
        *("has_mask", "objects", "filepath", "metadata", "created_at", "frames", "a.b", "metadata.width"),
    )
)
VALUES = st.none() | st.lists(
    st.sampled_from(("a", "blurry", 1, 2.5, 0, True, False, "3")), min_size=1, max_size=3, unique_by=str
)
DECLARED = st.none() | st.sampled_from((*(new_field_of(kind) for kind in FIELDS.values()), {"ftype": fo.DictField}))
TEXTS = st.sampled_from(
    ("blurry", "3", "2.5", "true", "2026-01-02", "2026-01-02T03:04:05.000000", "", "\x00", "\ud800", "9" * 400)
)
RAW = st.fixed_dictionaries(
    {
        "text": st.lists(TEXTS, max_size=2) | TEXTS,
        "number": st.sampled_from((3, 2.5, -1, 2**60, "3", "x", None, True)),
        "rating": st.sampled_from((1, 5, 2.5, "2", None)),
        "choices": st.lists(st.sampled_from(("a", "blurry", "1", "2.5", "true", "false", "3", 1)), max_size=2),
        "datetime": st.sampled_from(("2026-01-02", "2026-01-02T03:04:05.000000", "2026-13-01", "", 5)),
    }
)
"""The value of a result, as answers to all questions at once."""


def assert_readable(dataset):
    """Has FiftyOne read, save and copy everything."""
    dataset.reload()
    assert len(list(dataset)) == len(dataset)
    for sample in dataset:
        sample.tags.append("seen")
        sample.save()
    clone = dataset.clone()
    clone.first()
    clone.delete()


@examples(40)
@given(
    st.sampled_from(TYPES), st.booleans(), NAMES, st.sampled_from(ATTRIBUTE_TYPES), VALUES, DECLARED, DECLARED, RAW, RAW
)
def test_after_a_load_of_attributes(label_type, exists, name, asked, values, declared, meanwhile, answer, other):
    """What is declared before annotate() and after it; the answers about a label that was sent, and about a new one."""
    dataset = fo.Dataset()
    try:
        label = ONE[label_type.removesuffix("s")]()
        container = LABEL_TYPES[label_type]
        path = f"gt.{container._LABEL_LIST_FIELD}" if holds_list(label_type) else "gt"
        value = container(**{container._LABEL_LIST_FIELD: [label]}) if holds_list(label_type) else label
        dataset.add_sample(fo.Sample("x.png", **({"gt": value} if exists else {})))
        declare(dataset, f"{path}.{name}", declared if exists else None)
        facts = {"type": asked, **({"values": values} if values else {})}
        if asked in ("select", "radio") and not values:
            return
        info = {"type": label_type, "classes": ["cat"], "attributes": {name: facts}, "existing_field": exists}
        try:
            schema = completed_label_schema({"gt": info}, dataset, "1.23.2", "brush", {})
        except LabelSchemaError:
            return
        declare(dataset, f"{path}.{name}", meanwhile if exists else None)
        (field,) = parse_label_schema(schema)
        to_labeling_config([field])
        load(dataset, field, {"gt": value} if exists else {}, (answer, other))
        assert_readable(dataset)
    finally:
        dataset.delete()


def is_usable(dataset, name):
    """Whether FiftyOne can read a dataset with a field of a name; it declares others all the same."""
    try:
        check_field(dataset, name, True)
    except LabelSchemaError:
        return False
    return True


def declare(dataset, path, field):
    """Declares an attribute, where FiftyOne takes it."""
    if field is not None:
        try:
            dataset.add_sample_field(path, **field)
        except (ValueError, UnicodeEncodeError):
            pass


def load(dataset, field, labels, answers):
    """Has the labels of the only sample sent, answered, and loaded, twice."""
    (sample,) = dataset
    problems: list = []
    task = checked_task(SampleRecord(sample.id, "x.png", SIZE, labels), [field], RUN, problems)
    assert problems == []
    sent = task["predictions"][0]["result"] if task["predictions"] else []
    family = family_of(field)
    result = [region for region in sent if region["from_name"] == field.control]
    if not result:
        result = [drawn(field, family)]
    if family.is_drawn and holds_list(field.label_type):
        result.append({**copy.deepcopy(result[0]), "id": "drawn"})
    ids = [region["id"] for region in result]
    for control in controls_of(field, family):
        kind = control.attribute.question.result_type
        for region_id, raw in zip(ids, answers):
            about = region_id if family.is_drawn else f"{region_id}-{control.name}"
            result.append({"id": about, "from_name": control.name, "to_name": "image", "type": kind, "value": raw})
    annotation = {"id": 1, "was_cancelled": False, "updated_at": "2026-11-20T10:00:00Z", "result": result}
    exported = json.loads(json.dumps({**task, "id": TASK, "annotations": [annotation]}))
    answer = parse_task(exported, [field], RUN, problems)
    ledger = Ledger()
    for _ in range(2):
        merge = LabelMerge(Place(dataset, field.name), field, ledger)
        merge.ensure_field()
        merge.merge([answer])


def drawn(field, family):
    """The region of a label of the field."""
    label = ONE[field.label_type.removesuffix("s")]()
    return family.to_regions([label], field, SIZE)[0]


@examples(25)
@given(
    NAMES,
    st.booleans(),
    st.sampled_from((*FIELDS.values(), "")),
    st.none() | st.lists(st.sampled_from(("a", "blurry", "3")), min_size=1, unique=True),
    st.sampled_from((None, "a", "blurry", 3, 2.5, True, ["a", "x"], [])),
    RAW,
)
def test_after_a_load_of_scalars(name, exists, kind, classes, value, answer):
    dataset = fo.Dataset()
    try:
        dataset.add_sample(fo.Sample("x.png"))
        if exists and is_usable(dataset, name):
            declare(dataset, name, new_field_of(kind or "str"))
        if dataset.get_field(name) is not None and value is not None:
            sample = dataset.first()
            try:
                sample[name] = value
                sample.save()
            except Exception:
                dataset.reload()
        exists = dataset.get_field(name) is not None
        info = {"type": "scalar", "classes": classes or [], "attributes": {}, "existing_field": exists}
        try:
            schema = completed_label_schema(
                {name: info}, dataset, "1.23.2", "brush", {name: kind} if kind and not exists else {}
            )
            (field,) = parse_label_schema(schema)
        except LabelSchemaError:
            return
        before = stored(dataset)
        (sample_id,) = before
        task = checked_task(SampleRecord(sample_id, "x.png", SIZE, {}), [field], RUN, [])
        region = {"id": "r", "from_name": field.control, "to_name": "image", "type": field.question.result_type}
        annotation = {"id": 1, "was_cancelled": False, "result": [{**region, "value": answer}]}
        exported = json.loads(json.dumps({**task, "id": TASK, "annotations": [annotation]}))
        found = parse_task(exported, [field], RUN, [])
        merge = ScalarMerge(Place(dataset, field.name), field, Ledger())
        merge.ensure_field()
        merge.merge([found])
        assert_readable(dataset)
    finally:
        dataset.delete()
