-- name: stages
-- Where the time goes: milliseconds of finished results by stage.
-- :model  only results of this model; NULL: of all
SELECT m.name AS model, t.key AS stage, count(*) AS results, round(avg(t.value), 2) AS mean_ms,
       round(min(t.value), 2) AS least_ms, round(max(t.value), 2) AS most_ms
FROM models m
JOIN results r ON r.model = m.id AND r.state = 'done'
JOIN json_each(r.timings) t
WHERE t.type IN ('integer', 'real') AND (:model IS NULL OR m.name = :model)
GROUP BY m.name, t.key
ORDER BY m.name, mean_ms DESC;
