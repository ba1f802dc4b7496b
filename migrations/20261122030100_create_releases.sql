-- When each release was first seen running: the marks of deploys in statistics. One short row a release.
CREATE TABLE releases (
    release text PRIMARY KEY,
    first_seen_at timestamptz NOT NULL
);
