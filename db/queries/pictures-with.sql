-- name: pictures-with
-- The pictures that show a label, those that show most of it first.
-- :label     the label's name, like "person"
-- :fraction  at least this much of the picture (0 to 1); NULL: any
-- :limit     how many; NULL: 1000
SELECT r.path, m.name AS model, l.name AS label, round(100 * g.fraction, 2) AS percent, g.pixels,
       g.x, g.y, g.width, g.height, g.regions
FROM labels l
JOIN segments g ON g.class_id = l.class_id
JOIN results r ON r.id = g.result AND r.label_set = l.label_set
LEFT JOIN models m ON m.id = r.model
WHERE l.name = :label AND g.fraction >= coalesce(:fraction, 0)
ORDER BY g.fraction DESC
LIMIT coalesce(:limit, 1000);
