"""Reads GeoJSON files of `lualab export` with the geojson and shapely packages, which know nothing of
lualab: they must be valid by the rules of RFC 7946 and of OGC simple features, and cover exactly
the pixels they say.    check_geojson.py FILE.geojson..."""

import sys

import geojson
from shapely.geometry import shape
from shapely.ops import unary_union


def check(path):
    with open(path, encoding="utf-8") as file:
        collection = geojson.load(file)
    assert collection.is_valid, (path, collection.errors())
    whole = collection["image"]["width"] * collection["image"]["height"]
    geometries = []
    for feature in collection["features"]:
        label = feature["properties"]["label"]
        geometry = shape(feature["geometry"])
        assert geometry.is_valid, (path, label)
        assert geometry.area == feature["properties"]["pixels"], (path, label, geometry.area)
        for polygon in geometry.geoms:
            assert polygon.exterior.is_ccw, (path, label, "outer ring")
            assert not any(hole.is_ccw for hole in polygon.interiors), (path, label, "hole")
        geometries.append(geometry)
    # Every pixel is covered, and none twice.
    assert sum(geometry.area for geometry in geometries) == whole, path
    assert abs(unary_union(geometries).area - whole) < 1e-6 * whole, path


for name in sys.argv[1:]:
    check(name)
print(len(sys.argv) - 1, "files are as they should be")
