-- A catalog as version 1 made it: two pictures through one model, one through another, and one
-- failure. Written by `sqlite3 catalog.db .dump` of that version; never changed.
PRAGMA application_id = 0x6c75616c;
PRAGMA user_version = 1;
PRAGMA journal_mode = WAL;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE label_sets (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL,
    digest  TEXT NOT NULL UNIQUE,
    classes INTEGER NOT NULL CHECK (classes BETWEEN 1 AND 65536)
) STRICT;
INSERT INTO label_sets VALUES(1,'colors','0d14dc6833913a221796358c0904247c139f8d67ae66b06dc71e2cd80c6d9fcb',4);
INSERT INTO label_sets VALUES(2,'person','c03efde1a21e29b688af52eb297ee00af27bd9bece1dbdddd3ceff2efb44c290',2);
CREATE TABLE labels (
    label_set INTEGER NOT NULL REFERENCES label_sets ON DELETE CASCADE,
    class_id  INTEGER NOT NULL CHECK (class_id BETWEEN 0 AND 65535),
    name      TEXT NOT NULL,
    color     TEXT NOT NULL CONSTRAINT "color is #rrggbb"
              CHECK (color GLOB '#[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]'),
    PRIMARY KEY (label_set, class_id)
) STRICT, WITHOUT ROWID;
INSERT INTO labels VALUES(1,0,'background','#000000');
INSERT INTO labels VALUES(1,1,'red','#ff0000');
INSERT INTO labels VALUES(1,2,'green','#00ff00');
INSERT INTO labels VALUES(1,3,'blue','#0000ff');
INSERT INTO labels VALUES(2,0,'background','#000000');
INSERT INTO labels VALUES(2,1,'person','#c08080');
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
INSERT INTO models VALUES(1,'658b2ca855a23fd3581af457fce552eea2cdd0d44670251d8655c5eeedee6956','colors','/home/ada/models/colors.tflite','tflite','MIT',1,65,65,'2025-01-31T14:15:42.203Z');
INSERT INTO models VALUES(2,'1a8392fe695eaea91687f517263ed3b841277ae5468fc4867df4134912612fa4','glow','/home/ada/models/glow.tflite','tflite','MIT',2,32,32,'2025-01-31T14:15:42.276Z');
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
INSERT INTO images VALUES(1,'48ef7c3a6cfeccb9ac96c4f7a80acbcef895f9ba835759caa9c784aa8b7b511a','/home/ada/photos/it''s green.png',82,10,6,'png','2025-01-31T14:15:42.208Z');
INSERT INTO images VALUES(2,'6e9f6f161edcad13f586b6bd412eadbb3082e19ec80674760a3cd831c23746ea','/home/ada/photos/red.png',82,12,8,'png','2025-01-31T14:15:42.210Z');
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
INSERT INTO runs VALUES(1,'done','lualab segment .','{"sha256":"c2db0f66b545c6fa921b99012fb4c8c3864d8c8dc1f3a757e2e4e9f3443ae2e9","stages":[{"stage":"preprocess"},{"stage":"segment","model":{"name":"colors","sha256":"658b2ca855a23fd3581af457fce552eea2cdd0d44670251d8655c5eeedee6956"},"output":"photo"},{"stage":"legend"},{"stage":"record","command":"lualab segment ."}]}','0.1.0','best',2,'2025-01-31T14:15:42.204Z','2025-01-31T14:15:42.210Z');
INSERT INTO runs VALUES(2,'done','lualab segment -m glow photos/red.png','{"sha256":"57f303260e73d179a2a3bd783fc3e0c8622cfca6a32f753e25d0a656fea12012","stages":[{"stage":"preprocess"},{"stage":"segment","model":{"name":"glow","sha256":"1a8392fe695eaea91687f517263ed3b841277ae5468fc4867df4134912612fa4"},"output":"photo"},{"stage":"legend"},{"stage":"record","command":"lualab segment -m glow photos/red.png"}]}','0.1.0','best',2,'2025-01-31T14:15:42.287Z','2025-01-31T14:15:42.288Z');
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
INSERT INTO results VALUES(1,1,1,NULL,NULL,'/home/ada/photos/broken.png','failed','./broken.png: not a picture: begins with the text "no picture"',NULL,NULL,NULL,'2025-01-31T14:15:42.207Z','2025-01-31T14:15:42.207Z',NULL);
INSERT INTO results VALUES(2,1,1,1,1,'/home/ada/photos/it''s green.png','done',NULL,10,6,'{"decode":0.061,"preprocess":0.271,"segment":0.243,"legend":0.083}','2025-01-31T14:15:42.207Z','2025-01-31T14:15:42.209Z',X'4c4d01010a06e1020c8f');
INSERT INTO results VALUES(3,1,1,2,1,'/home/ada/photos/red.png','done',NULL,12,8,'{"decode":0.048,"preprocess":0.219,"segment":0.207,"legend":0.082}','2025-01-31T14:15:42.209Z','2025-01-31T14:15:42.210Z',X'4c4d01010c08e1010d95');
INSERT INTO results VALUES(4,2,2,2,2,'/home/ada/photos/red.png','done',NULL,12,8,'{"decode":0.067,"preprocess":0.071,"segment":0.062,"legend":0.023}','2025-01-31T14:15:42.287Z','2025-01-31T14:15:42.288Z',X'4c4d01010c088f');
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
INSERT INTO segments VALUES(2,0,30,0.5,5,0,5,6,7.0,2.5,1,NULL);
INSERT INTO segments VALUES(2,2,30,0.5,0,0,5,6,2.0,2.5,1,NULL);
INSERT INTO segments VALUES(3,0,48,0.5,6,0,6,8,8.5,3.5,1,NULL);
INSERT INTO segments VALUES(3,1,48,0.5,0,0,6,8,2.5,3.5,1,NULL);
INSERT INTO segments VALUES(4,0,96,1.0,0,0,12,8,5.5,3.5,1,NULL);
CREATE INDEX labels_by_name ON labels (name);
CREATE UNIQUE INDEX models_identity ON models (sha256, name, ifnull(label_set, 0));
CREATE INDEX models_by_name ON models (name);
CREATE INDEX models_by_label_set ON models (label_set);
CREATE INDEX results_by_run ON results (run);
CREATE INDEX results_by_path ON results (path, state);
CREATE INDEX results_by_model ON results (model);
CREATE INDEX results_by_image ON results (image);
CREATE INDEX results_by_label_set ON results (label_set);
CREATE INDEX results_not_done ON results (state) WHERE state <> 'done';
CREATE INDEX segments_by_class ON segments (class_id);
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
COMMIT;
