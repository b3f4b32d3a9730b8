-- name: evaluation-classes
-- Where two evaluations differ: the IoU of each class in both, the largest difference first.
-- Without parameters: the latest, and the one before it over the same truths and by the same rule.
-- :evaluation  the first; NULL: the latest
-- :with        the second; NULL: the one before it that can be compared
WITH first AS (
    SELECT * FROM evaluations
    WHERE id = coalesce(:evaluation, (SELECT max(id) FROM evaluations))
), second AS (
    SELECT e.* FROM evaluations e JOIN first f ON e.id <> f.id AND (e.id = :with OR :with IS NULL
        AND e.digest = f.digest AND e.rule = f.rule AND e.id < f.id)
    ORDER BY e.id DESC LIMIT 1
)
SELECT a.label, ma.name AS model, round(100 * a.iou, 2) AS iou, mb.name AS other_model,
       round(100 * b.iou, 2) AS other_iou, round(100 * (a.iou - b.iou), 2) AS difference
FROM first f
JOIN v_evaluation_classes a ON a.evaluation = f.id
JOIN models ma ON ma.id = f.model
LEFT JOIN second s
LEFT JOIN models mb ON mb.id = s.model
LEFT JOIN evaluation_classes b ON b.evaluation = s.id AND b.class_id = a.class_id
WHERE a.truth > 0
ORDER BY abs(difference) DESC, a.class_id;
