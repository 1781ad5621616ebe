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
    # Without their content, those that several kinds have are of the first.
    assert medium_of_samples(samples) is next(one for one in OF_FILES if {*medium.extensions} & {*one.extensions})


def test_json_files_are_what_the_first_one_is_that_can_be_read(files, tmp_path):
    contents = {"broken": "{", "table": '{"a": 1}', "talk": '[{"author": "Ann", "text": "Hi"}]'}
    for name, content in contents.items():
        (tmp_path / f"{name}.json").write_text(content)
    paths = {name: str(tmp_path / f"{name}.json") for name in (*contents, "missing")}
    assert medium_of_samples(files(paths["missing"], paths["broken"], paths["table"], paths["talk"])).name == "table"
    assert medium_of_samples(files(paths["talk"], paths["table"])).name == "paragraphs"
    assert medium_of_samples(files(paths["missing"], paths["broken"])).name == "paragraphs"


def test_capital_letters_make_no_difference(files):
    assert medium_of_samples(files("/a.txt", "/b.TXT")).name == "text"
    assert medium_of_samples(files("/a.csv", "/b.tsv")).name == "timeseries"


def test_what_fiftyone_knows_is_what_it_says(files):
    assert medium_of_samples(files("/a.png")) is DEFAULT


@pytest.mark.parametrize("paths", [["/a/0b1c", "/c.d/e"], ["https://host/image?id=1"], ["/a.dng", "/b.xyz"]])
def test_files_whose_names_tell_nothing_are_images_until_their_content_says_otherwise(files, paths):
    samples = files(*paths)
    assert samples.media_type == "unknown"
    assert medium_of_samples(samples) is DEFAULT


@pytest.mark.parametrize(
    ("paths", "kinds"),
    [(["/a.txt", "/b.xyz"], "1 .txt, 1 .xyz"), (["/a.wav", "/b.txt", "/c.wav"], "2 .wav, 1 .txt")],
)
def test_files_of_several_kinds_are_refused(files, paths, kinds):
    first = kinds.split()[1].rstrip(",")
    with pytest.raises(LabelSchemaError) as caught:
        medium_of_samples(files(*paths))
    assert str(caught.value) == (
        f"the samples are files of several kinds ({kinds}); annotate a view of one kind, such as "
        f"dataset.match(F('filepath').ends_with({first!r}))"
    )
