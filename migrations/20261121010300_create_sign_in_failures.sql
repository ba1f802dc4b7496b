-- Failed sign-ins are counted for all nodes together, by user and by address, to slow down guessing.
CREATE TABLE sign_in_failures (
    -- SHA-256 of "user", domain and name, or of "address" and the address: people type passwords into the wrong field.
    subject bytea PRIMARY KEY CHECK (octet_length(subject) = 32),
    failures integer NOT NULL,
    window_started_at timestamptz NOT NULL,
    locked_until timestamptz
);

CREATE INDEX sign_in_failures_window_started_at ON sign_in_failures (window_started_at);
