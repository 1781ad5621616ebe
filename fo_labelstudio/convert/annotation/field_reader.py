"""The results of one label field of one task -> what was answered about it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from fo_labelstudio.convert import attributes, items
from fo_labelstudio.convert.annotation import objects
from fo_labelstudio.convert.annotation.answer import FieldAnswer, Problem
from fo_labelstudio.convert.annotation.origin import (
    Missing,
    Origin,
)
from fo_labelstudio.convert.annotation.sorting import NAMELESS, FieldResults, has_id
from fo_labelstudio.convert.digests import digest_of, digests_of
from fo_labelstudio.convert.edits import sent_doc
from fo_labelstudio.convert.families import family_of, has_several
from fo_labelstudio.convert.family import Grouping
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.numbers import is_finite
from fo_labelstudio.convert.records import (
    LabelAnswer,
    LabelField,
    ParsedLabel,
    Region,
    RegionAnswer,
    SentLabel,
    objects_of,
)
from fo_labelstudio.convert.regions import whole_id
from fo_labelstudio.convert.stored import LabelDoc
from fo_labelstudio.convert.task.origin import HIDDEN, aspects_in
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

_LABEL_ID_DIGITS = 24
"""The ids of regions that are sent begin with those of their labels."""


class FieldReader:
    """Reads the regions of one label field of one task."""

    def __init__(
        self,
        field: LabelField,
        media: MediaInfo,
        task_id: int,
        run: str,
        problems: list[Problem],
        about: Mapping[str, Sequence[RegionAnswer]],
        origin: Origin,
        missing: Missing,
    ):
        self._field = field
        self._family = family_of(field)
        self._media = media
        self._task_id = task_id
        self._run = run
        self._problems = problems
        self._about = about
        self._origin = origin
        self._missing = missing
        self._types = self._family.region_types_of(field)
        self._is_nameless = False
        self._answered: frozenset[str] = frozenset()

    def read(
        self, results: FieldResults, unreadable: Sequence[Any], sent: Mapping[str, Mapping[str, Any]]
    ) -> FieldAnswer:
        """What was answered of the field.

        Args:
            results: the results of the field
            unreadable: results that may be regions of any label all the same
            sent: key of the label -> aspect -> digest of what was sent
        """
        control = self._field.control
        is_missing = control in self._missing.controls and not results.is_offered
        self._is_nameless = self._family.is_drawn and any(
            region["id"].startswith(NAMELESS) for region in results.regions
        )
        self._answered = frozenset(row.name for row, _ in results.attributes)
        parsed, unclear = self._parse(results, sent)
        answer = FieldAnswer(deletions_unsafe=self._may_be_anything(unclear, unreadable))
        answer.not_offered = self._missing.classes.get(control, frozenset())
        answer.is_understood = bool(parsed or results.orphans)
        answer.is_looked_at = not (unclear or answer.deletions_unsafe or is_missing)
        unclear.update(whole_id(region["id"]) for region in unreadable if has_id(region))
        for key, entry in sent.items():
            label_ids = entry.get("ids", [key])
            if HIDDEN in entry:
                answer.hidden.update(dict.fromkeys(label_ids, entry[HIDDEN]))
            if key in parsed:
                self._compare(*parsed[key], entry, label_ids, answer)
            elif key in unclear or answer.deletions_unsafe or self._is_nameless or not self._was_sent(entry):
                answer.kept.extend(label_ids)
                if key in unclear:
                    answer.left.update(label_ids)
            elif reason := self._why_not_shown(key, entry, is_missing, results.orphans):
                answer.not_shown.update(dict.fromkeys(label_ids, reason))
            elif self._family.is_edited_when_empty:
                answer.edited.extend(self._emptied(key, entry))
            else:
                answer.deleted.extend(label_ids)
                answer.was_sent.update((edit.label_id, edit) for edit in self._emptied(key, entry))
        if self._is_nameless and sent.keys() - parsed.keys():
            reason = "a region without an id is taken for a new label; labels that it may stand for are left alone"
            self._report(None, reason, is_note=True)
        for key, (label, _) in parsed.items():
            if key not in sent:
                answer.added.append(LabelAnswer(self._new_id(key), label, tuple(label.values), {}))
        if not has_several(self._field):
            self._limit_to_one(answer)
        answer.kept.extend(self._new_id(key) for key in sorted(unclear - sent.keys()))
        answer.elsewhere = None if is_missing else self._elsewhere()
        return answer

    def _emptied(self, key: str, entry: Mapping[str, Any]) -> list[LabelAnswer]:
        """An edit that leaves no region, for each label of a key."""
        nothing = ParsedLabel(key, {}, self._media)
        aspects = tuple(aspects_in(entry))
        return [LabelAnswer(label_id, nothing, aspects, entry) for label_id in entry.get("ids", [key])]

    def _why_not_shown(
        self, key: str, entry: Mapping[str, Any], is_missing: bool, orphans: Collection[str]
    ) -> str | None:
        """Why the annotation cannot have shown a label that it lacks, or None where somebody deleted it."""
        if not self._origin.is_ours:
            return "the annotation did not start from the labels that were sent"
        if not self._origin.is_certain:
            return "the prediction that the annotation may have started from was replaced"
        if not self._origin.held(self._field, key):
            return "the prediction that the annotation started from does not hold them"
        if is_missing or any(label_id in orphans for label_id in (key, *entry.get("ids", ()))):
            return f"the labeling config has, or had, no control tag {self._field.control!r}"
        lost = self._missing.classes.get(self._field.control, ())
        # A region is shown with a class that is gone; a choice is not (1.23.2).
        if not self._family.is_drawn and any(self._is_of_class(name, key, entry) for name in lost):
            return f"the control tag {self._field.control!r} has, or had, no choice of their class"
        return None

    def _is_of_class(self, name: str, key: str, entry: Mapping[str, Any]) -> bool:
        question = self._field.question
        is_list = question is not None and question.kind == "list"
        return is_list or key == name or digest_of(name) in entry.values()

    def _elsewhere(self) -> frozenset[str] | None:
        """Ids of labels that the annotation cannot have shown, for other annotations made them; None where of any."""
        if self._origin.is_ours and not self._origin.is_refreshed:
            return frozenset()
        ids = {
            region["id"]
            for region in self._origin.regions_of_others
            if region.get("from_name") == self._field.control and has_id(region)
        }
        if ids and self._family.grouping(self._field) is Grouping.FIELD:
            return None
        made = (self._new_id(whole_id(region_id)) for region_id in ids)
        # Labels that were sent at other times may have been loaded with the answers to them.
        return frozenset((*made, *(region_id[:_LABEL_ID_DIGITS] for region_id in ids)))

    def originals(
        self, results: FieldResults, sent: Mapping[str, Mapping[str, Any]], is_as_sent: bool
    ) -> dict[str, LabelDoc]:
        """The labels that were sent, as far as regions hold them, by id; see :meth:`sent_labels`."""
        found: dict[str, LabelDoc] = {}
        for label_id, label in self.sent_labels(results, sent, is_as_sent).items():
            doc = sent_doc(label, self._field)
            if doc is not None:
                found[label_id] = doc
        return found

    def sent_labels(
        self, results: FieldResults, sent: Mapping[str, Mapping[str, Any]], is_as_sent: bool
    ) -> dict[str, SentLabel]:
        """What regions hold of the labels that were sent, by id.

        Args:
            results: what holds them
            sent: what was sent
            is_as_sent: whether only labels count that are as they were sent
        """
        labels: dict[str, SentLabel] = {}
        parsed, _ = self._parse(results, sent)
        for key, (label, _) in parsed.items():
            entry = sent.get(key)
            if entry is None or not label.values:
                continue
            if is_as_sent and digests_of(label.values) != aspects_in(entry):
                continue
            label_ids = entry.get("ids", [key])
            is_only = sum(len(other.get("ids", [key])) for other in sent.values()) == 1
            confidence = self._confidence(results.regions, key, is_only)
            for label_id in label_ids:
                labels[label_id] = SentLabel(LabelAnswer(label_id, label, (), entry), confidence)
        return labels

    def _confidence(self, regions: Sequence[Region], key: str, is_only: bool) -> float | None:
        """The confidence that a label was sent with as a score; where regions are of several labels, that of none."""
        if self._family.grouping(self._field) is Grouping.FIELD and not is_only:
            return None
        for region in regions:
            if self._family.grouping(self._field) is Grouping.FIELD or whole_id(region["id"]) == key:
                score = region.get("score")
                return float(score) if is_finite(score) and 0 <= score <= 1 else None
        return None

    def _may_be_anything(self, unclear: Collection[str], unreadable: Sequence[Any]) -> bool:
        """Whether what was not understood may stand for any label of the field."""
        if not all(has_id(region) for region in unreadable):
            return True
        shown = objects_of([self._field])
        of_control = [region for region in unreadable if region.get("from_name") == self._field.control]
        if any(objects.other_object(region, shown) for region in of_control):
            # Somebody has tied its control tag to another object, where nobody was shown its labels.
            return True
        types = [region.get("type") for region in unreadable]
        return self._family.grouping(self._field) is Grouping.FIELD and bool(
            unclear or any(kind in self._family.region_types_of(self._field) for kind in types)
        )

    def _parse(
        self, results: FieldResults, sent: Mapping[str, Mapping[str, Any]]
    ) -> tuple[dict[str, tuple[ParsedLabel, Collection[str]]], set[str]]:
        """The labels in the results by key, each with the aspects that are unclear, and the ids of unclear regions."""
        parsed: dict[str, tuple[ParsedLabel, Collection[str]]] = {}
        unclear = set()
        for group_id, group in items.groups_of(results.regions, self._field, sent.keys()):
            try:
                for label in self._parse_group(group):
                    if label.key in parsed:
                        raise RegionError("another region already says what its label is")
                    for note in label.notes:
                        self._report(group[0]["id"], note, is_note=True)
                    parsed[label.key] = self._with_attributes(label, group, results, sent.get(label.key, {}))
            except RegionError as error:
                unclear.add(group_id)
                self._report(group[0]["id"], f"{error}; left alone")
        return parsed, unclear

    def _parse_group(self, group: Sequence[Region]) -> list[ParsedLabel]:
        for region in group:
            if region.get("type") not in self._types:
                raise RegionError(f"its type {quoted(region.get('type'))} is not one of {self._types}")
            if not isinstance(region.get("value"), Mapping):
                raise RegionError(f"its value is {quoted(region.get('value'))}, expected an object")
        return items.parse_regions(group, self._field, self._media)

    def _with_attributes(
        self, label: ParsedLabel, group: Sequence[Region], results: FieldResults, entry: Mapping[str, Any]
    ) -> tuple[ParsedLabel, Collection[str]]:
        if self._about and self._family.is_drawn:
            label = self._with_answers(label, group)
        if not self._field.attributes:
            return label, ()
        about = results.attributes
        if self._family.is_drawn:
            ids = dict.fromkeys(region["id"] for region in group)
            about = [row for region_id in ids for row in results.attributes_by_id.get(region_id, ())]
        values, problems = attributes.parse_results(about, label.values.get("label"), self._field, entry)
        for problem in problems.values():
            self._report(group[0]["id"], f"{problem}; left alone")
        return label._replace(values={**label.values, **values}), problems.keys()

    def _with_answers(self, label: ParsedLabel, group: Sequence[Region]) -> ParsedLabel:
        """A label with what was answered about its regions; where these disagree, the first counts."""
        found: dict[str, RegionAnswer] = {}
        for region_id in dict.fromkeys(region["id"] for region in group):
            for answer in self._about.get(region_id, ()):
                if found.setdefault(answer.control, answer) != answer:
                    self._report(
                        region_id,
                        f"its regions have several answers to {answer.control!r}; took the first",
                        is_note=True,
                    )
        if found and self._family.grouping(self._field) is Grouping.FIELD:
            self._report(
                group[0]["id"], f"a {self._field.label_type} has no attributes for {sorted(found)}; left alone"
            )
            return label
        return label._replace(answers=tuple(found.values()))

    def _compare(
        self,
        parsed: ParsedLabel,
        unclear: Collection[str],
        entry: Mapping[str, Any],
        label_ids: Sequence[str],
        answer: FieldAnswer,
    ) -> None:
        now = digests_of(parsed.values)
        before = aspects_in(entry)
        class_name = parsed.values.get("label")
        is_answered = bool(parsed.answers) and self._field.takes_unexpected
        is_whole = self._family.grouping(self._field) is Grouping.FIELD
        is_part = is_whole and (self._is_nameless or not self._origin.is_ours)
        changed = []
        for aspect in {**before, **now}:
            if now.get(aspect) == before.get(aspect) or aspect in unclear:
                continue
            if attributes.is_attribute(aspect):
                if not attributes.attribute_of(aspect, class_name, self._field):
                    continue
                if aspect not in now and (reason := self._why_not_asked(aspect, class_name, parsed.key)):
                    answer.attributes_not_shown[aspect] = reason
                    continue
            elif aspect not in now and is_part:
                continue
            changed.append(aspect)
        for label_id in label_ids:
            if changed or is_answered:
                answer.edited.append(LabelAnswer(label_id, parsed, tuple(changed), entry, is_part))
            else:
                answer.kept.append(label_id)
                if parsed.answers:
                    answer.left.add(label_id)

    def _why_not_asked(self, aspect: str, class_name: str | None, key: str) -> str | None:
        """Why the annotation cannot have shown an attribute that it lacks, or None where somebody took it away."""
        if not self._origin.is_ours:
            return "the annotation did not start from the labels that were sent"
        for control in attributes.controls_of(self._field, self._family):
            is_asked = attributes.aspect_name(control.attribute) == aspect and control.class_name in (None, class_name)
            if is_asked and control.attribute.is_of(class_name):
                if not self._origin.held_answer(control.name, key if self._family.is_drawn else None):
                    return "the prediction that the annotation started from does not hold them"
                if control.name in self._missing.controls and control.name not in self._answered:
                    return f"the labeling config has, or had, no control tag {control.name!r}"
                if control.name in self._missing.classes:
                    return f"the control tag {control.name!r} does not have, or did not have, all choices"
        return None

    def _was_sent(self, entry: Mapping[str, Any]) -> bool:
        return bool(aspects_in(entry))

    def _limit_to_one(self, answer: FieldAnswer) -> None:
        room = 0 if answer.kept or answer.edited or answer.not_shown else 1
        for edit in answer.added[room:]:
            name = edit.parsed.values.get("label")
            self._report(
                None, f"{quoted(name)} is one label too many for a field of type {self._field.label_type}; left out"
            )
        del answer.added[room:]

    def _new_id(self, key: str) -> str:
        return label_id_of(self._run, self._task_id, self._field, key)

    def _report(self, region_id: str | None, reason: str, is_note: bool = False) -> None:
        self._problems.append(Problem(self._task_id, region_id, f"field {self._field.name!r}: {reason}", is_note))


def label_id_of(run: str, task_id: int, field: LabelField, key: str) -> str:
    """The id of a label that was made in Label Studio: always the same for the same region.

    Args:
        run: the token of the annotation run
        task_id: the task
        field: the label field
        key: what tells the label from the others of its field in its task, as a rule the id of its region
    """
    text = "\x00".join((run, str(task_id), field.known_as or field.name, key))
    # What is no character in UTF-8 may stand in JSON all the same.
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=12).hexdigest()
