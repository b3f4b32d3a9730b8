-- name: find
-- Results by words of their path ("street 2024*"), newest first. Word* finds beginnings, OR and NOT
-- combine.
-- :words  what to look for; NULL: everything
-- :limit  how many; NULL: 1000
SELECT r.result, r.path, r.model, r.state, r.started
FROM v_results r
WHERE :words IS NULL OR r.result IN (SELECT rowid FROM path_search(coalesce(:words, 'x')))
ORDER BY r.result DESC
LIMIT coalesce(:limit, 1000);
