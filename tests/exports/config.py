"""Labeling configs, without the parser of Label Studio's SDK, which takes seconds to import."""

from __future__ import annotations

from fo_labelstudio.convert.labeling_config.read import ControlTag, LabelingConfig, ObjectTag

IMAGE = ObjectTag("image", "Image", "image")


def control(name: str, tag: str, *objects: str) -> ControlTag:
    """A control tag; one about regions ends with a star."""
    return ControlTag(name, tag.rstrip("*"), objects or ("image",), (), tag.endswith("*"), False, {})


def config_of(*objects: ObjectTag, index_flags: tuple[str, ...] = (), **tags: str) -> LabelingConfig:
    """A labeling config of control tags by name, about the first of some object tags, or an image."""
    shown = objects or (IMAGE,)
    controls = {name: control(name, tag, shown[0].name) for name, tag in tags.items()}
    return LabelingConfig({tag.name: tag for tag in shown}, controls, index_flags=index_flags)
