"""The tasks of the slices of a group <-> the one task that shows them beside each other.

Each slice is a sample. What a task of one sample says, this one says of each slice:

- ``data["sample_id"]``: the id of the group, by which alone such tasks are matched; the address of each slice under its
  name, empty where the group lacks it; the fields of its sample that were asked for under ``<slice>_<field>``
- ``meta["fiftyone"]``: ``version`` of this format; ``run`` and ``annotation`` as a task of one sample has them;
  ``slices``, slice -> id of its sample; ``sent``, control tag -> what was sent of the label field that it is for; all
  else as slice -> what the task of its sample says

Law: ``parts(join(tasks)) == tasks``, but for addresses and the names of files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.names import data_key
from fo_labelstudio.convert.records import LabelField, Region
from fo_labelstudio.convert.regions import whole_id
from fo_labelstudio.convert.slices import BETWEEN, carried_of_slice, object_of
from fo_labelstudio.convert.task.origin import FORMAT, META, SAMPLE_ID, SENT_ANNOTATION, is_sent
from fo_labelstudio.convert.task.write import FILENAME, MODEL_VERSION, Task
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

JOINED_FORMAT = 2
SLICES = "slices"
_SENT = "sent"
_OF_ALL = ("version", "run", SLICES, _SENT, SENT_ANNOTATION)
"""What the meta says of the group rather than of each slice."""


class Part(NamedTuple):
    """One slice of a task that shows several.

    Attributes:
        fields: the label fields as they are asked of it
        task: the task as if it showed this slice alone
        of_answer: an annotation, or a prediction, of the task -> what it says of this slice
    """

    fields: Sequence[LabelField]
    task: Task
    of_answer: Callable[[Any], Any]


def join(
    group_id: str,
    tasks: Mapping[str, Task],
    fields: Mapping[str, Sequence[LabelField]],
    finished_id: int | None = None,
) -> Task:
    """The task that shows the slices of a group.

    Args:
        group_id: the id of the group
        tasks: slice -> the task that would show it alone; slices that the group lacks are missing
        fields: slice -> the label fields as they are asked of it, of all slices
        finished_id: the number by which its finished annotation is known, where labels are sent as that
    """
    shown = {name: tasks[name] for name in fields if name in tasks}
    names = [str(task["data"][FILENAME]) for task in shown.values()]
    data: dict[str, Any] = {SAMPLE_ID: group_id, FILENAME: ", ".join(names)}
    meta: dict[str, Any] = {"version": JOINED_FORMAT, SLICES: {}, _SENT: {}}
    result: list[Region] = []
    answers: list[Mapping[str, Any]] = []
    taken: set[str] = set()
    for name, asked in fields.items():
        data[data_key(name)] = ""
        if name not in shown:
            continue
        task, origin = shown[name], shown[name]["meta"][META]
        own = (SAMPLE_ID, FILENAME, data_key(name))
        data.update(carried_of_slice({at: value for at, value in task["data"].items() if at not in own}, name))
        meta["run"], meta[SLICES][name] = origin["run"], task["data"][SAMPLE_ID]
        for field in asked:
            if field.name in origin[_SENT]:
                meta[_SENT][field.control] = origin[_SENT][field.name]
        for about, value in origin.items():
            if about not in _OF_ALL:
                meta.setdefault(about, {})[name] = value
        found = [*task["predictions"], *task.get("annotations", ())]
        regions = found[0]["result"] if found else []
        answers += found
        # The editor makes one region of those that share an id.
        result += [_renamed(region, name) if whole_id(region["id"]) in taken else region for region in regions]
        taken.update(whole_id(region["id"]) for region in regions)
        taken.update(_ids_in(origin[_SENT]))
    joined: Task = {"data": data, "meta": {META: meta}, "predictions": []}
    if finished_id is None:
        joined["predictions"] = _prediction(result, answers)
    elif answers:
        meta[SENT_ANNOTATION] = finished_id
        joined["annotations"] = [{**answers[0], "id": finished_id, "result": result}]
    return joined


def _ids_in(sent: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[str]:
    """The ids of labels that were sent, and their keys."""
    for entries in sent.values():
        for key, entry in entries.items():
            yield from (key, *entry.get("ids", ()))


def _prediction(result: list[Region], of_slices: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The prediction of all slices; of their scores, the one that is served first counts."""
    if not of_slices:
        return []
    scores = [prediction["score"] for prediction in of_slices if "score" in prediction]
    prediction: dict[str, Any] = {"model_version": MODEL_VERSION, "result": result}
    return [{**prediction, "score": min(scores)} if scores else prediction]


def parts(
    task: Mapping[str, Any], fields: Mapping[str, Sequence[LabelField]], samples: Mapping[str, str], run: str
) -> list[Part]:
    """The slices that a task shows, each as if a task showed it alone.

    What is surely about another slice is left out of what is said of one; what may be about any is in all of them.

    Args:
        task: the task, as the server returns or exports it
        fields: slice -> the label fields as they are asked of it
        samples: slice -> id of the sample of the group
        run: the token of the annotation run

    Raises:
        RegionError: another run made the task, or somebody has changed its meta
    """
    origin = _origin(task, run)
    shown: Mapping[str, str] = origin[SLICES]
    if not shown.items() <= samples.items():
        raise RegionError("its data or meta was changed; its annotation was left alone")
    sent = {
        name: {field.name: origin[_SENT][field.control] for field in asked if field.control in origin[_SENT]}
        for name, asked in fields.items()
    }
    sorting = _Sorting(tuple(fields), sent)
    annotations, predictions = (
        found if isinstance(found := task.get(key), list) else [] for key in ("annotations", "predictions")
    )
    found = []
    for name in [name for name in fields if name in shown]:
        about = {key: _of_slice(value, name) for key, value in origin.items() if key not in _OF_ALL}
        own = {**about, "version": FORMAT, "run": run, _SENT: sent[name]}
        if SENT_ANNOTATION in origin:
            own[SENT_ANNOTATION] = origin[SENT_ANNOTATION]
        of_answer = partial(sorting.part_of_answer, slice_name=name)
        part = {
            **task,
            "data": {SAMPLE_ID: shown[name]},
            "meta": {META: own},
            "annotations": [*map(of_answer, annotations)],
            "predictions": [*map(of_answer, predictions)],
        }
        found.append(Part(fields[name], part, of_answer))
    return found


def left_over(
    task: Mapping[str, Any], annotation: Any, fields: Mapping[str, Sequence[LabelField]], run: str
) -> Iterator[tuple[Any, str]]:
    """What an annotation says that is about no slice which its task shows: the id of each region, and why it is left.

    Args:
        task: a task that :func:`parts` has read
        annotation: the annotation
        fields: slice -> the label fields as they are asked of it
        run: the token of the annotation run
    """
    result = annotation.get("result") if isinstance(annotation, Mapping) else None
    origin = _origin(task, run)
    places = {object_of(name): name for name in fields}
    on: dict[str, str] = {}
    for item in result if isinstance(result, list) else ():
        name = places.get(str(item.get("to_name"))) if isinstance(item, Mapping) else None
        if name is not None and isinstance(item.get("id"), str):
            on[item["id"]] = name
            if name not in origin[SLICES]:
                yield item["id"], f"it is about slice {name!r}, which its task does not show; left alone"
    for item in result if isinstance(result, list) else ():
        ends = [on.get(end) for end in _ends_of(item)]
        if len({*ends}) > 1 and None not in ends:
            yield (
                item["from_id"],
                (
                    f"its relation to {quoted(item['to_id'])} leads from slice {ends[0]!r} to {ends[1]!r}, and labels "
                    "are related to others of their own sample only; left alone"
                ),
            )


def _origin(task: Mapping[str, Any], run: str) -> Mapping[str, Any]:
    meta = task.get("meta")
    origin = meta.get(META) if isinstance(meta, Mapping) else None
    if not isinstance(origin, Mapping) or origin.get("run") != run:
        raise RegionError("it was not made by this annotation run; its annotation was left alone")
    if origin.get("version") != JOINED_FORMAT:
        raise RegionError(
            f"its meta has format {quoted(origin.get('version'))}, expected {JOINED_FORMAT}; update fo-labelstudio"
        )
    shown = origin.get(SLICES)
    is_shown = isinstance(shown, Mapping) and all(isinstance(text, str) for row in shown.items() for text in row)
    if not (is_shown and is_sent(origin.get(_SENT))):
        raise RegionError("its data or meta was changed; its annotation was left alone")
    return origin


def _of_slice(value: Any, slice_name: str) -> Any:
    return value.get(slice_name) if isinstance(value, Mapping) else None


class _Sorting:
    """Tells which slice a result is about.

    Args:
        slices: all slices that tasks of the run may show
        sent: slice -> label field -> what was sent of it
    """

    def __init__(self, slices: Sequence[str], sent: Mapping[str, Mapping[str, Any]]):
        self._by_object = {object_of(name): name for name in slices}
        self._by_ending = {_ending(name): name for name in slices}
        self._by_id: dict[str, str] = {}
        for name in slices:
            for label_id in _ids_in(sent[name]):
                self._by_id.setdefault(label_id, name)

    def part_of_answer(self, answer: Any, slice_name: str) -> Any:
        """An annotation, or a prediction, with what it says of one slice; anything else as it is."""
        if not isinstance(answer, Mapping):
            return answer
        own = dict(answer)
        if isinstance(own.get("result"), list):
            own["result"] = self._part(own["result"], slice_name)
        if isinstance(own.get("prediction"), Mapping):
            own["prediction"] = self.part_of_answer(own["prediction"], slice_name)
        return own

    def _part(self, result: Sequence[Any], slice_name: str) -> list[Any]:
        here: list[Any] = []
        ids: set[str] = set()
        for item in result:
            if not isinstance(item, Mapping):
                here.append(item)
            elif item.get("type") != "relation":
                owners = self._owners(item)
                if not owners or slice_name in owners:
                    here.append(_named(item if owners else _unclaimed(item), slice_name))
                    ids.update([item["id"]] if isinstance(item.get("id"), str) else [])
        relations = [item for item in result if isinstance(item, Mapping) and item.get("type") == "relation"]
        # One with an end here says that not all is known of what is related here.
        return here + [_named(item, slice_name) for item in relations if ids & {*_ends_of(item)} or not _ends_of(item)]

    def _owners(self, item: Mapping[str, Any]) -> set[str]:
        """The slices that a result is about; none where it says nothing of any."""
        region_id, control, shown = (item.get(key) for key in ("id", "from_name", "to_name"))
        if isinstance(region_id, str):
            whole = whole_id(region_id)
            owner = self._by_ending.get(whole[-len(_ending("")) :], self._by_id.get(whole))
            if owner is not None:
                return {owner}
        said = [control.partition(BETWEEN)[0] if isinstance(control, str) else None, shown]
        return {self._by_object[name] for name in said if isinstance(name, str) and name in self._by_object}


def _unclaimed(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """A result that may be about any slice, so that no slice takes it for a new label of its own."""
    return item if "to_name" in item else {key: value for key, value in item.items() if key != "from_name"}


def _ends_of(item: Any) -> list[str]:
    """The ids of the regions that a relation leads from and to; none where it does not say both."""
    if not isinstance(item, Mapping) or item.get("type") != "relation":
        return []
    ends = [item.get(end) for end in ("from_id", "to_id")]
    return [end for end in ends if isinstance(end, str)] if all(isinstance(end, str) for end in ends) else []


_IDS = ("id", "parentID", "from_id", "to_id")
"""The keys of results that hold ids of regions."""


def _ending(slice_name: str) -> str:
    return f"-{digest_of([SLICES, slice_name])}"


def _renamed(region: Region, slice_name: str) -> Region:
    return {**region, **{key: _with_ending(region[key], slice_name) for key in _IDS if key in region}}


def _with_ending(region_id: str, slice_name: str) -> str:
    whole = whole_id(region_id)
    return f"{whole}{_ending(slice_name)}{region_id[len(whole) :]}"


def _named(region: Mapping[str, Any], slice_name: str) -> Mapping[str, Any]:
    """A region with the ids that the task of its slice alone would have."""
    ending = _ending(slice_name)
    ids = {key: value for key in _IDS if isinstance(value := region.get(key), str)}
    if not any(whole_id(value).endswith(ending) for value in ids.values()):
        return region
    return {**region, **{key: _without_ending(value, ending) for key, value in ids.items()}}


def _without_ending(region_id: str, ending: str) -> str:
    whole = whole_id(region_id)
    return whole.removesuffix(ending) + region_id[len(whole) :]
