-- The id that people read to support is that of one item of a job, ours or the cloud's: it leads to the job, and to the
-- request that set it going.
CREATE INDEX job_items_by_request ON job_items (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX job_items_by_upstream_request ON job_items (upstream_request_id) WHERE upstream_request_id IS NOT NULL;
