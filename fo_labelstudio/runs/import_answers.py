"""Answers of an import, read as soon as a task is there: before it is known which samples the tasks show."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import NamedTuple

from fo_labelstudio.convert.annotation.answer import Answer, FieldAnswer, Problem, ReadyLabels
from fo_labelstudio.convert.foreign.answers import Pictured, answers_of
from fo_labelstudio.convert.foreign.fields import ForeignFields
from fo_labelstudio.convert.foreign.ids import TaskName
from fo_labelstudio.convert.foreign.shown import Shown
from fo_labelstudio.convert.foreign.which import Which
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.merge.ready import ready_labels
from fo_labelstudio.merge.unexpected import attach_relations
from fo_labelstudio.runs.fetch import Answers
from fo_labelstudio.runs.ports import Task
from fo_labelstudio.runs.streams import Spool, read_ahead


class _Packed(NamedTuple):
    """An answer of no sample yet, as bytes, for most of it is only passed on.

    Attributes:
        pickled: the answer without its fields
        fields: label field -> what was answered; None where its labels were made ahead, for hardly any is asked for
        ready: label field -> its labels, where they were made ahead
    """

    pickled: bytes
    fields: Mapping[str, bytes | None]
    ready: Mapping[str, ReadyLabels]


class Early(NamedTuple):
    """What a task says of its images, where all of them have a sample.

    Attributes:
        packed: an answer for each image, or none at all
        project: what their project was taken for
        sizes: the size of each image that they were read with
        problems: what could not be understood
    """

    packed: Sequence[_Packed]
    project: str
    sizes: Sequence[MediaInfo | None]
    problems: Sequence[Problem]

    def is_read_with(self, project: str, sizes: Sequence[MediaInfo | None]) -> bool:
        """Whether they would be the same if they were read now."""
        return self.project == project and list(self.sizes) == list(sizes)

    def answers(self, sample_ids: Sequence[str], read_again: Callable[[int], Answer]) -> list[Answer]:
        """The answers, now that the sample of each image is known.

        Args:
            sample_ids: the sample of each image
            read_again: reads the task once more, and gives the answer of an image
        """
        return [
            replace(
                pickle.loads(one.pickled),
                sample_id=name,
                fields=_PackedFields(one.fields, partial(read_again, place)),
                ready=one.ready,
            )
            for place, (one, name) in enumerate(zip(self.packed, sample_ids, strict=False))
        ]


class KeptTask(NamedTuple):
    """A task, as it is kept in a file until it is known which samples all tasks show.

    Attributes:
        name: what tells it from the others of its project
        pickled: the task
        images: the images that it shows
        early: what was read of it early
    """

    name: TaskName
    pickled: bytes
    images: Sequence[Shown]
    early: Early | None


class _PackedFields(MutableMapping[str, FieldAnswer]):
    """Label field -> what was answered; each is read when it is first asked for.

    Args:
        packed: the same as bytes, or None
        read_again: reads the whole answer once more
    """

    def __init__(self, packed: Mapping[str, bytes | None], read_again: Callable[[], Answer]):
        self._found: dict[str, bytes | FieldAnswer | None] = dict(packed)
        self._read_again = read_again

    def __getitem__(self, name: str) -> FieldAnswer:
        found = self._found[name]
        if not isinstance(found, FieldAnswer):
            found = self._read_again().fields[name] if found is None else pickle.loads(found)
            assert isinstance(found, FieldAnswer)
            self._found[name] = found
        return found

    def __setitem__(self, name: str, answered: FieldAnswer) -> None:
        self._found[name] = answered

    def __delitem__(self, name: str) -> None:
        del self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def read_early(
    task: Task,
    fields: ForeignFields,
    images: Sequence[Shown],
    sizes: Sequence[MediaInfo | None],
    project: str,
    which: Which,
    name: TaskName,
    is_new: bool,
) -> Early:
    """Reads a task as if each of its images had a sample of the size that is given; see :func:`answers_of`.

    Args:
        task: the task
        fields: the fields of its project
        images: the images that it shows
        sizes: the size of each of them, or None
        project: what its project is taken for
        which: which of its answers count
        name: what tells it from the others of its project
        is_new: whether no earlier import has read it, so that its labels are made ahead
    """
    problems: list[Problem] = []
    answers = _read(task, fields, images, sizes, project, which, name, problems)
    by_name = {field.name: field for field in fields.fields} if is_new else {}
    return Early([_packed(answer, by_name) for answer in answers], project, sizes, problems)


def _read(
    task: Task,
    fields: ForeignFields,
    images: Sequence[Shown],
    sizes: Sequence[MediaInfo | None],
    project: str,
    which: Which,
    name: TaskName,
    problems: list[Problem],
) -> list[Answer]:
    """The answers to a task, with relations, which imports keep."""
    pictured = [Pictured(shown, str(place), sizes[place]) for place, shown in enumerate(images)]
    answers = answers_of(task, fields, pictured, project, which, name, problems)
    attach_relations(answers)
    return answers


def _packed(answer: Answer, fields: Mapping[str, LabelField]) -> _Packed:
    """An answer as bytes, with the labels of some fields made ahead."""
    # A load passes over fields whose labels are ready, and would not see their relations.
    found = (
        {} if answer.relations else {name: ready_labels(answer.fields[name], field) for name, field in fields.items()}
    )
    ready = {name: labels for name, labels in found.items() if labels is not None}
    packed = {
        name: None if name in ready else pickle.dumps(said, pickle.HIGHEST_PROTOCOL)
        for name, said in answer.fields.items()
    }
    return _Packed(pickle.dumps(replace(answer, fields={}), pickle.HIGHEST_PROTOCOL), packed, ready)


class ImportAnswers(Answers):
    """Answers to tasks of somebody else's project, and what of which tasks they are made of.

    Args:
        page_size: how many are merged at once
        fields: the fields of the project
        which: which of its answers count

    Attributes:
        seen: what tells a task from all others -> digest of what is loaded of it
        absent: sample id -> other tasks that have shown it, and have no answer now
    """

    def __init__(self, page_size: int, fields: ForeignFields, which: Which) -> None:
        super().__init__()
        self.seen: dict[str, str] = {}
        self.absent: dict[str, list[str]] = {}
        self._page_size = page_size
        self._fields = fields
        self._which = which
        self._page: list[Answer | tuple[KeptTask, Sequence[str]]] = []
        self._kept = Spool[list[Answer | tuple[KeptTask, Sequence[str]]]]()

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

    def add_early(self, kept: KeptTask, early: Early, sample_ids: Sequence[str]) -> None:
        """Adds the answers to a task, each of another sample."""
        self.problems.extend(early.problems)
        self.count += len(early.packed)
        if early.packed:
            self._add([(kept._replace(early=early._replace(problems=())), sample_ids)])

    def _add(self, items: Sequence[Answer | tuple[KeptTask, Sequence[str]]]) -> None:
        self._page.extend(items)
        if len(self._page) >= self._page_size:
            self._kept.add(self._page)
            self._page = []

    def __iter__(self) -> Iterator[list[Answer]]:
        pages = chain(self._kept, [self._page])
        # While the database writes a page, the next one is made.
        return read_ahead([answer for item in page for answer in self._answers_in(item)] for page in pages if page)

    def _answers_in(self, item: Answer | tuple[KeptTask, Sequence[str]]) -> list[Answer]:
        if isinstance(item, Answer):
            return [item]
        kept, sample_ids = item
        assert kept.early is not None
        return kept.early.answers(sample_ids, partial(self._read_again, kept, kept.early))

    def _read_again(self, kept: KeptTask, early: Early, place: int) -> Answer:
        """What was read early of one image, once more; its problems are told already."""
        task = pickle.loads(kept.pickled)
        return _read(task, self._fields, kept.images, early.sizes, early.project, self._which, kept.name, [])[place]
