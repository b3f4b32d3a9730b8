-- name: agreement
-- Where two models looked at the same picture: how far their maps agree on each label
-- (intersection over union). Needs lualab's map_iou.
-- :label  only this label; NULL: every label that either model found
SELECT DISTINCT a.path, ma.name AS model, mb.name AS other_model, l.name AS label,
       round(map_iou(a.map, b.map, l.class_id), 4) AS iou
FROM results a
JOIN results b ON b.image = a.image AND b.label_set = a.label_set AND b.model > a.model
               AND b.width = a.width AND b.height = a.height
JOIN models ma ON ma.id = a.model
JOIN models mb ON mb.id = b.model
JOIN segments g ON g.result IN (a.id, b.id)
JOIN labels l ON l.label_set = a.label_set AND l.class_id = g.class_id
WHERE a.map IS NOT NULL AND b.map IS NOT NULL AND (:label IS NULL OR l.name = :label)
ORDER BY a.path, iou;
