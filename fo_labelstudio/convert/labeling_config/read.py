"""Labeling config (XML) that anybody wrote -> the object and control tags in it.

``LabelInterface`` of label_studio_sdk parses, validates and looks up. What it does not see (tried in 2.1.2), and what
is done about it here:

- It matches names of tags and XML attributes exactly; the editor takes any case. They are brought into the case of the
  docs first.
- It overlooks a control tag without ``toName``; the editor takes the only object tag. That is filled in first.
- It refuses a text that declares its encoding; it validates what stands in comments, and names in single quotes not at
  all. The tree without comments, as the server cleans it too, is what it is given.
- It expands entities of a DTD. The server refuses a DTD, and so it is refused here.
- It knows neither unknown tags nor duplicate classes, and of two tags of one name the last. They are told as problems.
- It lists nested choices without their path: below ``<Taxonomy>``, and below ``<Choices allowNested="true">``, results
  carry the path; below other ``<Choices>``, the editor skips them.
- It takes every tag with a name and a value for an object, ``<Header>`` too, and ``<Magnify>`` for a control.
- It has no ``<Relations>``, no ``valueList`` apart from ``value``, and leaves names in a ``<Repeater>`` as they are.
- Classes with ``value="$key"`` come with each task; it has those that the labeling config names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from fo_labelstudio.convert.labeling_config.kinds import (
    OBJECT_TAGS,
    Kind,
    canonical,
    class_of_path,
    facts_of,
    is_known,
    kind_of,
    span_type,
)
from fo_labelstudio.convert.media import DEFAULT, MEDIA, MEDIUM_NAMED, OF_SAMPLES
from fo_labelstudio.convert.media.medium import Medium
from fo_labelstudio.errors import LabelingConfigError
from fo_labelstudio.messages import quoted

MAX_CHARACTERS = 5_000_000
"""Of a labeling config; one of 100,000 classes has 2,000,000."""

MAX_DEPTH = 250
"""Of tags within tags; label_studio_sdk 2.1.2 reads 255."""

_INDEX_FLAG = "{{idx}}"
"""What the names in a ``<Repeater>`` hold in place of the number, where it says nothing else (1.23.2)."""

_ATTRIBUTES = """
    alias allowEmpty allowNested apiUrl choice closable encoding format framerate html indexFlag inline labeling
    leafsOnly max maxRating maxSubmissions maxUsages min mode name nameKey on only perItem perRegion required step
    textKey toName value valueList valueType visibleWhen whenChoiceValue whenLabelValue whenTagName
""".split()
_CANONICAL_ATTRIBUTES = {name.lower(): name for name in _ATTRIBUTES}

_WORD_REFERENCE = re.compile(r"\$(\w+)")
_REFERENCE = re.compile(r"\$([^\s$]+)")


class ObjectTag(NamedTuple):
    """A tag that shows something.

    Attributes:
        name: its name, the ``to_name`` of results
        tag: the tag, as Label Studio's docs write it: ``Image``
        key: the key of a task's data that its value names: ``image`` for ``$image``, ``a.b`` for ``$a.b``; None if it
            names none
        is_list: whether one task shows several, whose results carry an ``item_index``
        option: what it says of the media file besides: the ``framerate`` of a ``<Video>``; empty if nothing
        is_address: whether it says that a task's data holds the address of what it shows: ``valueType="url"``
        options: those of its XML attributes that say how it shows a value; names and values
    """

    name: str
    tag: str
    key: str | None
    is_list: bool = False
    option: str = ""
    is_address: bool = False
    options: tuple[tuple[str, str], ...] = ()

    @property
    def medium(self) -> str:
        """What it shows: ``image``, ``text`` ..."""
        return OBJECT_TAGS[self.tag]


class ControlTag(NamedTuple):
    """A tag that asks for something.

    Attributes:
        name: its name, the ``from_name`` of results
        tag: the tag, as Label Studio's docs write it: ``RectangleLabels``
        objects: names of the object tags that it asks about
        classes: what can be chosen, as results carry it: the alias where there is one; of nested choices, the path
            joined with ``/``
        per_region: whether it asks about each region
        per_item: whether it asks about each of several images of one task
        options: its XML attributes; the names of those that are used here, as Label Studio's docs write them
    """

    name: str
    tag: str
    objects: tuple[str, ...]
    classes: tuple[str, ...]
    per_region: bool
    per_item: bool
    options: Mapping[str, str]

    @property
    def kind(self) -> Kind | None:
        """What it asks for; None for a tag that is not known."""
        return kind_of(self.tag)

    @property
    def classes_key(self) -> str | None:
        """The key of a task's data that has more classes to choose from, or None."""
        facts = facts_of(self.tag)
        return _key(self.options.get("value")) if facts and facts.has_classes else None

    @property
    def is_nested(self) -> bool:
        """Whether its answers are paths: lists of lists of strings."""
        return self.kind is Kind.TAXONOMY or self.options.get("allowNested") == "true"

    @property
    def takes_several(self) -> bool:
        """Whether several of its choices can be chosen at once."""
        if self.kind is Kind.TAXONOMY:
            return self.options.get("maxUsages") != "1"
        return self.options.get("choice") == "multiple"


@dataclass(frozen=True)
class LabelingConfig:
    """What a labeling config shows and asks for.

    Attributes:
        objects: name -> object tag, in order
        controls: name -> control tag, in order
        relations: what relations between regions can be called
        problems: what is not as Label Studio wants it, or not known; nothing that keeps the rest from being used
        index_flags: what stands for the number in names of tags that are repeated for each item of a list
    """

    objects: Mapping[str, ObjectTag]
    controls: Mapping[str, ControlTag]
    relations: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    index_flags: tuple[str, ...] = ()

    @cached_property
    def spans(self) -> Mapping[str, str]:
        """The control tags that mark spans -> where these live: the scope of what the control tag is about."""
        found = {}
        for control in self.controls.values():
            media = {self.objects[name].medium for name in control.objects if name in self.objects}
            if control.kind in (Kind.CLASSES, Kind.SPAN) and len(media) == 1:
                (scope,) = media
                if span_type(control.tag, scope) is not None:
                    found[control.name] = scope
        return found

    @property
    def other_medium(self) -> Medium | None:
        """The first medium that it shows and asks about, where it shows neither images nor videos; None where none."""
        if any(map(self.shown, OF_SAMPLES)):
            return None
        asked = (medium for medium in MEDIA if any(self.is_about(one, medium) for one in self.controls.values()))
        return next((medium for medium in asked if medium.shown_value is not None or medium.extensions), None)

    @property
    def images(self) -> tuple[ObjectTag, ...]:
        """The object tags that show images."""
        return self.shown(DEFAULT)

    def shown(self, medium: Medium) -> tuple[ObjectTag, ...]:
        """The object tags that show a medium."""
        return tuple(shown for shown in self.objects.values() if shown.medium == (medium.item or medium.name))

    def control_of(self, from_name: str) -> ControlTag | None:
        """The control tag that a result names, with the names of the item that it is repeated for; None if none."""
        name, number = self._repeated(from_name, self.controls)
        control = self.controls.get(name)
        if control is None or number is None:
            return control
        objects = tuple(self._numbered(shown, number) for shown in control.objects)
        return control._replace(name=from_name, objects=objects)

    def object_of(self, to_name: str) -> ObjectTag | None:
        """The object tag that a result names, with the key of the item that it is repeated for; None if none."""
        name, number = self._repeated(to_name, self.objects)
        shown = self.objects.get(name)
        if shown is None or number is None:
            return shown
        return shown._replace(name=to_name, key=shown.key and self._numbered(shown.key, number))

    def is_about_images(self, control: ControlTag) -> bool:
        """Whether a control tag asks about an image."""
        return self.is_about(control, DEFAULT)

    def is_about(self, control: ControlTag, medium: Medium) -> bool:
        """Whether a control tag asks about a medium."""
        return any(shown.name in control.objects for shown in self.shown(medium))

    def check_images(self) -> None:
        """Refuses a labeling config that does not show and ask about images; see :meth:`check_shows`."""
        self.check_shows(DEFAULT)

    def check_media(self) -> None:
        """Refuses a labeling config that shows and asks about no medium of samples; see :meth:`check_shows`."""
        self.check_shows(next(filter(self.shown, OF_SAMPLES), self.other_medium or DEFAULT))

    def check_shows(self, medium: Medium) -> None:
        """Refuses a labeling config that does not show and ask about a medium.

        Raises:
            LabelingConfigError: it shows none, or no control tag asks about one
        """
        found, tag = self.shown(medium), medium.object_tag(medium.name).tag
        if not found:
            media = ", ".join(sorted({shown.medium for shown in self.objects.values()}))
            raise LabelingConfigError(
                f"the labeling config shows {media or 'nothing'} and no {medium.noun}; use a project whose labeling "
                f"config has {'an' if tag[0] in 'AEIOU' else 'a'} <{tag}> tag"
            )
        if not any(self.is_about(control, medium) for control in self.controls.values()):
            names = ", ".join(repr(shown.name) for shown in found)
            raise LabelingConfigError(
                f"no control tag of the labeling config asks about its {medium.noun} ({names}); add one with "
                f"toName={found[0].name!r}"
            )

    def _repeated(self, name: str, known: Mapping[str, Any]) -> tuple[str, str | None]:
        """The name in the labeling config of a tag that is repeated, and the number of the item."""
        if name in known:
            return name, None
        for flag in self.index_flags:
            for candidate in known:
                if flag in candidate:
                    pattern = r"(\d+)".join(map(re.escape, candidate.split(flag, 1)))
                    if match := re.fullmatch(pattern, name):
                        return candidate, match[1]
        return name, None

    def _numbered(self, text: str, number: str) -> str:
        for flag in self.index_flags:
            text = text.replace(flag, number)
        return text


def read(xml: str) -> LabelingConfig:
    """What a labeling config shows and asks for.

    Args:
        xml: the labeling config

    Raises:
        LabelingConfigError: it is no XML, has a DTD, is too large, or neither shows nor asks for anything
    """
    root = canonical_tree(xml)
    tags = list(root.iter())
    interface, refusal = _interface(root)
    named = [tag for tag in tags if tag.get("name")]
    objects = {tag.attrib["name"]: _object(tag) for tag in named if tag.tag in OBJECT_TAGS}
    asking = {tag.attrib["name"]: tag for tag in named if _asks(tag)}
    controls = {
        control.name: _control(control, asking[control.name])
        for control in interface.controls or ()
        if control.name in asking
    }
    if not controls:
        raise LabelingConfigError(
            "the labeling config has no control tag, so nothing can be annotated with it; add one, such as "
            '<Choices name="..." toName="..."> or <RectangleLabels name="..." toName="...">'
        )
    if not objects:
        raise LabelingConfigError(
            'the labeling config has no object tag, so it shows nothing; add one, such as <Image name="image" '
            'value="$image"/>'
        )
    return LabelingConfig(
        objects,
        controls,
        relations=tuple(_value(tag) for tag in tags if tag.tag == "Relation" and _value(tag)),
        problems=tuple(_problems(tags, controls, refusal)),
        index_flags=tuple(dict.fromkeys(tag.get("indexFlag", _INDEX_FLAG) for tag in tags if tag.tag == "Repeater")),
    )


def needed_keys(xml: str) -> dict[str, str]:
    """The keys that the server wants in the data of each task: key -> the tag that names it.

    Args:
        xml: a labeling config that is XML

    Source: label-studio 1.23.2, ``core.label_config.extract_data_types`` and ``tasks.validation.TaskValidator``
    """
    keys: dict[str, str] = {}
    for tag in _parse(xml).iter():
        value = tag.get("value", "")
        if not tag.get("name"):
            continue
        found = value[1:] if len(value) > 1 and value[0] == "$" else next(iter(_WORD_REFERENCE.findall(value)), "")
        if found and keys.get(found) != "Video":
            keys[found] = tag.tag
    return keys


def canonical_tree(xml: str) -> Element:
    """The tags of a labeling config, written as in Label Studio's docs; control tags say what they ask about.

    Raises:
        LabelingConfigError: it is no XML, has a DTD, or is too large
    """
    root = _canonical_tree(_parse(xml))
    _fill_in_objects(list(root.iter()))
    return root


def is_alike(one: str, other: str) -> bool:
    """Whether two labeling configs have the same tags, whatever stands between them; of what is no XML, none are."""
    try:
        return ElementTree.tostring(canonical_tree(one)) == ElementTree.tostring(canonical_tree(other))
    except LabelingConfigError:
        return False


def _parse(xml: str) -> Element:
    if len(xml) > MAX_CHARACTERS:
        raise LabelingConfigError(
            f"the labeling config has {len(xml)} characters, more than are read ({MAX_CHARACTERS}); leave out classes, "
            'or take them from the tasks with value="$key"'
        )
    text = xml.lstrip("\ufeff \t\r\n")
    if _has_dtd(text):
        raise LabelingConfigError(
            "the labeling config has a document type (<!DOCTYPE ...>), which Label Studio refuses too; leave it out, "
            "and write what its entities stand for"
        )
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise LabelingConfigError(
            f"the labeling config is not XML: {error}; it begins with {quoted(text[:60])}"
        ) from None
    level, depth = [root], 0
    while level:
        level, depth = [child for tag in level for child in tag], depth + 1
        if depth > MAX_DEPTH:
            raise LabelingConfigError(f"the labeling config has more than {MAX_DEPTH} tags within each other")
    return root


def _has_dtd(text: str) -> bool:
    """Whether a document type stands before the first tag; anywhere else it is no XML."""
    place = 0
    while text.startswith(("<?", "<!--"), place):
        end = "?>" if text.startswith("<?", place) else "-->"
        place = text.find(end, place)
        if place < 0:
            return False
        place += len(end)
        while place < len(text) and text[place].isspace():
            place += 1
    return text.startswith("<!DOCTYPE", place)


def _canonical_tree(tag: Element) -> Element:
    """A copy in which tags and XML attributes are written as in Label Studio's docs, without text and namespaces."""
    attributes = {_CANONICAL_ATTRIBUTES.get(name.lower(), name): text for name, text in tag.attrib.items()}
    copy = Element(canonical(tag.tag.rpartition("}")[2]), attributes)
    copy.extend(_canonical_tree(child) for child in tag)
    return copy


def _fill_in_objects(tags: Sequence[Element]) -> None:
    """Says what control tags ask about where they do not: the only object tag, as the editor takes it (1.23.2)."""
    names = [tag.get("name") for tag in tags if tag.tag in OBJECT_TAGS and tag.get("name")]
    for tag in tags:
        if kind_of(tag.tag) is None or not tag.get("name") or tag.tag in OBJECT_TAGS:
            continue
        if not tag.get("toName") and len(names) == 1 and names[0] is not None:
            tag.set("toName", names[0])


def _interface(root: Element) -> tuple[Any, str | None]:
    """Label Studio's own view of a labeling config, and why it refuses it, if it does."""
    # The import takes 2 s and 70 MB, with the clients of all clouds that are installed (2.1.2, by jsf and smart_open).
    from label_studio_sdk.label_interface.interface import LabelInterface

    try:
        interface: Any = LabelInterface(ElementTree.tostring(root, encoding="unicode"))
    except Exception as error:
        raise LabelingConfigError(f"Label Studio cannot read the labeling config: {quoted(str(error))}") from error
    try:
        interface.validate()
    except Exception as error:
        return interface, str(error)
    return interface, None


def _asks(tag: Element) -> bool:
    """Whether a tag that has a name and an object asks for something; of unknown tags, all do."""
    return kind_of(tag.tag) is not None or not is_known(tag.tag)


def _object(tag: Element) -> ObjectTag:
    value = tag.get("valueList") or tag.get("value")
    medium = MEDIUM_NAMED.get(OBJECT_TAGS[tag.tag])
    shown = None if medium is None else medium.shown_value
    return ObjectTag(
        tag.attrib["name"],
        tag.tag,
        _key(value),
        tag.get("valueList") is not None,
        tag.get(medium.option if medium else "", "").strip(),
        tag.get("valueType") == "url",
        tuple((name, tag.attrib[name]) for name in (shown.options if shown else ()) if name in tag.attrib),
    )


def _control(control: Any, tag: Element) -> ControlTag:
    facts = facts_of(tag.tag)
    classes: Iterable[str] = control.labels if facts is None or facts.has_classes else ()
    if facts is not None and facts.kind in (Kind.CHOICES, Kind.TAXONOMY):
        classes = dict.fromkeys(_choices(tag))
    return ControlTag(
        control.name,
        tag.tag,
        tuple(control.to_name),
        tuple(classes),
        per_region=tag.get("perRegion") == "true",
        per_item=tag.get("perItem") == "true",
        options=dict(tag.attrib),
    )


def _choices(control: Element) -> Iterator[str]:
    """The choices below a control tag, as results carry them."""
    is_taxonomy = kind_of(control.tag) is Kind.TAXONOMY
    has_paths = is_taxonomy or control.get("allowNested") == "true"
    leaves_only = is_taxonomy and control.get("leafsOnly") == "true"

    def below(tag: Element, path: tuple[str, ...]) -> Iterator[str]:
        for child in tag:
            name = _value(child)
            if child.tag != "Choice" or not name:
                yield from below(child, path)
                continue
            # Choices with choices are skipped by the editor only where it does not write paths.
            is_leaf = not has_paths or child.find(".//Choice") is None
            if is_leaf or not leaves_only:
                yield class_of_path((*path, name)) if has_paths else name
            if has_paths:
                yield from below(child, (*path, name))

    yield from below(control, ())


def _value(tag: Element) -> str:
    """What results carry of a class: its alias, or else its value."""
    return tag.get("alias") or tag.get("value") or ""


def _key(value: str | None) -> str | None:
    """The key of a task's data that a value names, where it is nothing but that."""
    match = _REFERENCE.fullmatch(value or "")
    return match[1] if match else None


def _problems(tags: Sequence[Element], controls: Mapping[str, ControlTag], refusal: str | None) -> Iterator[str]:
    names = Counter(tag.attrib["name"] for tag in tags if tag.get("name"))
    shown = {tag.get("name") for tag in tags if tag.tag in OBJECT_TAGS}
    for unknown in dict.fromkeys(tag.tag for tag in tags if not is_known(tag.tag)):
        yield f"tag <{unknown}> is not known to Label Studio; correct its name, or leave it out"
    for name, number in names.items():
        if number > 1:
            yield f"{number} tags have the name {name!r}, of which the last counts; give each a name of its own"
    for tag in tags:
        if kind_of(tag.tag) not in (None, Kind.RELATION) and not tag.get("name"):
            yield f"a <{tag.tag}> has no name, so nothing that is answered to it can be told; give it one"
    for control in controls.values():
        for name in control.objects:
            if name not in shown:
                yield f"control {control.name!r} asks about {name!r}, which is no object tag; correct its toName"
    for tag in tags:
        if tag.tag in OBJECT_TAGS and tag.get("name") and not tag.get("value") and not tag.get("valueList"):
            yield f'object {tag.get("name")!r} shows nothing of a task; give it a value, such as value="$image"'
        yield from _duplicates(tag)
    if refusal and not refusal.startswith(("Label config contains non-unique names", "toName=")):
        yield f"Label Studio refuses the labeling config: {refusal}"


def _duplicates(control: Element) -> Iterator[str]:
    facts = facts_of(control.tag)
    if facts is None or not facts.has_classes:
        return
    is_path = facts.kind in (Kind.CHOICES, Kind.TAXONOMY)
    classes = Counter(_choices(control) if is_path else map(_value, control.iter("Label")))
    for name, number in classes.items():
        if name and number > 1:
            yield f"control {control.get('name')!r} has the class {name!r} {number} times; leave all but one out"
