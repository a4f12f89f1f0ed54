"""The event store's schema, and what brings an older store up to it."""

from __future__ import annotations

FORMAT = 2  # rises when an older liteberry could misread or spoil a newer store

ADDED = """
CREATE INDEX visit_kept ON visit (clip) WHERE kept;
CREATE INDEX visit_clip ON visit (clip) WHERE clip IS NOT NULL;
CREATE TABLE feet (
  hour_s INTEGER NOT NULL,
  label TEXT NOT NULL,
  seconds BLOB NOT NULL,
  PRIMARY KEY (hour_s, label)
);
"""

# What is read of many visits at once comes before the picture: SQLite reads rows from the front.
SCHEMA = f"""
CREATE TABLE visit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  label TEXT NOT NULL,
  class_id INTEGER NOT NULL,
  began_s REAL NOT NULL,
  ended_s REAL NOT NULL,
  under_way INTEGER NOT NULL,
  score REAL NOT NULL,
  zones TEXT NOT NULL,
  source TEXT NOT NULL,
  kept INTEGER NOT NULL DEFAULT 0,
  clip TEXT,
  box TEXT,
  picture BLOB,
  picture_width INTEGER,
  picture_height INTEGER,
  findings TEXT
);
CREATE INDEX visit_began ON visit (began_s);
{ADDED}"""

# All that is asked of many visits at once: rows are far apart on the disk, each with its picture.
# No older liteberry minds it; a store of one has an index of ``ended_s`` alone.
INDEX = """
CREATE INDEX IF NOT EXISTS visit_span ON visit (ended_s, began_s, label, class_id, zones);
DROP INDEX IF EXISTS visit_ended;
"""

UPGRADE = f"""
ALTER TABLE visit ADD COLUMN clip TEXT;
ALTER TABLE visit ADD COLUMN box TEXT;
{ADDED}"""
