-- Version 2: finding things again. An R*Tree over the boxes of segments, full-text search over
-- paths, labels and notes, and tags and notes that people give to pictures. Needs an SQLite with
-- FTS5 and R*Tree, which those of all large distributions have.
--
-- Back to version 1: run the lines that start with "-- down:" (without that) in a copy. Tags and
-- notes are lost then; everything else is derived from the tables of version 1.

-- ---- where segments lie ----

-- One box for each row of segments, in pixels of the label map; x1 and y1 are the last ones inside.
-- The id is result * 65536 + class_id.
CREATE VIRTUAL TABLE segment_boxes USING rtree_i32(id, x0, x1, y0, y1, +result, +class_id);

INSERT INTO segment_boxes
SELECT result * 65536 + class_id, x, x + width - 1, y, y + height - 1, result, class_id
FROM segments;

CREATE TRIGGER segments_box_added AFTER INSERT ON segments BEGIN
    INSERT INTO segment_boxes
    VALUES (new.result * 65536 + new.class_id, new.x, new.x + new.width - 1,
            new.y, new.y + new.height - 1, new.result, new.class_id);
END;

CREATE TRIGGER segments_box_removed AFTER DELETE ON segments BEGIN
    DELETE FROM segment_boxes WHERE id = old.result * 65536 + old.class_id;
END;

CREATE TRIGGER segments_box_changed
AFTER UPDATE OF result, class_id, x, y, width, height ON segments BEGIN
    DELETE FROM segment_boxes WHERE id = old.result * 65536 + old.class_id;
    INSERT INTO segment_boxes
    VALUES (new.result * 65536 + new.class_id, new.x, new.x + new.width - 1,
            new.y, new.y + new.height - 1, new.result, new.class_id);
END;

-- ---- what people say about pictures ----

CREATE TABLE tags (
    image  INTEGER NOT NULL REFERENCES images ON DELETE CASCADE,
    tag    TEXT NOT NULL CONSTRAINT "a tag is a text without space around it"
           CHECK (tag <> '' AND tag = trim(tag)),
    author TEXT,
    added  TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    PRIMARY KEY (image, tag)
) STRICT, WITHOUT ROWID;

CREATE INDEX tags_by_tag ON tags (tag);

CREATE TABLE notes (
    id     INTEGER PRIMARY KEY,
    image  INTEGER REFERENCES images ON DELETE CASCADE,
    result INTEGER REFERENCES results ON DELETE CASCADE,
    note   TEXT NOT NULL CONSTRAINT "a note is not empty" CHECK (trim(note) <> ''),
    author TEXT,
    added  TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    CONSTRAINT "a note is on a picture or on a result"
    CHECK ((image IS NULL) <> (result IS NULL))
) STRICT;

CREATE INDEX notes_by_image ON notes (image);
CREATE INDEX notes_by_result ON notes (result);

-- ---- words ----

-- External content: the words are kept here, the texts only in their own table. Paths fall into
-- words at every sign that is no letter and no digit; accents and case do not matter.
CREATE VIRTUAL TABLE path_search
USING fts5(path, content='results', content_rowid='id', columnsize=0);
INSERT INTO path_search (path_search) VALUES ('rebuild');

CREATE TRIGGER results_path_added AFTER INSERT ON results BEGIN
    INSERT INTO path_search (rowid, path) VALUES (new.id, new.path);
END;

CREATE TRIGGER results_path_removed AFTER DELETE ON results BEGIN
    INSERT INTO path_search (path_search, rowid, path) VALUES ('delete', old.id, old.path);
END;

CREATE TRIGGER results_path_changed AFTER UPDATE OF id, path ON results BEGIN
    INSERT INTO path_search (path_search, rowid, path) VALUES ('delete', old.id, old.path);
    INSERT INTO path_search (rowid, path) VALUES (new.id, new.path);
END;

CREATE VIRTUAL TABLE note_search
USING fts5(note, content='notes', content_rowid='id', columnsize=0);

CREATE TRIGGER notes_added AFTER INSERT ON notes BEGIN
    INSERT INTO note_search (rowid, note) VALUES (new.id, new.note);
END;

CREATE TRIGGER notes_removed AFTER DELETE ON notes BEGIN
    INSERT INTO note_search (note_search, rowid, note) VALUES ('delete', old.id, old.note);
END;

CREATE TRIGGER notes_changed AFTER UPDATE OF id, note ON notes BEGIN
    INSERT INTO note_search (note_search, rowid, note) VALUES ('delete', old.id, old.note);
    INSERT INTO note_search (rowid, note) VALUES (new.id, new.note);
END;

-- Labels have no row number of their own: the rowid is label_set * 65536 + class_id.
CREATE VIRTUAL TABLE label_search USING fts5(name, label_set UNINDEXED, class_id UNINDEXED);

INSERT INTO label_search (rowid, name, label_set, class_id)
SELECT label_set * 65536 + class_id, name, label_set, class_id FROM labels;

CREATE TRIGGER labels_added AFTER INSERT ON labels BEGIN
    INSERT INTO label_search (rowid, name, label_set, class_id)
    VALUES (new.label_set * 65536 + new.class_id, new.name, new.label_set, new.class_id);
END;

CREATE TRIGGER labels_removed AFTER DELETE ON labels BEGIN
    DELETE FROM label_search WHERE rowid = old.label_set * 65536 + old.class_id;
END;

CREATE TRIGGER labels_changed AFTER UPDATE OF label_set, class_id, name ON labels BEGIN
    DELETE FROM label_search WHERE rowid = old.label_set * 65536 + old.class_id;
    INSERT INTO label_search (rowid, name, label_set, class_id)
    VALUES (new.label_set * 65536 + new.class_id, new.name, new.label_set, new.class_id);
END;

-- ---- views ----

CREATE VIEW v_images AS
SELECT i.id AS image, i.path, i.width, i.height, i.bytes, i.format,
       (SELECT count(*) FROM results r WHERE r.image = i.id AND r.state = 'done') AS results,
       (SELECT group_concat(t.tag, ', ') FROM tags t WHERE t.image = i.id) AS tags,
       i.sha256, i.added
FROM images i;

CREATE VIEW v_tags AS
SELECT t.tag, i.path, t.image, t.author, t.added
FROM tags t JOIN images i ON i.id = t.image;

CREATE VIEW v_notes AS
SELECT n.id AS note_id, coalesce(i.path, r.path) AS path, n.image, n.result, n.note, n.author,
       n.added
FROM notes n
LEFT JOIN images i ON i.id = n.image
LEFT JOIN results r ON r.id = n.result;

-- The colours of a label set as map_png takes them.
CREATE VIEW v_palettes AS
SELECT s.id AS label_set, s.name AS labels,
       (SELECT group_concat(color, ' ')
        FROM (SELECT l.color FROM labels l WHERE l.label_set = s.id ORDER BY l.class_id)) AS colors
FROM label_sets s;

-- down: DROP VIEW v_palettes;
-- down: DROP VIEW v_notes;
-- down: DROP VIEW v_tags;
-- down: DROP VIEW v_images;
-- down: DROP TRIGGER labels_changed;
-- down: DROP TRIGGER labels_removed;
-- down: DROP TRIGGER labels_added;
-- down: DROP TABLE label_search;
-- down: DROP TABLE note_search;
-- down: DROP TRIGGER results_path_changed;
-- down: DROP TRIGGER results_path_removed;
-- down: DROP TRIGGER results_path_added;
-- down: DROP TABLE path_search;
-- down: DROP TABLE notes;
-- down: DROP TABLE tags;
-- down: DROP TRIGGER segments_box_changed;
-- down: DROP TRIGGER segments_box_removed;
-- down: DROP TRIGGER segments_box_added;
-- down: DROP TABLE segment_boxes;
-- down: PRAGMA user_version = 1;
