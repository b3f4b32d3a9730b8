-- name: confusions
-- What a model takes for something else: pairs of classes, those with most pixels first.
-- :evaluation  of this evaluation; NULL: of the latest
-- :limit       how many pairs; NULL: 20
SELECT c.model, c.truth, c.found, c.pixels, round(100.0 * c.pixels / t.truth, 2) AS percent_of_truth
FROM v_evaluation_confusions c
JOIN evaluation_classes t ON t.evaluation = c.evaluation AND t.class_id = c.truth_id
WHERE c.evaluation = coalesce(:evaluation, (SELECT max(id) FROM evaluations))
  AND c.truth_id <> c.found_id
ORDER BY c.pixels DESC
LIMIT coalesce(:limit, 20);
