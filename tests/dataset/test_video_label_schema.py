"""What annotate() makes of the label fields of videos, before a server is asked."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.utils.annotations as foua
import pytest

import fo_labelstudio.backend
from fo_labelstudio.convert.schema import parse_label_schema
from fo_labelstudio.dataset.internals import built_label_schema
from fo_labelstudio.dataset.label_schema import completed_label_schema, discover_attributes
from fo_labelstudio.errors import LabelSchemaError, SettingsError

pytestmark = pytest.mark.database


@pytest.fixture
def backend():
    return fo_labelstudio.backend.LabelStudioBackendConfig("labelstudio", None).build()


@pytest.fixture
def videos(dataset_of):
    moment = fo.TemporalDetection(label="jump", support=[3, 9], actor="cat")
    sample = fo.Sample(
        filepath="/x/video.mp4",
        events=fo.TemporalDetections(detections=[moment]),
        event=moment.copy(),
        weather=fo.Classification(label="sun"),
        count=3,
        boxes=fo.Detections(),
    )
    box = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2], index=1, keyframe=True, colour="red")
    lane = fo.Polyline(label="lane", points=[[[0.1, 0.1], [0.2, 0.2]]])
    sample.frames[1] = fo.Frame(
        pets=fo.Detections(detections=[box]), lanes=fo.Polylines(polylines=[lane]), brightness=0.5
    )
    sample.frames[2] = fo.Frame(joints=fo.Keypoints(keypoints=[fo.Keypoint(label="a", points=[[0.1, 0.1]])]))
    return dataset_of([sample])


def schema_of(samples, backend, label_schema):
    built, _ = built_label_schema(samples, backend, label_schema)
    return completed_label_schema(built, samples, "1.23.2", "brush", {})


class TestMoments:
    @pytest.mark.parametrize(
        ("name", "label_type"), [("events", "temporal_detections"), ("event", "temporal_detection")]
    )
    def test_a_field_of_moments_says_itself_what_it_is(self, videos, backend, name, label_type):
        info = schema_of(videos, backend, {name: {}})[name]
        allowed = ("allow_additions", "allow_deletions", "allow_label_edits", "allow_spatial_edits")
        assert {key: info[key] for key in ("type", "classes", "existing_field", "scope", *allowed)} == {
            "type": label_type,
            "classes": ["jump"],
            "existing_field": True,
            "scope": "video",
            **dict.fromkeys(allowed, True),
        }
        assert info["attributes"] == {"actor": {"type": "text", "discovered": True}}

    def test_a_new_field_of_moments_needs_its_type_and_classes(self, videos, backend):
        (field,) = parse_label_schema(
            schema_of(videos, backend, {"new": {"type": "temporal_detections", "classes": ["run", "walk"]}})
        )
        assert (field.label_type, field.classes, field.existing) == ("temporal_detections", ("run", "walk"), False)

    def test_other_frames_can_be_forbidden(self, videos, backend):
        info = schema_of(videos, backend, {"events": {"allow_spatial_edits": False}})["events"]
        assert (info["allow_spatial_edits"], info["allow_label_edits"]) == (False, True)

    def test_other_frames_can_be_forbidden_for_all_fields_at_once(self, videos, backend):
        arguments = dict.fromkeys(("label_schema", "label_type", "classes", "mask_targets"))
        allowed = dict.fromkeys(("allow_additions", "allow_deletions", "allow_label_edits", "allow_index_edits"), True)
        built, _ = foua._build_label_schema(
            videos, backend, label_field="events", attributes=True, allow_spatial_edits=False, **arguments, **allowed
        )
        assert built["events"]["allow_spatial_edits"] is False

    def test_moments_of_images_are_refused(self, make_dataset, backend):
        with pytest.raises(
            LabelSchemaError, match="'new': labels of type 'temporal_detections' cannot be annotated on"
        ):
            schema_of(make_dataset(), backend, {"new": {"type": "temporal_detections", "classes": ["a"]}})

    def test_other_backends_refuse_them_as_ever(self, videos):
        other = fo.utils.annotations.AnnotationBackend(foua.AnnotationBackendConfig("other", {}))
        other.__class__ = type(
            "Other",
            (foua.AnnotationBackend,),
            {"supported_label_types": ["detections"], "supported_scalar_types": []},
        )
        with pytest.raises(ValueError, match="'events' has unsupported type"):
            built_label_schema(videos, other, {"events": {}})
        with pytest.raises(ValueError, match="unsupported label type 'temporal_detections'"):
            built_label_schema(videos, other, {"new": {"type": "temporal_detections", "classes": ["a"]}})


class TestTheWholeVideo:
    def test_its_classes_and_values_are_asked_for(self, videos, backend):
        fields = parse_label_schema(schema_of(videos, backend, ["weather", "count"]))
        assert [(field.name, field.label_type, field.to_name) for field in fields] == [
            ("weather", "classification", "video"),
            ("count", "scalar", "video"),
        ]

    def test_shapes_that_no_frame_holds_are_refused(self, videos, backend):
        with pytest.raises(ValueError, match=r"'boxes'.* must be stored in a frame-level field"):
            schema_of(videos, backend, ["boxes"])


class TestFrames:
    @pytest.mark.parametrize(
        ("label_schema", "what"),
        [
            ({"frames.lanes": {"type": "polylines"}}, "labels of type 'polylines'"),
            ({"frames.joints": {}}, "labels of type 'keypoints'"),
            ({"frames.new": {"type": "polygons", "classes": ["a"]}}, "labels of type 'polygons'"),
            ({"frames.new": {"type": "instances", "classes": ["a"]}}, "labels of type 'instances'"),
            ({"frames.new": {"type": "segmentation", "mask_targets": {1: "a"}}}, "labels of type 'segmentation'"),
            ({"frames.brightness": {}}, "values"),
        ],
    )
    def test_what_label_studio_cannot_show_is_refused_with_the_call_that_can(self, videos, backend, label_schema, what):
        (name,) = label_schema
        with pytest.raises(LabelSchemaError) as caught:
            schema_of(videos, backend, label_schema)
        inner = name.removeprefix("frames.")
        assert str(caught.value) == (
            f"field {name!r}: Label Studio cannot show {what} in the frames of a video; annotate its frames as images: "
            f"dataset.to_frames(sample_frames=True).annotate(anno_key, label_field={inner!r}, ...)"
        )

    def test_the_list_of_labels_of_a_field_is_refused_with_the_name_of_the_field(self, videos, backend):
        with pytest.raises(LabelSchemaError, match=r"'frames.joints.keypoints': .* name that one, 'frames.joints'"):
            schema_of(videos, backend, {"frames.joints.keypoints": {}})

    def test_moments_are_no_labels_of_frames(self, videos, backend):
        with pytest.raises(LabelSchemaError, match=r"'frames.new': .* live on the video as a whole; .* 'new'"):
            schema_of(videos, backend, {"frames.new": {"type": "temporal_detections", "classes": ["a"]}})

    def test_their_attributes_are_found_by_the_database(self, videos):
        assert discover_attributes(videos, "frames.pets") == {"colour": {"type": "text", "discovered": True}}

    def test_tracks_with_keyframes_say_so_and_how_near_boxes_are_to_be(self, videos, backend):
        built, _ = built_label_schema(videos, backend, {"frames.pets": {}})
        info = completed_label_schema(built, videos, "1.23.2", "brush", {}, 0.02)["frames.pets"]
        assert (info["only_keyframes"], info["keyframe_tolerance"], [*info["attributes"]]) == (True, 0.02, ["colour"])
        (field,) = parse_label_schema({"frames.pets": info})
        assert (field.scope, field.only_keyframes, field.keyframe_tolerance) == ("frames", True, 0.02)

    @pytest.mark.parametrize("asked", [{"allow_index_edits": False}, {}], ids=str)
    def test_what_may_be_changed_of_tracks_is_what_is_asked(self, videos, backend, asked):
        info = schema_of(videos, backend, {"frames.pets": asked})["frames.pets"]
        assert info["allow_index_edits"] is asked.get("allow_index_edits", True)
        assert "allow_index_edits" not in schema_of(videos, backend, {"weather": {}})["weather"]

    def test_views_that_change_keyframes_are_asked_themselves(self, videos, backend):
        without = videos.set_field("frames.pets.detections.keyframe", False)
        assert schema_of(without, backend, {"frames.pets": {}})["frames.pets"]["only_keyframes"] is False


class TestViews:
    def test_clips_are_annotated_with_the_labels_of_their_videos(self, videos, backend):
        clips = videos.to_clips("events")
        assert schema_of(clips, backend, ["frames.pets", "events"]) == schema_of(
            videos, backend, ["frames.pets", "events"]
        )

    def test_what_is_said_of_whole_videos_is_refused_for_clips(self, videos, backend):
        clips = videos.to_clips("events")
        with pytest.raises(LabelSchemaError, match=r"'weather': .*clips.distinct\('sample_id'\)"):
            schema_of(clips, backend, ["weather"])
        assert videos.select(clips.distinct("sample_id")).values("id") == videos.values("id")

    def test_a_slice_of_videos_is_annotated_as_videos(self, dataset_of, backend):
        group = fo.Group()
        sample = fo.Sample(filepath="/x/video.mp4", scene=group.element("video"))
        sample.frames[1] = fo.Frame(
            pets=fo.Detections(detections=[fo.Detection(label="cat", bounding_box=[0, 0, 1, 1])])
        )
        groups = dataset_of([sample, fo.Sample(filepath="/x/image.png", scene=group.element("image"))])
        info = schema_of(groups.select_group_slices("video"), backend, ["frames.pets"])["frames.pets"]
        assert (info["type"], info["scope"], info["classes"]) == ("detections", "frames", ["cat"])

    def test_settings_of_other_backends_say_what_does_the_same(self):
        with pytest.raises(SettingsError, match=r"unknown setting 'frame_step' .*dataset\.to_frames"):
            fo_labelstudio.backend.LabelStudioBackendConfig("labelstudio", None, frame_step=5)
