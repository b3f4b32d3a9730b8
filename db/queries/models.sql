-- name: models
-- Each model with what it did: pictures, and the time for one.
-- :model  only this one; NULL: all
SELECT m.model, m.labels, m.classes, m.input_width, m.input_height, m.results,
       round(avg(r.seconds), 3) AS mean_seconds, max(r.finished) AS last_used, m.licence
FROM v_models m
LEFT JOIN results x ON x.model = m.model_id AND x.state = 'done'
LEFT JOIN v_results r ON r.result = x.id
WHERE :model IS NULL OR m.model = :model
GROUP BY m.model_id
ORDER BY m.results DESC, m.model;
