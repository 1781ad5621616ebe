"""The images that a task of somebody else's project shows; or the texts, and what else stands in its data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.foreign.observed import Observed
from fo_labelstudio.convert.labeling_config.read import LabelingConfig, ObjectTag
from fo_labelstudio.convert.media import DEFAULT, MEDIUM_NAMED, OF_SAMPLES
from fo_labelstudio.convert.media.medium import MediaInfo, Medium
from fo_labelstudio.messages import quoted, with_article

_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
"""One step into a task's data, of a path such as ``images[0].url``."""

_OTHER = ".json"
"""End of the name of a file of what no file of a medium holds."""

_MOST_ITEMS = 10_000
"""Of a list that a ``<Repeater>`` goes through."""


class Shown(NamedTuple):
    """One image that a task shows.

    Attributes:
        to_name: name of its object tag
        place: its place among the images of the object tag, from 0
        address: its media file, as the task's data names it; of what stands in the data itself, the name of the file
            that is made of it, which says the same of the same
        key: the key of the data
    """

    to_name: str
    place: int
    address: str
    key: str


def images_of(
    task: Mapping[str, Any],
    config: LabelingConfig | None,
    observed: Observed | None = None,
    medium: Medium = DEFAULT,
) -> tuple[list[Shown], str | None]:
    """The images that a task shows, and what is wrong with its data, or None.

    Args:
        task: the task
        config: the labeling config of its project; where it is not known, results and data tell as much as they do
        observed: what the results of the project's tasks are like
        medium: what the samples are; videos, where they are no images
    """
    data = task.get("data")
    if not isinstance(data, Mapping):
        return [], f"its data are {quoted(data)}, expected an object"
    objects = list(_objects(config, data, medium)) if config else list(_observed_objects(observed, data, medium))
    if config and medium not in OF_SAMPLES:
        # Several texts are one sample, which the first one that is asked about tells.
        asked = [tag for tag in objects if any(tag.name in one.objects for one in config.controls.values())]
        objects = (asked or objects)[:1]
    shown: list[Shown] = []
    problem = None
    a_medium = with_article(medium.noun)
    for tag in objects:
        value = None if tag.key is None else value_at(data, tag.key)
        if own_value(tag, value) is not None:
            shown.append(Shown(tag.name, 0, _file_name(value, medium), str(tag.key)))
            continue
        if medium.content is not None and not tag.is_address:
            problem = f"what its data have for {tag.key!r} {_problem_of_value(tag, value, medium)}"
            continue
        items = value if isinstance(value, list) else [value]
        if not items or not all(isinstance(item, str) and item for item in items):
            problem = f"its data have {quoted(value)} for {tag.key!r}, expected the address of {a_medium}"
            continue
        shown += (Shown(tag.name, place, item, str(tag.key)) for place, item in enumerate(items))
    if config and not objects:
        problem = f"the labeling config shows no {medium.noun} whose address stands in a task's data"
    elif not objects:
        keys = ", ".join(map(repr, list(data)[:10]))
        problem = f"nothing tells which of its data ({keys}) is the {medium.noun}; pass the labeling config"
    return shown, problem


def value_at(data: Mapping[str, Any], key: str) -> Any:
    """What a task's data hold at a key of a labeling config, such as ``images[0].url``; None if nothing."""
    if key in data:
        return data[key]
    value: Any = data
    for number, name in _STEP.findall(key):
        if number:
            value = value[int(number)] if isinstance(value, list) and int(number) < len(value) else None
        else:
            value = value.get(name) if isinstance(value, Mapping) else None
    return value


def own_value(tag: ObjectTag, value: Any) -> Any:
    """What an object tag of ours shows of what a task's data hold; None where that is an address, or nothing."""
    medium = MEDIUM_NAMED.get(tag.medium)
    if medium is None or medium.shown_value is None or tag.is_address or value is None:
        return None
    own = medium.shown_value.of_options(value, dict(tag.options))
    return None if medium.shown_value.problem_of(own) else own


def _problem_of_value(tag: ObjectTag, value: Any, medium: Medium) -> str | None:
    shown = medium.shown_value
    return None if shown is None else shown.problem_of(shown.of_options(value, dict(tag.options)))


def values_of(task: Mapping[str, Any], config: LabelingConfig) -> dict[str, MediaInfo]:
    """Name of each object tag that shows what stands in a task's data itself -> what regions refer to.

    Those that count otherwise than ours are left out.
    """
    data = task.get("data")
    found = {}
    for tag in config.objects.values() if isinstance(data, Mapping) else ():
        value = None if tag.key is None else own_value(tag, value_at(data or {}, tag.key))
        shown = None if value is None else MEDIUM_NAMED[tag.medium].shown_value
        if shown is not None and shown.is_counted_alike(value, dict(tag.options)):
            found[tag.name] = shown.parse(shown.to_data(value))
    return found


def _file_name(value: Any, medium: Medium) -> str:
    return f"{digest_of(value)}{next(iter(medium.extensions), _OTHER)}"


def _objects(config: LabelingConfig, data: Mapping[str, Any], medium: Medium) -> Iterator[ObjectTag]:
    for tag in config.shown(medium):
        flag = next((flag for flag in config.index_flags if flag in tag.name), None)
        if flag is None:
            # A tag without a key shows the same to all tasks.
            if tag.key is not None:
                yield tag
            continue
        for number in range(_MOST_ITEMS):
            repeated = config.object_of(tag.name.replace(flag, str(number)))
            if repeated is None or repeated.key is None or value_at(data, repeated.key) is None:
                break
            yield repeated


def _observed_objects(observed: Observed | None, data: Mapping[str, Any], medium: Medium) -> Iterator[ObjectTag]:
    """The object tags that results name, each with the only key that it can mean."""
    names = [name for name in observed.objects if name not in observed.elsewhere] if observed else []
    taken = set()
    left = []
    tag = medium.object_tag(medium.name).tag
    for name in names:
        key = observed.objects[name] if observed else None
        key = key if key is not None and value_at(data, key) is not None else name if name in data else None
        if key is None:
            left.append(name)
        elif _is_shown(value_at(data, key), medium):
            taken.add(key)
            yield ObjectTag(name, tag, key, isinstance(value_at(data, key), list))
    keys = [
        key for key, value in data.items() if isinstance(key, str) and key not in taken and _is_shown(value, medium)
    ]
    if len(left) <= 1 and len(keys) == 1 and (left or not names):
        yield ObjectTag(left[0] if left else "", tag, keys[0], isinstance(data[keys[0]], list))


def _is_shown(value: Any, medium: Medium) -> bool:
    items = value if isinstance(value, list) else [value]
    return bool(items) and all(isinstance(item, str) and medium.looks_like.search(item) for item in items)
