-- What is logged, on every node, so that it can be searched: who did what, where, and what came of it. Lines come by the
-- thousand and leave by the day, so each day (of UTC) is a partition of its own that is dropped whole.
CREATE SEQUENCE log_lines_id;

CREATE TABLE log_lines (
    -- The server's time, also where a browser told of something: its own clock stands in the fields.
    at timestamptz NOT NULL,
    id bigint NOT NULL DEFAULT nextval('log_lines_id'),
    -- 1 trace, 2 debug, 3 info, 4 warn, 5 error: "this or higher" is a comparison.
    level smallint NOT NULL CHECK (level BETWEEN 1 AND 5),
    facility text NOT NULL,
    description text NOT NULL,
    user_name text,
    user_id text,
    project text,
    -- The first digits of the session's id.
    session text,
    request_id text,
    -- Where the line was written; the region a call went to is the field upstream_region.
    node text NOT NULL,
    region text,
    zone text,
    environment text,
    release text NOT NULL,
    fields jsonb NOT NULL,
    -- Newest first, and where a page of lines ended.
    PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);

-- Warnings and errors are few, and are what is looked for first: indexes of their own find them without reading past the
-- many lines between them.
CREATE INDEX log_lines_severe ON log_lines (at, id) WHERE level >= 4;
CREATE INDEX log_lines_severe_by_user ON log_lines (user_name, at, id) WHERE level >= 4 AND user_name IS NOT NULL;
CREATE INDEX log_lines_severe_by_project ON log_lines (project, at, id) WHERE level >= 4 AND project IS NOT NULL;
CREATE INDEX log_lines_by_user ON log_lines (user_name, at, id) WHERE user_name IS NOT NULL;
CREATE INDEX log_lines_by_request ON log_lines (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX log_lines_by_facility ON log_lines (facility, at, id);
CREATE INDEX log_lines_by_node ON log_lines (node, at, id);
