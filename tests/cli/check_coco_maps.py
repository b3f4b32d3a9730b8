"""Reads a COCO file of `lualab export` by what the format is defined to be, and compares each mask,
pixel by pixel, with the label map that `lualab export --format png` wrote and Pillow reads.

Run lengths go down the columns, from left to right, and begin with pixels outside. As text they are
numbers in groups of five bits, lowest first, in the characters from "0" on: 32 says that a group
follows, and the highest bit of the last group is the sign. From the fourth number on each is the
difference to the one two before it. Polygons must have the area of their annotation.

    check_coco_maps.py FILE.json FOLDER-OF-PNGS"""

import json
import os
import sys

import numpy
from PIL import Image


def numbers(text):
    counts, value, shift = [], 0, 0
    for character in text:
        group = ord(character) - 48
        assert 0 <= group < 64, character
        value += (group % 32) * 32**shift
        shift += 1
        if group < 32:
            if group >= 16:
                value -= 32**shift
            counts.append(value + (counts[-2] if len(counts) >= 3 else 0))
            value, shift = 0, 0
    assert shift == 0, "the text ends within a number"
    return counts


def mask_of(segmentation):
    height, width = segmentation["size"]
    counts = segmentation["counts"]
    if isinstance(counts, str):
        counts = numbers(counts)
    assert sum(counts) == height * width and min(counts[1:], default=1) > 0, counts
    inside = numpy.arange(len(counts)) % 2 == 1
    return numpy.repeat(inside, counts).reshape(width, height).T


def area_of(ring):
    xs, ys = numpy.array(ring[0::2], float), numpy.array(ring[1::2], float)
    return abs(numpy.dot(xs, numpy.roll(ys, -1)) - numpy.dot(ys, numpy.roll(xs, -1))) / 2


with open(sys.argv[1], encoding="utf-8") as file:
    coco = json.load(file)
maps = {}
for image in coco["images"]:
    name = os.path.basename(image["file_name"]) + ".labels.png"
    with Image.open(os.path.join(sys.argv[2], name)) as picture:
        assert picture.mode == "P" and picture.size == (image["width"], image["height"]), name
        maps[image["id"]] = numpy.array(picture)
categories = {category["id"] for category in coco["categories"]}
seen = {key: numpy.zeros(value.shape, int) for key, value in maps.items()}
for annotation in coco["annotations"]:
    truth = maps[annotation["image_id"]] == annotation["category_id"]
    ys, xs = numpy.nonzero(truth)
    box = [xs.min(), ys.min(), xs.max() - xs.min() + 1, ys.max() - ys.min() + 1]
    assert annotation["category_id"] in categories and annotation["iscrowd"] == 0
    assert annotation["bbox"] == box and annotation["area"] == truth.sum(), annotation["id"]
    if isinstance(annotation["segmentation"], list):
        assert sum(map(area_of, annotation["segmentation"])) == annotation["area"]
    else:
        assert (mask_of(annotation["segmentation"]) == truth).all(), annotation["id"]
        seen[annotation["image_id"]] += truth
        covered = True
if "covered" in globals():
    assert all((count == 1).all() for count in seen.values())
print(len(coco["annotations"]), "annotations are those of", len(maps), "label maps")
