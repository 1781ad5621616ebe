"""The real Label Studio editor in headless Chromium, driven as a person would.

Every edit is a genuine mouse or keyboard action; only *reading* goes through the editor's own state, ``window.Htx``::

    with Editor(url, username, password) as editor:
        page = editor.open_task(project_id, task_id)
        page.move("r1", dx=10, dy=0)
        page.choose("weather", "rain")
        annotation = page.submit()

Coordinates are percent of the image as shown, like Label Studio's own. A mouse moves by whole pixels, so a position
reached by hand is right to about 0.2 percent at the viewport used here, and an angle to about one degree.

A new kind of region needs no new machinery: `TaskPage.draw` with a gesture made of `drag`, `click` and `path`.
"""

import itertools
import math
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from playwright.sync_api import Browser, Error, Locator, Page, Response, ViewportSize, sync_playwright

Point = tuple[float, float]

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_VIEWPORT: ViewportSize = {"width": 1600, "height": 1200}
_TIMEOUT_S = 120  # a machine may be ten times slower than this one
_HOLD_MS = 150  # a shorter press may be lost, or be taken for half of a double click (Label Studio 1.23.2)
_AIM_MS = 100  # a press at once after the mouse's arrival adds no vertex to a vector
_BETWEEN_CLICKS_MS = 300  # two clicks closer in time are a double click, which ends or deletes
_DRAG_STEPS = 8

# What a kind of control is on the screen.
_ON_SCREEN = {
    "labels": ".lsf-labels",
    "choices": ".lsf-choices",
    "number": ".lsf-number",
    "textarea": "[data-testid=textarea-control]",
    "rating": ":has(> .ant-rate)",
    "datetime": ".htx-datetime",
}

_CHROMIUM_ARGS = (
    "--no-sandbox",  # Chromium refuses to run as root with it
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# What reading the editor's state starts from: the annotation on the screen, its tags and its regions.
_PRELUDE = """
const store = window.Htx?.annotationStore, annotation = store?.selected;
const tags = annotation?.names ? [...annotation.names.values()] : [];
const image = tags.find(tag => tag.type === "image" && tag.name === (window.lookedAt ?? tag.name));
const control = name => tags.find(tag => tag.name === name);
const classOf = child => child.alias ?? child.value;  // as results have it; the text on the screen may differ
const regions = (annotation?.regions ?? []).filter(region => !region.classification);
"""

_READY = """
if (window.Htx?.noTask) return true;
if (!annotation || window.Htx.isLoading || annotation.type !== "annotation") return false;
if (annotation.regions.some(region => !region.results.length)) return false;
if (!image) return true;
const stage = image.stageRef;
return Boolean(image.currentImageEntity.imageLoaded && stage?.width() > 1 && stage.scaleX() === image.zoomScale);
"""

# The annotation is shown before all of its prediction is in it.
_LOADED = "return annotation?.results.length ?? null"

_LAYOUT = """
const box = document.querySelector(".lsf-main-view .konvajs-content, .lsf-main-view")?.getBoundingClientRect();
return box ? [box.x, box.y, box.width, box.height] : null;
"""

_REGIONS = """
return regions.flatMap(region => {
  const results = region.labelings.length ? region.labelings : region.results.slice(0, 1);
  return results.map(result => ({
    id: region.cleanId,
    type: result.type,
    from_name: result.from_name.name,
    labels: [result.selectedLabels ?? []].flat().map(classOf).filter(name => name !== null),
    value: region.serialize().value,
  }));
});
"""

# A classification of the whole image is an area of its own, which is in no list of regions; on a list, one of an image.
_VALUE = """
const isOnScreen = area => (area.item_index ?? image?.currentImage) === image?.currentImage;
const belongs = area => id === null ? area.classification && isOnScreen(area) : area.cleanId === id;
const found = annotation.results.find(it => it.from_name.name === name && belongs(it.area));
return JSON.parse(JSON.stringify(found?.mainValue ?? null));
"""

_PICKED = "return tags.flatMap(tag => (tag.isLabeling && tag.selectedLabels) || []).map(classOf);"

_LABELS_CONTROLS = """
const holds = tag => tag.isLabeling && tag.tiedChildren.some(child => classOf(child) === label);
return tags.filter(holds).map(tag => tag.name);
"""

_TO_SCREEN = """
const [x, y] = image.zoomOriginalCoords([image.internalToCanvasX(point[0]), image.internalToCanvasY(point[1])]);
const box = image.stageRef.container().getBoundingClientRect();
return [box.left + x, box.top + y];
"""

# Scrolls where a point of the path is out of sight; how far the path went up, or null if it still cannot be begun.
_BRING_INTO_VIEW = """
const stage = image.stageRef.container(), scroller = stage.closest(".lsf-main-content");
const frame = scroller.getBoundingClientRect(), before = scroller.scrollTop;
const pressable = up => stage.contains(document.elementFromPoint(path[0][0], path[0][1] - up));
const top = Math.min(...path.map(point => point[1])), bottom = Math.max(...path.map(point => point[1]));
if (top < frame.top || bottom > frame.bottom || !pressable(0)) {
  scroller.scrollTop += (top + bottom - frame.top - frame.bottom) / 2;
}
const up = scroller.scrollTop - before;
return pressable(up) ? up : null;
"""

_ROTATION_HANDLE = """
const handles = image.stageRef.find("Transformer").map(transformer => transformer.findOne(".rotater"));
const handle = handles.find(handle => handle?.isVisible());
if (!handle) return null;
const at = handle.getAbsolutePosition(), box = image.stageRef.container().getBoundingClientRect();
return [box.left + at.x, box.top + at.y];
"""

_NATURAL_SIZE = """
const shown = [...document.querySelectorAll(".lsf-main-view img")].find(img => img.complete && img.naturalWidth);
return shown ? [shown.naturalWidth, shown.naturalHeight] : [0, 0];
"""

_STAGE = """
const box = image.stageRef.container().getBoundingClientRect();
return { x: box.x, y: box.y, width: box.width, height: box.height };
"""


class EditorError(Exception):
    """The editor did not do what the action should have made it do."""


@dataclass(frozen=True)
class Region:
    """A region as one control labels it; ``value`` is its geometry in Label Studio's own words.

    A region to which the annotator gave labels of two controls is there twice, with the same ``id``.
    """

    id: str
    type: str
    from_name: str
    labels: list[str]
    value: Mapping[str, Any]

    @property
    def label(self) -> str | None:
        """The first label, or None if there is none that the labeling config knows."""
        return self.labels[0] if self.labels else None

    @property
    def x(self) -> float:
        return float(self.value["x"])

    @property
    def y(self) -> float:
        return float(self.value["y"])

    @property
    def width(self) -> float:
        return float(self.value["width"])

    @property
    def height(self) -> float:
        return float(self.value["height"])

    @property
    def rotation(self) -> float:
        """Degrees, clockwise, about the top-left corner."""
        return float(self.value["rotation"])

    @property
    def points(self) -> list[Point]:
        """The vertices of a polygon, a polyline or a skeleton, in their order; a keypoint's one."""
        if "vertices" in self.value:
            return [(float(vertex["x"]), float(vertex["y"])) for vertex in self.value["vertices"]]
        return [(float(x), float(y)) for x, y in self.value.get("points") or [(self.x, self.y)]]


class TaskPage:
    """One task, open in the editor.

    Args:
        page: a browser page that shows the task, or is about to
        stream: whether this is the label stream, where submitting opens the next task
    """

    def __init__(self, page: Page, stream: bool = False) -> None:
        self.page = page
        self.errors: list[str] = []
        self._stream = stream
        page.on("pageerror", self._note)

    # ---- what is on the screen

    @property
    def task_id(self) -> int | None:
        """The task shown; None after the last one of a label stream."""
        task_id: int | None = self._read("return window.Htx.noTask ? null : window.Htx.task.id")
        return task_id

    def regions(self, at_least: int = 0) -> list[Region]:
        """Every region of the annotation, in the editor's order.

        Args:
            at_least: how many are waited for; what plays is there before what is on it
        """
        self._until(lambda: len(self._read(_REGIONS)) >= at_least, f"{at_least} regions")
        return [Region(**region) for region in self._read(_REGIONS)]

    def region(self, region_id: str) -> Region:
        """The region of this id; of two with the same id, the one labelled first."""
        return self._same(region_id)[0]

    def visible(self, region_id: str) -> bool:
        """Whether a region is to be seen: whether the picture changes when it is hidden with the eye in its row.

        A vector left open where it should be closed has no eye; for it, whether the picture changes by selecting it.
        """
        self.unselect()
        row = self._row(region_id)
        row.hover()  # the eye shows only then, and the picture must not change by the mouse
        before = self._picture()
        eye = row.locator("button").last
        if not eye.count():
            self.select(region_id)
            return self._picture() != before
        self._toggle(eye, region_id)
        after = self._picture()
        self._toggle(eye, region_id)
        return after != before

    def chosen(self, field: str, region_id: str | None = None) -> list[str]:
        """The choices now made in the Choices control ``field``, for a region or for the image."""
        return list(self.entered(field, region_id) or [])

    def entered(self, control: str, region_id: str | None = None) -> Any:
        """What a control now says of a region, or of the image, as Label Studio stores it; None if nothing."""
        return self._read(_VALUE, name=control, id=region_id)

    def result(self) -> list[dict[str, Any]]:
        """What Submit would send."""
        return list(self._read("return annotation.serializeAnnotation()"))

    def problems(self) -> list[str]:
        """What the editor complained of: errors in the page, and in reading the config or a prediction."""
        found = self._read("return (store?.validation ?? []).map(problem => JSON.stringify(problem))")
        return [*self.errors, *found]

    def natural_size(self) -> tuple[int, int]:
        """Width and height of the image that was loaded, in its own pixels."""
        width, height = self._read(_NATURAL_SIZE)
        return width, height

    def screenshot(self, path: str | Path) -> None:
        self.page.screenshot(path=str(path))

    def turn_to_next(self) -> None:
        """Show the next image of a list."""
        self._click(self.page.locator(".lsf-pagination__btn_arrow-right").first)
        self.wait_until_ready()

    def begin_blank(self) -> None:
        """Begin another annotation of the task, from nothing, with the **+** beside those that there are."""
        self._click(self.page.get_by_role("button", name="Create an annotation"))
        self._until(lambda: not self._read("return annotation.results.length"), "a blank annotation")
        self.wait_until_ready()

    def look_at(self, name: str) -> None:
        """Has all that follows be about one of several images: the one of an object tag."""
        self.page.evaluate("name => { window.lookedAt = name }", name)
        self.wait_until_ready()

    # ---- a person's actions on regions

    def select(self, region_id: str) -> Region:
        """Select a region, and only it, by clicking its row in the list of regions."""
        region = self.region(region_id)
        if self._selected() != [region_id]:
            self._click(self._row(region_id))
            self._until(lambda: self._selected() == [region_id], f"region {region_id!r} to be selected")
        return region

    def select_on_image(self, region_id: str, at: Point | None = None) -> Region:
        """Select a region by clicking it on the image.

        Args:
            region_id: the region
            at: where to click; may be left out where the region's middle, first edge or point is in it
        """
        self.unselect()
        region = self.region(region_id)
        self.click(*(at or self._grip(region)))
        self._until(lambda: self._selected() == [region_id], f"region {region_id!r} to be selected by a click on it")
        return region

    def unselect(self) -> None:
        """Let go of every region and every label, with the Escape key; one is drawn to its end by that."""

        def free() -> bool:
            if not self._selected() and not self._read(_PICKED):
                return True
            self.page.keyboard.press("Escape")  # again for an open vector: the first one only ends the drawing
            self.page.wait_for_timeout(_AIM_MS)
            return False

        self._until(free, "nothing to be selected")

    def move(self, region_id: str, dx: float, dy: float) -> Region:
        """Drag a region by ``(dx, dy)`` percent of the image, whose border stops it; not one of masks.

        A box is taken hold of in the middle (on one smaller than about 20 screen pixels, that is a resize handle), a
        polygon in the middle of its points, which must be inside, a vector on its first edge, a keypoint where it is.
        """
        self.select(region_id)
        before = self._same(region_id)
        x, y = self._grip(before[0])
        self.drag((x, y), (x + dx, y + dy))
        return self._changed(before)

    def move_vertex(self, region_id: str, index: int, dx: float, dy: float) -> Region:
        """Drag one vertex of a polygon or a vector; others must be further away than 10 screen pixels."""
        self.select(region_id)
        before = self._same(region_id)
        x, y = before[0].points[index]
        self.drag((x, y), (x + dx, y + dy))
        return self._changed(before)

    def insert_vertex(self, region_id: str, x: float, y: float) -> Region:
        """Add a vertex on an edge of a polygon or an open vector, by Shift and a click there."""
        return self._alter_vertices(region_id, "Shift", (x, y), 1)

    def append_vertex(self, region_id: str, x: float, y: float) -> Region:
        """Add a vertex after the last one of an open vector, by a click on the empty image."""
        return self._alter_vertices(region_id, None, (x, y), 1)

    def delete_vertex(self, region_id: str, index: int) -> Region:
        """Take one vertex of a polygon or a vector off, by Alt and a click on it."""
        return self._alter_vertices(region_id, "Alt", self.region(region_id).points[index], -1)

    def paint(self, region_id: str, *points: Point) -> Region:
        """Brush along the points, into a region that is a mask."""
        return self._stroke(region_id, "brush-tool, bitmask-tool", points)

    def erase(self, region_id: str, *points: Point) -> Region:
        """Rub out along the points, in a region that is a mask, also in a read-only one (Label Studio 1.23.2)."""
        region = self._stroke(region_id, "eraser", points)
        self._tool("brush-tool, bitmask-tool")  # the next stroke of anybody would else rub out
        return region

    def rotate(self, region_id: str, degrees: float) -> Region:
        """Turn a box clockwise about its centre, by dragging its rotation handle along a circle.

        The handle is 50 screen pixels outside the box's top edge; there it must be on the image. The image's border
        stops the box, also while it turns.
        """
        self.select(region_id)
        before = self._same(region_id)
        handle = self._until(lambda: self._read(_ROTATION_HANDLE), f"the rotation handle of region {region_id!r}")
        centre = self._to_screen(self._middle(before[0]))
        self._drag_on_screen([_turned(handle, centre, degrees * i / _DRAG_STEPS) for i in range(_DRAG_STEPS + 1)])
        return self._changed(before)

    def relabel(self, region_id: str, label: str | None, field: str | None = None) -> Region:
        """Give a region another label, by clicking it; a label of another control joins the one that it has.

        Args:
            region_id: the region
            label: the class; None is the blank one
            field: the control whose label to click, if not the region's own
        """
        self.select(region_id)
        before = self._same(region_id)
        self.pick_label(label, field or before[0].from_name)
        return self._changed(before)

    def delete(self, region_id: str) -> None:
        """Delete a region with the Backspace key."""
        self.select(region_id)
        self.page.keyboard.press("Backspace")
        self._until(lambda: region_id not in self._ids(), f"region {region_id!r} to be deleted")

    def draw_box(self, label: str, x: float, y: float, width: float, height: float, field: str | None = None) -> Region:
        """Draw a box by dragging from its top-left to its bottom-right corner, in percent of the image.

        Args:
            label: the class
            x: left edge
            y: top edge
            width: percent of the image's width
            height: percent of the image's height
            field: the control that has the class; may be left out where only one has it
        """

        def gesture() -> None:
            # Without the Control key, a drag that begins on another region moves that one.
            with self._held("Control"):
                self.drag((x, y), (x + width, y + height))

        return self.draw(label, gesture, field)

    def draw_path(self, label: str, *points: Point, closed: bool = False, field: str | None = None) -> Region:
        """Draw a polygon or another closed shape, a polyline, a skeleton or, with one point, a keypoint, by clicks.

        Args:
            label: the class
            points: the vertices, no two within 10 screen pixels
            closed: whether to click the first one again at the end; a polygon must be closed
            field: the control that has the class; may be left out where only one has it
        """
        region = self.draw(label, lambda: self.path(*points, *points[: int(closed)]), field)
        if len(region.points) != len(points):
            raise EditorError(f"{len(points)} clicks drew {len(region.points)} vertices")
        return region

    def draw_mask(self, label: str, *points: Point, field: str | None = None) -> Region:
        """Brush a new mask along the points."""
        return self.draw(label, lambda: self.drag(*points), field)

    def draw_wand(self, label: str, at: Point, to: Point, field: str | None = None) -> Region:
        """Make a new mask of what is coloured alike, with the magic wand: press at a point, drag, and let go.

        Args:
            label: the class
            at: where to begin; what looks like it, and hangs together with it, becomes the mask
            to: where to let go; the further away, the more is taken for alike
            field: the control that has the class; may be left out where only one has it
        """

        def gesture() -> None:
            self._tool("magicwand")
            self.drag(at, to)

        region_id = self.draw(label, gesture, field).id
        self._until(lambda: self._at_rest(_REGIONS), f"the mask of region {region_id!r}")
        return self.region(region_id)

    def draw(self, label: str, gesture: Callable[[], None], field: str | None = None) -> Region:
        """Make a new region: pick its label, then do ``gesture``, which is made of `drag` and `click`."""
        self.unselect()
        before = set(self._ids())
        self.pick_label(label, field)
        gesture()
        made = self._until(lambda: set(self._ids()) - before, f"a new region labelled {label!r}")
        if len(made) > 1:
            raise EditorError(f"drawing one region labelled {label!r} made {len(made)}: {sorted(made)}")
        self.unselect()
        return self.region(made.pop())

    def draw_shape(self, tool: str, gesture: Callable[[], None], field: str) -> Region:
        """Make a new region without a class: choose a tool of the toolbar, then do ``gesture``.

        Args:
            tool: the tool, as its button says to a screen reader
            gesture: made of `drag` and `click`
            field: the control that the region must belong to
        """
        self.unselect()
        before = set(self._ids())
        self._tool(tool)
        gesture()
        made = self._until(lambda: set(self._ids()) - before, f"a new region drawn with the {tool}")
        self.unselect()
        region = self.region(made.pop())
        if region.from_name != field or region.labels:
            raise EditorError(f"drawing a shape of {field!r} made one of {region.from_name!r} labelled {region.labels}")
        return region

    # ---- what gestures are made of

    def pick_label(self, label: str | None, field: str | None = None) -> None:
        """Click a label, whatever that does now: begin to draw, or label the selected region; None is the blank one."""
        name = field or self._control_with(str(label))
        control = self._control(name, "labels")
        self._click(control.locator(".lsf-label").nth(self._class_index(name, label)))

    def drag(self, *points: Point) -> None:
        """Press the mouse at the first point, move it through the others, and let go; percent of the image."""
        corners = [self._to_screen(point) for point in points]
        path = corners[:1]
        for (x, y), (to_x, to_y) in itertools.pairwise(corners):
            for step in range(1, _DRAG_STEPS + 1):
                path.append((x + (to_x - x) * step / _DRAG_STEPS, y + (to_y - y) * step / _DRAG_STEPS))
        self._drag_on_screen(path)

    def click(self, x: float, y: float) -> None:
        """Click on the image, at percent of it."""
        self._drag_on_screen([self._to_screen((x, y))])

    def path(self, *points: Point) -> None:
        """Click on the image at each of the points."""
        for x, y in points:
            self.click(x, y)
            self.page.wait_for_timeout(_BETWEEN_CLICKS_MS)

    # ---- classifications and attributes, and what becomes of the task

    def choose(self, field: str, choice: str, region_id: str | None = None) -> list[str]:
        """Click a choice of the Choices control ``field``, which takes a chosen one off; what is chosen then.

        Args:
            field: the control
            choice: the class
            region_id: the region of which a control with ``perRegion`` tells, already selected
        """
        before = self.chosen(field, region_id)
        control = self._control(field, "choices")
        index = self._class_index(field, choice)

        def taken() -> bool:
            return self.chosen(field, region_id) != before

        if self._read("return control(name).layout", name=field) == "select":
            self._click(control.get_by_role("button"))
            popup = self.page.get_by_test_id("select-popup")
            self._click(popup.get_by_role("option").nth(index))
            # With several choices the list stays open, over what is below it.
            self._until(taken, f"control {field!r} to take {choice!r}")
            if popup.is_visible():
                self.page.keyboard.press("Escape")
            popup.wait_for(state="hidden")
        else:
            self._click(control.locator(".lsf-choice__item input").nth(index))
            self._until(taken, f"control {field!r} to take {choice!r}")
        return self.chosen(field, region_id)

    def set_attribute(self, region_id: str, control: str, value: str | list[str] | float | None) -> Any:
        """Select a region and make a control with ``perRegion`` say exactly this of it.

        Args:
            region_id: the region
            control: the control, which must be on the screen once the region is selected
            value: as for `set_value`
        """
        self.select(region_id)
        return self._enter(control, value, region_id)

    def set_value(self, control: str, value: str | list[str] | float | None) -> Any:
        """Make a control say exactly this of the image; what it says then, as Label Studio stores it.

        Args:
            control: the control
            value: a choice or a list of them, a text, a number, a count of stars, or an ISO date or time; None takes
                it away, which a Number does not allow
        """
        return self._enter(control, value, None)

    def rank(self, control: str, item: str, places: int, columns: int = 0) -> dict[str, list[str]]:
        """Move an item of a Ranker with the keyboard; what the control says then.

        Args:
            control: the control
            item: the id of the item
            places: how many places down; up where it is negative
            columns: how many columns to the right, before that
        """
        before = self.entered(control)
        names = self._read("return tags.filter(tag => tag.type === 'ranker').map(tag => tag.name)")
        # Several may show the same items.
        self.page.locator(f'[data-ranker-id="{item}"]').nth(names.index(control)).focus()
        # It listens to the arrows once it has lifted the item.
        keys = ["Space", *["ArrowRight"] * columns, *["ArrowUp" if places < 0 else "ArrowDown"] * abs(places), "Space"]
        for key in keys:
            self.page.keyboard.press(key)
            self.page.wait_for_timeout(_BETWEEN_CLICKS_MS)
        self._until(lambda: self.entered(control) != before, f"item {item!r} of control {control!r} to move")
        ranked: dict[str, list[str]] = self.entered(control)
        return ranked

    def submit(self) -> dict[str, Any]:
        """Submit the annotation, or update the one submitted before; the annotation as the server answers."""
        return self._finish("submit", "update")

    def skip(self) -> dict[str, Any]:
        """Skip the task; only the label stream has the button. The annotation as the server answers."""
        return self._finish("skip")

    def wait_until_ready(self) -> None:
        """Wait until the annotation and its image are there and the layout has come to rest."""
        self._until(lambda: self._read(_READY), "the task to be shown")
        self._until(lambda: self._at_rest(_LOADED), "the annotation to be loaded")
        self._until(lambda: self._at_rest(_LAYOUT), "the layout to come to rest")

    def leave(self) -> None:
        """Listen no longer: the page is about to show something else."""
        self.page.remove_listener("pageerror", self._note)

    # ---- inside

    def _note(self, error: Error) -> None:
        self.errors.append(str(error))

    def _finish(self, *actions: str) -> dict[str, Any]:
        task_id = self.task_id
        button = self.page.locator(", ".join(f"[data-testid=bottombar-{action}-button]" for action in actions))
        self._until(lambda: button.is_visible() and button.is_enabled(), f"the button to {' or '.join(actions)}")
        with self.page.expect_response(_is_annotation) as answer:
            self._click(button)
        response = answer.value
        if not response.ok:
            raise EditorError(f"the server answered {response.status} to task {task_id}: {response.text()[:500]}")
        annotation: dict[str, Any] = response.json()
        if self._stream:
            self._until(lambda: self.task_id != task_id, f"the label stream to leave task {task_id}")
        else:
            stored = "return Number(annotation?.pk) === id"
            self._until(lambda: self._read(stored, id=annotation["id"]), "the submitted annotation to be shown")
        self.wait_until_ready()
        return annotation

    def _read(self, body: str, **arguments: Any) -> Any:
        return self.page.evaluate(f"({{{', '.join(arguments)}}}) => {{ {_PRELUDE} {body} }}", arguments)

    def _alter_vertices(self, region_id: str, key: str | None, at: Point, more: int) -> Region:
        before = self._same(region_id)
        if before[0].type == "vectorlabels":
            # Without its tool, the editor adds no vertex; a label picked while a region is selected relabels that.
            self.unselect()
            self.pick_label(before[0].labels[0], before[0].from_name)
        self.select(region_id)
        with self._held(key):
            self.click(*at)
        region = self._changed(before)
        if len(region.points) != len(before[0].points) + more:
            raise EditorError(f"region {region_id!r} has {len(region.points)} vertices, had {len(before[0].points)}")
        return region

    def _stroke(self, region_id: str, tools: str, points: tuple[Point, ...]) -> Region:
        self.select(region_id)
        before = self._same(region_id)
        self._tool(tools)
        self.drag(*points)
        return self._changed(before)

    def _tool(self, names: str) -> None:
        buttons = ", ".join(f".lsf-toolbar [aria-label={name}]" for name in names.split(", "))
        self._click(self.page.locator(buttons).first)

    @contextmanager
    def _held(self, key: str | None) -> Iterator[None]:
        if key:
            self.page.keyboard.down(key)
        try:
            yield
        finally:
            if key:
                self.page.keyboard.up(key)

    def _enter(self, name: str, value: Any, region_id: str | None) -> Any:
        kind = self._read("return control(name)?.type", name=name)
        before = self.entered(name, region_id)
        if kind == "choices":
            wanted = [] if value is None else [value] if isinstance(value, str) else value
            # New ones first: an item that loses its last choice gets another id.
            for choice in [*wanted, *(before or [])]:
                if (choice in wanted) != (choice in self.chosen(name, region_id)):
                    self.choose(name, choice, region_id)
            return self.entered(name, region_id)
        if before in (value, [value]):
            return before
        control = self._control(name, kind)
        if kind == "number":
            self._click(control.locator("input"))
            self.page.keyboard.press("Control+a")
            self.page.keyboard.type(str(value))
        elif kind == "textarea":
            self._enter_text(control, value, before is not None)
        elif kind == "rating":
            stars = before if value is None else value  # a click on the last star takes all away
            self._click(control.get_by_role("radio").nth(int(stars) - 1))
        elif kind == "datetime":
            date, _, clock = (value or "").partition("T")
            fields = {"date": date} if not clock else {"date": date, "time": clock}
            for field, text in fields.items():
                # How a date is typed depends on the browser's language.
                control.locator(f"input[type={field}]").fill(text)
        else:
            raise EditorError(f"no control {name!r} that the driver knows how to set; it is a {kind}")
        self._until(lambda: self.entered(name, region_id) != before, f"control {name!r} to take {value!r}")
        return self.entered(name, region_id)

    def _enter_text(self, control: Locator, text: str | None, replace: bool) -> None:
        if text is None:
            control.get_by_test_id("textarea-region").hover()
            self._click(control.get_by_test_id("htx-textbox-delete-button"))
            return
        if replace:
            control.get_by_test_id("textarea-region").hover()
            self._click(control.get_by_test_id("htx-textbox-edit-button"))
        box = control.get_by_test_id("htx-textbox-input" if replace else "textarea-input")
        self._click(box)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)
        # Enter begins a new line in a box of several rows.
        self.page.keyboard.press("Shift+Enter" if box.evaluate("box => box.tagName") == "TEXTAREA" else "Enter")

    def _toggle(self, eye: Locator, region_id: str) -> None:
        hidden = "return regions.find(region => region.cleanId === id).hidden"
        before = self._read(hidden, id=region_id)
        self._click(eye)
        self._until(lambda: self._read(hidden, id=region_id) != before, f"region {region_id!r} to be hidden or shown")

    def _picture(self) -> bytes:
        self.page.wait_for_timeout(_AIM_MS)
        return self.page.screenshot(clip=self._read(_STAGE))

    def _ids(self) -> list[str]:
        return list(self._read("return regions.map(region => region.cleanId)"))

    def _selected(self) -> list[str]:
        return list(self._read("return annotation.selectedRegions.map(region => region.cleanId)"))

    def _same(self, region_id: str) -> list[Region]:
        found = [region for region in self.regions() if region.id == region_id]
        if not found:
            raise EditorError(f"no region {region_id!r}; there are {self._ids()}")
        return found

    def _changed(self, before: list[Region]) -> Region:
        region_id = before[0].id
        self._until(lambda: _differ(self._same(region_id), before), f"region {region_id!r} to change")
        self._until(lambda: self._at_rest(_REGIONS), f"region {region_id!r} to come to rest")
        return self.region(region_id)

    def _until(self, condition: Callable[[], Any], what: str) -> Any:
        end = time.monotonic() + _TIMEOUT_S
        while not (found := condition()):
            if time.monotonic() > end:
                raise EditorError(f"waited {_TIMEOUT_S} s for {what}; the editor's problems: {self.problems()}")
            self.page.wait_for_timeout(50)
        return found

    def _at_rest(self, body: str) -> bool:
        before = self._read(body)
        self.page.wait_for_timeout(100)
        return bool(self._read(body) == before)

    def _grip(self, region: Region) -> Point:
        """A point by which a person would take hold of a region."""
        if "height" in region.value:
            return self._middle(region)
        points = region.points
        if "vertices" in region.value:
            points = points[:2]
        return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)

    def _middle(self, box: Region) -> Point:
        aspect = self._read("return image.stageHeight / image.stageWidth")  # angles are true in pixels, not in percent
        x, y = _turned((box.width / 2, box.height / 2 * aspect), (0, 0), box.rotation)
        return box.x + x, box.y + y / aspect

    def _control_with(self, label: str) -> str:
        names: list[str] = self._read(_LABELS_CONTROLS, label=label)
        if len(names) != 1:
            raise EditorError(f"label {label!r} is in the controls {names}; name the one that is meant")
        return names[0]

    def _control(self, name: str, kind: str) -> Locator:
        """The control on the screen. Its name is not in the page, so it is found by its place among its kind."""
        names: list[str] = self._read(
            "return tags.filter(tag => tag.type.endsWith(kind)).map(tag => tag.name)", kind=kind
        )
        if name not in names:
            raise EditorError(f"no {kind} control {name!r}; there are {names}")
        shown = self.page.locator(f".lsf-main-view {_ON_SCREEN[kind]}")
        if shown.count() != len(names):
            raise EditorError(f"{len(names)} {kind} controls {names}, but {shown.count()} are on the screen")
        return shown.nth(names.index(name))

    def _class_index(self, name: str, wanted: str | None) -> int:
        classes: list[str | None] = self._read("return control(name).tiedChildren.map(classOf)", name=name)
        if wanted not in classes:
            raise EditorError(f"control {name!r} has no class {wanted!r}; it has {classes}")
        return classes.index(wanted)

    def _row(self, region_id: str) -> Locator:
        index = self._read("return regions.find(region => region.cleanId === id).region_index", id=region_id)
        number = self.page.locator(".lsf-outliner-item__index", has_text=re.compile(rf"^\s*{index}\s*$"))
        row = self.page.locator(".lsf-outliner-item").filter(has=number)

        def found() -> bool:
            self.page.mouse.wheel(0, 200)
            self.page.wait_for_timeout(50)
            return row.count() > 0

        closed = self.page.locator(".lsf-outliner-tree [class*=switcher_close]")
        while not row.count() and closed.count():
            # The list opens with its branches closed where the editor got the parents before the children.
            self._click(closed.first)
            self.page.wait_for_timeout(_AIM_MS)
        if not row.count():
            # A long list holds only the rows in sight: go to its top, then down until the row is there.
            self.page.locator(".lsf-outliner-tree").hover()
            self.page.mouse.wheel(0, -1_000_000)
            self._until(found, f"the row of region {region_id!r}")
        return row

    def _click(self, target: Locator) -> None:
        target.click(delay=_HOLD_MS)

    def _to_screen(self, point: Point) -> Point:
        x, y = self._read(_TO_SCREEN, point=list(point))
        return x, y

    def _drag_on_screen(self, path: list[Point]) -> None:
        up = self._read(_BRING_INTO_VIEW, path=path)
        if up is None:
            raise EditorError(f"cannot press the mouse at {path[0]}: that is not on the image")
        mouse = self.page.mouse
        mouse.move(path[0][0], path[0][1] - up)
        self.page.wait_for_timeout(_AIM_MS)
        mouse.down()
        self.page.wait_for_timeout(_HOLD_MS)
        for x, y in path[1:]:
            mouse.move(x, y - up)
        self.page.wait_for_timeout(_HOLD_MS)
        mouse.up()


class _Chromium:
    """The browser of this process, for all who use it at the same time.

    It is closed with its last user: while Playwright runs, nothing else in its thread can run an event loop, as
    FiftyOne's operators do.
    """

    def __init__(self) -> None:
        self._users = 0
        self._stack = ExitStack()
        self._browser: Browser | None = None

    @contextmanager
    def used(self) -> Iterator[Browser]:
        """The browser, which is not closed meanwhile."""
        if self._browser is None:
            playwright = self._stack.enter_context(sync_playwright())
            self._browser = playwright.chromium.launch(executable_path=_chromium(), args=list(_CHROMIUM_ARGS))
            self._stack.callback(self._browser.close)
        self._users += 1
        try:
            yield self._browser
        finally:
            self._users -= 1
            if not self._users:
                self._browser = None
                self._stack.close()


# Playwright allows no second one beside it.
CHROMIUM = _Chromium()
"""The browser of this process."""


class Editor:
    """The browser, signed in to a Label Studio server; leaving the ``with`` block always ends that.

    Args:
        url: the server's address
        username: email address of a user
        password: the user's password
        any_certificate: whether servers are trusted whose certificate nobody knows
    """

    def __init__(self, url: str, username: str, password: str, any_certificate: bool = False) -> None:
        self.url = url.rstrip("/")
        self._username = username
        self._password = password
        self._any_certificate = any_certificate
        self._shown: TaskPage | None = None

    def __enter__(self) -> "Editor":
        with ExitStack() as stack:
            browser = stack.enter_context(CHROMIUM.used())
            self._context = browser.new_context(viewport=_VIEWPORT, ignore_https_errors=self._any_certificate)
            stack.callback(self._context.close)
            self._context.set_default_timeout(1000 * _TIMEOUT_S)
            self._sign_in()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def open_task(self, project_id: int, task_id: int) -> TaskPage:
        """Open one task in the quick view, as by clicking it in the list of tasks, in place of what was open before."""
        return self._open(f"/projects/{project_id}/data?task={task_id}", stream=False)

    def open_label_stream(self, project_id: int) -> TaskPage:
        """Open the first task of the label stream, as by "Label All Tasks", in place of what was open before."""
        return self._open(f"/projects/{project_id}/data?labeling=1", stream=True)

    def open_page(self, path: str) -> Page:
        """Open a page that is no task, such as a project's settings, in place of what was open before."""
        page = self._leave()
        page.goto(self.url + path)
        return page

    def _open(self, path: str, stream: bool) -> TaskPage:
        page = self._leave()
        # Until the new page is there, errors are those of the page that is left.
        page.goto(self.url + path, wait_until="commit")
        self._shown = TaskPage(page, stream)
        page.wait_for_load_state()
        self._shown.wait_until_ready()
        return self._shown

    def _leave(self) -> Page:
        # A page of its own would compile the editor's scripts anew, which is half of the work of opening a task.
        (page,) = self._context.pages
        if self._shown is not None:
            self._shown.leave()
            self._shown = None
        page.mouse.move(0, 0)
        return page

    def _sign_in(self) -> None:
        page = self._context.new_page()
        # Whether to leave a task that has not been submitted.
        page.on("dialog", lambda dialog: dialog.accept())
        sign_in(page, self.url, self._username, self._password)


def sign_in(page: Page, url: str, username: str, password: str) -> None:
    """Signs a browser in to a Label Studio server.

    Args:
        page: one of its pages, which goes to the login page
        url: the server's address
        username: email address of a user
        password: the user's password
    """
    page.goto(f"{url}/user/login/")
    page.fill("input[name=email]", username)
    page.fill("input[name=password]", password)
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        page.click("button[type=submit]", no_wait_after=True)
    if answer.value.status != 302:
        raise EditorError(f"{url} refused the login of {username!r}")


def _chromium() -> str:
    for name in _BROWSERS:
        if path := shutil.which(name):
            return path
    raise EditorError(f"no browser found; install one of {', '.join(_BROWSERS)} (Debian's package is chromium)")


def _is_annotation(response: Response) -> bool:
    sent = response.request.method in ("POST", "PATCH")
    return sent and re.search(r"/api/(tasks/\d+/annotations|annotations/\d+)/?(\?|$)", response.url) is not None


def _differ(regions: list[Region], others: list[Region]) -> bool:
    """Whether regions differ by more than the rounding errors of a drag that was stopped at once."""
    return len(regions) != len(others) or any(
        (one.from_name, one.labels) != (other.from_name, other.labels) or not _close(one.value, other.value)
        for one, other in zip(regions, others, strict=True)
    )


def _close(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_close(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_close, one, other))
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    return abs(one - other) < 1e-6 if numbers else bool(one == other)


def _turned(point: Point, centre: Point, degrees: float) -> Point:
    """A point turned clockwise, as seen on a screen, about a centre."""
    x, y = point[0] - centre[0], point[1] - centre[1]
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return centre[0] + x * cos - y * sin, centre[1] + x * sin + y * cos
