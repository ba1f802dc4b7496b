-- What people do to a server by requests that are passed on to the cloud as they are, creating it above all, is no job
-- and stands in no table. A server's history is to tell it beside what jobs did: by whom, and under which ids.
CREATE TABLE server_changes (
    -- The panel's own, which is another one for each request: what is written twice is there once.
    request_id text PRIMARY KEY,
    -- When it was asked for.
    at timestamptz NOT NULL,
    project_id text NOT NULL,
    region text NOT NULL,
    server_id uuid NOT NULL,
    -- The name of an action of the panel, or one like those of Nova's own history.
    action text NOT NULL,
    -- Something to know of what was asked for; never a secret.
    detail text,
    user_id text NOT NULL,
    user_name text NOT NULL,
    -- Of the cloud's answer.
    status smallint NOT NULL,
    upstream_request_id text
);

-- What was done to one server, the history.
CREATE INDEX server_changes_of_server ON server_changes (server_id, at);
-- What is too old is deleted.
CREATE INDEX server_changes_by_time ON server_changes (at);
