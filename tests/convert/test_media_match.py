from __future__ import annotations

import base64
import unicodedata
from pathlib import PureWindowsPath
from urllib.parse import quote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fo_labelstudio.convert.media_address import local_name, parse_address, server_names
from fo_labelstudio.convert.media_match import Files, Samples, Shown, match_media
from tests.properties import examples


def samples_of(*paths, values=()):
    """Samples s0, s1, ... with these paths."""
    return Samples([f"s{n}" for n in range(len(paths))], paths, values)


def shown(*texts):
    """Tasks 0, 1, ... with these addresses."""
    return [Shown(n, "image", parse_address(text)) for n, text in enumerate(texts)]


def matched(texts, paths, files=None):
    """The sample of each task, or None."""
    matching = match_media(shown(*texts), samples_of(*paths), files)
    assert not matching.questions
    return [matching.samples.get((n, "image")) for n in range(len(texts))]


_PARTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn"), exclude_characters='/\\:*?"<>|'), min_size=1, max_size=12
).filter(lambda name: name == name.strip() and not name.endswith(".") and not name.startswith("."))


def forms_of(parts):
    """Every address under which a task may show the file /mnt/<parts>."""
    path = "/".join(parts)
    uploaded = quote(server_names(parts[-1])[0])
    yield f"/data/local-files/?d={quote(path)}"
    yield f"https://ls.org/sub/data/local-files/?d={quote(path, safe='')}"
    yield f"/data/local-files/?d={quote(quote(path))}"
    yield f"/data/local-files/?d={quote(unicodedata.normalize('NFD', path))}"
    yield f"/data/upload/7/0a1b2c3d-{uploaded}"
    yield f"https://ls.org/data/upload/7/0a1b2c3d-{uploaded}"
    yield f"/mnt/{path}"
    yield f"file:///mnt/{quote(path)}"
    yield str(PureWindowsPath(*parts))
    for address in (f"s3://bucket/{path}", f"gs://bucket/{path}", f"azure-blob://bucket/{path}"):
        yield address
        yield f"/tasks/5/resolve/?fileuri={base64.urlsafe_b64encode(address.encode()).decode()}"
    yield f"https://bucket.s3.amazonaws.com/{quote(path)}?X-Amz-Signature=1"
    yield f"https://example.org/{quote(path)}#top"


@given(st.tuples(_PARTS, _PARTS, _PARTS), st.sampled_from(("NFC", "NFD")))
def test_every_form_of_an_address_resolves_to_the_same_sample(parts, form):
    assume(any(c.isalnum() for c in parts[-1]))
    own = unicodedata.normalize(form, "/".join(("/mnt", *parts)))
    # Files of the same name and of the same folder, which are others.
    paths = [own, f"/mnt/{parts[0]}/{parts[1]}/x{parts[2]}", f"{own}x", f"/mnt/{parts[0]}x/{parts[1]}/y"]
    for text in forms_of(parts):
        assert matched([text], paths) == ["s0"], text


def test_an_address_of_a_storage_is_that_of_the_sample_with_the_same():
    addresses = ["s3://b/a/cat.png", "s3://c/a/cat.png", "gs://b/a/cat.png", "https://h/a/cat.png?id=1"]
    assert matched([*addresses, "https://h/a/cat.png?id=2"], addresses) == ["s0", "s1", "s2", "s3", None]


def test_a_path_below_the_shared_folder_is_the_end_of_a_samples_path_at_whole_components():
    paths = ["/mnt/pets/cat.png", "/mnt/big_pets/cat.png", "/mnt/pets/bigcat.png"]
    assert matched(["/data/local-files/?d=pets/cat.png", "/data/local-files/?d=big_pets/cat.png"], paths) == [
        "s0",
        "s1",
    ]


def test_the_id_of_our_own_sample_comes_first_but_only_where_it_is_in_the_dataset():
    rows = [
        Shown(1, "image", parse_address("/mnt/a.png"), "s1"),
        Shown(2, "image", parse_address("/mnt/a.png"), "somebody else's"),
        Shown(3, "image", parse_address(None), "s0"),
    ]
    matching = match_media(rows, samples_of("/mnt/a.png", "/mnt/b.png"))
    assert matching.samples == {(1, "image"): "s1", (2, "image"): "s0", (3, "image"): "s0"}
    assert matching.rules == {"the sample id in its data": 2, "its address": 1}


def test_values_that_the_caller_names_decide_whether_there_is_a_sample():
    rows = [
        Shown(1, "image", parse_address("/mnt/b.png"), values=("17", "x")),
        Shown(2, "image", parse_address("/mnt/a.png"), values=("18", "x")),
        Shown(3, "image", parse_address("/mnt/a.png"), values=None),
        Shown(4, "image", parse_address("/mnt/a.png"), values=("19", "x")),
    ]
    samples = samples_of("/mnt/a.png", "/mnt/b.png", "/c", values=[("17", "x"), ("19", "x"), ("19", "x")])
    matching = match_media(rows, samples)
    assert matching.samples == {(1, "image"): "s0", (3, "image"): "s0"}
    assert list(matching.left) == [(2, "image")]
    assert [(question.place, question.rule, question.candidates) for question in matching.questions] == [
        ((4, "image"), "match", ("s1", "s2"))
    ]


def test_a_file_name_that_is_there_once_on_both_sides_is_enough():
    assert matched(["x/cat.png", "y/dog.png"], ["/mnt/cat.png", "/mnt/z/dog.png"]) == ["s0", "s1"]


def test_a_file_name_that_another_task_has_whose_sample_is_known_tells_nothing():
    assert matched(["train/cat.png", "val/cat.png"], ["/mnt/train/cat.png"]) == ["s0", None]


def test_two_candidates_are_a_question_and_all_questions_are_asked_at_once():
    texts = ["cat.png", "/data/upload/1/0a1b2c3d-dog.png", "/mnt/x/owl.png", "a/fox.png", "b/fox.png"]
    paths = ["/m/1/cat.png", "/m/2/cat.png", "/m/1/dog.png", "/m/2/dog.png", "/mnt/x/owl.png", "/m/fox.png"]
    matching = match_media(shown(*texts), samples_of(*paths))
    assert matching.samples == {(2, "image"): "s4"}
    assert [(question.place[0], question.candidates, question.rivals) for question in matching.questions] == [
        (0, ("s0", "s1"), ()),
        (1, ("s2", "s3"), ()),
        (3, ("s5",), ((4, "image"),)),
        (4, ("s5",), ((3, "image"),)),
    ]
    assert str(matching.questions[0]) == (
        "task 0, image, 'cat.png': by its file name it may be any of sample s0 (/m/1/cat.png), sample s1 (/m/2/cat.png)"
    )
    assert (
        str(matching.questions[2])
        == "task 3, image, 'a/fox.png': by its file name it is sample s5 (/m/fox.png), but so is task 4"
    )
    assert not matching.left and not matching.refused


def test_two_samples_of_one_file_are_a_question():
    (question,) = match_media(shown("/mnt/a.png"), samples_of("/mnt/a.png", "/mnt/a.png")).questions
    assert question.candidates == ("s0", "s1")


def test_two_uploads_of_one_name_are_a_question_for_they_may_be_two_images():
    texts = ["/data/upload/1/0a1b2c3d-cat.png", "/data/upload/1/11111111-cat.png"]
    questions = match_media(shown(*texts), samples_of("/mnt/cat.png")).questions
    assert [question.rivals for question in questions] == [((1, "image"),), ((0, "image"),)]


def test_two_tasks_of_one_address_show_the_same_sample_and_that_is_said():
    text = "/data/upload/1/0a1b2c3d-cat.png"
    matching = match_media(shown(text, f"https://ls.org{text}"), samples_of("/mnt/cat.png"))
    assert matching.samples == {(0, "image"): "s0", (1, "image"): "s0"}
    assert matching.shared == {"s0": ((0, "image"), (1, "image"))}


def test_what_was_encoded_too_often_never_takes_the_sample_of_what_was_not():
    texts = ["/data/local-files/?d=p/n%41.png", "/data/local-files/?d=p/n%2541.png"]
    assert matched(texts, ["/mnt/p/nA.png", "/mnt/p/n%41.png"]) == ["s0", "s1"]
    questions = match_media(shown(*texts), samples_of("/mnt/p/nA.png")).questions
    assert {question.candidates for question in questions} == {("s0",)}


def test_each_image_of_a_task_is_matched_on_its_own():
    rows = [Shown(1, f"images[{n}]", parse_address(f"pets/{n}.png")) for n in range(3)]
    matching = match_media(rows, samples_of("/mnt/pets/0.png", "/mnt/pets/2.png"))
    assert matching.samples == {(1, "images[0]"): "s0", (1, "images[2]"): "s1"}
    assert list(matching.left) == [(1, "images[1]")]
    with pytest.raises(ValueError, match=r"image \(1, 'images\[0\]'\) is there twice"):
        match_media([*rows, rows[0]], samples_of())


def test_a_long_name_that_the_server_has_shortened_is_known():
    name = "a very long name " * 6
    stem = server_names(f"{name}.png")[0].removesuffix(".png")
    path = f"upload/1/0a1b2c3d-{stem}"[: 100 - len("_aB3dE5g.png")] + "_aB3dE5g.png"
    assert matched([f"/data/{path}"], [f"/mnt/{name}.png", "/mnt/a very long.png"]) == ["s0"]


def folder(*paths, outside=()):
    return Files(paths, paths, "/data", outside)


def test_files_of_a_folder_are_those_of_their_samples_or_without_one():
    files = folder("/data/pets/cat.png", "/data/pets/dog.png", "/data/upload/1/0a1b2c3d-fox.png", "/data/owl 1.png")
    texts = ["/data/local-files/?d=pets/cat.png", "s3://b/pets/dog.png", "/data/upload/1/0a1b2c3d-fox.png"]
    texts += ["/data/upload/1/22222222-owl_1.png", "x/elk.png"]
    matching = match_media(shown(*texts), samples_of("/data/pets/cat.png"), files)
    assert matching.samples == {(0, "image"): "s0"}
    assert matching.files[1, "image"] == "/data/pets/dog.png"
    assert matching.files[2, "image"] == "/data/upload/1/0a1b2c3d-fox.png"
    assert matching.files[3, "image"] == "/data/owl 1.png"
    assert list(matching.left) == [(4, "image")]


def test_addresses_that_leave_the_folder_are_refused_by_name():
    files = folder("/data/passwd", "/data/link.png", outside={"/data/link.png"})
    texts = ["../passwd", "/etc/passwd", "link.png", "/data/local-files/?d=x/../../passwd", "C:\\passwd"]
    matching = match_media(shown(*texts), samples_of(), files)
    absolute = "it is an absolute path that is not below data_path; pass data_path={name: path} where it is meant"
    assert matching.refused == {
        (0, "image"): "it leaves its folder by '..'",
        (1, "image"): absolute,
        (2, "image"): "/data/link.png is a link that leads out of data_path",
        (3, "image"): "it leaves its folder by '..'",
        (4, "image"): absolute,
    }
    assert not (matching.samples or matching.files or matching.left or matching.questions)


def test_a_manifest_names_files_by_whole_addresses_or_by_their_names():
    names = {
        "/data/upload/1/0a1b2c3d-cat.png": "/x/1.png",
        "/data/upload/1/11111111-cat.png": "/x/2.png",
        "my dog.png": "/x/3.png",
        "../owl.png": "/x/4.png",
        "s3://b/fox.png": "/x/5.png",
    }
    texts = ["/data/upload/1/0a1b2c3d-cat.png", "/data/upload/1/11111111-cat.png", "/data/upload/1/22222222-my_dog.png"]
    texts += ["../owl.png", "https://b.s3.amazonaws.com/fox.png"]
    files = Files(list(names), list(names.values()))
    matching = match_media(shown(*texts), samples_of("/x/1.png", "/x/5.png", "/y/cat.png", "/y/z/cat.png"), files)
    assert matching.samples == {(0, "image"): "s0", (4, "image"): "s1"}
    assert matching.files == {(1, "image"): "/x/2.png", (2, "image"): "/x/3.png", (3, "image"): "/x/4.png"}
    assert not matching.questions


def test_copies_that_were_made_are_found_again():
    texts = ["https://h/i.php?id=1", "https://h/i.php?id=2", "data:image/png;base64,AA", "s3://b/a:b.png"]
    paths = [f"/data/{local_name(parse_address(text))}" for text in texts]
    assert matched(texts, paths, folder(*paths)) == ["s0", "s1", "s2", "s3"]
    assert list(match_media(shown(*texts), samples_of(), folder(*paths)).files.values()) == paths


_LIKE = ("a b", "a%20b", "a%2520b", "a_b", "A", "%41", "a+b", "é", "e", "a#b")
_FILES = [f"{folder}/{name}.png" for folder in ("p", "q", "p/q", "q/p", "P") for name in _LIKE]


_ONCE = [n for n in range(17) if n != 2]
"""The forms that are not encoded twice, which to the server are those of other files."""


@given(
    st.lists(st.tuples(st.sampled_from(_FILES), st.sampled_from(_ONCE)), min_size=1, max_size=6),
    st.lists(st.sampled_from(_FILES), max_size=14, unique=True),
)
@example([("q/a%2520b.png", 9)], ["q/a%2520b.png", "p/q/a%2520b.png", "q/a b.png"])
@example([("p/a b.png", 16)], ["p/a b.png", "q/p/a b.png", "p/a%20b.png"])
@examples(300)
def test_a_task_is_never_another_sample_where_its_own_is_there(tasks, paths):
    texts = [list(forms_of(path.split("/")))[form] for path, form in tasks]
    matching = match_media(shown(*texts), samples_of(*(f"/mnt/{path}" for path in paths)))
    for (n, _), sample_id in matching.samples.items():
        if tasks[n][0] in paths:
            assert paths[int(sample_id[1:])] == tasks[n][0]


def test_a_rule_that_finds_several_leaves_the_choice_to_the_others_but_only_among_these():
    (question,) = match_media(
        shown("https://h/p/a%20b.png"), samples_of("/m/p/a b.png", "/n/p/a b.png", "/m/p/a%20b.png")
    ).questions
    assert (question.rule, question.candidates) == ("the end of its path", ("s0", "s1"))


def test_many_tasks_of_one_file_name_are_matched():
    # What is quadratic would take hours.
    number = 20_000
    paths = [f"/mnt/{n % 100}/{n}/image.png" for n in range(number)]
    texts = [f"/data/local-files/?d={n % 100}/{n}/image.png" for n in range(number)]
    assert matched(texts, paths) == [f"s{n}" for n in range(number)]
