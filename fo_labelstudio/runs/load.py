"""load(): answers -> the dataset, and a report of what became of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, NamedTuple

import fiftyone.core.fields as fof

from fo_labelstudio.convert.annotation import added, provenance
from fo_labelstudio.convert.annotation.answer import Answer, Problem
from fo_labelstudio.convert.annotation.unexpected import pseudo_field, return_type
from fo_labelstudio.convert.families import LABEL_TYPES, family_of, holds_list
from fo_labelstudio.convert.records import RELATED, Attribute, LabelField
from fo_labelstudio.convert.stored import list_name
from fo_labelstudio.dataset.destinations import holder_of
from fo_labelstudio.dataset.field_merge import FieldMerge, MergeReport
from fo_labelstudio.dataset.fields import kind_of
from fo_labelstudio.dataset.frame_labels import FrameLabelMerge
from fo_labelstudio.dataset.frame_ranges import FrameRange
from fo_labelstudio.dataset.internals import prompt_field
from fo_labelstudio.dataset.labels import LabelMerge
from fo_labelstudio.dataset.place import Doc, Place, Stamp, place_of
from fo_labelstudio.dataset.prompt import has_terminal
from fo_labelstudio.dataset.scalars import ScalarMerge
from fo_labelstudio.errors import LabelSchemaError
from fo_labelstudio.log import logger
from fo_labelstudio.merge import unexpected
from fo_labelstudio.merge.conflicts import ANNOTATOR, BOTH, DATASET, Conflict
from fo_labelstudio.merge.ledger import Ledger
from fo_labelstudio.messages import listed, quoted
from fo_labelstudio.runs.fetch import Answers
from fo_labelstudio.runs.load_options import IN_LABELS, LoadOptions
from fo_labelstudio.runs.load_report import FieldReport, LoadReport
from fo_labelstudio.runs.state import LoadState

MAX_CONFLICTS = 10_000
"""Conflicts that are listed with a run; the log counts all."""

_KEPT = {ANNOTATOR: "the annotator", DATASET: "the dataset", BOTH: "both"}

_FRAMES = "frames."

INTERRUPTED = "everything, because it was interrupted"
"""What a load leaves behind until it has come to its end."""


class Plan(NamedTuple):
    """Where the labels of a run go.

    Attributes:
        named: the destinations that the caller names, by label field
        gone: names of the label fields that have left the dataset
        remade: names of those whose labels are made anew where no other field holds them, now or since an earlier load
    """

    named: Mapping[str, str]
    gone: frozenset[str]
    remade: frozenset[str]

    def destination_of(self, field: LabelField) -> str:
        """The field that receives the labels of a label field."""
        return self.named.get(field.name, field.name)


def plan(results: LoadState, fields: Sequence[LabelField], options: LoadOptions) -> Plan:
    """Checks where the labels of a run are to go, before anything is downloaded.

    Raises:
        SettingsError: the caller names destinations that make no sense
        LabelSchemaError: a destination cannot hold the labels
    """
    destinations = options.destinations([field.name for field in fields])
    by_name = {field.name: field for field in fields}
    named = {name: _destination_path(results, by_name[name], path) for name, path in destinations.items()}
    receivers: dict[str, LabelField] = {}
    for field in fields:
        path = named.get(field.name, field.name)
        _merge_of(results, field, path, Ledger(), options)
        other = receivers.setdefault(path, field)
        is_shared = holds_list(field.label_type) and LABEL_TYPES[field.label_type] is LABEL_TYPES[other.label_type]
        if other is not field and not is_shared:
            raise LabelSchemaError(
                f"fields {other.name!r} and {field.name!r} cannot both be loaded into {path!r}; pass a dest_field of "
                "its own for each"
            )
    gone = {field.name for field in fields if _is_gone(results, field)}
    remade = {
        field.name
        for field in fields
        if results.records_name(field.name, named.get(field.name, field.name)) in results.remade
    }
    return Plan(named, frozenset(gone), frozenset(gone | remade))


def load(
    results: LoadState, fields: Sequence[LabelField], answers: Answers, plan: Plan, options: LoadOptions
) -> dict[str, Any]:
    """Merges answers into the dataset, page by page.

    Args:
        results: the state of the run, whose records of loads are brought up to date
        fields: the label fields of the run
        answers: what came back
        plan: where to
        options: what becomes of unexpected labels

    Returns:
        label field -> label type -> sample id -> label id -> label: unexpected labels that are to be returned

    Raises:
        LabelSchemaError: a destination cannot hold the labels, or a field was renamed; nothing was merged
    """
    results.conflicts, results.changes = [], begun_changes()
    report = results.begin_report(results.summary(answers.count))
    logger.info(report.summary)
    returned = merge_answers(results, fields, answers, plan, options, Stamp()).returned
    report.show()
    return returned


class Merged(NamedTuple):
    """What a load has done.

    Attributes:
        returned: what :func:`load` returns
        left: ids of the samples of which something was left behind, as far as that is known of single ones
        destinations: the fields that received labels
    """

    returned: dict[str, Any]
    left: set[str]
    destinations: list[str]


def merge_answers(
    results: LoadState, fields: Sequence[LabelField], answers: Answers, plan: Plan, options: LoadOptions, stamp: Stamp
) -> Merged:
    """Merges answers into the dataset, page by page; see :func:`load`.

    Args:
        results: the state of the run, whose records of loads are brought up to date
        fields: the label fields of the run
        answers: what came back
        plan: where to
        options: what becomes of unexpected labels
        stamp: says when changes are made
    """
    results.left_behind = [INTERRUPTED]
    merges = _Merges(results, fields, answers, plan, options, stamp)
    merges.make_fields()
    returned: dict[str, Any] = {}
    for page in answers:
        for some in _apart(page, results.frame_ranges):
            stamp.begin()
            merges.merge(some, returned)
    _log(answers, merges.reports)
    if results.load_report is not None:
        _note(results.load_report, answers, merges.reports)
    merges.report_remade()
    merges.report_departed()
    merges.report_conflicts()
    merges.report_changes()
    results.left_behind = merges.left_behind()
    return Merged(returned, merges.left_samples(), merges.destinations)


def _apart(page: Sequence[Answer], ranges: Mapping[str, FrameRange]) -> Iterator[Sequence[Answer]]:
    """Answers in groups in which no two are of one sample, for each is compared with what the one before has left."""
    left = list(page)
    while left:
        group: dict[str, Answer] = {}
        for answer in left:
            name = answer.sample_id
            group.setdefault(ranges[name].sample_id if name in ranges else name, answer)
        taken = set(map(id, group.values()))
        left = [answer for answer in left if id(answer) not in taken]
        yield list(group.values())


def has_field(results: LoadState, path: str) -> bool:
    """Whether the dataset has a field that loads put labels into."""
    return _place(results, path).field is not None


def _is_gone(results: LoadState, field: LabelField) -> bool:
    """Whether a field that the dataset had is there no more, or another one has its name."""
    declared = _place(results, field.name).field
    if declared is None:
        return field.existing or bool(results.loaded.get(field.name))
    merge = LabelMerge if field.question is None else ScalarMerge
    return not merge.can_hold(declared, field)


def _place(results: LoadState, path: str, stamp: Stamp | None = None) -> Place:
    """A field of what the run's tasks show."""
    return place_of(results.dataset, path, results.is_frames, stamp, results.frame_ranges)


def _destination_path(results: LoadState, field: LabelField, path: str) -> str:
    """The path of the destination of a label field, by what the caller names.

    Raises:
        LabelSchemaError: labels of samples are to go to frames
    """
    if field.is_of_frames:
        return path if path.startswith(_FRAMES) else _FRAMES + path
    if results.is_frames:
        return path.removeprefix(_FRAMES)
    if field.medium.frame_scope is not None and path.startswith(_FRAMES):
        raise LabelSchemaError(
            f"field {field.name!r} is one of samples, so its labels cannot go to {path!r}, a field of frames; pass "
            "another dest_field"
        )
    return path


class _NotesLeft(FieldMerge[Any]):
    """A merge that takes note of the samples of which it leaves something behind."""

    left_samples: set[str]
    path: str

    def _plan(self, answer: Answer, doc: Doc) -> Any:
        before, told = self._left(), len(self.report.conflicts)
        change = super()._plan(answer, doc)  # type: ignore[safe-super]
        if self._left() > before or any(map(_keeps_the_datasets, self.report.conflicts[told:])):
            self.left_samples.add(answer.sample_id)
        return change

    def _left(self) -> int:
        report = self.report
        return report.left + len(report.departed) + _refused(report)


class _LabelMerge(_NotesLeft, LabelMerge):
    """See :class:`LabelMerge`."""


class _FrameLabelMerge(_NotesLeft, FrameLabelMerge):
    """See :class:`FrameLabelMerge`."""


class _ScalarMerge(_NotesLeft, ScalarMerge):
    """See :class:`ScalarMerge`."""


_Merge = _LabelMerge | _FrameLabelMerge | _ScalarMerge


def _refused(report: MergeReport) -> int:
    """How many changes were held back that nobody has forbidden."""
    return sum(count for reason, count in report.refused.items() if not reason.endswith("=False"))


def _keeps_the_datasets(conflict: tuple[str, Conflict]) -> bool:
    """Whether the dataset's version of a conflict counted, so that the annotator's was left behind."""
    return conflict[1].kept == DATASET


def _merge_of(
    results: LoadState,
    field: LabelField,
    path: str,
    ledger: Ledger,
    options: LoadOptions,
    is_moved: bool = False,
    stamp: Stamp | None = None,
) -> _Merge:
    place = _place(results, path, stamp)
    source = None if path == field.name or is_moved else _place(results, field.name)
    merge: _Merge
    if field.question is not None:
        merge = _ScalarMerge(place, field, ledger, source, options.on_conflict)
    elif field.is_of_frames:
        merge = _FrameLabelMerge(place, field, ledger, source, on_conflict=options.on_conflict)
    else:
        merge = _LabelMerge(place, field, ledger, source, results.overwrites_masks, options.on_conflict)
    merge.left_samples, merge.path = set(), path
    if source is not None:
        merge.source_edited = results.edited.get(field.name, {})
    return merge


class _Merges:
    """One merge for each place that labels go to."""

    def __init__(
        self,
        results: LoadState,
        fields: Sequence[LabelField],
        answers: Answers,
        plan: Plan,
        options: LoadOptions,
        stamp: Stamp,
    ):
        self._stamp = stamp
        self._suffix = options.suffix
        self._provenance = options.provenance == IN_LABELS
        self._telling: list[FieldMerge[Any]] = []
        self._left: set[str] = set()
        self._results = results
        self._fields = fields
        self._answers = answers
        self._plan = plan
        self._options = options
        self._choice = options.unexpected
        self._keeps = options.keeps_unexpected
        self._asked = answers.asked
        self._problems = answers.problems
        self._attributes: dict[str, dict[str, Attribute]] = {}
        self._remade: dict[str, LabelField] = {}
        self._made: set[str] = set()
        self.reports: dict[str, MergeReport] = {}
        self._moved = {field.name for field in fields if field.name in plan.gone and self._is_moved(field)}
        self._expected = [
            self._merge_into(field, plan.destination_of(field), field.name in self._moved) for field in fields
        ]
        self._returned: list[str] = []
        self._skipped = 0
        self._unexpected: dict[str, _Merge] = {}
        self._choose(answers)

    def make_fields(self) -> None:
        """Makes the fields that are new, now that all can be made."""
        if self._remade.keys() - self._results.remade:
            # Known before the field is there: the next load must not take it for one that somebody has emptied.
            self._results.remade = sorted({*self._results.remade, *self._remade})
            self._results.save()
        for merge in (*self._expected, *self._unexpected.values()):
            merge.ensure_field()

    def left_behind(self) -> list[str]:
        """What the project holds that was not loaded and that nobody chose to leave there."""
        answers, lines = self._answers, []
        for name, report in self.reports.items():
            left = report.left + len(report.departed) + _refused(report)
            kept = sum(map(_keeps_the_datasets, report.conflicts)) - len(report.departed)
            if left:
                lines.append(f"{left} changes of field {name!r}")
            if kept > 0:
                lines.append(f"{kept} changes of field {name!r} in whose place the dataset's were kept")
            if report.lost:
                lines.append(f"the answers to {len(report.lost)} samples that are no longer in the dataset")
        if self._remade and answers.count < len(self._results.tasks):
            unanswered = len(self._results.tasks) - answers.count
            lines.append(f"the labels of field {next(iter(self._remade))!r} on {unanswered} tasks without an answer")
        for field in self._remade.values():
            not_shown = sum(row.number for row in answers.not_shown.get(field.name, ()))
            if not_shown:
                lines.append(f"{not_shown} labels of field {field.name!r} that annotations did not show")
        problems = sum(not problem.is_note for problem in answers.problems)
        if problems:
            lines.append(f"{problems} region(s) or task(s) that could not be understood")
        if self._skipped:
            lines.append(f"{self._skipped} unexpected labels or relations")
        return lines

    def left_samples(self) -> set[str]:
        """The samples of which something was left behind, as far as that is known of single ones."""
        left = set(self._left)
        for merge in (*self._expected, *self._unexpected.values()):
            left |= {*merge.left_samples, *merge.report.lost}
        return left

    @property
    def destinations(self) -> list[str]:
        """The fields that receive labels."""
        return [merge.path for merge in (*self._expected, *self._unexpected.values())]

    def report_remade(self) -> None:
        """Says which labels were made anew, and what they lack."""
        for name, field in self._remade.items():
            report = self.reports[name]
            if not report.remade and name not in self._made:
                continue
            asked = [attribute.name for attribute in field.attributes]
            lacking = ["tags", "index"] if field.question is None else []
            if field.question is None:
                lacking.append(f"attributes but {asked}" if asked else "attributes")
            lacking.extend(family_of(field).not_held)
            what = f" Their regions do not hold {', '.join(lacking)}." if lacking else ""
            logger.warning(
                "Field '%s' of the run is gone; made %d labels of answered tasks again, in '%s'.%s If the field was "
                "renamed, delete the new field and pass dest_field={'%s': '<its new name>'}",
                field.name,
                report.remade,
                self._plan.destination_of(field),
                what,
                field.name,
            )

    def report_departed(self) -> None:
        """Says which labels were deleted in FiftyOne while somebody edited them, and where they are, if anywhere."""
        for field in self._fields:
            path = self._plan.destination_of(field)
            for name in {self._results.records_name(field.name, path), field.name} & self.reports.keys():
                departed = self.reports[name].departed
                if not departed:
                    continue
                ids: dict[str, list[str]] = {}
                for sample_id, label_id in departed:
                    ids.setdefault(sample_id, []).append(label_id)
                container: Any = LABEL_TYPES[field.label_type]
                taken = {path, *(self._plan.destination_of(other) for other in self._fields)}
                holder = holder_of(_place(self._results, path), ids, container, taken) if container else None
                hint = (
                    f"; field {holder!r} holds some: pass dest_field={{{field.name!r}: {holder!r}}}" if holder else ""
                )
                logger.warning(
                    "Field '%s': %d labels were edited in Label Studio and deleted in FiftyOne, such as %s of sample "
                    "%s; they stay deleted%s",
                    name,
                    len(departed),
                    departed[0][1],
                    departed[0][0],
                    hint,
                )

    def report_conflicts(self) -> None:
        """Says what the dataset and the answers had both changed, in the log, and in the state behind what is there."""
        found, ranges = [], self._results.frame_ranges
        for merge in (*self._expected, *self._unexpected.values()):
            path = _place(self._results, merge.path).full_path
            for sample_id, conflict in merge.report.conflicts:
                owner = ranges[sample_id].sample_id if sample_id in ranges else sample_id
                row = {"sample_id": owner, "label_id": conflict.label_id, "label_field": path}
                found.append({**row, **conflict._asdict()})
        if found:
            lines = listed([_line_of(row) for row in found])
            logger.warning(
                "%d change(s) were made in FiftyOne and in Label Studio; on_conflict= says which counts, and the "
                "`conflicts` of the results list them:%s",
                len(found),
                lines,
            )
        self._results.conflicts = [*self._results.conflicts, *found][:MAX_CONFLICTS]

    def report_changes(self) -> None:
        """Writes which samples were changed, and how, into the state behind what is there."""
        changes, ranges = self._results.changes, self._results.frame_ranges
        for merge in (*self._expected, *self._unexpected.values()):
            report = merge.report
            changes["not_listed"] = changes.get("not_listed", 0) + report.not_listed
            rows = changes.setdefault("fields", {}).setdefault(_place(self._results, merge.path).full_path, {})
            for sample_id, made in report.changed.items():
                owner = ranges[sample_id].sample_id if sample_id in ranges else sample_id
                rows[owner] = [number + more for number, more in zip(rows.get(owner, [0, 0, 0]), made, strict=True)]

    def _is_moved(self, field: LabelField) -> bool:
        """Whether the destination of a field that is gone is that field under another name.

        Raises:
            LabelSchemaError: another field is, which the caller does not name
        """
        results, plan = self._results, self._plan
        path = plan.destination_of(field)
        if path == field.name and field.name in plan.named:
            return False
        name = results.records_name(field.name, path)
        if path != field.name and (name in results.remade or results.loaded.get(name)):
            # Loads have put there what it holds.
            return False
        ids = self._ids_of(field)
        if field.question is not None:
            return path != field.name and self._has_values(path, ids)
        taken = {field.name, *(plan.destination_of(other) for other in self._fields if other is not field)}
        container: Any = LABEL_TYPES[field.label_type]
        if path != field.name:
            place = _place(results, path)
            return place.field is not None and path == holder_of(place, ids, container, taken - {path}, only=path)
        holder = holder_of(_place(results, path), ids, container, taken)
        if holder is not None:
            raise LabelSchemaError(
                f"field {field.name!r} of the run is gone, and field {holder!r} holds its labels; nothing was loaded. "
                f"Pass dest_field={{{field.name!r}: {holder!r}}} to load into that, or "
                f"dest_field={{{field.name!r}: {field.name!r}}} to make {field.name!r} again"
            )
        return False

    def _ids_of(self, field: LabelField) -> dict[str, set[str]]:
        """Sample id -> ids of the labels that were sent or loaded, of answered tasks."""
        found: dict[str, set[str]] = {}
        for page in self._answers:
            for answer in page:
                of_field = answer.fields[field.name]
                ids = found.setdefault(answer.sample_id, set())
                ids.update(
                    of_field.kept, of_field.not_shown, of_field.deleted, (edit.label_id for edit in of_field.edited)
                )
        for sample_id, loaded in self._results.loaded.get(field.name, {}).items():
            found.setdefault(sample_id, set()).update(loaded)
        return found

    def _has_values(self, path: str, sample_ids: Collection[str]) -> bool:
        """Whether a scalar field has a value on any of some samples."""
        return _place(self._results, path).has_values(sample_ids)

    def merge(self, answers: Sequence[Answer], returned: dict[str, Any]) -> None:
        """Merges some answers; adds unexpected labels that are to be returned to what is returned."""
        for answer in answers:
            for name in self._moved:
                # What such a field lacks was deleted in FiftyOne.
                answer.originals.pop(name, None)
        if self._keeps:
            unexpected.attach_relations(answers)
        elif self._choice == "prompt":
            # They are asked for, or told of, each time.
            self._left.update(
                answer.sample_id for answer in answers if answer.unexpected or answer.answered or answer.relations
            )
        for merge in self._expected:
            merge.merge(self._with_attributes(self._with_provenance(answers, merge)))
        for label_type in self._returned:
            unexpected.file_returned(returned, answers, label_type, self._fields)
        for label_type, merge in self._unexpected.items():
            made = {answer.sample_id: answer.made for answer in answers}
            kept = unexpected.as_field_answers(answers, label_type, merge.ledger.loaded, self._keeps)
            told = (replace(answer, made=made[answer.sample_id]) for answer in kept)
            merge.merge(self._with_attributes(self._with_provenance(told, merge)))

    def _with_attributes(self, answers: Iterable[Answer]) -> Iterable[Answer]:
        """Answers, with those to control tags that somebody added as attributes of labels."""
        return map(self._with_attributes_of, answers) if any(self._attributes.values()) else answers

    def _with_provenance(self, answers: Iterable[Answer], merge: FieldMerge[Any]) -> Iterable[Answer]:
        """Answers, with who made them as attributes of labels, where that is asked for, or was at an earlier load."""
        if merge not in self._telling:
            return answers
        edited = merge.ledger.edited

        def told(answer: Answer) -> Answer:
            made = answer.made
            if made is None or not (self._provenance or answer.sample_id in edited):
                return answer
            known = edited.get(answer.sample_id, {})
            fields = {
                name: provenance.with_provenance(said, made)
                if self._provenance
                else provenance.with_known_provenance(said, made, known)
                for name, said in answer.fields.items()
            }
            return replace(answer, fields=fields)

        return map(told, answers)

    def _with_attributes_of(self, answer: Answer) -> Answer:
        fields = dict(answer.fields)
        for name, attributes in self._attributes.items():
            if attributes and name in fields:

                def refuse(label_id: str, reason: str, name: str = name) -> None:
                    self._problems.append(Problem(answer.task_id, None, f"field {name!r}, label {label_id}: {reason}"))

                fields[name] = added.with_attributes(fields[name], attributes, refuse)
        return replace(answer, fields=fields, ready={})

    def _merge_into(self, field: LabelField, destination: str, is_moved: bool = False) -> _Merge:
        results = self._results
        is_new = _place(results, destination).field is None
        if is_new:
            # What loads did to a field that is gone says nothing of the one that is made in its place.
            results.forget(field.name, destination)
        if is_moved:
            logger.warning(
                "Field '%s' of the run is gone; loading into '%s', which holds its labels", field.name, destination
            )
        name, ledger = results.records_of(field.name, field.name if is_moved else destination)
        attributes = self._attributes[field.name] = self._added_attributes(field, destination) if self._keeps else {}
        made = self._provenance_of(field, destination, ledger)
        asking = replace(field, attributes=(*field.attributes, *attributes.values(), *made))
        merge = _merge_of(results, asking, destination, ledger, self._options, is_moved, self._stamp)
        self.reports[name] = merge.report
        self._telling += [merge] if made else []
        if field.name in self._plan.remade and not is_moved:
            self._remade[name] = field
            if is_new:
                self._made.add(name)
        return merge

    def _added_attributes(self, field: LabelField, destination: str) -> dict[str, Attribute]:
        """The attributes that hold the answers to control tags which somebody added, by the names of these."""
        found = {}
        for control, asked in self._asked.get(field.name, {}).items():
            problem = added.name_problem(control, field)
            declared = None if problem else self._declared(field, destination, control)
            kind = asked.kind if declared is None else kind_of(declared)
            if declared is not None and (declared.read_only or kind is None):
                problem = f"the dataset declares it {'read-only' if declared.read_only else type(declared).__name__}"
            if problem or kind is None:
                logger.warning(
                    "Field '%s': skipping %d answers to control tag '%s', which cannot become an attribute: %s",
                    destination,
                    asked.count,
                    control,
                    problem,
                )
            else:
                found[control] = added.attribute_of(control, kind)
        return found

    def _provenance_of(self, field: LabelField, destination: str, ledger: Ledger) -> Sequence[Attribute]:
        """The attributes that say who changed a label, where that is asked for, or earlier loads have written them.

        Raises:
            LabelSchemaError: labels have other attributes of these names; nothing was merged
        """
        if field.question is not None:
            return ()
        if not self._provenance:
            is_own = any(added.name_problem(attribute.name, field) for attribute in provenance.ATTRIBUTES)
            return () if is_own or not tells_who(ledger.edited) else provenance.ATTRIBUTES
        for attribute in provenance.ATTRIBUTES:
            problem = added.name_problem(attribute.name, field)
            declared = self._declared(field, destination, attribute.name)
            if declared is not None and (declared.read_only or kind_of(declared) != attribute.question.kind):
                problem = f"the dataset declares it {'read-only' if declared.read_only else type(declared).__name__}"
            if problem:
                raise LabelSchemaError(
                    f"field {destination!r}: its labels cannot say who made them in the attribute {attribute.name!r}: "
                    f"{problem}; pass provenance='samples'"
                )
        return provenance.ATTRIBUTES

    def _declared(self, field: LabelField, destination: str, attribute: str) -> fof.Field | None:
        """An attribute of a field's labels as the dataset declares it, or None where it does not."""
        place, inner = _place(self._results, destination), list_name(LABEL_TYPES[field.label_type])
        return (place.at(inner) if inner else place).at(attribute).field

    def _choose(self, answers: Answers) -> None:
        """Decides what becomes of each type of unexpected labels."""
        found = answers.unexpected
        is_allowed = any(field.allow_additions for field in self._fields)
        for label_type in LABEL_TYPES:
            field, filed_as = pseudo_field(label_type), return_type(label_type)
            # What earlier loads kept may have been taken away since.
            was_kept = any(name.startswith(f"{field.name} -> ") for name in self._results.loaded)
            if label_type not in found and not was_kept:
                continue
            if self._choice == "return":
                self._returned.append(label_type)
                continue
            destination = self._destination_of(filed_as) if is_allowed else None
            if destination is not None:
                path = self._without_prefix(destination) + self._suffix
                self._unexpected[label_type] = self._merge_into(field, path)
            elif label_type in found:
                self._skipped += found[label_type] if self._choice == "prompt" and not has_terminal() else 0
                logger.warning(
                    "Skipping %d unexpected labels of type '%s'; unexpected='keep' keeps them in a field '%s', "
                    "unexpected='return' returns them",
                    found[label_type],
                    filed_as,
                    filed_as,
                )
        for control, count in answers.answered.items() if not self._keeps else ():
            self._skipped += count if self._choice == "prompt" else 0
            logger.warning(
                "Skipping %d answers about regions to control tag '%s'; unexpected='keep' keeps them in the attribute "
                "'%s' of the labels",
                count,
                control,
                control,
            )
        if answers.relations and not self._keeps:
            self._skipped += answers.relations if self._choice == "prompt" else 0
            logger.warning(
                "Skipping %d relations; unexpected='keep' keeps them in the attribute '%s' of the labels",
                answers.relations,
                RELATED,
            )

    def _destination_of(self, filed_as: str) -> str | None:
        choice = self._choice
        if self._keeps:
            return filed_as
        if isinstance(choice, Mapping):
            return choice.get(filed_as)
        if isinstance(choice, (list, tuple, set)):
            return filed_as if filed_as in choice else None
        if choice == "prompt" and has_terminal():
            results = self._results
            return prompt_field(results, filed_as, self._fields[0].name, results.is_frames)
        return None

    def _without_prefix(self, field: str) -> str:
        return field.removeprefix("frames.") if self._results.is_frames else field


def _line_of(conflict: Mapping[str, Any]) -> str:
    return (
        f"field {conflict['label_field']!r}, sample {conflict['sample_id']}, label {conflict['label_id']}: "
        f"{conflict['aspect']}, in the dataset {quoted(conflict['dataset'])}, of the annotator "
        f"{quoted(conflict['annotator'])}; kept that of {_KEPT[conflict['kept']]}"
    )


def begun_changes() -> dict[str, Any]:
    """What is kept of the changes of a load that begins."""
    return {"at": datetime.now(timezone.utc).isoformat(timespec="seconds")}


def tells_who(edited: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> bool:
    """Whether loads have written into labels who changed them.

    Args:
        edited: sample id -> label id -> what loads have written into the label
    """
    names = set(provenance.KINDS)
    return any(not names.isdisjoint(record) for labels in edited.values() for record in labels.values())


def _log(answers: Answers, reports: Mapping[str, MergeReport]) -> None:
    for label_field, report in reports.items():
        counts = report.counts
        logger.info(
            "Field '%s': %d labels added, %d edited, %d deleted",
            label_field,
            counts["added"],
            counts["edited"],
            counts["deleted"],
        )
        not_shown = answers.not_shown.get(label_field.partition(" -> ")[0], ())
        if not_shown:
            logger.warning(
                "Field '%s': left %d labels or attributes as they are, because the annotations of their tasks cannot "
                "have shown them:%s",
                label_field,
                sum(row.number for row in not_shown),
                listed(not_shown),
            )
        for reason, count in report.refused.items():
            logger.warning("Field '%s': ignored %d changes because of %s", label_field, count, reason)
        if report.notes:
            lines = listed(report.notes)
            logger.warning("Field '%s': %d edit(s) needed a decision:%s", label_field, len(report.notes), lines)
        if report.lost:
            logger.warning(
                "Field '%s': ignored the answers to %d samples that are no longer in the dataset, such as %s",
                label_field,
                len(report.lost),
                report.lost[0],
            )
    if answers.missing:
        logger.warning("%d tasks are gone from the server; their samples were left as they are", answers.missing)
    log_problems(answers.problems)


def _note(report: LoadReport, answers: Answers, reports: Mapping[str, MergeReport]) -> None:
    """Takes what was done into the report of a load."""
    not_shown = {name: sum(row.number for row in rows) for name, rows in answers.not_shown.items()}
    report.fields += [
        FieldReport.of(name, merged, not_shown.get(name.partition(" -> ")[0], 0)) for name, merged in reports.items()
    ]
    report.problems += sum(not problem.is_note for problem in answers.problems)
    report.missing += answers.missing


def log_problems(problems: Sequence[Problem]) -> None:
    """Says what could not be understood, and what had to be decided."""
    _log_problems([problem for problem in problems if not problem.is_note], "could not be understood")
    _log_problems([problem for problem in problems if problem.is_note], "needed a decision")


def _log_problems(problems: Sequence[Problem], heading: str) -> None:
    if problems:
        logger.warning("%d region(s) or task(s) %s:%s", len(problems), heading, listed(problems))
