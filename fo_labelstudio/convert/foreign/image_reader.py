"""What one answer to a task says of one image -> what it says of each field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from fo_labelstudio.convert.annotation import added
from fo_labelstudio.convert.annotation.answer import FieldAnswer, Problem
from fo_labelstudio.convert.annotation.field_reader import FieldReader, label_id_of
from fo_labelstudio.convert.annotation.origin import Missing, Origin
from fo_labelstudio.convert.annotation.sorting import FieldResults
from fo_labelstudio.convert.attributes import aspect_name
from fo_labelstudio.convert.edits import to_label
from fo_labelstudio.convert.families import family_of, holds_list
from fo_labelstudio.convert.family import Family
from fo_labelstudio.convert.foreign.fields import CLASSES, CONFIDENCE, NOTE, PATH, ForeignFields
from fo_labelstudio.convert.foreign.ids import TaskName, safe_id, shown_id, whole_ones
from fo_labelstudio.convert.foreign.results import Reply, Shape
from fo_labelstudio.convert.foreign.which import Chosen
from fo_labelstudio.convert.labeling_config.kinds import class_key, class_of_path
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.names import is_showable, is_text
from fo_labelstudio.convert.numbers import is_finite, is_number
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import Attribute, LabelAnswer, LabelField, ParsedLabel, Region, RegionAnswer
from fo_labelstudio.convert.regions import whole_id
from fo_labelstudio.convert.shapes.spans import SPAN_KINDS
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

_ANY_SIZE = MediaInfo(100, 100)
"""Of an image whose size does not matter, for nothing on it is turned, and there are no masks."""

_ONE = "choice"
"""The key of the label of a field that holds one."""

_VALUE = "value"


@dataclass
class OfImage:
    """What an answer says of one image.

    Attributes:
        shapes: name of a field -> its regions
        replies: name of a field -> answers about the whole image
        about: id of a region -> answers about it
    """

    shapes: dict[str, list[Shape]] = dataclass_field(default_factory=dict)
    replies: dict[str, list[Reply]] = dataclass_field(default_factory=dict)
    about: dict[str, list[Reply]] = dataclass_field(default_factory=dict)


def silent(field: LabelField, reason: str) -> FieldAnswer:
    """An answer that leaves a field as it is, with all that loads have made of it."""
    not_shown = {} if field.question is None else {_VALUE: reason}
    return FieldAnswer(elsewhere=None, is_looked_at=False, not_shown=not_shown)


class ImageReader:
    """Reads what one answer says of one image."""

    def __init__(
        self,
        fields: ForeignFields,
        media: MediaInfo | None,
        run: str,
        name: TaskName,
        problems: list[Problem],
        chosen: Chosen,
        said: OfImage,
        values: Mapping[str, MediaInfo],
    ):
        self._fields = fields
        self._media = media
        self._run = run
        self._name = name
        self._problems = problems
        self._chosen = chosen
        self._said = said
        self._values = values
        self._is_size_told = False

    def read_drawn(self, name: str, field: LabelField) -> FieldAnswer:
        """What is said of a field whose labels are drawn.

        Args:
            name: the name of the field before annotators and models are told apart
            field: the field
        """
        shapes = self._said.shapes.get(name, [])
        answer = FieldAnswer()
        if not shapes:
            return answer
        family = family_of(field)
        whole = whole_ones(shapes)
        by_size: dict[MediaInfo, list[Region]] = {}
        about: dict[str, list[RegionAnswer]] = {}
        scores: dict[str, Any] = {}
        unclear = []
        for shape in shapes:
            region_id = shape.id if whole and whole_id(shape.id) in whole else safe_id(shape.id, is_ours=False)
            try:
                media = self._media_of(shape, field, family)
                region = _region(shape, region_id, media, field, family)
                answers = self._answers_about(shape, name)
                if answers:
                    about.setdefault(region_id, []).extend(answers)
            except RegionError as error:
                unclear.append(whole_id(region_id))
                self._report(shape.id, f"field {field.name!r}: {error}; left alone")
                continue
            by_size.setdefault(media, []).append(region)
            scores.setdefault(region_id, _score_of(shape))
        reading = self._fields.reading[field.name]
        for media, regions in by_size.items():
            part = self._read_regions(reading, regions, media, about)
            answer.added += part.added
            answer.kept += part.kept
            answer.is_looked_at &= part.is_looked_at
        answer.kept += [label_id_of(self._run, self._name.number, field, key) for key in unclear]
        answer.is_looked_at &= not unclear
        answer.left.update(answer.kept)
        return self._finished(answer, name, field, scores)

    def _read_regions(
        self,
        field: LabelField,
        regions: list[Region],
        media: MediaInfo,
        about: Mapping[str, Sequence[RegionAnswer]],
    ) -> FieldAnswer:
        problems: list[Problem] = []
        nothing_sent = Origin({}, {"annotations": []}, {}, ())
        reader = FieldReader(field, media, self._name.number, self._run, problems, about, nothing_sent, Missing())
        answer = reader.read(FieldResults(regions), [], {})
        self._problems += [
            problem._replace(
                task_id=self._name.shown,
                region_id=shown_id(problem.region_id),
            )
            for problem in problems
        ]
        return answer

    def _finished(self, answer: FieldAnswer, name: str, field: LabelField, scores: Mapping[str, Any]) -> FieldAnswer:
        """An answer whose labels have their attributes."""
        own = {_own(one): _named(field, one) for one in (NOTE, CLASSES)}
        attributes = {**self._fields.attributes[name], **own}
        known = {control: attribute for control, attribute in attributes.items() if attribute is not None}

        def refuse(label_id: str, reason: str) -> None:
            self._report(None, f"field {field.name!r}, label {label_id}: {reason}")

        answer = added.with_attributes(answer, known, refuse)
        confidence = _named(field, CONFIDENCE)
        answer.added = [self._finished_edit(edit, field, confidence, scores) for edit in answer.added]
        return answer

    def _finished_edit(
        self, edit: LabelAnswer, field: LabelField, confidence: Attribute | None, scores: Mapping[str, Any]
    ) -> LabelAnswer:
        parsed = edit.parsed
        score = None if confidence is None else self._score_of(parsed.key, scores)
        if score is None and not parsed.answers:
            return edit
        values = dict(parsed.values)
        if confidence is not None and score is not None:
            is_list = confidence.question.kind == "list"
            number = len(to_label(edit, field, with_defaults=False).points) if is_list else 0
            values[aspect_name(confidence)] = [score] * number if is_list else score
        return edit._replace(parsed=parsed._replace(values=values, answers=()), aspects=tuple(values))

    def _score_of(self, key: str, scores: Mapping[str, Any]) -> float | None:
        """What a model says of a label: of its own region, or else of all that it says of the task."""
        own = scores.get(key)
        return _score(own if own is not None else self._chosen.score)

    def _answers_about(self, shape: Shape, name: str) -> list[RegionAnswer]:
        """What is answered about a region, under the names of the control tags that ask."""
        answers = []
        attributes = self._fields.attributes[name]
        for reply in self._said.about.get(shape.id, ()):
            control = self._fields.control_of(reply.control)
            attribute = attributes.get(control)
            if attribute is None:
                continue
            try:
                answer = reply.parsed(attribute.question.kind)
            except RegionError as error:
                self._report(shape.id, f"control tag {control!r}: {error}; left alone")
                continue
            if answer is not None:
                answers.append(_joined(answer._replace(control=control), attribute.question, reply.kind))
        note = _note_of(shape.result)
        if note:
            answers.append(RegionAnswer(_own(NOTE), "str", (note,)))
        if isinstance(shape.classes, list) and len(shape.classes) > 1:
            names = [one for one in shape.classes if isinstance(one, str)]
            answers.append(RegionAnswer(_own(CLASSES), "str", tuple(names)))
            reason = f"field {name!r}: it has several classes; took {quoted(shape.classes[0])}, all are in {CLASSES!r}"
            self._report(shape.id, reason, is_note=True)
        return answers

    def _media_of(self, shape: Shape, field: LabelField, family: Family) -> MediaInfo:
        """The size of the image that a region was drawn on, in pixels; of a span, what it marks.

        Raises:
            RegionError: nothing tells it, and it matters
        """
        if field.scope in SPAN_KINDS:
            return self._value_of(shape, field)
        media = field.medium.parse_marks(shape.result)
        if media is not None:
            if self._media not in (None, media) and not self._is_size_told:
                self._is_size_told = True
                drawn, stored = (
                    " x ".join(map(str, size)) for size in (media.size, self._media.size if self._media else ())
                )
                reason = f"it was drawn on an image of {drawn} pixels, that of the sample has {stored}"
                self._report(shape.id, reason, is_note=True)
            return media
        if self._media is not None:
            self._compare_frames(shape, field, self._media)
            return self._media
        if field.is_of_frames:
            raise RegionError("nothing tells the number of frames of its video; call dataset.compute_metadata()")
        rotation = shape.value.get("rotation", 0)
        if "mask" in family.aspects or rotation not in (0, None):
            raise RegionError(
                "nothing tells the size of its image, neither it nor the sample; call dataset.compute_metadata()"
            )
        return _ANY_SIZE

    def _value_of(self, shape: Shape, field: LabelField) -> MediaInfo:
        """What a task shows to mark spans on; nothing is to be known of what only has an address.

        Raises:
            RegionError: the task does not hold it, and it matters
        """
        control = self._fields.config.control_of(shape.control) if self._fields.config else None
        names = (*shape.to_names, *(control.objects if control else ()))
        name = next((name for name in names if name in self._values), None)
        shown = [other for other in (control.objects if control else ()) if other in self._values]
        if name is not None and shown and name != shown[0]:
            raise RegionError(
                f"it is on {name!r}, and its control tag asks about {shown[0]!r} first, which spans of one field are "
                "on; give each object a control tag of its own"
            )
        if name is not None:
            return self._values[name]
        if SPAN_KINDS[field.scope].words is None:
            return _ANY_SIZE
        raise RegionError(
            f"the task does not hold the {field.medium.noun} that it marks, or only its address, or shows more of it "
            "than its body"
        )

    def _compare_frames(self, shape: Shape, field: LabelField, media: MediaInfo) -> None:
        """Tells where people have seen other frames than the video has, as the editor counts them by a frame rate."""
        seen = shape.value.get("framesCount")
        if field.is_of_frames and is_finite(seen) and abs(seen - media.frame_count) > 1 and not self._is_size_told:
            self._is_size_told = True
            reason = (
                f"it was drawn on a video of {seen} frames, that of the sample has {media.frame_count}, so it may be "
                f"on other frames; was the {field.medium.option} of the labeling config right?"
            )
            self._report(shape.id, reason, is_note=True)

    def read_whole(self, name: str, field: LabelField) -> FieldAnswer:
        """What is said of a field whose labels, or values, are of the whole image."""
        replies = self._said.replies.get(name, [])
        found: list[tuple[Reply, list[Any]]] = []
        for reply in replies:
            try:
                values = self._values_of(reply, field)
            except RegionError as error:
                self._report(reply.id, f"field {field.name!r}: {error}; left alone")
            else:
                found.append((reply, values))
        if replies and not found:
            return silent(field, "the answer to the task was not understood")
        answer = FieldAnswer(deletions_unsafe=len(found) < len(replies))
        if len(found) > 1 and not _takes_several(field):
            self._report(found[1][0].id, f"field {field.name!r}: it is answered already; took the first", is_note=True)
            del found[1:]
        parsed: dict[str, dict[str, Any]] = {}
        for reply, values in found:
            for key, value in self._labels_of(values, field):
                parsed.setdefault(key, self._with_confidence(value, reply, field))
        for key, value in parsed.items():
            label_id = label_id_of(self._run, self._name.number, field, key)
            media = self._media or _ANY_SIZE
            answer.added.append(LabelAnswer(label_id, ParsedLabel(key, value, media), tuple(value), {}))
        return answer

    def _values_of(self, reply: Reply, field: LabelField) -> list[Any]:
        """What was chosen, as paths, or the value that was given, as JSON.

        Raises:
            RegionError: it is damaged, or more than the field can hold
        """
        if field.question is not None:
            answer = reply.parsed(field.question.kind)
            texts = () if answer is None else _joined(answer, field.question, reply.kind).values
            return [_to_json(texts, field.question)] if texts else []
        for path in reply.paths:
            if not is_showable(class_of_path(path)):
                raise RegionError(f"its choice {quoted(class_of_path(path))} is no class that can be shown")
        if len(reply.paths) > 1 and not holds_list(field.label_type):
            raise RegionError(f"its choices are {quoted(list(map(class_of_path, reply.paths)))}, expected one class")
        return reply.paths

    def _labels_of(self, values: Sequence[Any], field: LabelField) -> Iterator[tuple[str, dict[str, Any]]]:
        """The key of each label or value, and what is said of it."""
        path_of = _named(field, PATH)
        for value in values:
            if field.question is not None:
                yield _VALUE, {_VALUE: value}
            else:
                class_name = class_of_path(value)
                path = {} if path_of is None else {aspect_name(path_of): value}
                yield class_name if holds_list(field.label_type) else _ONE, {"label": class_name, **path}

    def _with_confidence(self, value: dict[str, Any], reply: Reply, field: LabelField) -> dict[str, Any]:
        confidence = _named(field, CONFIDENCE)
        score = _score(reply.score if reply.score is not None else self._chosen.score)
        return value if confidence is None or score is None else {**value, aspect_name(confidence): score}

    def _report(self, region_id: str | None, reason: str, is_note: bool = False) -> None:
        self._problems.append(Problem(self._name.shown, region_id, reason, is_note))


def _region(shape: Shape, region_id: str, media: MediaInfo, field: LabelField, family: Family) -> Region:
    """A region as its family reads it.

    Raises:
        RegionError: it is damaged
    """
    value = {**shape.value, class_key(shape.kind): shape.classes}
    region: Region = {
        "id": region_id,
        "from_name": shape.control,
        "to_name": field.to_name,
        "type": shape.kind,
        "value": value,
    }
    if shape.kind in family.reshapes:
        region = family.reshapes[shape.kind](region, media)
    if shape.classes is None or (
        isinstance(shape.classes, list) and (len(shape.classes) != 1 or region["type"] != shape.kind)
    ):
        region["value"] = {**region["value"], class_key(region["type"]): (shape.classes or [])[:1]}
    return region


def _takes_several(field: LabelField) -> bool:
    return field.question is None and holds_list(field.label_type)


def _named(field: LabelField, name: str) -> Attribute | None:
    return next((attribute for attribute in field.attributes if attribute.name == name), None)


def _own(attribute: str) -> str:
    """Stands for the control tag of an attribute that no control tag asks for; none can be called this."""
    return f"\x00{attribute}"


def _note_of(result: Mapping[str, Any]) -> str:
    meta = result.get("meta")
    if not meta:
        return ""
    text = meta.get("text") if isinstance(meta, Mapping) else None
    lines = text if isinstance(text, list) else [text]
    return "\n".join(line for line in lines if isinstance(line, str) and line and is_text(line))


def _score(score: Any) -> float | None:
    if isinstance(score, str):
        try:
            score = float(score)
        except ValueError:
            return None
    return float(score) if is_number(score) and is_finite(score) else None


def _score_of(shape: Shape) -> Any:
    """What a model says of a region; of a span, it may stand in its value (Label Studio's docs of predictions)."""
    score = shape.result.get("score")
    return shape.value.get("score") if score is None else score


def _joined(answer: RegionAnswer, question: Question, kind: str) -> RegionAnswer:
    """An answer of several texts as one, where only one text can be kept."""
    if kind == "textarea" and question.kind == "str" and len(answer.values) > 1:
        return answer._replace(values=("\n".join(map(str, answer.values)),))
    return answer


def _to_json(values: Sequence[Any], question: Question) -> Any:
    """Answers as the JSON that stands for the value of a scalar field.

    Raises:
        RegionError: they are of another kind
    """
    if question.kind == "list":
        return [str(value) for value in values]
    key = "text" if question.result_type == "textarea" else question.result_type
    return question.parse({key: values[0]})
