-- What a job needs and nobody may read: apart from the job, so that erasing it is deleting a row, and so that counting
-- does not copy it.
CREATE TABLE job_secrets (
    job_id uuid PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    -- Encrypted as sessions.token is: the action with its values. NULL: erased, since there was a password in it.
    payload bytea,
    payload_is_secret boolean NOT NULL,
    -- Encrypted too: the job's own token. NULL while the job is not running.
    permit bytea
);
