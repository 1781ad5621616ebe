"""Which sample each task shows: never a guess, and all questions at once."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from fo_labelstudio.convert.media_address import (
    LOCAL_FILES,
    PATH,
    MediaAddress,
    is_shortened_from,
    local_name,
    path_key,
    server_names,
    shortened,
    tails,
    upload_names,
)

Place = tuple[Hashable, str]
"""One image of one task: the task's id, and the image's slot in it."""

UPLOADED = "the name that it was uploaded with"
OTHERWISE = "another reading of its address"
"""A rule that takes addresses for encoded too often, or not at all."""

_MAX_CANDIDATES = 5
"""Candidates that the text of a question names."""


class Shown(NamedTuple):
    """One image that a task shows.

    Attributes:
        task: the task's id, or what else tells it from all others
        slot: which of its images; the key of its data, with an index where that holds a list
        address: what the task calls it
        sample_id: the id of a sample of ours that the task's data names, or None
        values: values of the task's data that ``match`` compares with fields of samples, or None where one is missing
    """

    task: Hashable
    slot: str
    address: MediaAddress
    sample_id: str | None = None
    values: tuple[str, ...] | None = None

    @property
    def place(self) -> Place:
        """Which image this is."""
        return self.task, self.slot


class Question(NamedTuple):
    """An image that may be several samples, or one of several that may be the same sample.

    Attributes:
        place: the task's id and the slot
        address: what the task calls it
        rule: what the candidates were found by
        candidates: ids of samples, or paths of files
        names: what messages call the candidates
        rivals: the other images that may be the only candidate
    """

    place: Place
    address: str
    rule: str
    candidates: tuple[str, ...]
    names: tuple[str, ...]
    rivals: tuple[Place, ...] = ()

    def __str__(self) -> str:
        task, slot = self.place
        if self.rivals:
            others = _some([f"task {task}" for task, _ in self.rivals])
            return f"task {task}, {slot}, {self.address!r}: by {self.rule} it is {self.names[0]}, but so is {others}"
        return f"task {task}, {slot}, {self.address!r}: by {self.rule} it may be any of {_some(self.names)}"


def _some(items: Sequence[str]) -> str:
    more = len(items) - _MAX_CANDIDATES
    return ", ".join(items[:_MAX_CANDIDATES]) + (f" and {more} more" if more > 0 else "")


@dataclass(frozen=True)
class Matching:
    """Which sample each image is.

    Attributes:
        samples: image -> id of the sample that it is
        files: image -> path of the file that it is, of which there is no sample
        left: image -> address; there is neither a sample nor a file
        refused: image -> why nothing is looked for under its address
        questions: images of which that is not clear
        rules: what images were found by -> how many
        elsewhere: image -> id of a sample of the dataset that is not among those that were asked for
        addresses: image that is a file -> address
        shared: id of a sample, or path of a file, that several images are -> these images
    """

    samples: Mapping[Place, str]
    files: Mapping[Place, str]
    left: Mapping[Place, MediaAddress]
    refused: Mapping[Place, str]
    questions: tuple[Question, ...]
    rules: Mapping[str, int]
    shared: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)
    elsewhere: Mapping[Place, str] = field(default_factory=dict)
    addresses: Mapping[Place, MediaAddress] = field(default_factory=dict)

    def report(self) -> list[str]:
        """What a user should know of it, a line each."""
        lines = [f"{_place_text(place)}: {reason}" for place, reason in self.refused.items()]
        lines += [
            f"{number} image(s) were found by {rule}, as if it were encoded too often or not at all"
            for rule, number in self.rules.items()
            if rule.startswith(OTHERWISE)
        ]
        lines += [
            f"{_place_text(place)}: it shows sample {sample_id} of the dataset, which is not among the samples"
            for place, sample_id in self.elsewhere.items()
        ]
        lines += [
            f"{_place_text(place)}: there is no sample of {address.shown!r}" for place, address in self.left.items()
        ]
        lines += [f"{name} is shown by {_some(list(map(_place_text, places)))}" for name, places in self.shared.items()]
        return lines


def _place_text(place: Place) -> str:
    return f"task {place[0]}, {place[1]}"


K = TypeVar("K", bound=Hashable)


class _Index(Generic[K]):
    """Positions by a key. Nearly all keys have one, and a list of one takes much memory.

    Args:
        pairs: keys and positions; those of a key in their order
    """

    def __init__(self, pairs: Iterable[tuple[K, int]] = ()):
        self._positions: dict[K, int | list[int]] = {}
        for key, n in pairs:
            self.add(key, n)

    def add(self, key: K, n: int) -> None:
        """Adds a position, once."""
        known = self._positions.setdefault(key, n)
        if isinstance(known, list):
            if known[-1] != n:
                known.append(n)
        elif known != n:
            self._positions[key] = [known, n]

    def __getitem__(self, key: K) -> Sequence[int]:
        known = self._positions.get(key, ())
        return (known,) if isinstance(known, int) else known

    def __contains__(self, key: object) -> bool:
        return key in self._positions

    def several(self) -> Iterator[tuple[K, Sequence[int]]]:
        """The keys that have several positions, with these."""
        return ((key, positions) for key, positions in self._positions.items() if isinstance(positions, list))


class Paths:
    """Paths or addresses, found by any of their names. What they are found by is made when it is first asked for.

    Args:
        paths: the paths; one that is None is never found
    """

    def __init__(self, paths: Sequence[str | None]):
        self._keys = [path_key(path) if path else "" for path in paths]
        self._whole: _Index[str] | None = None
        self._names: _Index[str] | None = None
        self._uploads: _Index[str] | None = None
        self._tails: dict[int, _Index[str]] = {}
        self._beginnings: dict[int, dict[str, list[tuple[str, int]]]] = {}

    def key(self, position: int) -> str:
        """The path at a position, as it is compared."""
        return self._keys[position]

    def whole(self, key: str) -> Sequence[int]:
        """Positions of the paths that are the same as a key."""
        if self._whole is None:
            self._whole = _Index((key, n) for n, key in enumerate(self._keys) if key)
        return self._whole[key]

    def ending(self, tail: tuple[str, ...]) -> Sequence[int]:
        """Positions of the paths whose last components are these; addresses have no components."""
        size = len(tail)
        if size not in self._tails:
            self._tails[size] = _Index((end, n) for n, key in enumerate(self._keys) if (end := _end(key, size)))
        return self._tails[size]["/".join(tail)]

    def named(self, name: str) -> Sequence[int]:
        """Positions of the paths with a base name."""
        if self._names is None:
            self._names = _Index((name, n) for n, name in enumerate(self._base_names()) if name)
        return self._names[name]

    def uploaded(self, name: str) -> Sequence[int]:
        """Positions of the paths whose files the server would give a name."""
        if self._uploads is None:
            pairs = ((sent, n) for n, name in enumerate(self._base_names()) if name for sent in server_names(name))
            self._uploads = _Index(pairs)
        return self._uploads[name]

    def uploaded_shortened(self, beginning: str, end: str) -> Sequence[int]:
        """Positions of the paths whose files the server would give a name that begins and ends so."""
        size = len(beginning)
        if size not in self._beginnings:
            found: dict[str, list[tuple[str, int]]] = defaultdict(list)
            for n, name in enumerate(self._base_names()):
                for sent in server_names(name) if len(name) >= size else ():
                    found[sent[:size]].append((sent, n))
            self._beginnings[size] = found
        known = self._beginnings[size].get(beginning, ())
        return tuple(dict.fromkeys(n for name, n in known if is_shortened_from(name, beginning, end)))

    def _base_names(self) -> Iterable[str]:
        for key in self._keys:
            name = key.rpartition("/")[2]
            yield name.partition("?")[0] if key.startswith("//") else name


def _end(key: str, size: int) -> str:
    """The last components of a path, or "" where there are fewer."""
    if key.startswith("//") or "://" in key:
        return ""
    parts = key.rsplit("/", size)
    own = parts[-size:] if len(parts) > size or not key.startswith("/") else []
    return "/".join(own) if len(own) == size and own[0] else ""


class Samples:
    """The samples that tasks may show.

    Args:
        ids: their ids
        paths: what the media field of each holds
        values: the fields that ``match`` names, of each, as text; None where one is empty
        inside: the ids of those that were asked for, where others of the dataset are there, too
    """

    def __init__(
        self,
        ids: Sequence[str],
        paths: Sequence[str | None],
        values: Sequence[tuple[str, ...] | None] = (),
        inside: Collection[str] | None = None,
    ):
        self.ids = ids
        self.paths = Paths(paths)
        self._inside = None if inside is None else frozenset(inside)
        self._positions: dict[str, int] | None = None
        self._by_values: dict[tuple[str, ...], list[int]] = {}
        for n, own in enumerate(values):
            if own is not None:
                self._by_values.setdefault(own, []).append(n)

    def of_id(self, sample_id: str | None) -> Sequence[int]:
        """Position of the sample with an id."""
        if not isinstance(sample_id, str):
            return ()
        if self._positions is None:
            self._positions = {known: n for n, known in enumerate(self.ids)}
        position = self._positions.get(sample_id)
        return () if position is None else (position,)

    def is_inside(self, position: int) -> bool:
        """Whether a sample is one of those that were asked for."""
        return self._inside is None or self.ids[position] in self._inside

    def asked_for(self, candidates: Sequence[int | str]) -> Sequence[int | str]:
        """Of several candidates, those that were asked for, if any."""
        if self._inside is None or len(candidates) < 2:
            return candidates
        inside = [candidate for candidate in candidates if isinstance(candidate, int) and self.is_inside(candidate)]
        return inside or candidates

    def describe(self, position: int) -> str:
        """What messages call a sample."""
        return f"sample {self.ids[position]} ({self.paths.key(position)})"

    def of_values(self, values: tuple[str, ...]) -> Sequence[int]:
        """Positions of the samples whose fields hold these values."""
        return self._by_values.get(values, ())


class Files:
    """Files of this machine that tasks may show: ``data_path``.

    Args:
        names: what each is called: its path, or its name in a manifest
        paths: where each is
        folder: the folder that holds all of them, where it is one
        outside: paths of links in the folder that lead out of it, to files and to folders
    """

    def __init__(
        self,
        names: Sequence[str],
        paths: Sequence[str],
        folder: str | None = None,
        outside: Collection[str] = frozenset(),
    ):
        self.names = Paths(names)
        self._exact = {name: n for n, name in enumerate(names)}
        self.paths = paths
        self._folder = None if folder is None else path_key(folder).rstrip("/")
        self._outside = frozenset(map(path_key, outside))

    def of_address(self, shown: Shown) -> Sequence[int]:
        """Position of the file with the whole of an address, or of the copy of it that we have made."""
        address = shown.address
        if address.text in self._exact:
            return (self._exact[address.text],)
        if address.problem is not None:
            return ()
        copy = () if self._folder is None else self.names.whole(path_key(f"{self._folder}/{local_name(address)}"))
        return copy or self.names.whole(address.identity)

    def refusal(self, address: MediaAddress) -> str | None:
        """Why no file of the folder is looked for under an address, or None."""
        if self._folder is None or address.problem or address.kind not in (PATH, LOCAL_FILES):
            return None
        key = address.identity
        if not _is_absolute(key):
            key = f"{self._folder}/{key}"
        if key.startswith(f"{self._folder}/"):
            return self._refusal_of_link(key)
        return "it is an absolute path that is not below data_path; pass data_path={name: path} where it is meant"

    def refusal_of(self, path: str) -> str | None:
        """Why a file that was found is not used, or None."""
        return self._refusal_of_link(path_key(path))

    def _refusal_of_link(self, key: str) -> str | None:
        while key and self._outside:
            if key in self._outside:
                return f"{key} is a link that leads out of data_path"
            key = key.rpartition("/")[0]
        return None


def _is_absolute(key: str) -> bool:
    return key.startswith("/") or key[1:3] == ":/"


Candidates = Sequence[int | str] | None
"""Positions of samples, or paths of files; None where the search is over without one."""


class _Rule(NamedTuple):
    """One way to find what an image is.

    Attributes:
        name: what it goes by, for messages
        find: image -> candidates
        is_certain: whether what it finds is so whatever other images are
        is_by_address: whether what it finds follows from the image's address
        is_final: whether no other rule is asked where it finds several
        source: where it looks: among the samples, in data_path, or None for either. A rule that finds several leaves
            those after it of the same source, or of none, to choose among these
    """

    name: str
    find: Callable[[Shown], Candidates]
    is_certain: bool = False
    is_by_address: bool = True
    is_final: bool = False
    source: str | None = None


class _Matcher:
    def __init__(self, shown: Sequence[Shown], samples: Samples, files: Files | None):
        self._shown = shown
        self._samples = samples
        self._files = files
        self._refused: dict[Place, str] = {}
        self._names: dict[str, str | set[str]] | None = None
        self._doubts: dict[int, Question] = {}
        self._possible: dict[int, tuple[str | None, frozenset[int | str]]] = {}
        """Image in doubt -> source and candidates of the rule that has found several."""
        self._claims = _Index[int | str]()
        """Candidate -> positions of the images that were found to be it."""
        self._settled: set[str] = set()
        """The addresses in it."""

    def run(self) -> Matching:
        """Finds what each image is, by the first rule by which that is clear."""
        found: dict[int, int | str] = {}
        rules: Counter[str] = Counter()
        pending: Iterable[int] = range(len(self._shown))
        for rule in self._rules():
            clear, pending = self._apply(rule, pending)
            found.update(clear)
            if clear:
                rules[rule.name] = len(clear)
            # Nobody asks for the claims of the last ones.
            if rule.is_by_address and pending:
                for n, candidate in clear.items():
                    self._claims.add(candidate, n)
                    self._settled.add(self._shown[n].address.identity)
        return self._result(found, rules)

    def _apply(self, rule: _Rule, pending: Iterable[int]) -> tuple[dict[int, int | str], list[int]]:
        """What is clear by one rule, and what is left to the others."""
        clear: dict[int, int | str] = {}
        rest: list[int] = []
        for n in pending:
            candidates = rule.find(self._shown[n])
            candidates = candidates and self._possible_of(n, rule, self._samples.asked_for(candidates))
            if candidates is None:
                self._doubts.pop(n, None)
            elif len(candidates) == 1:
                clear[n] = candidates[0]
            else:
                if not (candidates and rule.is_final):
                    rest.append(n)
                if candidates:
                    self._doubt(n, rule, candidates)
        if not rule.is_certain:
            for n, rivals in self._contested(clear).items():
                self._doubt(n, rule, [clear.pop(n)], rivals)
                rest.append(n)
        for n in clear:
            self._doubts.pop(n, None)
        return clear, rest

    def _possible_of(self, n: int, rule: _Rule, candidates: Sequence[int | str]) -> Sequence[int | str]:
        """Those candidates that a stronger rule has not excluded."""
        source, possible = self._possible.get(n, (None, None))
        if possible is None or (rule.source is not None and rule.source != source):
            return candidates
        return [candidate for candidate in candidates if candidate in possible]

    def _doubt(self, n: int, rule: _Rule, candidates: Sequence[int | str], rivals: Sequence[Place] = ()) -> None:
        self._doubts.setdefault(n, self._question(n, rule, candidates, rivals))
        if rule.source is not None and self._possible.get(n, (None,))[0] != rule.source:
            self._possible[n] = rule.source, frozenset(candidates)

    def _contested(self, clear: Mapping[int, int | str]) -> dict[int, list[Place]]:
        """Images whose candidate is that of another address, too -> the images of these."""
        claims: dict[int | str, dict[str, Place]] = {}
        numbers = Counter(clear.values())
        several = {n: one for n, one in clear.items() if numbers[one] > 1 or one in self._claims}
        for n, candidate in several.items():
            if candidate not in claims:
                before = (self._shown[other] for other in self._claims[candidate])
                claims[candidate] = {shown.address.identity: shown.place for shown in before}
            claims[candidate][self._shown[n].address.identity] = self._shown[n].place
        contested = {}
        for n, candidate in several.items():
            identity = self._shown[n].address.identity
            rivals = [place for other, place in claims[candidate].items() if other != identity]
            if rivals:
                contested[n] = rivals
        return contested

    def _question(self, n: int, rule: _Rule, candidates: Sequence[int | str], rivals: Sequence[Place] = ()) -> Question:
        shown = self._shown[n]
        ids = tuple(self._name(candidate) for candidate in candidates)
        names = tuple(
            candidate if isinstance(candidate, str) else self._samples.describe(candidate) for candidate in candidates
        )
        return Question(shown.place, shown.address.shown, rule.name, ids, names, tuple(rivals))

    def _name(self, candidate: int | str) -> str:
        return candidate if isinstance(candidate, str) else self._samples.ids[candidate]

    def _result(self, found: Mapping[int, int | str], rules: Counter[str]) -> Matching:
        samples: dict[Place, str] = {}
        files: dict[Place, str] = {}
        left: dict[Place, MediaAddress] = {}
        elsewhere: dict[Place, str] = {}
        addresses: dict[Place, MediaAddress] = {}
        shared = _Index[int | str]()
        for n, shown in enumerate(self._shown):
            candidate = found.get(n)
            if candidate is not None:
                name = self._name(candidate)
                shared.add(candidate, n)
                if isinstance(candidate, str):
                    files[shown.place], addresses[shown.place] = name, shown.address
                else:
                    (samples if self._samples.is_inside(candidate) else elsewhere)[shown.place] = name
            elif n not in self._doubts and shown.place not in self._refused:
                if shown.address.problem:
                    self._refused[shown.place] = shown.address.problem
                else:
                    left[shown.place] = shown.address
        several = {
            self._name(candidate): tuple(self._shown[n].place for n in positions)
            for candidate, positions in shared.several()
        }
        questions = tuple(self._doubts[n] for n in sorted(self._doubts))
        return Matching(samples, files, left, self._refused, questions, dict(rules), several, elsewhere, addresses)

    def _rules(self) -> Sequence[_Rule]:
        paths = self._samples.paths

        def rule(name: str, find: Callable[[Shown], Candidates], is_certain: bool = False) -> _Rule:
            return _Rule(name, find, is_certain, source="samples")

        return (
            _Rule("the sample id in its data", lambda shown: self._samples.of_id(shown.sample_id), True, False),
            _Rule("match", self._by_values, True, False, is_final=True),
            rule("its address", lambda shown: paths.whole(shown.address.identity), True),
            rule("the end of its path", lambda shown: _by_tail(paths, shown.address.as_served)),
            rule(UPLOADED, lambda shown: _by_upload(paths, shown.address.as_served)),
            rule(OTHERWISE, lambda shown: _by_reading(paths, shown.address.as_meant)),
            *(() if self._files is None else self._file_rules(self._files)),
            _Rule("its file name", lambda shown: self._by_name(paths, shown)),
        )

    def _file_rules(self, files: Files) -> Sequence[_Rule]:
        def rule(
            name: str,
            find: Callable[[Shown], Sequence[int]],
            is_certain: bool = False,
            source: str | None = "data_path",
        ) -> _Rule:
            def found(shown: Shown) -> Candidates:
                return self._of_files(files, find(shown), shown)

            return _Rule(f"{name} in data_path", found, is_certain, source=source)

        return (
            rule("its address", files.of_address, True),
            rule("the end of its path", lambda shown: _by_tail(files.names, shown.address.as_served)),
            rule(UPLOADED, lambda shown: _by_upload(files.names, shown.address.as_served)),
            rule(OTHERWISE, lambda shown: _by_reading(files.names, shown.address.as_meant), source=None),
            rule("its file name", lambda shown: self._by_name(files.names, shown)),
        )

    def _by_values(self, shown: Shown) -> Sequence[int] | None:
        if shown.values is None:
            return ()
        # The caller has said what tells images apart, so that another rule would contradict.
        return self._samples.of_values(shown.values) or None

    def _by_name(self, paths: Paths, shown: Shown) -> Sequence[int]:
        for name in shown.address.names:
            if found := paths.named(name):
                # Another image of this name, whose sample is known, shows that the name tells nothing.
                others = self._bearers(name) - {shown.address.identity}
                return () if others & self._settled else found
        return ()

    def _bearers(self, name: str) -> set[str]:
        """The different addresses whose file has a name."""
        if self._names is None:
            self._names = {}
            for shown in self._shown:
                for own in shown.address.names[:1]:
                    # Nearly all names have one address, and a set of one takes much memory.
                    known = self._names.setdefault(own, shown.address.identity)
                    if isinstance(known, set):
                        known.add(shown.address.identity)
                    elif known != shown.address.identity:
                        self._names[own] = {known, shown.address.identity}
        known = self._names.get(name, set())
        return {known} if isinstance(known, str) else known

    def _of_files(self, files: Files, positions: Sequence[int], shown: Shown) -> Candidates:
        """The samples of files, or the paths of those of which there is none."""
        refusal = files.refusal(shown.address)
        if refusal is None and len(positions) == 1:
            refusal = files.refusal_of(files.paths[positions[0]])
        if refusal is not None:
            self._refused[shown.place] = refusal
            return None
        candidates: dict[int | str, None] = {}
        for n in positions:
            path = files.paths[n]
            candidates.update(dict.fromkeys(self._samples.paths.whole(path_key(path)) or (path,)))
        return tuple(candidates)


def _by_tail(paths: Paths, address: MediaAddress) -> Sequence[int]:
    for tail in tails(address):
        if found := paths.ending(tail):
            return found
    return ()


def _by_upload(paths: Paths, address: MediaAddress) -> Sequence[int]:
    names = upload_names(address)
    for name in address.names[:1] if names else ():
        if found := paths.named(name):
            return found
    for name in names:
        if found := paths.uploaded(name):
            return found
    cut = shortened(address)
    return paths.uploaded_shortened(*cut) if cut else ()


def _by_reading(paths: Paths, address: MediaAddress) -> Sequence[int]:
    whole = dict.fromkeys(n for key in address.keys for n in paths.whole(key))
    return tuple(whole) or _by_tail(paths, address) or _by_upload(paths, address)


def match_media(shown: Iterable[Shown], samples: Samples, files: Files | None = None) -> Matching:
    """Finds which sample each image of each task is, by the first of these by which that is clear:

    1. the id of a sample in the task's data
    2. values of its data that are those of a sample's fields (``match``); no other rule is asked where it has any
    3. its address as the server reads it: the whole of it; all of its path as the end of a sample's; the name that it
       was uploaded with. Then the same, as if it were encoded too often or not at all
    4. a file of ``data_path``, by the same; then the sample of that file, or the file where it has none
    5. its file name, where no other task and no other sample has it

    Where a rule finds several, those after it choose among these.

    Of several samples of which only one is among those that were asked for, it is that one.

    Two images of one address are the same. Of two addresses that only a part makes the same, it is not known whether
    they are: that is a question.

    Args:
        shown: the images of the tasks, each once
        samples: the samples
        files: the files of ``data_path``

    Raises:
        ValueError: an image is there twice
    """
    rows = list(shown)
    if len({row.place for row in rows}) != len(rows):
        twice = next(place for place, number in Counter(row.place for row in rows).items() if number > 1)
        raise ValueError(f"image {twice} is there twice; each task needs an id of its own")
    return _Matcher(rows, samples, files).run()


def text_of(value: Any) -> str | None:
    """A value as it is compared, or None where it tells nothing: numbers of JSON and of a database are alike."""
    if isinstance(value, bool) or value is None or isinstance(value, (list, tuple, dict)):
        return None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return unicodedata.normalize("NFC", str(value)).strip() or None
