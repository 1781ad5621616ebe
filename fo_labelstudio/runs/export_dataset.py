"""Labels of any dataset -> a folder with tasks of Label Studio's and their images, as ``dataset.export()`` asks for."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import fiftyone.core.labels as fol
import fiftyone.core.media as fomm
import fiftyone.core.metadata as fom
import fiftyone.utils.data as foud
from bson import ObjectId

from fo_labelstudio.convert.families import LABEL_TYPES, family_of, has_masks, is_served
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.media import DEFAULT
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import LabelField, media_key_of
from fo_labelstudio.convert.regions import group_regions
from fo_labelstudio.convert.schema import OWN
from fo_labelstudio.convert.stored import LISTS, LabelDoc, StoredLabel, StoredLabels, list_name
from fo_labelstudio.convert.task.carried import CARRIED, to_carried
from fo_labelstudio.convert.task.origin import META
from fo_labelstudio.convert.task.write import Finished, SampleRecord, checked_task, with_address
from fo_labelstudio.dataset import mask_files
from fo_labelstudio.dataset.fields import FIELDS
from fo_labelstudio.errors import LabelSchemaError, RegionError, SampleError, SettingsError
from fo_labelstudio.exports.write import LABELING_CONFIG, write_tasks
from fo_labelstudio.log import logger
from fo_labelstudio.messages import listed
from fo_labelstudio.runs.dataset_readers import PART_OF
from fo_labelstudio.runs.labeling_config import fields_of
from fo_labelstudio.runs.streams import Spool
from fo_labelstudio.transport.local_files import address_of

TASKS, LABEL_SCHEMA, IMAGES = "tasks.json", "label_schema.json", "images/"
ONLY_FIELD = "ground_truth"
"""What a field is called where FiftyOne hands its labels over without a name; it is FiftyOne's name for it, too."""

_NO_ATTRIBUTES = OWN | {"_id", "_cls", "tags", "confidence", "rotation", "mask_path"}
_KINDS = {bool: "bool", int: "int", float: "float", str: "str", datetime: "datetime", date: "date", list: "list"}
_ASKED_BY = {"str": "text", "int": "number", "float": "number", "datetime": "datetime", "date": "date"}


class LabelStudioDatasetExporter(foud.LabeledImageDatasetExporter, foud.ExportPathsMixin):  # type: ignore[misc]
    """Writes labels as tasks of Label Studio's.

    Args:
        export_dir: the folder
        data_path: where the images go, and ``labels_path`` where the tasks go, as for COCO
        labels_path: see ``data_path``
        export_media: whether images are copied (``True``), moved, linked, listed in a manifest, or left (``False``)
        rel_dir: folder that is stripped from the paths of images
        upload_as: ``"annotations"``, or ``"predictions"`` for people to start from
        label_types: field -> label type, where the labels leave a choice
    """

    def __init__(
        self,
        export_dir: str | None = None,
        data_path: str | None = None,
        labels_path: str | None = None,
        export_media: Any = None,
        rel_dir: str | None = None,
        upload_as: str = "annotations",
        label_types: Mapping[str, str] | None = None,
    ):
        data_path, export_media = self._parse_data_path(
            export_dir=export_dir, data_path=data_path, export_media=export_media, default=IMAGES
        )
        super().__init__(export_dir=export_dir)
        if upload_as not in ("annotations", "predictions"):
            raise LabelSchemaError(f"upload_as is {upload_as!r}, expected 'annotations' or 'predictions'")
        self._labels_path = Path(self._parse_labels_path(export_dir, labels_path, TASKS))
        self._media = foud.ImageExporter(export_media, export_path=data_path, rel_dir=rel_dir)
        self._data_path, self._export_media = data_path, export_media
        self._finished = Finished() if upload_as == "annotations" else None
        self._label_types = dict(label_types or {})
        self._spool = Spool[tuple[str, str, MediaInfo, dict[str, Any]]]()
        self._seen: dict[str, _Seen] = {}
        self._parts: dict[str, list[str]] = {}
        """Name of a field -> names of the control tags that share its labels, where one cannot hold all of them."""
        self._collection: Any = None

    @property
    def requires_image_metadata(self) -> bool:
        """Labels are written with the size of their image."""
        return True

    @property
    def label_cls(self) -> tuple[type, ...]:
        """The classes of labels, and of scalar fields, that can be written."""
        return (*dict.fromkeys(cls for cls in LABEL_TYPES.values() if cls is not None), *FIELDS)

    def setup(self) -> None:
        """Makes what holds the images."""
        self._media.setup()

    def log_collection(self, sample_collection: Any) -> None:
        """Takes the collection, which has the skeletons and mask targets.

        Raises:
            SettingsError: its samples are no images
        """
        if sample_collection.media_type != fomm.IMAGE:
            frames = ", or export its frames as images, with to_frames(sample_frames=True)"
            raise SettingsError(
                "the dataset type LabelStudioDataset is for images, and the samples are of the media type "
                f"{sample_collection.media_type!r}; write their tasks with fo_labelstudio.export_tasks()"
                f"{frames if sample_collection.media_type == fomm.VIDEO else ''}"
            )
        self._collection = sample_collection

    def export_sample(self, image_or_path: Any, label: Any, metadata: Any = None) -> None:
        """Takes a sample's image and labels."""
        path, name = self._media.export(image_or_path)
        if metadata is None:
            metadata = fom.ImageMetadata.build_for(path)
        given = label if isinstance(label, dict) else {ONLY_FIELD: label}
        values = {key: list(value) if isinstance(value, list) else value for key, value in given.items()}
        stored = {key: _stored(value) for key, value in values.items()}
        for key, value in values.items():
            seen = self._seen.setdefault(key, _Seen(key))
            if value is not None:
                seen.add(value, stored[key])
        self._spool.add((path, name, MediaInfo(metadata.width, metadata.height), stored))

    def close(self, *args: Any) -> None:
        """Writes the tasks, once it is known which classes and attributes there are.

        Raises:
            LabelSchemaError: a field cannot be written
            SampleError: labels that cannot be written; names them all
        """
        self._media.close()
        if args and args[0] is not None:
            return
        found = {key: seen.schema(self._collection) for key, seen in self._seen.items() if seen.container is not None}
        schema = {key: info for key, info in found.items() if not self._seen[key].is_without_choice(info)}
        if empty := [key for key in found if key not in schema]:
            logger.warning("Fields without any class are left out:%s", listed(empty))
        fields = self._fields(schema)
        self._labels_path.parent.mkdir(parents=True, exist_ok=True)
        # The folder may hold tasks that have nothing to do with these.
        with tempfile.TemporaryDirectory(dir=self._labels_path.parent) as folder:
            (path, *others) = write_tasks(self._tasks(fields), folder, to_labeling_config(fields))
            for number, written in enumerate([path, *others]):
                name = self._labels_path.stem + (f"_{number + 1}" if others else "") + self._labels_path.suffix
                os.replace(written, self._labels_path.with_name(name))
            os.replace(Path(folder) / LABELING_CONFIG, self._labels_path.with_name(LABELING_CONFIG))
        text = json.dumps(schema, ensure_ascii=False, indent=2)
        self._labels_path.with_name(LABEL_SCHEMA).write_text(text, encoding="utf-8")

    def _fields(self, schema: dict[str, dict[str, Any]]) -> tuple[LabelField, ...]:
        """The label fields; chooses the first label type that all labels of a field can have."""
        candidates = {key: self._candidates(key) for key in schema}
        problems: dict[str, dict[str, str]] = {key: {} for key in schema}
        losses: dict[str, dict[str, str]] = {key: {} for key in schema}
        for number in range(max(map(len, candidates.values()), default=0)):
            for key, found in candidates.items():
                schema[key]["type"] = found[min(number, len(found) - 1)]
            fields = [field for field in fields_of(schema) if len(candidates[field.name]) > 1]
            for _, _, media, stored in self._spool:
                for field in fields:
                    if problem := _problem(stored.get(field.name), field):
                        problems[field.name].setdefault(field.label_type, problem)
                    elif loss := _loss(stored.get(field.name), field, media):
                        losses[field.name].setdefault(field.label_type, loss)
        for key, found in candidates.items():
            possible = [one for one in found if one not in problems[key]]
            whole = [one for one in possible if one not in losses[key]]
            if possible and not whole:
                logger.warning("Field '%s': %s", key, losses[key][possible[-1]])
            # Where none is possible, the labels that keep it from being so are named with their samples.
            schema[key]["type"] = [*whole, *reversed(possible), *found][0]
            if not possible and len(found) > 1:
                self._share(key, found, schema)
        return fields_of(schema)

    def _share(self, key: str, label_types: list[str], schema: dict[str, dict[str, Any]]) -> None:
        """Gives the labels of a field to several control tags, if each label can have one of some label types."""
        candidates = fields_of({name: {**schema[key], "type": name} for name in label_types})
        values = (stored.get(key) for _, _, _, stored in self._spool)
        places = {_place_of(label, candidates) for value in values for label in _read_any(value, candidates)}
        if None in places:
            return
        names = [key]
        first, *others = (label_types[place] for place in sorted(place for place in places if place is not None))
        schema[key]["type"] = first
        for label_type in others:
            name = f"{key}_{label_type}"
            while name in schema or name in self._seen:
                name += "_"
            schema[name] = {**schema[key], "type": label_type, PART_OF: key}
            names.append(name)
        self._parts[key] = names

    def _candidates(self, key: str) -> list[str]:
        if key in self._label_types:
            return [self._label_types[key]]
        container = self._seen[key].container
        found = [name for name, cls in LABEL_TYPES.items() if cls is container and is_served(DEFAULT.scopes[0], name)]
        return found or ["scalar"]

    def _tasks(self, fields: tuple[LabelField, ...]) -> Iterator[dict[str, Any]]:
        run = str(ObjectId())
        problems: list[str] = []
        owners = {name: key for key, names in self._parts.items() for name in names}
        shared = {key: [field for field in fields if field.name in names] for key, names in self._parts.items()}
        for path, name, media, stored in self._spool:
            labels = {}
            for field in fields:
                key = owners.get(field.name, field.name)
                value = stored.get(key)
                if value is None:
                    continue
                if field.question is not None:
                    labels[field.name] = value
                elif key not in shared:
                    labels[field.name] = _read(value, field)
                else:
                    of_all = _read_any(value, shared[key])
                    place = shared[key].index(field)
                    labels[field.name] = StoredLabels(one for one in of_all if _place_of(one, shared[key]) == place)
            record = SampleRecord(name, name, media, labels)
            task = checked_task(record, fields, run, problems, self._finished)
            if task is not None:
                if self._finished is not None and labels and "annotations" not in task:
                    task["annotations"] = [{"result": [], "was_cancelled": False, "ground_truth": False}]
                del task["data"]["sample_id"]
                keys = dict.fromkeys(owners.get(field.name, field.name) for field in fields)
                task["meta"][META][CARRIED] = to_carried({key: _carried(stored.get(key)) for key in keys})
                task["data"] = {
                    **with_address(task["data"], self._address(path), media_key_of(fields)),
                    "filename": name,
                }
                yield task
        if problems:
            raise SampleError(problems)

    def _address(self, path: str) -> str:
        """The address of an image, for a server whose document root holds the export's folder."""
        root = Path(self.export_dir).parent if self.export_dir else Path(path).anchor
        relative = os.path.relpath(path, root)
        return address_of(os.path.abspath(path).lstrip("/") if relative.startswith("..") else relative)


class _Seen:
    """What the labels of a field are like.

    Attributes:
        container: the class of its values; a plain type where they are scalars
    """

    def __init__(self, key: str):
        self._key = key
        self.container: Any = None
        self._classes: dict[str, None] = {}
        self._kinds: dict[str, set[str]] = {}
        self._values: dict[str, dict[str, None]] = {}
        self._targets: set[Any] = set()
        self._lacks_class = False
        self._counts: set[int] = set()
        self._misses_points = False

    def add(self, value: Any, stored: Any) -> None:
        """Looks at a value."""
        if self.container not in (None, type(value)):
            raise LabelSchemaError(
                f"field {self._key!r}: it holds both {self.container.__name__} and {type(value).__name__}"
            )
        self.container = type(value)
        if not isinstance(value, fol.Label):
            self._classes.update(dict.fromkeys(value if isinstance(value, list) else ()))
            return
        name = list_name(self.container)
        for doc in stored[name] if name else [stored]:
            if isinstance(doc.get("points"), list) and self.container in (fol.Keypoint, fol.Keypoints):
                self._counts.add(len(doc["points"]))
                self._misses_points |= any(math.isnan(number) for point in doc["points"] for number in point)
            if doc.get("label") is not None:
                self._classes[doc["label"]] = None
            elif "label" in self.container._fields or name:
                self._lacks_class = True
            for attribute, found in doc.items():
                if attribute not in _NO_ATTRIBUTES and found is not None:
                    self._kinds.setdefault(attribute, set()).add(_KINDS.get(type(found), ""))
                    if isinstance(found, list):
                        texts = [item for item in found if isinstance(item, str)]
                        self._values.setdefault(attribute, {}).update(dict.fromkeys(texts))
        if isinstance(value, fol.Segmentation):
            self._targets |= _numbers(value)

    def schema(self, samples: Any) -> dict[str, Any]:
        """The label schema of the field, but for its label type."""
        if self.container is None or not issubclass(self.container, fol.Label):
            return {"classes": [*self._classes], "kind": _KINDS.get(self.container, "str")}
        info: dict[str, Any] = {"classes": [*self._classes], "without_class": self._lacks_class}
        info["attributes"] = dict(self._attributes())
        if issubclass(self.container, fol.Segmentation):
            info["mask_targets"] = self._mask_targets(samples)
        skeleton = None if samples is None else samples.skeletons.get(self._key, samples.default_skeleton)
        # A label with fewer points than joints would come back with the others, as missing ones.
        is_whole = self._misses_points or skeleton is None or self._counts <= {len(skeleton.labels or ())}
        if skeleton is not None and is_whole and issubclass(self.container, (fol.Keypoint, fol.Keypoints)):
            info["skeleton"] = {"joints": list(skeleton.labels or ()), "edges": _pairs(skeleton.edges)}
        return info

    def is_without_choice(self, info: Mapping[str, Any]) -> bool:
        """Whether the values of the field say nothing, and a control tag would have nothing to choose from."""
        choices = {fol.Classification: "classes", fol.Classifications: "classes", fol.Segmentation: "mask_targets"}
        return self.container in choices and not info[choices[self.container]]

    def _attributes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, kinds in self._kinds.items():
            kind = "float" if kinds == {"int", "float"} else next(iter(kinds)) if len(kinds) == 1 else ""
            facts: dict[str, Any]
            if kind in _ASKED_BY:
                facts = {"type": _ASKED_BY[kind], **({"kind": kind} if kind == "int" else {})}
            elif kind == "bool":
                facts = {"type": "radio", "values": [True, False]}
            elif kind == "list" and self._values[name]:
                facts = {"type": "checkbox", "values": [*self._values[name]]}
            else:
                logger.info("Field '%s': attribute '%s' is not shown: no control tag holds it", self._key, name)
                continue
            yield name, {**facts, "discovered": True}

    def _mask_targets(self, samples: Any) -> dict[str, str]:
        named = {} if samples is None else samples.mask_targets.get(self._key) or samples.default_mask_targets
        names = {str(value): name for value, name in (named or {}).items()}
        return {**{str(value): str(value) for value in sorted(self._targets, key=str)}, **names}


def _stored(value: Any) -> Any:
    """A label or a scalar as the database stores it."""
    if isinstance(value, fol.Label):
        return value.to_dict()
    is_date = isinstance(value, date) and not isinstance(value, datetime)
    return datetime(value.year, value.month, value.day) if is_date else value


def _numbers(value: fol.Segmentation) -> set[Any]:
    mask = value.get_mask()
    if mask is None:
        return set()
    if mask.ndim == 2:
        return {int(number) for number in set(mask.flat) if number}
    colours = {tuple(pixel) for pixel in mask.reshape(-1, mask.shape[-1])[:, :3].tolist()}
    return {"#{:02x}{:02x}{:02x}".format(*colour) for colour in colours if any(colour)}


def _pairs(edges: Any) -> list[list[int]]:
    return [[one, other] for path in edges or () for one, other in pairwise(path)]


def _read(value: Any, field: LabelField) -> StoredLabels:
    labels = StoredLabels.of(value)
    if has_masks(field.label_type):
        for label in labels:
            mask_files.read_into(label)
    return labels


def _read_any(value: Any, fields: Sequence[LabelField]) -> StoredLabels:
    """The labels in a value, whose masks are read where one of some fields has masks."""
    return _read(value, next((field for field in fields if has_masks(field.label_type)), fields[0]))


def _place_of(label: StoredLabel, fields: Sequence[LabelField]) -> int | None:
    """The place of the first of some fields that can hold a label, or None."""
    return next((place for place, field in enumerate(fields) if family_of(field).check(label, field) is None), None)


def _carried(value: Any) -> Any:
    """A stored value as tasks carry it: its masks are in it, for files may not be where the tasks go."""
    if not isinstance(value, Mapping):
        return value
    name = next((name for name in LISTS if name in value), None)
    if name is not None:
        return {**value, name: [_with_own_mask(doc) for doc in value[name] or ()]}
    return _with_own_mask(value)


def _with_own_mask(doc: LabelDoc) -> LabelDoc:
    return {**mask_files.with_mask(doc), "mask_path": None} if doc.get("mask_path") else doc


def _problem(value: Any, field: LabelField) -> str | None:
    """What keeps the labels of a field from being of its label type, or None."""
    if value is None or field.question is not None:
        return None
    check = family_of(field).check
    return next((problem for label in _read(value, field) if (problem := check(label, field))), None)


def _loss(value: Any, field: LabelField, media: MediaInfo) -> str | None:
    """What of the labels of a field their regions do not say, or None where they come back as they are."""
    if value is None or field.question is not None:
        return None
    labels, family = _read(value, field), family_of(field)
    try:
        regions = group_regions(family.to_regions(labels, field, media), family.grouping(field)).values()
        parsed = [one for group in regions for one in family.parse_regions(group, field, media)]
        made = {one.key: family.to_label(one, field) for one in parsed}
    except RegionError as error:
        return str(error)
    for label in labels:
        other = made.get(family.key_of(label, field) or "")
        for name, switch in vars(label).items():
            if isinstance(switch, bool) and getattr(other, name, switch) is not switch:
                return f"label {label.id}: {name}={switch} cannot be shown"
    return None
