-- name: models
-- Each model with what it did: pictures, and the time for one.
-- :model  only this one; NULL: all
SELECT m.name AS model, s.name AS labels, s.classes, m.input_width, m.input_height,
       count(r.id) AS results,
       round(avg(julianday(r.finished) - julianday(r.started)) * 86400, 3) AS mean_seconds,
       max(r.finished) AS last_used, m.licence
FROM models m
LEFT JOIN label_sets s ON s.id = m.label_set
LEFT JOIN results r ON r.model = m.id AND r.state = 'done'
WHERE :model IS NULL OR m.name = :model
GROUP BY m.id
ORDER BY results DESC, model;
