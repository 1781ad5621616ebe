"""Videos that browsers do not play, or whose frames the editor would count wrongly, on their way to a real server."""

from __future__ import annotations

import fiftyone as fo
import pytest
import requests

from fo_labelstudio.errors import SampleError
from tests.videos import H264, numbers_in, write_numbered

pytestmark = [pytest.mark.server, pytest.mark.ffmpeg]

FRAMES = 20
SCHEMA = {"weather": {"type": "classification", "classes": ["sun", "rain"]}}


@pytest.fixture
def dataset(dataset_of, tmp_path):
    """One video that is fine, and one that is not."""
    fine = write_numbered(tmp_path / "fine.mp4", *H264, frames=FRAMES, rate="30000/1001")
    other = write_numbered(tmp_path / "other.avi", "-c:v", "mpeg4", frames=FRAMES, rate="24")
    return dataset_of([fo.Sample(filepath=str(path)) for path in (fine, other)])


def test_they_are_refused_with_what_to_do(dataset, connection):
    with pytest.raises(SampleError) as error:
        dataset.annotate("run", backend="labelstudio", label_schema=SCHEMA, **connection)
    (problem,) = error.value.problems
    assert problem.startswith(f"sample {dataset.last().id}, filepath ")
    assert problem.endswith(
        "other.avi': it is AVI, and browsers play MP4 and WebM, and Label Studio does not take .avi; convert it to MP4 "
        "with H.264 and pass the field of the new path as media_field, or pass unusable_media='convert' or 'skip'"
    )


def test_they_are_converted_with_each_frame_in_its_place(dataset, connection, annotator, tmp_path):
    results = dataset.annotate(
        "run", backend="labelstudio", label_schema=SCHEMA, unusable_media="convert", **connection
    )
    for sample, rate in zip(dataset, (30000 / 1001, 24), strict=True):
        task = annotator.task(results.tasks[sample.id])
        assert task["data"]["frame_rate"] == pytest.approx(rate)
        headers = {"Authorization": f"Token {connection['api_key']}"}
        answer = requests.get(annotator.url + task["data"]["video"], headers=headers, timeout=60)
        (tmp_path / "shown.mp4").write_bytes(answer.content)
        assert numbers_in(str(tmp_path / "shown.mp4")) == [*range(1, FRAMES + 1)]
