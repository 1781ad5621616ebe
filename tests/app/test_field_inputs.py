"""Entries of label schemas <-> what forms hold."""

from __future__ import annotations

from fiftyone.operators import types
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.app.field_inputs import ask_field, entry_of, param_of
from tests.properties import examples

INFO = {
    "type": "detections",
    "classes": ["cat", {"classes": ["car", "bus"], "attributes": {"wheels": {"type": "select", "values": [3, 4]}}}],
    "attributes": {
        "occluded": {"type": "radio", "values": [True, False], "default": False},
        "count": {"type": "number", "kind": "int"},
        "source": {"type": "text", "read_only": True},
    },
}


def filled_in(info, name="gt", label_types=("detections", "instances")):
    """What the App holds for a field that nobody has changed: the default of each input."""
    inputs = types.Object()
    ask_field(inputs, name, label_types, info, "")
    asked = inputs.properties[param_of(name)].type
    return {key: value.default for key, value in asked.properties.items()}


def flat(entry):
    """An entry in which each class stands for itself."""
    classes = {}
    for item in entry["classes"]:
        names, own = (item["classes"], item["attributes"]) if isinstance(item, dict) else ([item], {})
        classes.update((name, own) for name in names)
    return {**entry, "classes": classes}


def test_a_form_that_nobody_changed_asks_for_what_was_found():
    assert entry_of(filled_in(INFO), INFO) == INFO


def test_what_is_changed_in_the_form_is_asked_for():
    params = filled_in(INFO)
    params["type"] = "instances"
    params["classes"] = ["cat", "car"]
    params["attributes"] = [
        {"name": "occluded", "type": "checkbox", "values": ["partly", "wholly"]},
        {"name": "plate", "type": "text", "classes": ["car"]},
        {"name": "color", "type": "select", "values": ["red"], "classes": ["car", "truck"]},
    ]
    assert entry_of(params, INFO) == {
        "type": "instances",
        "attributes": {"occluded": {"type": "checkbox", "values": ["partly", "wholly"]}},
        "classes": [
            "cat",
            {
                "classes": ["car"],
                "attributes": {"plate": {"type": "text"}, "color": {"type": "select", "values": ["red"]}},
            },
            {"classes": ["truck"], "attributes": {"color": {"type": "select", "values": ["red"]}}},
        ],
    }


def test_what_is_not_filled_in_is_not_said():
    assert entry_of({}) == {}
    assert entry_of({"type": "detections", "classes": [], "attributes": None}) == {"type": "detections"}


def test_classes_by_pixel_value_keep_their_kind():
    info = {"type": "segmentation", "mask_targets": {1: "road", "#ff0000": "sky"}}
    params = filled_in(info, label_types=("segmentation",))
    assert params["mask_targets"] == [{"target": "1", "name": "road"}, {"target": "#ff0000", "name": "sky"}]
    assert entry_of(params, info) == {"mask_targets": info["mask_targets"]}


def test_numbers_to_choose_from_stay_numbers():
    info = {"type": "scalar", "classes": ["1", "2"], "values": [1, 2], "attributes": {}}
    assert entry_of({"classes": ["2", "3"]}, info) == {"classes": [2, "3"]}


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=5)
facts = st.one_of(
    st.just({"type": "text"}),
    st.fixed_dictionaries(
        {"type": st.just("select"), "values": st.lists(st.integers() | names, min_size=1, unique_by=str)}
    ),
)
own = st.dictionaries(names, facts, max_size=2)


@examples(100)
@given(attributes=own, classes=st.dictionaries(names, st.booleans(), min_size=1), of_classes=own)
def test_every_entry_comes_back_from_its_form(attributes, classes, of_classes):
    of_classes = {name: row for name, row in of_classes.items() if name not in attributes}
    entries = [
        {"classes": [name], "attributes": of_classes} if has and of_classes else name for name, has in classes.items()
    ]
    info = {"type": "detections", "classes": entries, "attributes": attributes}
    assert flat(entry_of(filled_in(info), info)) == flat(info)


def test_the_app_takes_no_name_of_a_field_for_a_way_into_an_object():
    assert param_of("frames.a.b") == "of_frames%2Ea%2Eb"
    assert len({param_of(name) for name in ("a.b", "a%2Eb", "a__b")}) == 3
