-- name: failures
-- What went wrong, newest first: pictures that failed, and those whose run ended without a word
-- (the program was killed, or is still at work).
-- :run  only of this run; NULL: of all
SELECT result, run, path, model, state,
       coalesce(reason, 'started, but never finished') AS reason, started
FROM v_results
WHERE state <> 'done' AND (:run IS NULL OR run = :run)
ORDER BY started DESC, result DESC;
