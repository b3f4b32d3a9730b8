-- name: runs
-- The latest runs: what was asked, how it ended, how fast it was.
-- :limit  how many; NULL: 20
SELECT run, started, state, done, failed, running, seconds,
       round(done / nullif(seconds, 0), 2) AS pictures_per_second, command
FROM v_runs
ORDER BY run DESC
LIMIT coalesce(:limit, 20);
