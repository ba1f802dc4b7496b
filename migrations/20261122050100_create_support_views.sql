-- An operator looks at a customer's project, read-only, for some minutes and for a reason. The row is what makes it
-- read-only, on every node, and what is left to tell who looked at what and why.
CREATE TABLE support_views (
    id uuid PRIMARY KEY,
    -- The operator's; no reference, since the row outlives the session.
    session_id uuid NOT NULL,
    operator_id text NOT NULL,
    operator_name text NOT NULL,
    project_id text NOT NULL,
    project_name text NOT NULL,
    -- Whom it is for, where the operator said so.
    customer text,
    reason text NOT NULL CHECK (char_length(reason) BETWEEN 10 AND 500),
    started_at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    -- By the operator, or with the session; where it is missing, `until` is the end.
    ended_at timestamptz
);

-- A session has one at a time.
CREATE UNIQUE INDEX support_views_open ON support_views (session_id) WHERE ended_at IS NULL;
CREATE INDEX support_views_started_at ON support_views (started_at);
CREATE INDEX support_views_project ON support_views (project_id, started_at);
