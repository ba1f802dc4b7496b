-- What a person asked for goes on when their tab is closed and when the node that works on it dies.
CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    user_id text NOT NULL,
    user_name text NOT NULL,
    -- The first digits of the session it was asked for in, for the log.
    session text NOT NULL,
    project_id text NOT NULL,
    project_name text NOT NULL,
    -- Made up by the browser: asking twice makes one job.
    idempotency_key uuid NOT NULL,
    action text NOT NULL,
    -- A value worth showing; never a secret.
    detail text,
    state text NOT NULL CHECK (state IN ('planned', 'running', 'paused', 'canceled', 'done')),
    held_because text,
    -- How many items there are, and how many with each result: counted here, so that a look costs one row.
    total integer NOT NULL,
    waiting integer NOT NULL CHECK (waiting >= 0),
    running integer NOT NULL DEFAULT 0 CHECK (running >= 0),
    done integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0 CHECK (failed >= 0),
    skipped integer NOT NULL DEFAULT 0,
    uncertain integer NOT NULL DEFAULT 0 CHECK (uncertain >= 0),
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    -- Rises with every change of the job or one of its items.
    version bigint NOT NULL DEFAULT 1,
    -- The node that works on it, and until when it does unless it says so again.
    lease_node uuid,
    lease_until timestamptz,
    UNIQUE (user_id, idempotency_key)
)
-- The counts change with every item: there is room for the new row beside the old one.
WITH (fillfactor = 50);

-- My jobs, the newest first.
CREATE INDEX jobs_of_user ON jobs (user_id, created_at DESC);
-- What is to be worked on; a job that was paused or canceled has to have its calls under way settled.
CREATE INDEX jobs_to_work_on ON jobs (created_at) WHERE state = 'running' OR running > 0;
