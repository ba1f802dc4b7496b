-- A server that is being built uses the token of whoever asked for it. Tokens of an ended session are therefore revoked
-- some minutes after it; here they wait, so that no restart forgets one.
CREATE TABLE given_up_tokens (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Encrypted as sessions.token is.
    token bytea NOT NULL,
    -- Moved on while a node is at it: should that node end, another takes it up.
    revoke_at timestamptz NOT NULL,
    -- Given up trying then.
    forget_at timestamptz NOT NULL
);

CREATE INDEX given_up_tokens_revoke_at ON given_up_tokens (revoke_at);
