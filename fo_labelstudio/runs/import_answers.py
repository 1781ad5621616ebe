"""Answers of an import, read as soon as a task is there: before it is known which samples the tasks show."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from fo_labelstudio.convert.annotation.answer import Answer, Problem
from fo_labelstudio.convert.foreign.answers import Pictured, answers_of
from fo_labelstudio.convert.foreign.fields import ForeignFields
from fo_labelstudio.convert.foreign.ids import TaskName
from fo_labelstudio.convert.foreign.shown import Shown
from fo_labelstudio.convert.foreign.which import Which
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.runs.fetch import Answers
from fo_labelstudio.runs.ports import Task
from fo_labelstudio.runs.streams import Spool, read_ahead


class Early(NamedTuple):
    """What a task says of its images, where all of them have a sample.

    Attributes:
        pickled: an answer for each image, of no sample yet, or none at all; as bytes, for most are only passed on
        number: how many these are
        project: what their project was taken for
        sizes: the size of each image that they were read with
        problems: what could not be understood
    """

    pickled: bytes
    number: int
    project: str
    sizes: Sequence[MediaInfo | None]
    problems: Sequence[Problem]

    def is_read_with(self, project: str, sizes: Sequence[MediaInfo | None]) -> bool:
        """Whether they would be the same if they were read now."""
        return self.project == project and list(self.sizes) == list(sizes)

    def answers(self, sample_ids: Sequence[str]) -> list[Answer]:
        """The answers, now that the sample of each image is known."""
        answers: list[Answer] = pickle.loads(self.pickled)
        return [replace(answer, sample_id=name) for answer, name in zip(answers, sample_ids, strict=False)]


def read_early(
    task: Task,
    fields: ForeignFields,
    images: Sequence[Shown],
    sizes: Sequence[MediaInfo | None],
    project: str,
    which: Which,
    name: TaskName,
) -> Early:
    """Reads a task as if each of its images had a sample of the size that is given; see :func:`answers_of`."""
    problems: list[Problem] = []
    pictured = [Pictured(shown, str(place), sizes[place]) for place, shown in enumerate(images)]
    answers = answers_of(task, fields, pictured, project, which, name, problems)
    pickled = pickle.dumps(answers, pickle.HIGHEST_PROTOCOL)
    return Early(pickled, len(answers), project, sizes, problems)


class ImportAnswers(Answers):
    """Answers to tasks of somebody else's project, and what of which tasks they are made of.

    Attributes:
        seen: what tells a task from all others -> digest of what is loaded of it
        absent: sample id -> other tasks that have shown it, and have no answer now
    """

    def __init__(self, page_size: int) -> None:
        super().__init__()
        self.seen: dict[str, str] = {}
        self.absent: dict[str, list[str]] = {}
        self._page_size = page_size
        self._page: list[Answer | tuple[Early, Sequence[str]]] = []
        self._kept = Spool[list[Answer | tuple[Early, Sequence[str]]]]()

    def add(self, page: list[Answer]) -> None:
        """Adds some answers."""
        for answer in page:
            if answer.sample_id in self.absent:
                self._spare(answer)
        self.count += len(page)
        self._add(page)

    def _spare(self, answer: Answer) -> None:
        """Keeps labels that tasks have made which are not there to say whether they are gone."""
        for said in answer.fields.values():
            said.deletions_unsafe, said.is_looked_at = True, False
        numbers = ", ".join(key.partition("@")[0] for key in self.absent[answer.sample_id])
        reason = f"task {numbers} shows sample {answer.sample_id} too, and has no answer here, so no label is deleted"
        self.problems.append(Problem(answer.task_id, None, reason, is_note=True))

    def add_early(self, early: Early, sample_ids: Sequence[str]) -> None:
        """Adds the answers to a task, each of another sample."""
        self.problems.extend(early.problems)
        self.count += early.number
        if early.number:
            self._add([(early._replace(problems=()), sample_ids)])

    def _add(self, items: Sequence[Answer | tuple[Early, Sequence[str]]]) -> None:
        self._page.extend(items)
        if len(self._page) >= self._page_size:
            self._kept.add(self._page)
            self._page = []

    def __iter__(self) -> Iterator[list[Answer]]:
        pages = chain(self._kept, [self._page])
        # While the database writes a page, the next one is made.
        return read_ahead([answer for item in page for answer in _answers_in(item)] for page in pages if page)


def _answers_in(item: Answer | tuple[Early, Sequence[str]]) -> list[Answer]:
    return [item] if isinstance(item, Answer) else item[0].answers(item[1])
