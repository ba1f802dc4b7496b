-- A job's frozen list, and the result of each of it.
CREATE TABLE job_items (
    job_id uuid NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    -- The place in the list, from 0 on.
    number integer NOT NULL,
    -- What has its own rate: a region.
    place text NOT NULL,
    target uuid NOT NULL,
    -- As it was when the list was made.
    name text NOT NULL,
    result text NOT NULL CHECK (result IN ('waiting', 'running', 'done', 'failed', 'skipped', 'uncertain')),
    -- Why it failed or was skipped, in JSON.
    reason text,
    -- Something to know of what was done; never a secret.
    note text,
    -- Written before the call is made: who makes it, since when, and when it is surely over.
    node uuid,
    sent_at timestamptz,
    over_at timestamptz,
    -- How often it was sent.
    attempts integer NOT NULL DEFAULT 0,
    ended_at timestamptz,
    request_id text,
    upstream_request_id text,
    PRIMARY KEY (job_id, number)
)
WITH (fillfactor = 80);

-- Pages of those with one result, and the next ones to do.
CREATE INDEX job_items_by_result ON job_items (job_id, result, number);
-- What was done to one target, the history.
CREATE INDEX job_items_of_target ON job_items (target, sent_at) WHERE sent_at IS NOT NULL;
