-- name: labels
-- How much of all pictures each label covers, largest first.
-- :labels  only of this label set ("pascal"); NULL: of all
WITH areas AS ( -- names are joined in last: there are far fewer classes than segments
    SELECT r.label_set, g.class_id, count(*) AS results, sum(g.pixels) AS pixels,
           max(g.fraction) AS largest
    FROM results r
    JOIN segments g ON g.result = r.id
    GROUP BY r.label_set, g.class_id
)
SELECT s.name AS labels, coalesce(l.name, 'class ' || a.class_id) AS label, a.results, a.pixels,
       round(100.0 * a.pixels / sum(a.pixels) OVER (PARTITION BY a.label_set), 2) AS percent,
       round(100 * a.largest, 2) AS largest_percent
FROM areas a
LEFT JOIN label_sets s ON s.id = a.label_set
LEFT JOIN labels l ON l.label_set = a.label_set AND l.class_id = a.class_id
WHERE :labels IS NULL OR s.name = :labels
ORDER BY labels, a.pixels DESC;
