from __future__ import annotations

import fiftyone as fo
import pytest

from fo_labelstudio.convert.media import DEFAULT, OF_FILES
from fo_labelstudio.dataset.media import medium_of_samples
from fo_labelstudio.errors import LabelSchemaError

pytestmark = pytest.mark.database


@pytest.fixture
def files(dataset_of):
    return lambda *paths: dataset_of([fo.Sample(filepath=path) for path in paths])


@pytest.mark.parametrize("medium", OF_FILES, ids=lambda medium: medium.name)
def test_files_that_fiftyone_does_not_know_are_told_by_their_names(files, medium):
    samples = files(*(f"/x.y/a{end}" for end in medium.extensions))
    assert samples.media_type == "unknown"
    assert medium_of_samples(samples) is medium


def test_capital_letters_make_no_difference(files):
    assert medium_of_samples(files("/a.txt", "/b.TXT")).name == "text"


def test_what_fiftyone_knows_is_what_it_says(files):
    assert medium_of_samples(files("/a.png")) is DEFAULT


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (
            ["/a.xyz", "/b.xyz", "/c.d/e"],
            "the samples are files that cannot be shown (2 .xyz, 1 without an extension); rename them",
        ),
        (
            ["/a.txt", "/b.xyz"],
            "the samples are files of several kinds (1 .txt, 1 .xyz); annotate a view of one kind, such as "
            "dataset.match(F('filepath').ends_with('.txt'))",
        ),
    ],
)
def test_files_of_no_kind_or_of_several_are_refused(files, paths, message):
    with pytest.raises(LabelSchemaError) as caught:
        medium_of_samples(files(*paths))
    assert str(caught.value).startswith(message)
