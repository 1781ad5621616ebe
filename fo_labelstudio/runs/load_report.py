"""What a load has done, as a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

import fiftyone.core.context as focx

from fo_labelstudio.dataset.field_merge import MergeReport
from fo_labelstudio.runs.tables import Table, aligned, html_table, show_html

_HEAD = ("Field", "Added", "Edited", "Deleted", "Conflicts", "Left")


@dataclass(frozen=True)
class FieldReport:
    """What a load has done to one field.

    Attributes:
        name: the label field; where its labels went to another one, both
        added: labels that were added
        edited: labels that were changed
        deleted: labels that were deleted
        conflicts: what the dataset and answers had both changed
        left: changes that were not made; the log says why
    """

    name: str
    added: int
    edited: int
    deleted: int
    conflicts: int
    left: int

    @classmethod
    def of(cls, name: str, report: MergeReport, not_shown: int) -> FieldReport:
        """What a merge has done.

        Args:
            name: the field
            report: of the merge
            not_shown: labels and attributes that annotators cannot have seen
        """
        left = report.left + len(report.departed) + report.refused.total() + not_shown
        counts = report.counts
        return cls(name, counts["added"], counts["edited"], counts["deleted"], len(report.conflicts), left)

    @property
    def row(self) -> list[str]:
        """The cells of its row in the table."""
        counts = (self.added, self.edited, self.deleted, self.conflicts, self.left)
        return [self.name, *map(str, counts)]


@dataclass
class LoadReport:
    """What a load or an import has done; a table in a terminal, and in a notebook.

    Attributes:
        summary: how much of what there is was loaded
        fields: what became of each field
        problems: how many regions or tasks could not be understood
        missing: how many tasks are gone from the server
    """

    summary: str = ""
    fields: list[FieldReport] = field(default_factory=list)
    problems: int = 0
    missing: int = 0

    def __str__(self) -> str:
        return "\n\n".join([self.summary, *map(aligned, self._tables()), *self._notes()])

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{escape(self.summary)}</b></p>", *map(html_table, self._tables())]
        return "\n".join(parts + [f"<p>{escape(note)}</p>" for note in self._notes()])

    def show(self) -> None:
        """Shows the table below the cell of a notebook; elsewhere the log has said it all."""
        if focx.is_notebook_context():
            show_html(self._repr_html_())

    def _tables(self) -> list[Table]:
        return [[_HEAD, *(row.row for row in self.fields)]] if self.fields else []

    def _notes(self) -> list[str]:
        notes = []
        if self.problems:
            notes.append(f"{self.problems} regions or tasks could not be understood; the log names them.")
        if self.missing:
            notes.append(f"{self.missing} tasks are gone from the server; their samples were left as they are.")
        return notes
