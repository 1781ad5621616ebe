"""load(): answers -> the dataset, and a report of what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import fiftyone.core.fields as fof
import fiftyone.utils.annotations as foua

from fo_labelstudio.convert import added, keeping
from fo_labelstudio.convert.annotations import Answer, Problem
from fo_labelstudio.convert.families import LABEL_TYPES, holds_list
from fo_labelstudio.convert.merging import RELATED
from fo_labelstudio.convert.schema import Attribute, LabelField
from fo_labelstudio.convert.unexpected import pseudo_field, return_type
from fo_labelstudio.dataset.fields import kind_of
from fo_labelstudio.dataset.merge import FieldMerge, MergeReport
from fo_labelstudio.dataset.scalars import ScalarMerge
from fo_labelstudio.fetching import Answers
from fo_labelstudio.lines import in_lines
from fo_labelstudio.load_call import LoadCall
from fo_labelstudio.log import logger
from fo_labelstudio.prompt import has_terminal

if TYPE_CHECKING:
    from fo_labelstudio.backend import LabelStudioAnnotationResults


def load(
    results: LabelStudioAnnotationResults, fields: Sequence[LabelField], answers: Answers, call: LoadCall
) -> dict[str, Any]:
    """Merges answers into the dataset, page by page.

    Args:
        results: the state of the run, whose records of loads are brought up to date
        fields: the label fields of the run
        answers: what came back
        call: where to

    Returns:
        label field -> label type -> sample id -> label id -> label: unexpected labels that are to be returned

    Raises:
        LabelSchemaError: a destination cannot hold the labels; nothing was merged
    """
    merges = _Merges(results, fields, answers, call)
    returned: dict[str, Any] = {}
    for page in answers:
        merges.merge(page, returned)
    _log(answers, merges.reports, len(results.tasks))
    return returned


class _Merges:
    """One merge for each place that labels go to."""

    def __init__(
        self, results: LabelStudioAnnotationResults, fields: Sequence[LabelField], answers: Answers, call: LoadCall
    ):
        self._results = results
        self._fields = fields
        self._choice = call.unexpected
        self._keeps = call.keeps_unexpected
        self._asked = answers.asked
        self._problems = answers.problems
        self._attributes: dict[str, dict[str, Attribute]] = {}
        self.reports: dict[str, MergeReport] = {}
        names = [field.name for field in fields]
        self._expected = [
            self._merge_into(field, self._without_prefix(call.destination_of(field.name, names))) for field in fields
        ]
        self._returned: list[str] = []
        self._unexpected: dict[str, FieldMerge | ScalarMerge] = {}
        self._choose(answers)

    def merge(self, answers: Sequence[Answer], returned: dict[str, Any]) -> None:
        """Merges some answers; adds unexpected labels that are to be returned to what is returned."""
        if self._keeps:
            keeping.relate(answers)
        for merge in self._expected:
            merge.merge(self._with_attributes(answers))
        for label_type in self._returned:
            keeping.collect(returned, answers, label_type, self._fields)
        for label_type, merge in self._unexpected.items():
            kept = keeping.as_answers(answers, label_type, merge.records.loaded, self._keeps)
            merge.merge(self._with_attributes(kept))

    def _with_attributes(self, answers: Iterable[Answer]) -> Iterable[Answer]:
        """Answers, with those to control tags that somebody added as attributes of labels."""
        return map(self._with_attributes_of, answers) if any(self._attributes.values()) else answers

    def _with_attributes_of(self, answer: Answer) -> Answer:
        fields = dict(answer.fields)
        for name, attributes in self._attributes.items():
            if attributes and name in fields:

                def refuse(label_id: str, reason: str, name: str = name) -> None:
                    self._problems.append(Problem(answer.task_id, None, f"field {name!r}, label {label_id}: {reason}"))

                fields[name] = added.with_attributes(fields[name], attributes, refuse)
        return replace(answer, fields=fields)

    def _merge_into(self, field: LabelField, destination: str) -> FieldMerge | ScalarMerge:
        results = self._results
        name, records = results.records_of(field.name, destination)
        merge: FieldMerge | ScalarMerge
        attributes = self._attributes[field.name] = self._added_attributes(field, destination) if self._keeps else {}
        field = replace(field, attributes=(*field.attributes, *attributes.values()))
        if field.question is None:
            overwrite = results.config.overwrite_masks
            merge = FieldMerge(results.dataset, field, destination, records, results.is_frames, overwrite)
        else:
            merge = ScalarMerge(results.dataset, field, destination, records, results.is_frames)
        self.reports[name] = merge.report
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

    def _declared(self, field: LabelField, destination: str, attribute: str) -> fof.Field | None:
        """An attribute of a field's labels as the dataset declares it, or None where it does not."""
        container: Any = LABEL_TYPES[field.label_type]
        labels = f"{destination}.{container._LABEL_LIST_FIELD}" if holds_list(field.label_type) else destination
        path = f"{labels}.{attribute}"
        return self._results.dataset.get_field(f"frames.{path}" if self._results.is_frames else path)

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
                self._unexpected[label_type] = self._merge_into(field, self._without_prefix(destination))
            elif label_type in found:
                logger.warning(
                    "Skipping %d unexpected labels of type '%s'; unexpected='keep' keeps them in a field '%s', "
                    "unexpected='return' returns them",
                    found[label_type],
                    filed_as,
                    filed_as,
                )
        for control, count in answers.answered.items() if not self._keeps else ():
            logger.warning(
                "Skipping %d answers about regions to control tag '%s'; unexpected='keep' keeps them in the attribute "
                "'%s' of the labels",
                count,
                control,
                control,
            )
        if answers.relations and not self._keeps:
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
            names = results.config.label_schema
            field: str | None = foua._prompt_field(
                results.dataset, filed_as, self._fields[0].name, names, results.is_frames
            )
            return field
        return None

    def _without_prefix(self, field: str) -> str:
        return field.removeprefix("frames.") if self._results.is_frames else field


def _log(answers: Answers, reports: Mapping[str, MergeReport], tasks: int) -> None:
    logger.info("%d of %d tasks have a submitted annotation", answers.count, tasks)
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
                "Field '%s': left %d labels or attributes as they are that the annotations of their tasks cannot have "
                "shown:%s",
                label_field,
                sum(row.number for row in not_shown),
                in_lines(not_shown),
            )
        for reason, count in report.refused.items():
            logger.warning("Field '%s': ignored %d changes because of %s", label_field, count, reason)
        if report.notes:
            lines = in_lines(report.notes)
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
    _log_problems([problem for problem in answers.problems if not problem.is_note], "could not be understood")
    _log_problems([problem for problem in answers.problems if problem.is_note], "needed a decision")


def _log_problems(problems: Sequence[Problem], heading: str) -> None:
    if problems:
        logger.warning("%d region(s) or task(s) %s:%s", len(problems), heading, in_lines(problems))
