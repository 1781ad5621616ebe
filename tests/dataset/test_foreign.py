"""What projects of others hold, merged into a dataset: written, read by FiftyOne, and the same the second time."""

from __future__ import annotations

import copy
from datetime import date, datetime, timezone

import fiftyone as fo
import pytest

from fo_labelstudio.convert.foreign.which import Which
from fo_labelstudio.dataset.labels import LabelMerge
from fo_labelstudio.dataset.place import Place
from fo_labelstudio.dataset.scalars import ScalarMerge
from fo_labelstudio.merge.ledger import Ledger
from tests.convert.foreign.importing import Imported, golden
from tests.support import stored

pytestmark = pytest.mark.database


class Target:
    """A dataset of two samples, of which tasks show the second where they say so, and what loads have done to it."""

    def __init__(self, dataset_of):
        self.dataset = dataset_of([fo.Sample(filepath="/a.png"), fo.Sample(filepath="/second.png")])
        self.ledgers = {}

    def load(self, tasks, config, which=None):
        """Merges what tasks hold, twice; the second time must change nothing."""
        for number in (1, 2):
            before = stored(self.dataset)
            imported = Imported(copy.deepcopy(tasks), config, which)
            for answer, address in zip(imported.answers, imported.addresses, strict=True):
                answer.sample_id = self.dataset.values("id")[address == "second.png"]
            for field in imported.fields.fields:
                made = LabelMerge if field.question is None else ScalarMerge
                ledger = self.ledgers.setdefault(field.name, Ledger())
                merge = made(Place(self.dataset, field.name), field, ledger)
                merge.ensure_field()
                merge.merge(imported.answers)
                assert not merge.report.notes
            if number == 2:
                assert stored(self.dataset) == before
        self.dataset.reload()
        return self.dataset.first()


def test_answers_about_the_image(dataset_of):
    target = Target(dataset_of)
    sample = target.load(*golden("classification_accepted"))
    assert (sample.weather.label, sample["count"], sample.caption) == ("rain", 12.5, "hello é world")
    assert (sample.notes, sample.quality, sample.day) == (["line1", "line2\nx"], 4, date(2024, 2, 29))
    assert sample.dtime.replace(tzinfo=timezone.utc) == datetime(2024, 2, 29, 13, 45, tzinfo=timezone.utc)
    assert [(label.label, label.path) for label in sample.tax.classifications] == [
        ("Animal/Cat", ["Animal", "Cat"]),
        ("Plant", ["Plant"]),
    ]
    assert [label.label for label in sample.tags_.classifications] == ["day", "car, red"]


def test_answers_about_regions_and_relations(dataset_of):
    task, config = golden("per_region_accepted")
    target = Target(dataset_of)
    car, person = target.load(task, config).rect.detections
    assert (car.label, car.car__color, car.occluded, car.speed, car.rate) == ("car", "red", "false", 12.5, 2)
    assert (car.tax, car.when.year, person.person__name) == (["A/B"], 2024, ["Bob"])
    assert person.related_to == [car.id]
    result = task["annotations"][0]["result"]
    result[:] = [item for item in result if item.get("from_name") not in ("speed", "person__name")]
    result[:] = [item for item in result if item["type"] != "relation"]
    car_now, person_now = target.load(task, config).rect.detections
    assert (car_now.id, person_now.id) == (car.id, person.id)
    assert [car_now.get_attribute_value("speed", None), person_now.get_attribute_value("person__name", None)] == [
        None,
        None,
    ]
    assert car_now.car__color == "red" and person_now.get_attribute_value("related_to", None) is None


@pytest.mark.parametrize(
    "name", ["vector_skeleton_accepted", "shapes_accepted_unchanged", "keypoints_parentid_accepted"]
)
def test_scores_of_predictions(dataset_of, name):
    sample = Target(dataset_of).load(*golden(name), Which(annotations=None, predictions="all"))
    scores = {
        "vector_skeleton_accepted": ("vec_m", "keypoints", [[0.9] * 5]),
        "shapes_accepted_unchanged": ("rect_m1", "detections", [0.9, 0.4]),
        "keypoints_parentid_accepted": ("kp_m", "keypoints", [[0.5], None]),
    }
    field, name, expected = scores[name]
    assert [label.confidence for label in sample[field][name]] == expected


def test_a_value_of_whoever_is_silent_now_stays(dataset_of):
    config = '<View><Image name="image" value="$image"/><Rating name="stars" toName="image"/></View>'

    def task(*people):
        def answered(person, rating):
            item = {"id": "q", "from_name": "stars", "to_name": "image", "type": "rating", "value": {"rating": rating}}
            return {"completed_by": person, "result": [item]}

        annotations = [answered(person, number) for number, person in enumerate(people, 1)]
        return {"id": 1, "data": {"image": "a.png"}, "annotations": annotations}

    target = Target(dataset_of)
    sample = target.load([task("a@x.org", "b@x.org")], config, Which("all"))
    assert (sample.stars_a_x_org, sample.stars_b_x_org) == (1, 2)
    elsewhere = {**task("b@x.org"), "id": 2, "data": {"image": "second.png"}}
    sample = target.load([task("a@x.org"), elsewhere], config, Which("all"))
    assert (sample.stars_a_x_org, sample.stars_b_x_org) == (1, 2)
    assert target.dataset.last().stars_b_x_org == 1
