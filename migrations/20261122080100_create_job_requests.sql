-- Which requests set a job going: what the job then does belongs to them, and is found by their ids.
CREATE TABLE job_requests (
    job_id uuid NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    request_id text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (job_id, request_id)
);

CREATE INDEX job_requests_by_request ON job_requests (request_id);
