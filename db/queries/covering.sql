-- name: covering
-- What lies around a place: the segments whose box holds a pixel, newest results first, and whether
-- the pixel itself is theirs. Uses the R*Tree. Needs lualab's map_at.
-- :x  pixels from the left; NULL: 0
-- :y  pixels from the top; NULL: 0
-- :limit  how many; NULL: 200
WITH boxes AS MATERIALIZED (
    SELECT result, class_id FROM segment_boxes
    WHERE x0 <= coalesce(:x, 0) AND x1 >= coalesce(:x, 0)
      AND y0 <= coalesce(:y, 0) AND y1 >= coalesce(:y, 0)
    ORDER BY id DESC
    LIMIT coalesce(:limit, 200))
SELECT r.path, l.name AS label, g.pixels,
       map_at(r.map, coalesce(:x, 0), coalesce(:y, 0)) = b.class_id AS exactly
FROM boxes b
JOIN segments g ON g.result = b.result AND g.class_id = b.class_id
JOIN results r ON r.id = b.result
LEFT JOIN labels l ON l.label_set = r.label_set AND l.class_id = b.class_id
ORDER BY r.id DESC, exactly DESC, g.pixels DESC;
