-- Version 1: what was segmented, with which model, and what was found. db/README.md tells every
-- column in words. Times are ISO 8601 in UTC with milliseconds ("2025-01-31T09:30:00.125Z").

PRAGMA application_id = 0x6c75616c; -- "lual"

-- What class ids mean in one dataset. The digest is of names and colours, so that equal sets are
-- stored once and a changed one becomes another.
CREATE TABLE label_sets (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL,
    digest  TEXT NOT NULL UNIQUE,
    classes INTEGER NOT NULL CHECK (classes BETWEEN 1 AND 65536)
) STRICT;

CREATE TABLE labels (
    label_set INTEGER NOT NULL REFERENCES label_sets ON DELETE CASCADE,
    class_id  INTEGER NOT NULL CHECK (class_id BETWEEN 0 AND 65535),
    name      TEXT NOT NULL,
    color     TEXT NOT NULL CONSTRAINT "color is #rrggbb"
              CHECK (color GLOB '#[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]'),
    PRIMARY KEY (label_set, class_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX labels_by_name ON labels (name);

CREATE TABLE models (
    id           INTEGER PRIMARY KEY,
    sha256       TEXT NOT NULL CONSTRAINT "sha256 is 64 lower-case hex digits"
                 CHECK (length(sha256) = 64 AND sha256 NOT GLOB '*[^0-9a-f]*'),
    name         TEXT NOT NULL,
    path         TEXT,
    format       TEXT,
    licence      TEXT,
    label_set    INTEGER REFERENCES label_sets,
    input_width  INTEGER,
    input_height INTEGER,
    added        TEXT NOT NULL
) STRICT;

-- The same weights under another name or with other labels are another model.
CREATE UNIQUE INDEX models_identity ON models (sha256, name, ifnull(label_set, 0));
CREATE INDEX models_by_name ON models (name);
CREATE INDEX models_by_label_set ON models (label_set);

-- A picture is its bytes; the path is where it was last seen.
CREATE TABLE images (
    id     INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE CONSTRAINT "sha256 is 64 lower-case hex digits"
           CHECK (length(sha256) = 64 AND sha256 NOT GLOB '*[^0-9a-f]*'),
    path   TEXT NOT NULL,
    bytes  INTEGER NOT NULL CHECK (bytes >= 0),
    width  INTEGER NOT NULL CHECK (width > 0),
    height INTEGER NOT NULL CHECK (height > 0),
    format TEXT,
    added  TEXT NOT NULL
) STRICT;

CREATE TABLE runs (
    id       INTEGER PRIMARY KEY,
    state    TEXT NOT NULL DEFAULT 'running' CONSTRAINT "state of a run"
             CHECK (state IN ('running', 'done', 'failed', 'interrupted')),
    command  TEXT,
    pipeline TEXT,
    version  TEXT,
    kernels  TEXT,
    threads  INTEGER,
    started  TEXT NOT NULL,
    finished TEXT,
    CONSTRAINT "a run is finished when it is not running"
    CHECK ((state = 'running') = (finished IS NULL))
) STRICT;

-- One picture through one model. The row is written before the work ('running') and finished after
-- it, so a row that stays 'running' tells of a crash. The map comes last: rows are read without it.
CREATE TABLE results (
    id        INTEGER PRIMARY KEY,
    run       INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    model     INTEGER REFERENCES models,
    image     INTEGER REFERENCES images,
    label_set INTEGER REFERENCES label_sets,
    path      TEXT NOT NULL,
    state     TEXT NOT NULL DEFAULT 'running' CONSTRAINT "state of a result"
              CHECK (state IN ('running', 'done', 'failed')),
    reason    TEXT,
    width     INTEGER CHECK (width > 0),
    height    INTEGER CHECK (height > 0),
    timings   TEXT,
    started   TEXT NOT NULL,
    finished  TEXT,
    map       BLOB,
    CONSTRAINT "a result is finished when it is not running"
    CHECK ((state = 'running') = (finished IS NULL)),
    CONSTRAINT "a failed result has a reason, and only it"
    CHECK ((state = 'failed') = (reason IS NOT NULL)),
    CONSTRAINT "a done result has a picture and a size"
    CHECK (state <> 'done' OR (image IS NOT NULL AND width IS NOT NULL AND height IS NOT NULL))
) STRICT;

CREATE INDEX results_by_run ON results (run);
CREATE INDEX results_by_path ON results (path, state);
CREATE INDEX results_by_model ON results (model);
CREATE INDEX results_by_image ON results (image);
CREATE INDEX results_by_label_set ON results (label_set);
CREATE INDEX results_not_done ON results (state) WHERE state <> 'done';

-- What one class covers in one result. x, y, width, height is the smallest box around it.
CREATE TABLE segments (
    result     INTEGER NOT NULL REFERENCES results ON DELETE CASCADE,
    class_id   INTEGER NOT NULL CHECK (class_id BETWEEN 0 AND 65535),
    pixels     INTEGER NOT NULL CHECK (pixels > 0),
    fraction   REAL NOT NULL CHECK (fraction BETWEEN 0 AND 1),
    x          INTEGER NOT NULL CHECK (x >= 0),
    y          INTEGER NOT NULL CHECK (y >= 0),
    width      INTEGER NOT NULL CHECK (width > 0),
    height     INTEGER NOT NULL CHECK (height > 0),
    centroid_x REAL NOT NULL,
    centroid_y REAL NOT NULL,
    regions    INTEGER CHECK (regions > 0),
    score      REAL,
    PRIMARY KEY (result, class_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX segments_by_class ON segments (class_id);

-- ---- views: the tables with names joined in ----

CREATE VIEW v_models AS
SELECT m.id AS model_id, m.name AS model, s.name AS labels, s.classes, m.format, m.input_width,
       m.input_height, m.licence,
       (SELECT count(*) FROM results r WHERE r.model = m.id AND r.state = 'done') AS results,
       m.path, m.sha256, m.added
FROM models m LEFT JOIN label_sets s ON s.id = m.label_set;

CREATE VIEW v_runs AS
SELECT r.id AS run, r.state, r.command,
       (SELECT count(*) FROM results x WHERE x.run = r.id AND x.state = 'done') AS done,
       (SELECT count(*) FROM results x WHERE x.run = r.id AND x.state = 'failed') AS failed,
       (SELECT count(*) FROM results x WHERE x.run = r.id AND x.state = 'running') AS running,
       round((julianday(r.finished) - julianday(r.started)) * 86400, 3) AS seconds,
       r.version, r.kernels, r.threads, r.started, r.finished
FROM runs r;

CREATE VIEW v_results AS
SELECT r.id AS result, r.run, r.path, m.name AS model, s.name AS labels, r.state, r.reason,
       r.width, r.height,
       (SELECT count(*) FROM segments g WHERE g.result = r.id) AS segments,
       round((julianday(r.finished) - julianday(r.started)) * 86400, 3) AS seconds,
       r.timings, r.started, r.finished, i.sha256 AS image_sha256, length(r.map) AS map_bytes
FROM results r
LEFT JOIN models m ON m.id = r.model
LEFT JOIN images i ON i.id = r.image
LEFT JOIN label_sets s ON s.id = r.label_set;

CREATE VIEW v_segments AS
SELECT g.result, r.run, r.path, m.name AS model, g.class_id,
       coalesce(l.name, 'class ' || g.class_id) AS label, l.color, g.pixels, g.fraction,
       g.x, g.y, g.width, g.height, g.centroid_x, g.centroid_y, g.regions, g.score
FROM segments g
JOIN results r ON r.id = g.result
LEFT JOIN models m ON m.id = r.model
LEFT JOIN labels l ON l.label_set = r.label_set AND l.class_id = g.class_id;

CREATE VIEW v_failures AS
SELECT r.id AS result, r.run, r.path, m.name AS model, r.reason, n.command, r.started, r.finished
FROM results r
JOIN runs n ON n.id = r.run
LEFT JOIN models m ON m.id = r.model
WHERE r.state = 'failed';

CREATE VIEW v_label_areas AS
SELECT s.name AS labels, g.class_id, coalesce(l.name, 'class ' || g.class_id) AS label,
       count(*) AS results, sum(g.pixels) AS pixels, avg(g.fraction) AS mean_fraction,
       max(g.fraction) AS max_fraction
FROM segments g
JOIN results r ON r.id = g.result
LEFT JOIN label_sets s ON s.id = r.label_set
LEFT JOIN labels l ON l.label_set = r.label_set AND l.class_id = g.class_id
GROUP BY r.label_set, g.class_id;

CREATE VIEW v_maps AS
SELECT r.id AS result, r.path, m.name AS model, r.width, r.height, length(r.map) AS bytes, r.map
FROM results r
LEFT JOIN models m ON m.id = r.model
WHERE r.map IS NOT NULL;
