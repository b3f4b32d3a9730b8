"""Reads GeoJSON files of `lualab export` with GDAL: its own geometry tests must hold, areas must be
those that are said, and what GDAL paints of the polygons must be the label map, as GDAL's own reader
of PNG sees it.    check_gdal.py FOLDER-OF-GEOJSON FOLDER-OF-PNGS"""

import os
import sys

import numpy
from osgeo import gdal, ogr

gdal.UseExceptions()
names = sorted(os.listdir(sys.argv[1]))
assert names
for name in names:
    stem = name[: -len(".geojson")]
    picture = gdal.Open(os.path.join(sys.argv[2], stem + ".labels.png"))
    truth = picture.ReadAsArray()
    palette = picture.GetRasterBand(1).GetRasterColorTable()
    source = ogr.Open(os.path.join(sys.argv[1], name))
    layer = source.GetLayer(0)
    for feature in layer:
        geometry, class_id = feature.GetGeometryRef(), feature["class_id"]
        assert geometry.GetGeometryName() == "MULTIPOLYGON" and geometry.IsValid(), (name, class_id)
        assert geometry.Area() == feature["pixels"] == (truth == class_id).sum(), (name, class_id)
        color = "#%02x%02x%02x" % palette.GetColorEntry(class_id)[:3]
        assert color == feature["color"], (name, class_id, color)
    painted = gdal.GetDriverByName("MEM").Create("", truth.shape[1], truth.shape[0], 1)
    painted.SetGeoTransform((0, 1, 0, 0, 0, 1))  # y downwards, as in pictures
    painted.GetRasterBand(1).Fill(255)
    gdal.RasterizeLayer(painted, [1], layer, options=["ATTRIBUTE=class_id"])
    assert (painted.ReadAsArray() == truth).all(), name
print(len(names), "files are their label maps")
