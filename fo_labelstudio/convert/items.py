"""Labels on a list of media, each on one of its items <-> their regions.

Labels and regions say the place of their item in ``item_index``, from 0; those that do not are on the first. A family
sees one item at a time, and knows nothing of lists.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.media.images import PLACE
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import LabelField, ParsedLabel, Region
from fo_labelstudio.convert.regions import group_regions
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted


def is_on_items(field: LabelField) -> bool:
    """Whether each label of a field is on one item of a list."""
    return field.is_on_list and (family_of(field).is_drawn or field.per_item)


def key_of(label: Any, field: LabelField) -> str | None:
    """What tells a label from the others of its field on its sample; None if regions cannot express it."""
    key = family_of(field).key_of(label, field)
    return _key_at(_place_in(label), key) if field.per_item and key is not None else key


def _key_at(place: int, key: str) -> str:
    """The key of a class of one item, which other items may have too."""
    return f"{place} {key}"


def _place_in(label: Any) -> int:
    place = label.get_attribute_value(PLACE, None)
    return 0 if place is None else int(place)


def problem_of(label: Any, field: LabelField, media: MediaInfo) -> str | None:
    """What keeps a label from being on its item, or None.

    Args:
        label: the label
        field: its field, whose labels are on items of a list
        media: the list
    """
    place, number = label.get_attribute_value(PLACE, None), len(media.items)
    if not number:
        return f"its {field.shows!r} lists nothing that it could be on; fill the list in, or delete the label"
    if place is None:
        return None
    if isinstance(place, bool) or not isinstance(place, int) or place < 0:
        return f"its {PLACE} is {quoted(place)}, expected a whole number, counted from 0; correct it"
    if place >= number:
        if field.shows is None:
            return f"its {PLACE} is {place}, and its {field.medium.noun} has pages 0 to {number - 1}; correct it"
        return (
            f"its {PLACE} is {place}, and {field.shows!r} lists {number}, counted from 0; correct it, or add the "
            f"{field.medium.item} to the list"
        )
    return None


def place_of(values: Mapping[str, Any]) -> Any:
    """The place of the item that a region, or a label as the database stores it, is on."""
    place = values.get(PLACE)
    return 0 if place is None else place


def item_at(place: Any, noun: str, media: MediaInfo) -> MediaInfo:
    """An item of a list.

    Raises:
        RegionError: there is none at the place
    """
    if type(place) is not int or not 0 <= place < len(media.items):
        raise RegionError(f"it is on {noun} {quoted(place)} of a list of {len(media.items)}, counted from 0")
    return media.items[place]


def to_regions(labels: Sequence[Any], field: LabelField, media: MediaInfo) -> list[Region]:
    """The regions of the labels of a field on one sample, those of one item together.

    Raises:
        RegionError: a label does not fit, or there is no such item
    """
    family = family_of(field)
    if not is_on_items(field):
        return family.to_regions(labels, field, media)
    by_place: dict[int, list[Any]] = {}
    for label in labels:
        by_place.setdefault(_place_in(label), []).append(label)
    regions = [
        (place, region)
        for place in sorted(by_place)
        for region in family.to_regions(by_place[place], field, item_at(place, field.medium.item, media))
    ]
    # What is drawn says so by its marks.
    return [region if family.is_drawn else {**region, PLACE: place} for place, region in regions]


def groups_of(
    regions: Sequence[Region], field: LabelField, known: Collection[str] = ()
) -> Iterator[tuple[str, list[Region]]]:
    """The regions of a field that are read together, each group with the id that it has in common; none of two items.

    Args:
        regions: the regions
        field: their field
        known: ids of labels; see :func:`group_regions`
    """
    grouping = family_of(field).grouping(field)
    if not is_on_items(field):
        yield from group_regions(regions, grouping, known).items()
        return
    by_place: dict[str, list[Region]] = {}
    for region in regions:
        by_place.setdefault(repr(place_of(region)), []).append(region)
    for part in by_place.values():
        yield from group_regions(part, grouping, known).items()


def _check_object(region: Region, field: LabelField) -> None:
    """Refuses a region on another object, for somebody may have tied the control tag to one that the task shows, too.

    Raises:
        RegionError: it is on one, or about one item where the field is about all
    """
    name = region.get("to_name")
    if name not in (None, field.to_name):
        raise RegionError(f"it is on {quoted(name)}, not on {quoted(field.to_name)}")
    if field.is_on_list and PLACE in region and not is_on_items(field):
        raise RegionError(f"it is about {field.medium.item} {quoted(region[PLACE])} alone, not about all of them")


def parse_regions(group: Sequence[Region], field: LabelField, media: MediaInfo) -> list[ParsedLabel]:
    """The labels in regions that are read together.

    Raises:
        RegionError: they cannot be understood, or are on no item of the list, or on another object
    """
    for region in group:
        # Nearly all say nothing of a list.
        if field.is_on_list or PLACE in region:
            _check_object(region, field)
    if is_on_items(field):
        media = item_at(place_of(group[0]), field.medium.item, media)
    found = family_of(field).parse_regions(group, field, media)
    if field.per_item and media.item is not None:
        return [parsed._replace(key=_key_at(media.item, parsed.key)) for parsed in found]
    return found
