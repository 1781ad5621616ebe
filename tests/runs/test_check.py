"""The check looks at every sample before anything is made, and keeps what it made for the upload."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from pathlib import Path

import fiftyone as fo
import pytest

from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.errors import SampleError
from fo_labelstudio.runs.check import check_run
from fo_labelstudio.runs.prepare import LeftOut, PreparedTask, Refused, prepared_tasks, still_readable
from fo_labelstudio.runs.run import Run
from fo_labelstudio.transport.transport import MediaSettings

FIELD = LabelField("gt", "detections", ("cat",), "gt")


def boxes(label="cat"):
    return fo.Detections(detections=[fo.Detection(label=label, bounding_box=[0.1, 0.1, 0.2, 0.2])])


@pytest.fixture
def run(make_dataset):
    dataset = make_dataset({"gt": boxes()}, {}, {"gt": boxes()})
    return Run(dataset, [FIELD], "filepath", "token", MediaSettings())


def skipping(run):
    return replace(run, media=MediaSettings(unusable="skip"))


def ids_of(items):
    return [item.sample_id for item in items]


def damage(run, number):
    """Empties the file of a sample; returns the id of the sample."""
    sample = list(run.samples)[number]
    Path(sample.filepath).write_bytes(b"")
    return sample.id


def test_each_sample_becomes_a_task_in_order(run):
    tasks = list(prepared_tasks(run))
    assert ids_of(tasks) == run.samples.values("id")
    assert [task.predictions for task in tasks] == [1, 0, 1]


def test_samples_that_are_passed_over_have_no_task(run):
    first, *others = run.samples.values("id")
    assert ids_of(prepared_tasks(run, without={first})) == others


def test_what_the_check_made_need_not_be_made_again(run):
    checked = check_run(run)
    assert ids_of(checked.tasks) == run.samples.values("id")
    assert list(prepared_tasks(run, checked.sample_ids)) == []


def test_what_does_not_fit_is_made_twice_and_is_the_same(run, monkeypatch):
    whole = list(check_run(run).tasks)
    monkeypatch.setattr("fo_labelstudio.runs.check.SPOOL_BYTES", whole[0].size)
    checked = check_run(run)
    assert 0 < len(checked.sample_ids) < 3
    assert list(chain(checked.tasks, prepared_tasks(run, checked.sample_ids))) == whole


def test_everything_that_cannot_be_sent_is_named_at_once(run):
    damaged = damage(run, 1)
    last = run.samples.last()
    last["gt"] = boxes("unicorn")
    last.save()
    with pytest.raises(SampleError) as error:
        check_run(run)
    media, label = error.value.problems
    assert media.startswith(f"sample {damaged}, filepath") and "it is empty" in media
    assert label.startswith(f"field 'gt', sample {last.id}, label ") and "unicorn" in label


def test_media_that_may_be_skipped_are_left_out_and_reported(run, caplog):
    damaged = damage(run, 0)
    checked = check_run(skipping(run))
    assert checked.left_out == 1 and damaged in checked.sample_ids
    assert ids_of(checked.tasks) == run.samples.values("id")[1:]
    assert "1 samples are left out" in caplog.text and damaged in caplog.text


def test_a_run_of_which_nothing_is_left_is_refused(run):
    for number in range(3):
        damage(run, number)
    with pytest.raises(SampleError, match="3 problem"):
        check_run(skipping(run))


def test_media_are_looked_at_once_more_where_they_could_not_be_sent(run):
    tasks = list(prepared_tasks(run))
    damaged = damage(run, 2)
    *fine, refused = still_readable(tasks, run)
    assert fine == tasks[:2] and isinstance(refused, Refused)
    *_, left_out = still_readable(tasks, skipping(run))
    assert isinstance(left_out, LeftOut) and left_out.sample_id == damaged


def test_a_task_carries_the_address_of_its_media(run):
    task = next(iter(prepared_tasks(run)))
    assert isinstance(task, PreparedTask)
    (file,) = task.files
    assert b'"image":"/data/a.png"' in task.body({file: "/data/a.png"})
