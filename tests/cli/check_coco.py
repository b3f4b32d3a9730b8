"""Reads a COCO file of `lualab export` with pycocotools. Run lengths must give masks that have the
area and the box of their annotation and cover every pixel once; polygons, which pycocotools draws
by rules of its own, must come close.    check_coco.py FILE.json"""

import json
import sys

import numpy
from pycocotools.coco import COCO

coco = COCO(sys.argv[1])
with open(sys.argv[1], encoding="utf-8") as file:
    exact = not isinstance(json.load(file)["annotations"][0]["segmentation"], list)
for image in coco.loadImgs(coco.getImgIds()):
    covered = numpy.zeros((image["height"], image["width"]), int)
    for annotation in coco.loadAnns(coco.getAnnIds(imgIds=image["id"])):
        mask = coco.annToMask(annotation)
        covered += mask
        if exact:
            ys, xs = numpy.nonzero(mask)
            x, y = int(xs.min()), int(ys.min())
            box = [x, y, int(xs.max()) - x + 1, int(ys.max()) - y + 1]
            assert mask.sum() == annotation["area"], (image, annotation["id"])
            assert box == annotation["bbox"], (image, annotation["id"])
    if exact:
        assert (covered == 1).all(), image
    else:
        assert (covered > 0).mean() > 0.9, image
