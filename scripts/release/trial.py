"""What is tried with an installed package, without a server: a dataset goes to files, and comes back as it was.

``python trial.py FOLDER``; the folder receives the database, the image and the files.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from fo_labelstudio.local.database import LocalDatabase

folder = Path(sys.argv[1])
folder.mkdir(parents=True)
database = LocalDatabase(folder / "mongodb")
os.environ.update(
    FIFTYONE_DATABASE_URI=database.uri,
    FIFTYONE_CONFIG_PATH=str(folder / "config.json"),
    FIFTYONE_ANNOTATION_CONFIG_PATH=str(folder / "annotation_config.json"),
    FIFTYONE_DO_NOT_TRACK="true",
    FIFTYONE_DATABASE_VALIDATION="false",
)

import fiftyone as fo  # noqa: E402
from PIL import Image  # noqa: E402

import fo_labelstudio  # noqa: E402

BOX = [0.1, 0.2, 1 / 3, 0.25]


def main() -> None:
    """Sends, answers and loads."""
    path = folder / "image.png"
    Image.new("RGB", (64, 48)).save(path)
    dataset = fo.Dataset()
    boxes = fo.Detections(detections=[fo.Detection(label="cat", bounding_box=BOX, tags=["mine"])])
    dataset.add_sample(fo.Sample(path, boxes=boxes))
    fo_labelstudio.export_tasks(dataset, "run", folder / "files", label_field="boxes")
    (task,) = json.loads((folder / "files" / "tasks.json").read_text(encoding="utf-8"))
    result = task["predictions"][0]["result"]
    answer = {"id": 1, "was_cancelled": False, "result": result}
    exported = folder / "export.json"
    exported.write_text(json.dumps([{**task, "id": 1, "annotations": [answer]}]), encoding="utf-8")
    before = dataset.first().to_dict()
    fo_labelstudio.load_annotations(dataset, "run", json_path=exported)
    dataset.reload()
    after = dataset.first().to_dict()
    changed = [key for key in before if before[key] != after[key] and key != "last_modified_at"]
    if changed:
        raise SystemExit(f"what nobody touched was changed: {changed}")
    print(f"fo_labelstudio {fo_labelstudio.__version__} from {Path(fo_labelstudio.__file__).parent} works")


with database:
    main()
