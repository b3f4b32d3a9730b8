-- name: agreement
-- Where two models looked at the same picture: how far their maps agree on each label
-- (intersection over union). Needs lualab's map_iou.
-- :label  only this label; NULL: every label that either model found
-- :limit  how many pairs of results, the newest; NULL: 100
WITH compared AS (
    SELECT a.id AS one, b.id AS other
    FROM results b
    -- The plus keeps the index over pictures the one to be used: it finds far fewer rows.
    JOIN results a ON a.image = b.image AND +a.label_set = b.label_set AND +a.model < b.model
                   AND a.width = b.width AND a.height = b.height
    WHERE a.map IS NOT NULL AND b.map IS NOT NULL
    ORDER BY b.id DESC
    LIMIT coalesce(:limit, 100)
)
SELECT DISTINCT a.path, ma.name AS model, mb.name AS other_model, l.name AS label,
       round(map_iou(a.map, b.map, l.class_id), 4) AS iou
FROM compared c -- the few pairs first, whatever ANALYZE has counted
CROSS JOIN results a ON a.id = c.one
JOIN results b ON b.id = c.other
JOIN models ma ON ma.id = a.model
JOIN models mb ON mb.id = b.model
JOIN segments g ON g.result IN (a.id, b.id)
JOIN labels l ON l.label_set = a.label_set AND l.class_id = g.class_id
WHERE :label IS NULL OR l.name = :label
ORDER BY a.path, iou;
