"""A task of somebody else's project -> what it says of each of its images, as a load merges it.

All labels are new ones, whose ids are made of the project, the task, the field and the region: always the same, so that
a load that comes later finds them again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from fo_labelstudio.convert.annotation.answer import Answer, FieldAnswer, Problem
from fo_labelstudio.convert.annotation.field_reader import label_id_of
from fo_labelstudio.convert.families import family_of, holds_list
from fo_labelstudio.convert.foreign.fields import ForeignFields
from fo_labelstudio.convert.foreign.ids import TaskName, safe_id
from fo_labelstudio.convert.foreign.image_reader import ImageReader, OfImage, silent
from fo_labelstudio.convert.foreign.results import Reply, Results, Shape, read_results
from fo_labelstudio.convert.foreign.shown import Shown, values_of
from fo_labelstudio.convert.foreign.which import Chosen, Which, chosen_of
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.regions import whole_id
from fo_labelstudio.messages import quoted, with_article

_NOT_ANSWERED = "nobody whose answers count has answered the task"
_OTHER_TEXT = "what was answered is about another text than that of the sample"


class Pictured(NamedTuple):
    """An image that a task shows, and its sample.

    Attributes:
        shown: the image
        sample_id: the sample, or None where it has none
        media: the size of its media, or None where that is not known
        differing: names of the object tags that show another text than the sample has
    """

    shown: Shown
    sample_id: str | None
    media: MediaInfo | None = None
    differing: Collection[str] = ()


def answers_of(
    task: Mapping[str, Any],
    fields: ForeignFields,
    images: Sequence[Pictured],
    project: str,
    which: Which,
    name: TaskName,
    problems: list[Problem],
) -> list[Answer]:
    """What a task says of the images that it shows: an answer for each image that has a sample.

    Args:
        task: the task, in the form of the export endpoint, with annotations and predictions as objects
        fields: the fields of its project
        images: the images that it shows
        project: what tells its project from all others; the ids of labels are made of it
        which: which of its answers count
        name: what tells it from the other tasks
        problems: receives what could not be understood, and what had to be decided

    Returns:
        the answers; none where no answer to the task counts. In them, fields of annotators and models that have not
        answered say nothing
    """
    chosen = [one for one in chosen_of(task, which, name.shown, problems) if one.source in fields.suffixes]
    if not chosen or not any(image.sample_id is not None for image in images):
        return []
    reader = _TaskReader(task, fields, images, project, name, problems)
    answers = [
        Answer(name.shown, image.sample_id or "", {field.name: silent(field, _NOT_ANSWERED) for field in fields.fields})
        for image in images
    ]
    for one in chosen:
        reader.read(one, answers)
    return [answer for answer in answers if answer.sample_id]


def combined(answers: Sequence[Answer], fields: ForeignFields, problems: list[Problem]) -> Answer:
    """One answer for a sample that several tasks, or several places of one task, show.

    Args:
        answers: what each of them says, of the same sample
        fields: the fields of their project
        problems: receives a note where a field can hold only one label, and they say different things
    """
    first = answers[0]
    merged = Answer(first.task_id, first.sample_id, dict(first.fields))
    for field in fields.fields:
        parts = [answer.fields[field.name] for answer in answers]
        spoken = [part for part in parts if part.elsewhere is not None] or parts[:1]
        edits = [edit for part in spoken for edit in part.added]
        whole = FieldAnswer(
            kept=[label_id for part in spoken for label_id in part.kept],
            added=edits,
            deletions_unsafe=any(part.deletions_unsafe for part in spoken),
            left={label_id for part in spoken for label_id in part.left},
            not_shown={key: reason for part in spoken for key, reason in part.not_shown.items()},
            related={start: ends for part in spoken for start, ends in part.related.items()},
            relations_told=all(part.relations_told for part in spoken),
            elsewhere=spoken[0].elsewhere,
            is_looked_at=all(part.is_looked_at for part in spoken),
        )
        if not _holds_list(field) and len(edits) > 1:
            said = [edit.parsed.values for edit in edits]
            if any(values != said[0] for values in said):
                reason = (
                    f"field {field.name!r}: {len(answers)} tasks show sample {first.sample_id} and say different things"
                )
                problems.append(Problem(first.task_id, None, f"{reason}; took what this one says", is_note=True))
            del whole.added[1:]
        merged.fields[field.name] = whole
    for answer in answers:
        for start, ends in answer.relations.items():
            merged.relations.setdefault(start, []).extend(ends)
    return merged


def _holds_list(field: LabelField) -> bool:
    return field.question is None and holds_list(field.label_type)


class _TaskReader:
    """Reads the answers to one task."""

    def __init__(
        self,
        task: Mapping[str, Any],
        fields: ForeignFields,
        images: Sequence[Pictured],
        project: str,
        name: TaskName,
        problems: list[Problem],
    ):
        self._fields = fields
        self._images = images
        self._project = project
        self._name = name
        self._problems = problems
        self._names = {image.shown.to_name for image in images}
        self._spans = fields.config.spans if fields.config else {}
        self._values = values_of(task, fields.config) if fields.config and self._spans else {}

    def read(self, chosen: Chosen, answers: Sequence[Answer]) -> None:
        """Adds what one answer says to what is said of each image."""
        found = read_results(chosen.result, self._fields.medium, self._spans)
        own = self._fields.of_source[chosen.source]
        sorted_ones = [OfImage() for _ in self._images]
        unclear = self._report_broken(found)
        # Nearly all regions are like the one before: of one control tag, on one image.
        of_their_like: dict[tuple[Any, ...], list[Shape]] = {}
        for shape in found.shapes:
            like = shape.control, shape.kind, shape.to_names, shape.place
            if like in of_their_like:
                of_their_like[like].append(shape)
                continue
            drawn = self._fields.shape_field(self._fields.control_of(shape.control), shape.kind)
            if drawn is not None:
                for place in self._places(shape, is_region=True)[:1]:
                    of_their_like[like] = sorted_ones[place].shapes.setdefault(drawn, [])
                    of_their_like[like].append(shape)
            elif not self._is_ignored(shape.control):
                unclear.append(shape.id)
                self._report(shape.id, f"no control tag of the project draws its kind of region ({shape.kind!r})")
        region_ids = found.region_ids
        for reply in found.replies:
            self._sort_reply(reply, reply.id in region_ids, sorted_ones)
        ids: dict[str, str] = {}
        for image, one, answer in zip(self._images, sorted_ones, answers, strict=True):
            if image.sample_id is None:
                continue
            reader = ImageReader(
                self._fields, image.media, self._run(image.shown), self._name, self._problems, chosen, one, self._values
            )
            for name, field in own.items():
                if self._is_about(name, image.differing):
                    answer.fields[field.name] = silent(field, _OTHER_TEXT)
                    continue
                read = reader.read_drawn(name, field) if family_of(field).is_drawn else reader.read_whole(name, field)
                read.is_looked_at &= self._is_asked_of(name, image.shown)
                self._keep_unclear(read, field, image.shown, unclear)
                answer.fields[field.name] = read
                for edit in read.added if found.relations else ():
                    ids.setdefault(edit.parsed.key, edit.label_id)
        self._relate(found, ids, own.values(), answers)

    def _is_asked_of(self, name: str, shown: Shown) -> bool:
        """Whether control tags of a field ask about an image; where they do not, nobody says that it shows nothing."""
        config = self._fields.config
        if config is None or config.index_flags:
            return True
        controls = (config.control_of(control) for control in self._fields.controls_of(name))
        objects = {to_name for control in controls if control is not None for to_name in control.objects}
        return shown.to_name in objects or objects.isdisjoint(self._names)

    def _is_about(self, name: str, to_names: Collection[str]) -> bool:
        """Whether control tags of a field ask about some objects."""
        if not to_names or self._fields.config is None:
            return False
        controls = (self._fields.config.control_of(control) for control in self._fields.controls_of(name))
        return any(not set(to_names).isdisjoint(control.objects) for control in controls if control is not None)

    def _run(self, shown: Shown) -> str:
        return f"{self._project}\x00{shown.to_name}\x00{shown.place}"

    def _sort_reply(self, reply: Reply, is_about_region: bool, sorted_ones: Sequence[OfImage]) -> None:
        control = self._fields.control_of(reply.control)
        if is_about_region and any(control in attributes for attributes in self._fields.attributes.values()):
            for one in sorted_ones:
                one.about.setdefault(reply.id, []).append(reply)
            return
        field = self._fields.image_field(control, reply.kind)
        if field is not None:
            for place in self._places(reply, is_region=False):
                sorted_ones[place].replies.setdefault(field, []).append(reply)
        elif any(control in attributes for attributes in self._fields.attributes.values()):
            self._report(reply.id, f"control tag {control!r} asks about regions, and it is about none")
        elif not self._is_ignored(reply.control):
            self._report(reply.id, f"control tag {control!r} is not one of the project's, or asks something else")

    def _is_ignored(self, from_name: str) -> bool:
        return self._fields.control_of(from_name) in self._fields.ignored

    def _places(self, item: Shape | Reply, is_region: bool) -> list[int]:
        """The places of the images that a result is about; reports where it is about none."""
        names = set(item.to_names) & self._names
        if not names:
            control = self._fields.config.control_of(item.control) if self._fields.config else None
            names = set(control.objects if control else ()) & self._names
        if not names and len(self._images) > 1 and item.control in self._spans:
            self._report(item.id, f"several {self._fields.medium.noun}s are shown with what it marks")
            return []
        if not names and len(self._names) == 1:
            names = self._names
        places = [place for place, image in enumerate(self._images) if image.shown.to_name in names]
        if not places:
            self._report(
                item.id,
                f"it is about {quoted(', '.join(item.to_names))}, which is no {self._fields.medium.noun} of the task",
            )
            return []
        if item.place is None and not is_region:
            return places
        wanted = item.place or 0
        found = [place for place in places if self._images[place].shown.place == wanted]
        if not found and all(self._images[place].shown.place == 0 for place in places):
            self._report(
                item.id, f"it is about image {wanted} of {sorted(names)[0]!r}, counted from 0, of which there is one"
            )
        elif not found:
            self._report(item.id, f"it is about image {wanted}, counted from 0, of {len(places)}")
        return found

    def _report_broken(self, found: Results) -> list[str | None]:
        unclear: list[str | None] = []
        for region_id, control, reason in found.broken:
            if control is None or not self._is_ignored(control):
                unclear.append(region_id)
                self._report(region_id, reason)
        for region_id, control, kind in found.others:
            if not self._is_ignored(control):
                self._report(region_id, f"a {quoted(kind)} is not about {with_article(self._fields.medium.noun)}")
        for control in found.rankings:
            if not self._is_ignored(control):
                self._report(None, f"control tag {control!r} compares objects, for which FiftyOne has no label")
        return unclear

    def _keep_unclear(self, read: FieldAnswer, field: LabelField, shown: Shown, unclear: Sequence[str | None]) -> None:
        """Keeps labels that earlier loads made of regions that are damaged now."""
        if not unclear:
            return
        read.is_looked_at = False
        if None in unclear or not family_of(field).is_drawn:
            read.deletions_unsafe = True
        kept = [
            label_id_of(self._run(shown), self._name.number, field, whole_id(safe_id(region_id)))
            for region_id in unclear
            if region_id is not None
        ]
        read.kept += kept
        read.left.update(kept)

    def _relate(
        self, found: Results, ids: Mapping[str, str], own: Iterable[LabelField], answers: Sequence[Answer]
    ) -> None:
        names = [field.name for field in own]
        is_told = True
        for start, end in found.relations:
            ends = [
                ids.get(safe_id(one, is_ours=False)) or ids.get(safe_id(one)) or ids.get(whole_id(safe_id(one)))
                for one in (start, end)
            ]
            if ends[0] is None or ends[1] is None:
                lost = start if ends[0] is None else end
                self._report(start, f"its relation leads to or from {quoted(lost)}, which is no label")
                is_told = False
                continue
            for answer in answers:
                for name in names:
                    if any(edit.label_id == ends[0] for edit in answer.fields[name].added):
                        related = answer.fields[name].related.setdefault(ends[0], [])
                        if ends[1] not in related:
                            related.append(ends[1])
                        answer.relations[ends[0]] = related
        for answer in answers:
            for name in names:
                answer.fields[name].relations_told = is_told

    def _report(self, region_id: str | None, reason: str, is_note: bool = False) -> None:
        ending = "" if is_note else "; left alone"
        self._problems.append(Problem(self._name.shown, region_id, f"{reason}{ending}", is_note))
