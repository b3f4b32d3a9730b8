-- name: evaluations
-- How good models were against ground truth, best first, those of the same truths together. Only
-- evaluations with the same truths, rule and band can be compared.
-- :model  only this model; NULL: all
SELECT e.evaluation, e.model, e.labels, e.pictures, e.failed, round(100 * e.mean_iou, 2) AS mean_iou,
       e.classes, round(100 * e.boundary_iou, 2) AS boundary_iou,
       round(100 * e.pixel_accuracy, 2) AS pixel_accuracy,
       round(100 * e.frequency_iou, 2) AS frequency_iou, e.rule, substr(e.digest, 1, 8) AS truths,
       e.version, e.added
FROM v_evaluations e
WHERE :model IS NULL OR e.model = :model
ORDER BY e.digest, e.rule, e.mean_iou DESC;
