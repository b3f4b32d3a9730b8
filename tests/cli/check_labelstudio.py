"""Reads what `lualab export --format labelstudio` writes by Label Studio's documented form of
predictions: the keys of tasks, of polygon regions and their types; points in percent of the picture,
whose polygons have the area of their class.    check_labelstudio.py TASKS.json FOLDER-OF-PNGS"""

import json
import os
import sys

import numpy
from PIL import Image

with open(sys.argv[1], encoding="utf-8") as file:
    tasks = json.load(file)
assert isinstance(tasks, list) and tasks
for task in tasks:
    (prediction,) = task["predictions"]
    assert isinstance(task["data"]["image"], str) and isinstance(prediction["model_version"], str)
    name = os.path.basename(task["data"]["image"]) + ".labels.png"
    with Image.open(os.path.join(sys.argv[2], name)) as picture:
        width, height = picture.size
        ids = numpy.array(picture)
    areas, regions = {}, set()
    for region in prediction["result"]:
        assert region["type"] == "polygonlabels" and region["image_rotation"] == 0
        assert (region["original_width"], region["original_height"]) == (width, height)
        assert region["from_name"] == "label" and region["to_name"] == "image"
        regions.add(region["id"])
        points = numpy.array(region["value"]["points"], float)
        assert points.shape[0] >= 3 and points.shape[1] == 2 and region["value"]["closed"] is True
        assert points.min() >= 0 and points.max() <= 100
        (label,) = region["value"]["polygonlabels"]
        x, y = points[:, 0] * width / 100, points[:, 1] * height / 100
        area = abs(numpy.dot(x, numpy.roll(y, -1)) - numpy.dot(y, numpy.roll(x, -1))) / 2
        areas[label] = areas.get(label, 0) + area
    assert len(regions) == len(prediction["result"]), "two regions have one id"
    expected = {"abc"[i]: (ids == i).sum() for i in numpy.unique(ids)}
    assert areas.keys() == expected.keys()
    for label, area in areas.items():
        assert abs(area - expected[label]) < 1e-6 * ids.size, (name, label)
print(len(tasks), "tasks are as documented")
