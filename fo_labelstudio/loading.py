"""load(): answers -> the dataset, and a report of what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import fiftyone.utils.annotations as foua

from fo_labelstudio.convert import keeping
from fo_labelstudio.convert.annotations import Answer, Problem
from fo_labelstudio.convert.families import LABEL_TYPES
from fo_labelstudio.convert.merging import RELATED
from fo_labelstudio.convert.schema import LabelField
from fo_labelstudio.convert.unexpected import pseudo_field, return_type
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
        if self._choice == "keep":
            keeping.relate(answers)
        for merge in self._expected:
            merge.merge(answers)
        for label_type in self._returned:
            keeping.collect(returned, answers, label_type, self._fields)
        for label_type, merge in self._unexpected.items():
            merge.merge(keeping.as_answers(answers, label_type, merge.records.loaded, self._choice == "keep"))

    def _merge_into(self, field: LabelField, destination: str) -> FieldMerge | ScalarMerge:
        results = self._results
        name, records = results.records_of(field.name, destination)
        merge: FieldMerge | ScalarMerge
        if field.question is None:
            overwrite = results.config.overwrite_masks
            merge = FieldMerge(results.dataset, field, destination, records, results.is_frames, overwrite)
        else:
            merge = ScalarMerge(results.dataset, field, destination, records, results.is_frames)
        self.reports[name] = merge.report
        return merge

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
        if answers.relations and self._choice != "keep":
            logger.warning(
                "Skipping %d relations; unexpected='keep' keeps them in the attribute '%s' of the labels",
                answers.relations,
                RELATED,
            )

    def _destination_of(self, filed_as: str) -> str | None:
        choice = self._choice
        if choice == "keep":
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
