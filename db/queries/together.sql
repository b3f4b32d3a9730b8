-- name: together
-- Which labels occur in the same picture, and how often.
-- :label  only pairs with this one; NULL: all pairs
SELECT a.label AS label, b.label AS with_label, count(*) AS results
FROM v_segments a
JOIN v_segments b ON b.result = a.result AND b.class_id <> a.class_id
WHERE CASE WHEN :label IS NULL THEN a.class_id < b.class_id ELSE a.label = :label END
GROUP BY 1, 2
ORDER BY results DESC, 1, 2;
