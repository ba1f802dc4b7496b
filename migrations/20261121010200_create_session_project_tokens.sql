-- A token scoped to a project costs a call to Keystone; kept here, the next node does not have to ask again.
CREATE TABLE session_project_tokens (
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    project_id text NOT NULL,
    -- Encrypted as sessions.token is: the token, its roles and its catalog, compressed.
    scope bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (session_id, project_id)
);
