"""Tasks from the docs of Label Studio, with the numbers that they have there.

Source: Label Studio docs, guide "Import pre-annotated data into Label Studio" and "Label Studio task format"; for the
older form, guide "Export completions" of version 0.7
"""

from __future__ import annotations

from typing import Any


def _drawn(size: tuple[int, int], region_id: str, control: str, kind: str, **value: Any) -> dict[str, Any]:
    return {
        "id": region_id,
        "type": kind,
        "from_name": control,
        "to_name": "image",
        "original_width": size[0],
        "original_height": size[1],
        "image_rotation": 0,
        "value": value,
    }


BOXES_CONFIG = """
<View>
  <Choices name="choice" toName="image" showInLine="true">
    <Choice value="Boeing" background="blue"/>
    <Choice value="Airbus" background="green" />
  </Choices>
  <RectangleLabels name="label" toName="image">
    <Label value="Airplane" background="green"/>
    <Label value="Car" background="blue"/>
  </RectangleLabels>
  <Image name="image" value="$image"/>
</View>
"""

_AIRPLANE = {"rotation": 0, "x": 4.98, "y": 12.82, "width": 32.52, "height": 44.91, "rectanglelabels": ["Airplane"]}
_CAR = {"rotation": 0, "x": 75.47, "y": 82.33, "width": 5.74, "height": 7.40, "rectanglelabels": ["Car"]}

BOXES = {
    "data": {"image": "/static/samples/sample.jpg"},
    "predictions": [
        {
            "model_version": "one",
            "score": 0.5,
            "result": [
                _drawn((600, 403), "result1", "label", "rectanglelabels", **_AIRPLANE),
                _drawn((600, 403), "result2", "label", "rectanglelabels", **_CAR),
                {
                    "id": "result3",
                    "type": "choices",
                    "from_name": "choice",
                    "to_name": "image",
                    "value": {"choices": ["Airbus"]},
                },
            ],
        }
    ],
}

WITHOUT_LABELS_CONFIG = """
<View>
  <Image name="image" value="$image" zoom="true" zoomControl="true" rotateControl="false"/>
  <Rectangle name="rect" toName="image" showInline="false"/>
  <Polygon name="polygon" toName="image"/>
  <Ellipse name="ellipse" toName="image"/>
  <KeyPoint name="kp" toName="image"/>
  <Labels name="labels" toName="image" fillOpacity="0.5" strokeWidth="5">
    <Label value="Vehicle" background="green"/>
    <Label value="Building" background="blue"/>
    <Label value="Pavement" background="red"/>
  </Labels>
</View>
"""

CORNERS = [[20.93, 28.90], [25.86, 64.69], [38.40, 62.79], [34.13, 27.48]]

WITHOUT_LABELS = {
    "data": {"image": "/static/samples/sample.jpg"},
    "predictions": [
        {
            "model_version": "one",
            "score": 0.5,
            "result": [
                _drawn((800, 450), "ABC", "rect", "rectangle", x=55.46, y=2.36, width=35.86, height=46.9, rotation=0),
                _drawn((800, 450), "GHI", "polygon", "polygon", points=CORNERS),
                _drawn((800, 450), "JKL", "ellipse", "ellipse", x=8.4, y=20.14, radiusX=4, radiusY=7.10, rotation=0),
                # The docs say that the rectangle has drawn this point.
                _drawn((800, 450), "DEF", "rect", "keypoint", x=38.40, y=34.21, width=1.0),
            ],
        }
    ],
}

OCR_CONFIG = """
<View>
  <Image name="image" value="$ocr"/>
  <Labels name="label" toName="image">
    <Label value="Text" background="green"/>
    <Label value="Handwriting" background="blue"/>
  </Labels>
  <Rectangle name="bbox" toName="image" strokeWidth="3"/>
  <Polygon name="poly" toName="image" strokeWidth="3"/>
  <TextArea name="transcription" toName="image" editable="true" perRegion="true" required="true" maxSubmissions="1"
            rows="5" placeholder="Recognized Text" displayMode="region-list"/>
</View>
"""

_LINE = {
    "x": 48.93333333333333,
    "y": 61.333333333333336,
    "width": 9.733333333333333,
    "height": 2.8444444444444446,
    "rotation": 0,
}

OCR = {
    "data": {"ocr": "/data/upload/receipt_00523.png"},
    "predictions": [
        {
            "model_version": "best_ocr_model_1_final",
            "result": [
                _drawn((864, 1296), "bb1", "bbox", "rectangle", **_LINE),
                _drawn((864, 1296), "bb1", "label", "labels", **_LINE, labels=["Text"]),
                _drawn((864, 1296), "bb1", "transcription", "textarea", **_LINE, text=["TOTAL"]),
            ],
            "score": 0.89,
        }
    ],
}


def _moonwalker(region_id: str, **value: float) -> dict[str, Any]:
    return {
        "from_name": "tag",
        "id": region_id,
        "source": "$image",
        "to_name": "img",
        "type": "rectanglelabels",
        "value": {**value, "rotation": 0, "rectanglelabels": ["Moonwalker"]},
    }


_WALKER = _moonwalker("Dx_aB91ISN", height=10.458911419423693, width=12.4, x=50.8, y=5.869797225186766)

_PREDICTIONS = [
    {
        "created_ago": "3 hours",
        "model_version": "model 1",
        "result": [_moonwalker("t5sp3TyXPo", height=11.612284069097889, width=39.6, x=13.2, y=34.702495201535505)],
    },
    {
        "created_ago": "4 hours",
        "model_version": "model 2",
        "result": [_moonwalker("t5sp3TyXPo", height=33.61228406909789, width=39.6, x=13.2, y=54.702495201535505)],
    },
]

TASK = {
    "id": 1,
    "created_at": "2021-03-09T21:52:49.513742Z",
    "updated_at": "2021-03-09T22:16:08.746926Z",
    "project": 83,
    "data": {"image": "https://example.com/opensource/label-studio/1.jpg"},
    "annotations": [
        {
            "id": "1001",
            "result": [_WALKER],
            "was_cancelled": False,
            "ground_truth": False,
            "created_at": "2021-03-09T22:16:08.728353Z",
            "updated_at": "2021-03-09T22:16:08.728378Z",
            "lead_time": 4.288,
            "result_count": 0,
            "task": 1,
            "completed_by": 10,
        }
    ],
    "predictions": _PREDICTIONS,
}

COMPLETIONS = {
    "completions": [{"id": "1001", "lead_time": 15.053, "result": [_WALKER]}],
    "data": {"image": "https://example.com/opensource/label-studio/examples/images/astronaut.jpg"},
    "id": 1,
    "predictions": _PREDICTIONS,
}
