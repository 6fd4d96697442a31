"""The tables of a window's scratch sheet, and every question that it is asked."""

from __future__ import annotations

SCHEMA = """
CREATE TABLE objects (
    key TEXT PRIMARY KEY, size INTEGER, etag TEXT, camera TEXT, image_id TEXT, moment TEXT, landed TEXT, ending TEXT)
    WITHOUT ROWID;
CREATE INDEX objects_id ON objects (image_id);
CREATE TABLE known (
    key TEXT PRIMARY KEY, etag TEXT, sha256 TEXT, width INTEGER, height INTEGER, format TEXT, reason TEXT, note TEXT)
    WITHOUT ROWID;
CREATE TABLE records (
    number INTEGER PRIMARY KEY, source TEXT, size INTEGER, etag TEXT, image_id TEXT, key TEXT, camera TEXT, moment TEXT,
    version TEXT, answer BLOB, classes TEXT, failed INTEGER, note TEXT, latency TEXT, text TEXT);
CREATE TABLE refused (
    source TEXT, size INTEGER, etag TEXT, reason TEXT, note TEXT, image_id TEXT, moment TEXT, camera TEXT,
    landed TEXT, about TEXT);
CREATE TABLE standing (number INTEGER PRIMARY KEY, key TEXT, note TEXT);
CREATE INDEX standing_key ON standing (key);
CREATE TABLE contradicted (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE VIEW unnamed AS SELECT * FROM objects
    WHERE size > 0 AND ending <> '' AND NOT EXISTS (SELECT 1 FROM standing WHERE standing.key = objects.key);
CREATE VIEW answers AS SELECT s.key AS key, r.image_id AS image_id, r.camera AS camera
    FROM standing s JOIN records r USING (number);
CREATE TABLE doubtful (key TEXT PRIMARY KEY, other TEXT) WITHOUT ROWID;
CREATE TABLE sessions (number INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE units (key TEXT, number INTEGER, camera TEXT, class TEXT, hour TEXT, place BLOB);
CREATE TABLE strata (name TEXT PRIMARY KEY, size INTEGER, taken INTEGER) WITHOUT ROWID;
CREATE TABLE drawn (key TEXT, number INTEGER, chance REAL);
CREATE TABLE first_with (sha256 TEXT PRIMARY KEY, key TEXT) WITHOUT ROWID;
"""

ADD_OBJECT = "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
ADD_KNOWN = "INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
ADD_RECORD = "INSERT INTO records VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
ADD_REFUSED = "INSERT INTO refused VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
REFUSE = (
    "INSERT INTO refused SELECT source, size, etag, ?, ?, NULL, NULL, NULL, NULL, NULL FROM records WHERE number = ?"
)
REFUSE_NAMED = (
    "INSERT INTO refused SELECT source, size, etag, ?, ?, image_id, moment, camera, NULL, NULL "
    "FROM records WHERE number = ?"
)
"""Of a sound record that names what is not there, the catalog keeps who it was about."""

CONTRADICT = "INSERT OR IGNORE INTO contradicted SELECT key FROM records WHERE number = ? AND key <> ''"
"""Which objects have records that nobody can choose between: they are not without a record."""

BRIEFS = "SELECT image_id, number, key, version, answer, note, failed FROM records ORDER BY image_id, number"
SHARED = """SELECT number FROM standing WHERE key IN (
    SELECT key FROM standing WHERE key <> '' GROUP BY key HAVING count(*) > 1) ORDER BY number"""
GONE = "SELECT number FROM standing WHERE key <> '' AND key NOT IN (SELECT key FROM objects) ORDER BY number"
TAKEN = """
INSERT OR IGNORE INTO doubtful
SELECT o.key, coalesce(nullif(a.key, ''), 'an image of ' || a.camera)
FROM answers a CROSS JOIN unnamed o ON o.image_id = a.image_id
WHERE a.key <> '' OR (a.camera <> o.camera AND a.camera IN (SELECT camera FROM objects))
"""
"""Objects that no record names, and whose own name is the id that a record gave to another image.

A record without a key may be about an object that is called like its id, unless it comes from another camera.
"""
NAMESAKES = """
INSERT OR IGNORE INTO doubtful
SELECT o.key, CASE o.key WHEN n.first THEN n.last ELSE n.first END
FROM (SELECT image_id, ending, min(key) AS first, max(key) AS last FROM unnamed GROUP BY 1, 2 HAVING count(*) > 1) n
CROSS JOIN unnamed o ON o.image_id = n.image_id AND o.ending = n.ending
LEFT JOIN (SELECT image_id, camera FROM answers WHERE key = '') a ON a.image_id = o.image_id AND a.camera = o.camera
WHERE a.image_id IS NULL OR 1 < (
    SELECT count(*) FROM unnamed u WHERE u.image_id = o.image_id AND u.ending = o.ending AND u.camera = o.camera)
"""
"""Objects that no record names, of one name; the only one of its camera stays where a record of that camera has it."""

SHOTS = "SELECT number, camera, moment FROM standing JOIN records USING (number) ORDER BY camera, moment, number"

UNITS = """
INSERT INTO units
SELECT o.key, NULL, coalesce(r.camera, o.camera), class_of(r.classes, r.failed),
    substr(coalesce(r.moment, o.moment), 1, 13), draw(o.key)
FROM objects o LEFT JOIN standing s ON s.key = o.key LEFT JOIN records r ON r.number = s.number
UNION ALL
SELECT NULL, r.number, r.camera, class_of(r.classes, r.failed), substr(r.moment, 1, 13), draw(r.image_id)
FROM standing s JOIN records r ON r.number = s.number WHERE s.key = ''
"""
"""Everything that may be drawn: objects (`key`) and records whose image was not kept (`number`)."""

TOTAL = "SELECT count(*) FROM units WHERE (key IS NOT NULL) = ?"
STRATA = "SELECT stratum(camera, class, hour), count(*) FROM units WHERE (key IS NOT NULL) = ? GROUP BY 1 ORDER BY 1"
DRAW = """
INSERT INTO drawn
SELECT key, number, CAST(taken AS REAL) / size FROM (
    SELECT key, number, name, row_number() OVER (PARTITION BY name ORDER BY place, key, number) AS rank FROM (
        SELECT key, number, place, stratum(camera, class, hour) AS name FROM units WHERE (key IS NOT NULL) = ?))
JOIN strata USING (name) WHERE rank <= taken
"""

OBJECTS = """
SELECT o.key, o.size, o.etag, o.camera, o.image_id, o.moment, o.landed, d.chance, r.text, r.latency, s.note, n.name,
    c.key IS NOT NULL, coalesce(u.other, ''), k.sha256, k.width, k.height, k.format, k.reason, k.note,
    w.moment, w.camera
FROM drawn d JOIN objects o ON o.key = d.key LEFT JOIN contradicted c ON c.key = o.key
LEFT JOIN doubtful u ON u.key = o.key
LEFT JOIN standing s ON s.key = o.key LEFT JOIN records r ON r.number = s.number
LEFT JOIN sessions n ON n.number = s.number LEFT JOIN known k ON k.key = o.key AND k.etag = o.etag
LEFT JOIN (SELECT about, max(moment) AS moment, camera FROM refused WHERE about <> '' GROUP BY about) w
    ON w.about = o.key
ORDER BY o.key
"""
"""With what a record claims of the image that was refused for that claim."""

REFUSED = """
SELECT source, size, etag, reason, note, image_id, moment, camera, landed,
    about IS NOT NULL AND about NOT IN (SELECT key FROM objects)
FROM refused ORDER BY rowid
"""
"""The last column: whether the row speaks of its claim alone, because no image of the window does."""
LONE = """
SELECT r.text, r.latency, d.chance, n.name
FROM drawn d JOIN records r ON r.number = d.number JOIN sessions n ON n.number = d.number ORDER BY r.image_id
"""
