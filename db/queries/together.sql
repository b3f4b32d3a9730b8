-- name: together
-- Which labels occur in the same picture, and how often.
-- :label  only pairs with this one; NULL: all pairs
WITH found (label_set, a, b) AS (
    SELECT r.label_set, a.class_id, b.class_id
    FROM labels l
    JOIN segments a ON a.class_id = l.class_id
    JOIN results r ON r.id = a.result AND r.label_set = l.label_set
    JOIN segments b ON b.result = a.result AND b.class_id <> a.class_id
    WHERE l.name = :label
    UNION ALL
    SELECT r.label_set, a.class_id, b.class_id
    FROM results r -- first, out of an index: its rows are long
    CROSS JOIN segments a ON a.result = r.id
    CROSS JOIN segments b ON b.result = a.result AND b.class_id > a.class_id
    WHERE :label IS NULL
), counted AS (
    SELECT label_set, a, b, count(*) AS results FROM found GROUP BY label_set, a, b
)
SELECT coalesce(la.name, 'class ' || c.a) AS label, coalesce(lb.name, 'class ' || c.b) AS with_label,
       sum(c.results) AS results
FROM counted c
LEFT JOIN labels la ON la.label_set = c.label_set AND la.class_id = c.a
LEFT JOIN labels lb ON lb.label_set = c.label_set AND lb.class_id = c.b
GROUP BY 1, 2
ORDER BY results DESC, 1, 2;
