"""Samples are read from a real database; the tasks are those of somebody else."""

from __future__ import annotations

import json

import fiftyone as fo
import pytest

from fo_labelstudio.convert.media_address import parse_address
from fo_labelstudio.convert.media_match import Samples, Shown, match_media
from fo_labelstudio.dataset.match_samples import add_samples
from fo_labelstudio.errors import MatchError, SettingsError
from fo_labelstudio.runs.match import TaskImage, insert_new, match_tasks, read_data_path, tell
from tests.support import stored


def images(*texts, **data):
    return [TaskImage(n, "image", text, None, {"image": text, **data}) for n, text in enumerate(texts)]


@pytest.fixture
def dataset(dataset_of):
    return dataset_of(
        [
            fo.Sample("/mnt/pets/cat.png", uuid=17, address="s3://b/1.png"),
            fo.Sample("/mnt/pets/dog.png", uuid=18, address="s3://b/2.png", tags=["view"]),
            fo.Sample("/mnt/zoo/dog.png", uuid=19),
        ]
    )


@pytest.mark.database
class TestOfADataset:
    def test_tasks_are_matched_and_nothing_is_changed(self, dataset):
        before = stored(dataset)
        cat, dog, zoo = dataset.values("id")
        rows = images("/data/local-files/?d=pets/cat.png", "/mnt/zoo/dog.png", "/data/upload/1/0a1b2c3d-cow.png")
        rows.append(TaskImage(3, "image", "nothing.png", dog, {}))
        found = match_tasks(rows, dataset)
        assert found.samples == {(0, "image"): cat, (1, "image"): zoo, (3, "image"): dog}
        assert list(found.left) == [(2, "image")]
        assert stored(dataset) == before

    def test_all_questions_are_asked_at_once_with_their_remedy(self, dataset):
        before = stored(dataset)
        with pytest.raises(MatchError) as raised:
            match_tasks(images("dog.png", "x/dog.png", "cat.png"), dataset)
        assert [question.place for question in raised.value.questions] == [(0, "image"), (1, "image")]
        _, dog, zoo = dataset.values("id")
        assert str(raised.value) == (
            "2 image(s) of tasks may be several samples, so nothing was changed; say which they are: pass match={key "
            "of the tasks' data: field of the samples}, or data_path={address or name: path of the file}:\n"
            f"  task 0, image, 'dog.png': by its file name it may be any of sample {dog} (/mnt/pets/dog.png), sample "
            f"{zoo} (/mnt/zoo/dog.png)\n"
            f"  task 1, image, 'x/dog.png': by its file name it may be any of sample {dog} (/mnt/pets/dog.png), sample "
            f"{zoo} (/mnt/zoo/dog.png)"
        )
        assert stored(dataset) == before

    def test_a_field_of_the_samples_answers_and_so_does_data_path(self, dataset):
        _, dog, zoo = dataset.values("id")
        rows = [TaskImage(1, "image", "dog.png", None, {"image": "dog.png", "meta": {"uuid": "19"}})]
        assert match_tasks(rows, dataset, match={"meta.uuid": "uuid"}).samples == {(1, "image"): zoo}
        assert match_tasks(rows, dataset, data_path={"dog.png": "/mnt/pets/dog.png"}).samples == {(1, "image"): dog}
        assert match_tasks(images("s3://b/2.png"), dataset, media_field="address").samples == {(0, "image"): dog}

    def test_fields_that_are_not_there_are_named(self, dataset):
        with pytest.raises(SettingsError, match=r"no field 'uid' of samples; pass one of address, .*, uuid"):
            match_tasks(images("a.png"), dataset, match={"uid": "uid"})

    def test_samples_that_a_view_leaves_out_are_neither_found_nor_new(self, dataset, caplog):
        _, dog, zoo = dataset.values("id")
        view = dataset.match_tags("view")
        found = match_tasks(images("pets/dog.png", "/mnt/zoo/dog.png", "/mnt/pets/cow.png"), view)
        assert found.samples == {(0, "image"): dog}
        assert found.elsewhere == {(1, "image"): zoo}
        assert list(found.left) == [(2, "image")]
        tell(found)
        assert f"task 1, image: it shows sample {zoo} of the dataset, which is not among the samples" in caplog.text
        assert "task 2, image: there is no sample of '/mnt/pets/cow.png'" in caplog.text

    def test_of_several_samples_the_one_of_the_view_is_meant(self, dataset):
        _, dog, _ = dataset.values("id")
        assert match_tasks(images("dog.png"), dataset.match_tags("view")).samples == {(0, "image"): dog}

    def test_all_slices_of_groups_are_looked_at(self, dataset_of):
        group = fo.Group()
        dataset = dataset_of(fo.Sample(f"/mnt/{name}.png", group=group.element(name)) for name in ("left", "right"))
        found = match_tasks(images("left.png", "right.png"), dataset)
        paths = dataset.select_group_slices().values("filepath")
        ids = dataset.select_group_slices().values("id")
        assert {sample_id: paths[ids.index(sample_id)] for sample_id in found.samples.values()} == {
            found.samples[0, "image"]: "/mnt/left.png",
            found.samples[1, "image"]: "/mnt/right.png",
        }
        with pytest.raises(SettingsError, match="samples cannot be added to a dataset of groups"):
            add_samples(dataset, {"/mnt/new.png": None})

    def test_new_samples_have_their_path_and_the_size_that_is_known(self, dataset):
        added = add_samples(dataset, {"/mnt/a.png": (640, 480), "/mnt/b.png": None}, "address")
        first, second = (dataset[added[path]] for path in ("/mnt/a.png", "/mnt/b.png"))
        assert (first.filepath, first.address) == ("/mnt/a.png", "/mnt/a.png")
        assert (first.metadata.width, first.metadata.height, second.metadata) == (640, 480, None)
        assert len(dataset) == 5

    def test_files_of_another_media_type_become_no_samples(self, dataset):
        told = r"2 files, such as /mnt/a\.txt, .* whose media type is 'image'; pass match="
        with pytest.raises(SettingsError, match=told):
            add_samples(dataset, {"/mnt/a.txt": None, "/mnt/b.png": None, "/mnt/c.json": None})
        assert len(dataset) == 3

    def test_files_become_samples_once_each_and_those_that_are_missing_are_told(self, dataset, tmp_path):
        path = str(tmp_path / "new.png")
        (tmp_path / "new.png").write_bytes(b"x")
        gone = str(tmp_path / "gone.png")
        places = [(n, "image") for n in range(3)]
        inserted = insert_new(dict(zip(places, [path, path, gone])), dataset, {(1, "image"): (64, 48)})
        first, second = (inserted.samples[place] for place in places[:2])
        assert first == second and len(dataset) == 4
        assert (dataset[first].filepath, dataset[first].metadata.width) == (path, 64)
        assert inserted.failures == {places[2]: f"there is no file {gone!r}"}
        # The next import finds them.
        assert match_tasks(images(path), dataset).samples == {(0, "image"): first}

    def test_images_of_one_task_are_told_apart_by_lists(self, dataset):
        cat, dog, _ = dataset.values("id")
        data = {"images": ["1.png", "2.png"], "uuids": [18, 17], "uuid": 17}
        rows = [TaskImage(1, f"images[{n}]", text, cat, data) for n, text in enumerate(data["images"])]
        found = match_tasks(rows, dataset, match={"uuids": "uuid"})
        assert found.samples == {(1, "images[0]"): dog, (1, "images[1]"): cat}
        with pytest.raises(SettingsError, match="task 1 shows several images, and its 'uuid' does not tell"):
            match_tasks(rows, dataset, match={"uuid": "uuid"})
        # The sample that a task of several images names may be any of them.
        assert match_tasks(rows, dataset).samples == {}


def found_in(data_path, *texts):
    shown = [Shown(n, "image", parse_address(text)) for n, text in enumerate(texts)]
    return match_media(shown, Samples([], []), read_data_path(data_path))


def test_a_folder_is_searched_with_those_below_and_links_that_leave_it_are_refused(tmp_path):
    root, other = tmp_path / "root", tmp_path / "other"
    for path in (
        root / "a" / "cat.png",
        root / "cow.png",
        root / ".hidden.png",
        root / "half.png.part",
        other / "secret.png",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (root / "inner.png").symlink_to(root / "a" / "cat.png")
    (root / "outer.png").symlink_to(other / "secret.png")
    (root / "out").symlink_to(other)
    texts = ["x/cow.png", "inner.png", "outer.png", "out/secret.png", "/data/local-files/?d=out/secret.png", "half.png"]
    found = found_in(root, *texts, "../other/secret.png", str(other / "secret.png"), str(root / "a" / "cat.png"))
    assert found.files == {
        (0, "image"): str(root / "cow.png"),
        (1, "image"): str(root / "inner.png"),
        (8, "image"): str(root / "a" / "cat.png"),
    }
    assert {place[0]: reason for place, reason in found.refused.items()} == {
        2: f"{root / 'outer.png'} is a link that leads out of data_path",
        3: f"{root / 'out'} is a link that leads out of data_path",
        4: f"{root / 'out'} is a link that leads out of data_path",
        6: "it leaves its folder by '..'",
        7: "it is an absolute path that is not below data_path; pass data_path={name: path} where it is meant",
    }
    assert (5, "image") in found.left


def test_a_manifest_is_json_of_names_and_paths(tmp_path):
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"cat.png": "pets/1.png", "dog.png": "/mnt/2.png"}))
    found = found_in(str(manifest), "/data/upload/1/0a1b2c3d-cat.png", "dog.png", "cow.png")
    assert found.files == {(0, "image"): str(tmp_path / "pets" / "1.png"), (1, "image"): "/mnt/2.png"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read as a JSON manifest"),
        ("[" * 100_000, "cannot be read as a JSON manifest"),
        ("[1]", r"it holds \[1\], expected an object of names and paths"),
        ('{"a": 1}', "it holds 'a': 1, expected a name and a path"),
    ],
)
def test_a_manifest_that_is_none_is_refused(tmp_path, content, message):
    (tmp_path / "m.json").write_text(content)
    with pytest.raises(SettingsError, match=message):
        read_data_path(tmp_path / "m.json")


def test_a_folder_that_is_not_there_is_empty_but_a_manifest_must_be(tmp_path):
    assert not found_in(tmp_path / "later", "cat.png").files
    with pytest.raises(SettingsError, match="there is no manifest"):
        read_data_path(tmp_path / "later.json")
    assert read_data_path(None) is None
