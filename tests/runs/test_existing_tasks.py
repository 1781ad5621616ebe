"""Which samples the tasks of a project that is there show, and by what that is told."""

from __future__ import annotations

import pytest

from fo_labelstudio.runs.existing_tasks import shown_already

pytestmark = pytest.mark.database


def task(number, **data):
    return {"id": number, "data": data, "meta": {}}


@pytest.mark.parametrize("media_key", ["", "text", "paragraphs", "image"])
@pytest.mark.parametrize("shown", ["Hi", [{"author": "Ann", "text": "Hi"}], None, 7])
def test_a_task_that_shows_no_address_is_told_by_the_id_of_its_sample(make_dataset, media_key, shown):
    dataset = make_dataset({}, {}, {})
    first, second, _ = dataset.values("id")
    tasks = [
        task(1, **{media_key or "caption": shown}),
        task(2, **{media_key or "caption": shown}, sample_id=first),
        task(3, **{media_key or "caption": shown}, sample_id=first),
        task(4, **{media_key or "caption": shown}, sample_id="6b0a8ba4c3b740adb9f5cbd1"),
        task(5, sample_id=second),
        task(6, sample_id=7),
    ]
    assert shown_already(tasks, "token", media_key, dataset, "filepath") == {first: 2, second: 5}
