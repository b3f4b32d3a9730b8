-- Version 3: how good models were against ground truth. db/README.md tells every column in words.
--
-- Back to version 2: run the lines that start with "-- down:" (without that) in a copy. The
-- evaluations are lost then; nothing else refers to them.

CREATE TABLE evaluations (
    id             INTEGER PRIMARY KEY,
    run            INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    model          INTEGER NOT NULL REFERENCES models,
    label_set      INTEGER REFERENCES label_sets,
    images         TEXT NOT NULL,
    truth          TEXT NOT NULL,
    digest         TEXT NOT NULL CONSTRAINT "digest is 64 lower-case hex digits"
                   CHECK (length(digest) = 64 AND digest NOT GLOB '*[^0-9a-f]*'),
    rule           TEXT NOT NULL CHECK (rule IN ('standard', 'mlperf')),
    ignored_id     INTEGER CHECK (ignored_id BETWEEN 0 AND 65535),
    band_ratio     REAL CHECK (band_ratio BETWEEN 0 AND 1),
    band_width     INTEGER CHECK (band_width > 0),
    pictures       INTEGER NOT NULL CHECK (pictures > 0),
    failed         INTEGER NOT NULL CHECK (failed >= 0),
    pixels         INTEGER NOT NULL CHECK (pixels >= 0),
    classes        INTEGER NOT NULL CHECK (classes >= 0),
    mean_iou       REAL CHECK (mean_iou BETWEEN 0 AND 1),
    pixel_accuracy REAL CHECK (pixel_accuracy BETWEEN 0 AND 1),
    mean_accuracy  REAL CHECK (mean_accuracy BETWEEN 0 AND 1),
    frequency_iou  REAL CHECK (frequency_iou BETWEEN 0 AND 1),
    boundary_iou   REAL CHECK (boundary_iou BETWEEN 0 AND 1),
    added          TEXT NOT NULL,
    CONSTRAINT "the band is a part of the diagonal or a number of pixels"
    CHECK ((band_ratio IS NULL) <> (band_width IS NULL))
) STRICT;

CREATE INDEX evaluations_by_run ON evaluations (run);
CREATE INDEX evaluations_by_model ON evaluations (model);
CREATE INDEX evaluations_by_digest ON evaluations (digest, rule);

CREATE TABLE evaluation_classes (
    evaluation   INTEGER NOT NULL REFERENCES evaluations ON DELETE CASCADE,
    class_id     INTEGER NOT NULL CHECK (class_id BETWEEN 0 AND 65535),
    truth        INTEGER NOT NULL CHECK (truth >= 0),
    found        INTEGER NOT NULL CHECK (found >= 0),
    both         INTEGER NOT NULL CHECK (both BETWEEN 0 AND min(truth, found)),
    iou          REAL CHECK (iou BETWEEN 0 AND 1),
    band_truth   INTEGER NOT NULL CHECK (band_truth >= 0),
    band_found   INTEGER NOT NULL CHECK (band_found >= 0),
    band_both    INTEGER NOT NULL CHECK (band_both >= 0),
    boundary_iou REAL CHECK (boundary_iou BETWEEN 0 AND 1),
    PRIMARY KEY (evaluation, class_id)
) STRICT, WITHOUT ROWID;

-- The confusion matrix without its zeros.
CREATE TABLE evaluation_confusions (
    evaluation INTEGER NOT NULL REFERENCES evaluations ON DELETE CASCADE,
    truth      INTEGER NOT NULL CHECK (truth BETWEEN 0 AND 65535),
    found      INTEGER NOT NULL CHECK (found BETWEEN 0 AND 65535),
    pixels     INTEGER NOT NULL CHECK (pixels > 0),
    PRIMARY KEY (evaluation, truth, found)
) STRICT, WITHOUT ROWID;

CREATE VIEW v_evaluations AS
SELECT e.id AS evaluation, e.run, m.name AS model, s.name AS labels, e.pictures, e.failed,
       e.classes, e.mean_iou, e.boundary_iou, e.pixel_accuracy, e.mean_accuracy, e.frequency_iou,
       e.rule, e.ignored_id, e.band_ratio, e.band_width, e.pixels, e.images, e.truth, e.digest,
       m.sha256 AS model_sha256, r.version, r.kernels, e.added
FROM evaluations e
JOIN runs r ON r.id = e.run
JOIN models m ON m.id = e.model
LEFT JOIN label_sets s ON s.id = e.label_set;

CREATE VIEW v_evaluation_classes AS
SELECT c.evaluation, m.name AS model, c.class_id,
       coalesce(l.name, 'class ' || c.class_id) AS label, c.iou, c.boundary_iou,
       CASE WHEN c.truth > 0 THEN 1.0 * c.both / c.truth END AS recall,
       CASE WHEN c.found > 0 THEN 1.0 * c.both / c.found END AS precision,
       c.truth, c.found, c.both, c.band_truth, c.band_found, c.band_both
FROM evaluation_classes c
JOIN evaluations e ON e.id = c.evaluation
JOIN models m ON m.id = e.model
LEFT JOIN labels l ON l.label_set = e.label_set AND l.class_id = c.class_id;

CREATE VIEW v_evaluation_confusions AS
SELECT f.evaluation, m.name AS model, f.truth AS truth_id,
       coalesce(t.name, 'class ' || f.truth) AS truth, f.found AS found_id,
       coalesce(p.name, 'class ' || f.found) AS found, f.pixels
FROM evaluation_confusions f
JOIN evaluations e ON e.id = f.evaluation
JOIN models m ON m.id = e.model
LEFT JOIN labels t ON t.label_set = e.label_set AND t.class_id = f.truth
LEFT JOIN labels p ON p.label_set = e.label_set AND p.class_id = f.found;

-- down: DROP VIEW v_evaluation_confusions;
-- down: DROP VIEW v_evaluation_classes;
-- down: DROP VIEW v_evaluations;
-- down: DROP TABLE evaluation_confusions;
-- down: DROP TABLE evaluation_classes;
-- down: DROP TABLE evaluations;
-- down: PRAGMA user_version = 2;
