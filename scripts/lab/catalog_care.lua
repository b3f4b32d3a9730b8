-- Keeping catalogs in order: what is in one, whether it is whole, taking another one in, and
-- forgetting. Every change is one transaction, so a killed program leaves all of it or nothing.

local care = {}

-- ---- info ----

--- What a catalog holds, as { name, value } in the order to show.
---@param db lab.Catalog
---@return table[]? lines
---@return string? message
function care.info(db)
  local counts, message = db:one [[
    SELECT (SELECT count(*) FROM models) AS models, (SELECT count(*) FROM label_sets) AS label_sets,
           (SELECT count(*) FROM images) AS images, (SELECT count(*) FROM runs) AS runs,
           (SELECT min(started) FROM runs) AS first, (SELECT max(started) FROM runs) AS last,
           (SELECT sqlite_version()) AS sqlite,
           (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size) AS bytes,
           (SELECT freelist_count * page_size
            FROM pragma_freelist_count, pragma_page_size) AS free]]
  if not counts then
    return nil, message
  end
  local results
  results, message = db:one [[
    SELECT sum(state = 'done') AS done, sum(state = 'failed') AS failed,
           sum(state = 'running') AS running, count(map) AS maps, sum(length(map)) AS map_bytes,
           sum(iif(map IS NULL, 0, width * height)) AS pixels
    FROM results]]
  if not results then
    return nil, message
  end
  local maps = ("%d, %d bytes"):format(results.maps, results.map_bytes or 0)
  if (results.pixels or 0) > 0 then
    maps = maps .. (" (%.2f %% of a byte a pixel)"):format(100 * results.map_bytes / results.pixels)
  end
  return {
    { "file", db:path() }, { "version", db:version() }, { "SQLite", counts.sqlite },
    { "size", ("%d bytes, %d of them free"):format(counts.bytes, counts.free) },
    { "models", counts.models }, { "label sets", counts.label_sets },
    { "pictures", counts.images }, { "runs", counts.runs },
    { "results", ("%d done, %d failed, %d running"):format(results.done or 0, results.failed or 0,
      results.running or 0) },
    { "maps", maps }, { "first run", counts.first or "none" },
    { "last run", counts.last or "none" },
  }
end

-- ---- check ----

-- Each gives one row with a sentence for everything that is wrong; `since` is the schema version
-- that it is about.
local checks = {
  { sql = [[
    SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok']] },
  { sql = [[
    SELECT 'row ' || ifnull(rowid, '?') || ' of ' || "table" || ' refers to a row of ' || parent ||
           ' that is not there' FROM pragma_foreign_key_check]] },
  { sql = [[
    SELECT 'result ' || r.id || ' is ' || r.state || ', but has the numbers of ' ||
           count(*) || ' segments'
    FROM results r JOIN segments g ON g.result = r.id WHERE r.state <> 'done' GROUP BY r.id]] },
  { since = 2, sql = [[
    SELECT 'the R*Tree: ' || t.report
    FROM (SELECT rtreecheck('segment_boxes') AS report) t WHERE t.report <> 'ok']] },
  { since = 2, sql = [[
    SELECT 'segment_boxes has not the box of class ' || g.class_id || ' of result ' || g.result
    FROM segments g LEFT JOIN segment_boxes b ON b.id = g.result * 65536 + g.class_id
    WHERE (b.x0, b.y0, b.x1, b.y1) IS NOT (g.x, g.y, g.x + g.width - 1, g.y + g.height - 1)]] },
  { since = 2, sql = [[
    SELECT 'segment_boxes has ' || n || ' boxes without a segment'
    FROM (SELECT (SELECT count(*) FROM segment_boxes) - (SELECT count(*) FROM segments) AS n)
    WHERE n > 0]] },
  { since = 2, sql = [[
    SELECT 'label_search has not the name of class ' || l.class_id || ' of label set ' ||
           l.label_set
    FROM labels l LEFT JOIN label_search s ON s.rowid = l.label_set * 65536 + l.class_id
    WHERE s.name IS NOT l.name]] },
}

local map_check = [[
  SELECT coalesce(
    (SELECT 'its map is ' || map_width(r.map) || 'x' || map_height(r.map) || ' pixels, not ' ||
            r.width || 'x' || r.height
     WHERE (map_width(r.map), map_height(r.map)) IS NOT (r.width, r.height)),
    (SELECT 'its segments are not those of its map'
     WHERE (SELECT count(*) FROM segments g WHERE g.result = r.id) <>
           (SELECT count(*) FROM map_segments(r.map) m JOIN segments g
            ON g.result = r.id AND g.class_id = m.class_id AND g.pixels = m.pixels AND g.x = m.x
            AND g.y = m.y AND g.width = m.width AND g.height = m.height)))
  FROM results r WHERE r.id = ?]]

--- Looks for damage: the file, references, search tables, and every label map against its numbers.
---@param db lab.Catalog
---@param report fun(sentence: string)  called for each thing that is wrong
---@return integer? maps     how many were decoded
---@return string? message   when the check itself cannot go on
---@return string? code
function care.check(db, report)
  for _, check in ipairs(checks) do
    if db:version() >= (check.since or 1) then
      local rows, message, code = db:query(check.sql)
      if not rows and code == "INTERRUPTED" then
        return nil, message, code
      elseif not rows then
        report(message)
      end
      for _, row in ipairs(rows or {}) do
        -- Of a NULL where the schema has none, no sentence can be made.
        report(row[1] and tostring(row[1]) or "a row has no value where the schema wants one")
      end
    end
  end
  local ids, message, code = db:query "SELECT id FROM results WHERE map IS NOT NULL"
  if not ids then
    return nil, message, code
  end
  for _, row in ipairs(ids) do
    local problem
    problem, message, code = db:value(map_check, row[1])
    if code == "INTERRUPTED" then
      return nil, message, code
    elseif problem or message then
      report(("result %d: %s"):format(row[1], problem or message))
    end
  end
  return #ids
end

-- ---- merge ----

-- Rows of the other catalog are found again by what they are, never by their ids: pictures, models
-- and label sets by their digests, runs by when and how they began, results by their place in their
-- run. So merging twice adds nothing. CROSS JOIN: what is new first, there may be little of it.
local merge_steps = {
  [[INSERT INTO label_sets (name, digest, classes)
    SELECT name, digest, classes FROM other.label_sets WHERE true ON CONFLICT DO NOTHING]],
  [[CREATE TEMP TABLE merge_label_sets (theirs INTEGER PRIMARY KEY, ours INTEGER);
    INSERT INTO merge_label_sets
    SELECT o.id AS theirs, s.id AS ours FROM other.label_sets o JOIN label_sets s USING (digest)]],
  [[INSERT INTO labels (label_set, class_id, name, color)
    SELECT s.ours, l.class_id, l.name, l.color
    FROM other.labels l JOIN merge_label_sets s ON s.theirs = l.label_set
    WHERE true ON CONFLICT DO NOTHING]],
  [[INSERT INTO models (sha256, name, path, format, licence, label_set, input_width, input_height,
                        added)
    SELECT m.sha256, m.name, m.path, m.format, m.licence, s.ours, m.input_width, m.input_height,
           m.added
    FROM other.models m LEFT JOIN merge_label_sets s ON s.theirs = m.label_set
    WHERE true ON CONFLICT DO NOTHING]],
  [[CREATE TEMP TABLE merge_models (theirs INTEGER PRIMARY KEY, ours INTEGER);
    INSERT INTO merge_models
    SELECT o.id AS theirs, m.id AS ours
    FROM other.models o LEFT JOIN merge_label_sets s ON s.theirs = o.label_set
    JOIN models m ON m.sha256 = o.sha256 AND m.name = o.name
                  AND ifnull(m.label_set, 0) = ifnull(s.ours, 0)]],
  [[INSERT INTO images (sha256, path, bytes, width, height, format, added)
    SELECT sha256, path, bytes, width, height, format, added
    FROM other.images WHERE true ON CONFLICT DO NOTHING]],
  [[CREATE TEMP TABLE merge_images (theirs INTEGER PRIMARY KEY, ours INTEGER);
    INSERT INTO merge_images
    SELECT o.id AS theirs, i.id AS ours FROM other.images o JOIN images i USING (sha256)]],
  -- Several runs can have begun in one millisecond: the nth of them there is the nth here.
  [[CREATE TEMP TABLE merge_runs (theirs INTEGER PRIMARY KEY, new INTEGER, ours INTEGER);
    INSERT INTO merge_runs
    WITH t AS (SELECT *, row_number() OVER (PARTITION BY started, command, pipeline, version,
                                            kernels, threads ORDER BY id) AS nth FROM other.runs),
         o AS (SELECT *, row_number() OVER (PARTITION BY started, command, pipeline, version,
                                            kernels, threads ORDER BY id) AS nth FROM main.runs)
    SELECT t.id AS theirs, o.id IS NULL AS new,
           ifnull(o.id, (SELECT ifnull(max(id), 0) FROM main.runs) +
                        row_number() OVER (PARTITION BY o.id IS NULL ORDER BY t.id)) AS ours
    FROM t LEFT JOIN o ON o.started = t.started AND o.command IS t.command
                       AND o.pipeline IS t.pipeline AND o.version IS t.version
                       AND o.kernels IS t.kernels AND o.threads IS t.threads AND o.nth = t.nth]],
  [[INSERT INTO runs (id, state, command, pipeline, version, kernels, threads, started, finished)
    SELECT m.ours, r.state, r.command, r.pipeline, r.version, r.kernels, r.threads, r.started,
           r.finished
    FROM other.runs r JOIN merge_runs m ON m.theirs = r.id WHERE m.new]],
  -- What was still running when it was merged the last time may be done now.
  [[UPDATE runs SET (state, finished) =
           (SELECT t.state, t.finished FROM merge_runs m JOIN other.runs t ON t.id = m.theirs
            WHERE m.ours = runs.id)
    WHERE state = 'running' AND id IN (SELECT ours FROM merge_runs WHERE NOT new)]],
  [[CREATE INDEX temp.merge_runs_ours ON merge_runs (ours)]],
  [[CREATE TEMP TABLE merge_results (theirs INTEGER PRIMARY KEY, new INTEGER, ours INTEGER,
                                   newer INTEGER);
    INSERT INTO merge_results
    WITH t AS (SELECT r.id, m.ours AS run, r.path, r.started, r.state,
                      row_number() OVER (PARTITION BY r.run, r.path, r.started ORDER BY r.id) AS nth
               FROM other.results r JOIN merge_runs m ON m.theirs = r.run),
         o AS (SELECT r.id, r.run, r.path, r.started, r.state,
                      row_number() OVER (PARTITION BY r.run, r.path, r.started ORDER BY r.id) AS nth
               FROM main.results r JOIN merge_runs m ON m.ours = r.run AND NOT m.new)
    SELECT t.id AS theirs, o.id IS NULL AS new,
           ifnull(o.id, (SELECT ifnull(max(id), 0) FROM main.results) +
                        row_number() OVER (PARTITION BY o.id IS NULL ORDER BY t.id)) AS ours,
           o.state IS 'running' AND t.state <> 'running' AS newer
    FROM t LEFT JOIN o ON o.run = t.run AND o.path = t.path AND o.started = t.started
                       AND o.nth = t.nth]],
  [[DELETE FROM results WHERE id IN (SELECT ours FROM merge_results WHERE newer)]],
  [[INSERT INTO results (id, run, model, image, label_set, path, state, reason, width, height,
                         timings, started, finished, map)
    SELECT x.ours, n.ours, m.ours, i.ours, s.ours, r.path, r.state, r.reason, r.width, r.height,
           r.timings, r.started, r.finished, r.map
    FROM merge_results x CROSS JOIN other.results r ON r.id = x.theirs
    JOIN merge_runs n ON n.theirs = r.run
    LEFT JOIN merge_models m ON m.theirs = r.model
    LEFT JOIN merge_images i ON i.theirs = r.image
    LEFT JOIN merge_label_sets s ON s.theirs = r.label_set
    WHERE x.new OR x.newer]],
  [[INSERT INTO segments (result, class_id, pixels, fraction, x, y, width, height, centroid_x,
                          centroid_y, regions, score)
    SELECT x.ours, g.class_id, g.pixels, g.fraction, g.x, g.y, g.width, g.height, g.centroid_x,
           g.centroid_y, g.regions, g.score
    FROM merge_results x CROSS JOIN other.segments g ON g.result = x.theirs
    WHERE x.new OR x.newer]],
}

local merge_version_2 = {
  [[INSERT INTO tags (image, tag, author, added)
    SELECT i.ours, t.tag, t.author, t.added
    FROM other.tags t JOIN merge_images i ON i.theirs = t.image WHERE true
    ON CONFLICT DO NOTHING]],
  [[INSERT INTO notes (image, note, author, added)
    SELECT i.ours, t.note, t.author, t.added
    FROM other.notes t JOIN merge_images i ON i.theirs = t.image
    WHERE NOT EXISTS (SELECT 1 FROM notes n WHERE n.image = i.ours AND n.note = t.note
                      AND n.added = t.added)]],
  [[INSERT INTO notes (result, note, author, added)
    SELECT x.ours, t.note, t.author, t.added
    FROM other.notes t JOIN merge_results x ON x.theirs = t.result
    WHERE NOT EXISTS (SELECT 1 FROM notes n WHERE n.result = x.ours AND n.note = t.note
                      AND n.added = t.added)]],
}

local merge_version_3 = {
  [[CREATE TEMP TABLE merge_evaluations (theirs INTEGER PRIMARY KEY, ours INTEGER);
    INSERT INTO merge_evaluations
    SELECT e.id AS theirs,
           (SELECT ifnull(max(id), 0) FROM main.evaluations) + row_number() OVER (ORDER BY e.id)
             AS ours
    FROM other.evaluations e JOIN merge_runs n ON n.theirs = e.run
    WHERE NOT EXISTS (SELECT 1 FROM main.evaluations o WHERE o.run = n.ours
                      AND o.digest = e.digest AND o.rule = e.rule AND o.added = e.added
                      AND o.ignored_id IS e.ignored_id AND o.band_ratio IS e.band_ratio
                      AND o.band_width IS e.band_width)]],
  [[INSERT INTO evaluations (id, run, model, label_set, images, truth, digest, rule, ignored_id,
                             band_ratio, band_width, pictures, failed, pixels, classes, mean_iou,
                             pixel_accuracy, mean_accuracy, frequency_iou, boundary_iou, added)
    SELECT x.ours, n.ours, m.ours, s.ours, e.images, e.truth, e.digest, e.rule, e.ignored_id,
           e.band_ratio, e.band_width, e.pictures, e.failed, e.pixels, e.classes, e.mean_iou,
           e.pixel_accuracy, e.mean_accuracy, e.frequency_iou, e.boundary_iou, e.added
    FROM merge_evaluations x CROSS JOIN other.evaluations e ON e.id = x.theirs
    JOIN merge_runs n ON n.theirs = e.run JOIN merge_models m ON m.theirs = e.model
    LEFT JOIN merge_label_sets s ON s.theirs = e.label_set]],
  [[INSERT INTO evaluation_classes (evaluation, class_id, truth, found, both, iou, band_truth,
                                    band_found, band_both, boundary_iou)
    SELECT x.ours, c.class_id, c.truth, c.found, c.both, c.iou, c.band_truth, c.band_found,
           c.band_both, c.boundary_iou
    FROM merge_evaluations x CROSS JOIN other.evaluation_classes c ON c.evaluation = x.theirs]],
  [[INSERT INTO evaluation_confusions (evaluation, truth, found, pixels)
    SELECT x.ours, c.truth, c.found, c.pixels
    FROM merge_evaluations x CROSS JOIN other.evaluation_confusions c ON c.evaluation = x.theirs]],
}

local merge_counts = [[
  SELECT (SELECT count(*) FROM merge_runs WHERE new) AS runs,
         (SELECT count(*) FROM merge_results WHERE new) AS results,
         (SELECT count(*) FROM merge_results WHERE newer) AS finished,
         (SELECT count(*) FROM merge_results) AS theirs]]

--- What a call gave, or an end to the transaction with its message and code.
local function need(value, message, code)
  if value == nil then
    error({ message = message, code = code }, 0)
  end
  return value
end

--- db:transaction for a function that uses need.
local function transaction(db, fn)
  local results = table.pack(pcall(db.transaction, db, fn))
  if results[1] then
    return table.unpack(results, 2, results.n)
  elseif type(results[2]) == "table" and results[2].message then
    return nil, results[2].message, results[2].code
  end
  error(results[2], 0)
end

local function merge_attached(db, version)
  local lists = { merge_steps, version >= 2 and merge_version_2 or {},
    version >= 3 and merge_version_3 or {} }
  return transaction(db, function()
    for _, steps in ipairs(lists) do
      for _, sql in ipairs(steps) do
        need(db:exec(sql))
      end
    end
    local counts = need(db:one(merge_counts))
    for _, name in ipairs { "label_sets", "models", "images", "runs", "results", "evaluations" } do
      need(db:exec("DROP TABLE IF EXISTS temp.merge_" .. name))
    end
    return counts
  end)
end

--- Takes everything of another catalog in that is not here yet. The other one stays as it is.
---@param db lab.Catalog     open for writing
---@param other lab.Catalog  open for reading: that it is a catalog has been seen
---@return table? counts     runs, results: new ones; finished: known ones that were running;
---                          theirs: results of the other
---@return string? message
---@return string? code
function care.merge(db, other)
  local path = other:path()
  local file = "SELECT file FROM pragma_database_list WHERE name = 'main'"
  if db:value(file) == other:value(file) then
    return nil, ("%s cannot be merged into itself"):format(path), "INVALID"
  end
  if path:find "^file:" then
    path = "./" .. path
  end
  local ok, message, code = db:exec("ATTACH ? AS other", path)
  if not ok then
    return nil, message, code
  end
  local counts
  counts, message, code = merge_attached(db, other:version())
  db:exec "DETACH other"
  return counts, message, code
end

-- ---- prune, vacuum ----

--- That no row of any table refers to a row of `name`, as SQL. Later versions add tables: they are
--- asked for, not listed here.
local function unused(db, name)
  local parts = {}
  for row in db:rows([[
      SELECT t.name AS from_table, f."from" AS from_column
      FROM sqlite_schema t, pragma_foreign_key_list(t.name) f
      WHERE t.type = 'table' AND f."table" = ? ORDER BY 1, 2]], name) do
    if not (name == "label_sets" and row.from_table == "labels") then
      parts[#parts + 1] = ('NOT EXISTS (SELECT 1 FROM "%s" u WHERE u."%s" = %s.id)'):format(
        row.from_table, row.from_column, name)
    end
  end
  return table.concat(parts, " AND ")
end

--- Forgets runs that ended before a time, failed results, and then what nothing refers to: models,
--- pictures without a tag or note, label sets.
---@param db lab.Catalog
---@param options { before: string?, failed: boolean?, dry_run: boolean? }  before: ISO 8601
---@return table? counts  runs, results, images, models, label_sets
---@return string? message
---@return string? code
function care.prune(db, options)
  local undone = "only counted"
  local counts = {}
  local ok, message, code = transaction(db, function()
    local before = need(db:value "SELECT count(*) FROM results")
    if options.before then
      counts.runs = need(db:exec("DELETE FROM runs WHERE finished < ?", options.before))
    end
    if options.failed then
      -- The first condition is that of the index.
      need(db:exec "DELETE FROM results WHERE state <> 'done' AND state = 'failed'")
    end
    counts.results = before - need(db:value "SELECT count(*) FROM results")
    for _, name in ipairs { "images", "models", "label_sets" } do
      counts[name] = need(db:exec(("DELETE FROM %s WHERE %s"):format(name, unused(db, name))))
    end
    if options.dry_run then
      return nil, undone
    end
    return counts
  end)
  if not ok and message ~= undone then
    return nil, message, code
  end
  return counts
end

--- Gives unused pages back to the disk and makes the search tables compact.
---@param db lab.Catalog
---@return integer? before       bytes of the file
---@return integer|string after  or why it failed
---@return string? code
function care.vacuum(db)
  local size = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
  local before = db:value(size)
  for _, sql in ipairs {
    "INSERT INTO path_search (path_search) VALUES ('optimize')",
    "INSERT INTO note_search (note_search) VALUES ('optimize')",
    "INSERT INTO label_search (label_search) VALUES ('optimize')",
    "ANALYZE",
    "VACUUM",
    "PRAGMA wal_checkpoint(TRUNCATE)",
  } do
    local ok, message, code = db:exec(sql)
    if not ok then
      return nil, message, code
    end
  end
  return before, db:value(size)
end

--- "30" (days) or "2025-01-31" or a whole ISO 8601 time, as the catalog writes times.
---@param text string
---@return string? time
---@return string? message
function care.time(text)
  local days = tonumber(text)
  if days and days >= 0 and days < 1e5 then
    -- To the end of that second: 0 days takes in what has ended by now.
    return os.date("!%Y-%m-%dT%H:%M:%S.999Z", math.floor(os.time() - days * 86400))
  elseif text:find "^%d%d%d%d%-%d%d%-%d%d" then
    return text
  end
  return nil, ("'%s' is neither a number of days nor a date like 2025-01-31"):format(text)
end

return care
