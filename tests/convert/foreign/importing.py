"""What an import makes of the tasks of a project, as far as that is pure: fields, answers, labels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bson import ObjectId

from fo_labelstudio.convert.annotation.answer import Answer, Problem
from fo_labelstudio.convert.edits import to_label
from fo_labelstudio.convert.families import holds_list
from fo_labelstudio.convert.foreign.answers import Pictured, answers_of
from fo_labelstudio.convert.foreign.fields import ForeignFields, fields_of
from fo_labelstudio.convert.foreign.ids import TaskNames
from fo_labelstudio.convert.foreign.observed import Observed
from fo_labelstudio.convert.foreign.shown import images_of
from fo_labelstudio.convert.foreign.which import Which
from fo_labelstudio.convert.labeling_config.read import read
from fo_labelstudio.convert.media.medium import MediaInfo

PROJECT = "http://localhost/projects/3"
GOLDEN = Path(__file__).parents[2] / "golden" / "labelstudio-1.23.2"


class Imported:
    """What an import makes of tasks.

    Attributes:
        fields: the fields
        answers: the answers, in the order of tasks and images
        problems: what was told
        keys: the addresses of the images, in the same order
    """

    def __init__(
        self,
        tasks: Sequence[Mapping[str, Any]] | Mapping[str, Any],
        config: str | None = None,
        which: Which | None = None,
        media: MediaInfo | None = None,
        observe: bool = True,
        **options: Any,
    ):
        tasks = [tasks] if isinstance(tasks, Mapping) else tasks
        labeling_config = None if config is None else read(config)
        observed = Observed(which or Which())
        for task in tasks:
            observed.add(task)
        self.fields: ForeignFields = fields_of(labeling_config, observed if observe else None, which, **options)
        self.answers: list[Answer] = []
        self.found: list[Problem] = []
        self.addresses: list[str] = []
        names = TaskNames()
        for task in tasks:
            shown, problem = images_of(task, labeling_config, observed)
            assert problem is None, problem
            images = [Pictured(image, sample_id_of(image.address), media) for image in shown]
            self.addresses += [image.address for image in shown]
            self.answers += answers_of(task, self.fields, images, PROJECT, which or Which(), names.of(task), self.found)

    @property
    def problems(self) -> list[str]:
        """What could not be understood, or had to be decided."""
        return [str(problem) for problem in self.found]

    def labels(self, field: str, number: int = 0) -> list[Any]:
        """The labels of a field, or its values, on one of the images."""
        (label_field,) = [one for one in self.fields.fields if one.name == field]
        return [to_label(edit, label_field) for edit in self.answers[number].fields[field].added]

    def values(self, number: int = 0) -> dict[str, Any]:
        """What each field holds that holds something: labels by :func:`said`, one where it holds one."""
        found = {}
        for field in self.fields.fields:
            values = [said(label) for label in self.labels(field.name, number)]
            if values:
                is_list = field.question is None and holds_list(field.label_type)
                found[field.name] = values if is_list else values[0]
        return found

    def types(self) -> dict[str, str]:
        """The label type of each field, or the kind of its values."""
        return {
            field.name: field.label_type if field.question is None else field.question.kind
            for field in self.fields.fields
        }


def sample_id_of(address: str) -> str:
    """The id of the sample of an address."""
    return str(ObjectId(address.encode()[-12:].rjust(12, b"-")))


def said(label: Any) -> Any:
    """What a label says, without its id: class, geometry, attributes; a value as it is."""
    if not hasattr(label, "to_dict"):
        return label
    values = {name: label[name] for name in label.field_names}
    left_out = ("id", "tags", "attributes", "mask_path", "index")
    return {name: value for name, value in values.items() if name not in left_out and value is not None}


def golden(name: str) -> tuple[dict[str, Any], str]:
    """A task as the server returned it, and its labeling config."""
    task = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    return task, (GOLDEN / f"{name}.xml").read_text(encoding="utf-8")
