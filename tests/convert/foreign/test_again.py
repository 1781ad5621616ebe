"""Importing again updates, adds and deletes exactly what changed, and touches nothing else."""

from __future__ import annotations

import copy

import fiftyone as fo

from fo_labelstudio.convert.foreign.which import Which
from fo_labelstudio.merge.changes import label_changes
from tests.convert.foreign.importing import Imported
from tests.convert.trip import loaded, to_label

CONFIG = """
<View>
  <Image name="image" value="$image"/>
  <RectangleLabels name="box" toName="image"><Label value="cat"/><Label value="dog"/></RectangleLabels>
  <Choices name="colour" toName="image" perRegion="true"><Choice value="red"/><Choice value="blue"/></Choices>
  <KeyPointLabels name="point" toName="image"><Label value="nose"/></KeyPointLabels>
</View>
"""


def region(kind, control, region_id, **value):
    item = {"id": region_id, "from_name": control, "to_name": "image", "type": kind, "value": value}
    return {**item, "original_width": 200, "original_height": 100}


def box(region_id, x, label="cat", **values):
    geometry = {"x": x, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": [label]}
    return {**region("rectanglelabels", "box", region_id, **geometry), **values}


def colour(region_id, name):
    return region("choices", "colour", region_id, choices=[name])


class Field:
    """A field of a dataset: the labels that it holds, and what loads have done to it."""

    def __init__(self, name="box", *labels):
        self.name = name
        self.docs = [label.to_dict() for label in labels]
        self.loaded = []
        self.written = {}

    def load(self, *results, which=None, **values):
        """The changes that the results of a task make; a second load must change nothing."""
        annotation = {"id": 5, "was_cancelled": False, "result": list(results)}
        task = {"id": 7, "data": {"image": "a.png"}, "annotations": [annotation], **values}
        changes = self._load(task, which)
        again = self._load(copy.deepcopy(task), which)
        assert again is None or again.is_empty
        return changes

    def _load(self, task, which):
        imported = Imported(task, CONFIG, which)
        (field,) = [field for field in imported.fields.fields if field.name == self.name]
        if not imported.answers:
            return None
        answer = imported.answers[0].fields[self.name]
        changes = label_changes(self.docs, answer, field, {}, self.loaded, written=self.written)
        self.docs = loaded(self.docs, changes)
        added = [str(doc["_id"]) for doc in changes.added]
        self.loaded = [one for one in (*self.loaded, *added) if one not in changes.deleted]
        self.written = {**self.written, **changes.written}
        return changes

    @property
    def labels(self):
        return [to_label(doc) for doc in self.docs]

    def id_of(self, label):
        return next(str(doc["_id"]) for doc in self.docs if doc["label"] == label)


def test_only_what_changed_is_written():
    field = Field()
    field.load(box("r", 10), box("s", 20, "dog"), box("t", 30, "gone"))
    cat, dog, gone = map(field.id_of, ("cat", "dog", "gone"))
    changes = field.load(box("r", 10), box("s", 21, "dog"), box("u", 40, "new"))
    assert changes.values == {dog: {"bounding_box": [0.21, 0.2, 0.3, 0.4]}}
    assert changes.deleted == [gone]
    assert [doc["label"] for doc in changes.added] == ["new"]
    assert [label.label for label in field.labels] == ["cat", "dog", "new"]
    assert field.id_of("cat") == cat


def test_labels_that_did_not_come_from_the_project_stay():
    own = fo.Detection(label="own", bounding_box=[0, 0, 1, 1])
    field = Field("box", own)
    field.load(box("r", 10))
    assert [label.label for label in field.labels] == ["own", "cat"]
    cat = field.id_of("cat")
    assert field.load().deleted == [cat]
    assert [label.id for label in field.labels] == [own.id]


def test_an_answer_that_was_taken_back_is_taken_back():
    field = Field()
    field.load(box("r", 10), colour("r", "red"))
    assert field.labels[0].colour == "red"
    field.load(box("r", 10), colour("r", "blue"))
    assert field.labels[0].colour == "blue"
    field.load(box("r", 10))
    assert field.labels[0].get_attribute_value("colour", None) is None


def test_a_label_that_was_deleted_in_the_dataset_stays_deleted():
    field = Field()
    field.load(box("r", 10), box("s", 20, "dog"))
    del field.docs[0]
    field.load(box("r", 10), box("s", 20, "dog"))
    assert [label.label for label in field.labels] == ["dog"]


def test_what_was_not_understood_stays_as_it_was():
    field = Field()
    field.load(box("r", 10), colour("r", "red"), box("s", 20, "dog"))
    before = copy.deepcopy(field.docs)
    assert field.load(box("r", 10, value={"x": "?"}), box("s", 20, "dog")).is_empty
    assert field.docs == before


def test_a_task_that_nobody_has_answered_any_more_leaves_everything_as_it_is():
    field = Field()
    field.load(box("r", 10))
    assert field.load(annotations=[]) is None
    assert [label.label for label in field.labels] == ["cat"]


def test_scores_follow_the_model():
    field = Field("point_v1")
    which = Which(annotations=None, predictions="v1")
    point = region("keypointlabels", "point", "p", x=10, y=20, width=1, keypointlabels=["nose"])
    for score in (0.5, 0.75):
        field.load(which=which, predictions=[{"model_version": "v1", "result": [{**point, "score": score}]}])
        (label,) = field.labels
        assert (label.points, label.confidence) == ([[0.1, 0.2]], [score])


def test_a_box_keeps_what_the_dataset_knows_of_it_besides():
    field = Field()
    field.load(box("r", 10))
    field.docs[0]["tags"], field.docs[0]["confidence"] = ["checked"], 0.25
    changes = field.load(box("r", 10, "dog"))
    assert list(changes.values.values()) == [{"label": "dog"}]
    assert (field.labels[0].tags, field.labels[0].confidence) == (["checked"], 0.25)
