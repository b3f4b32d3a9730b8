-- name: pictures-with
-- The pictures that show a label, those that show most of it first.
-- :label     the label's name ("person"); NULL: every label
-- :fraction  at least this much of the picture (0 to 1); NULL: any
SELECT path, model, label, round(100 * fraction, 2) AS percent, pixels, x, y, width, height, regions
FROM v_segments
WHERE (:label IS NULL OR label = :label) AND fraction >= coalesce(:fraction, 0)
ORDER BY fraction DESC;
