-- name: labels
-- How much of all pictures each label covers, largest first.
-- :labels  only of this label set ("pascal"); NULL: of all
SELECT labels, label, results, pixels,
       round(100.0 * pixels / sum(pixels) OVER (PARTITION BY labels), 2) AS percent,
       round(100 * max_fraction, 2) AS largest_percent
FROM v_label_areas
WHERE :labels IS NULL OR labels = :labels
ORDER BY labels, pixels DESC;
