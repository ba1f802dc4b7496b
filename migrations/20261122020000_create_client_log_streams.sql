-- Which messages of a browser's page are stored: what is sent again, to this node or another, is stored once.
CREATE TABLE client_log_streams (
    -- Made up by the page.
    id uuid PRIMARY KEY,
    -- Whose it is; nobody's until somebody is signed in.
    user_id text,
    started_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    -- The numbers of all messages that were stored.
    received int8multirange NOT NULL DEFAULT '{}'
) WITH (fillfactor = 70);

-- For forgetting those that are over.
CREATE INDEX client_log_streams_last_at ON client_log_streams (last_at);
