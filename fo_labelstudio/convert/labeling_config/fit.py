"""What keeps a control tag of somebody else's labeling config from standing for one that we would write.

Source: Label Studio docs, the tags; label-studio 1.23.2, what its editor does with results
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

from fo_labelstudio.convert.labeling_config.kinds import Kind
from fo_labelstudio.convert.labeling_config.read import ControlTag
from fo_labelstudio.messages import quoted

_FEW = 5
"""Classes that a message names."""

_MOST_STARS = 5
"""Of a ``<Rating>`` that does not say it."""


class Wanted(NamedTuple):
    """A control tag that is looked for.

    Attributes:
        where: the field, or attribute, that it is for, as messages name it
        own: the tag that we would write
        tags: the tags that can stand for it, the best first
        names: names that it may have, the surest first
        field: the name of the field's control tag, where it is for an attribute
        limit: the classes whose labels are asked, where it is for an attribute of some classes
        only_by_name: whether nobody asked for it, so that nothing but its name tells it
    """

    where: str
    own: Element
    tags: tuple[str, ...]
    names: tuple[str, ...]
    field: str | None = None
    limit: tuple[str, ...] = ()
    only_by_name: bool = False

    @property
    def per_region(self) -> bool:
        """Whether it asks about each region."""
        return self.own.get("perRegion") == "true"

    @property
    def classes(self) -> list[str]:
        """What must be among its classes, as results carry it."""
        return [option.get("alias") or option.attrib["value"] for option in self.own]

    def is_kind(self, control: ControlTag) -> bool:
        """Whether a control tag asks for the same kind of thing, of a region or of the whole image."""
        about = control.options.get("whenTagName")
        if self.per_region and self.field is not None and about not in (None, self.field):
            return False
        return control.tag in self.tags and control.per_region == self.per_region


def misfits(wanted: Wanted, control: ControlTag) -> Iterator[str]:
    """What keeps a control tag of the kind that is wanted from standing for it."""
    where = f"{wanted.where}: control {control.name!r}"
    yield from _classes(where, wanted, control)
    if control.kind in (Kind.CHOICES, Kind.SHAPE, Kind.CLASSES, Kind.RANGE, Kind.SPAN):
        yield from _number(where, wanted, control)
    yield from _options(where, wanted, control)
    yield from _conditions(where, wanted, control)


def _classes(where: str, wanted: Wanted, control: ControlTag) -> Iterator[str]:
    called = "classes" if wanted.field is None else "values"
    known: Collection[str] = frozenset(control.classes)
    missing = [name for name in wanted.classes if name not in known]
    if control.is_nested:
        yield f"{where} has nested choices, which cannot be sent; take allowNested out of it, or leave the field out"
    elif missing and control.classes_key is not None:
        yield (
            f"{where} takes its {called} from the key {control.classes_key!r} of each task, so nobody knows whether "
            f"{_named(missing)} will be among them; write them into the labeling config"
        )
    elif missing:
        yield f"{where} lacks the {called} {_named(missing)}; add them to it, or leave them out of `{called}`"


def _number(where: str, wanted: Wanted, control: ControlTag) -> Iterator[str]:
    takes_several = wanted.own.get("choice") == "multiple"
    if control.takes_several and not takes_several:
        yield f'{where} lets people choose several classes, where one is expected; set choice="single" in it' + (
            ", or use a type of label that holds a list" if control.kind is Kind.CHOICES else ""
        )
    elif takes_several and not control.takes_several:
        yield f'{where} lets people choose only one, where several are expected; set choice="multiple" in it'


def _options(where: str, wanted: Wanted, control: ControlTag) -> Iterator[str]:
    own, theirs = wanted.own, control.options
    if own.tag == "DateTime":
        for option, default in (("only", None), ("format", "%Y-%m-%d" if own.get("only") == "date" else None)):
            expected = own.get(option)
            if theirs.get(option) not in (expected, expected or default):
                wish = f"set {option}={expected!r} in it" if expected else f"take {option} out of it"
                yield f"{where} has {option}={theirs.get(option)!r}, which cannot carry the times that are sent; {wish}"
    if own.tag == "Rating":
        least, stars = int(own.attrib["maxRating"]), stars_of(control)
        if stars < least:
            yield f'{where} has {stars} stars, where {least} are needed; set maxRating="{least}" in it'
    if own.get("allowEmpty") == "true" and theirs.get("allowEmpty") != "true":
        yield f'{where} asks for a class of each region, which not all labels have; set allowEmpty="true" in it'
    if own.get("closable") == "true" and control.tag == own.tag and theirs.get("closable") != "true":
        yield f'{where} cannot close lines, so closed ones would come back open; set closable="true" in it'


def stars_of(control: ControlTag) -> int:
    """How many stars a ``<Rating>`` has."""
    number = control.options.get("maxRating", "")
    return int(number) if number.isascii() and number.isdecimal() else _MOST_STARS


def _conditions(where: str, wanted: Wanted, control: ControlTag) -> Iterator[str]:
    """What makes the editor drop answers to a control tag that it does not show (1.23.2)."""
    options = control.options
    remedy = "the editor drops what it does not show; move the condition to a <View> around it"
    if wanted.per_region:
        shown = options.get("whenLabelValue")
        if shown is not None and (not wanted.limit or not set(wanted.limit) <= set(shown.split(","))):
            yield f"{where} is only shown for {shown!r}: {remedy}, or limit the attribute to these classes"
    elif options.get("visibleWhen"):
        yield f"{where} is only shown when {options['visibleWhen']!r}: {remedy}"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return ", ".join(quoted(name) for name in names[:_FEW]) + more
