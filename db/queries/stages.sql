-- name: stages
-- Where the time goes: the timings of finished results by stage, in the unit they were recorded in.
-- :model  only results of this model; NULL: of all
SELECT r.model, t.key AS stage, count(*) AS results, round(avg(t.value), 4) AS mean,
       round(min(t.value), 4) AS least, round(max(t.value), 4) AS most
FROM v_results r, json_each(r.timings) t
WHERE r.state = 'done' AND t.type IN ('integer', 'real') AND (:model IS NULL OR r.model = :model)
GROUP BY r.model, t.key
ORDER BY r.model, mean DESC;
