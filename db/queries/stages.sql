-- name: stages
-- Where the time goes: milliseconds of finished results by stage.
-- :model  only results of this model; NULL: of all
SELECT r.model, t.key AS stage, count(*) AS results, round(avg(t.value), 2) AS mean_ms,
       round(min(t.value), 2) AS least_ms, round(max(t.value), 2) AS most_ms
FROM v_results r, json_each(r.timings) t
WHERE r.state = 'done' AND t.type IN ('integer', 'real') AND (:model IS NULL OR r.model = :model)
GROUP BY r.model, t.key
ORDER BY r.model, mean_ms DESC;
