-- What a canceled job did not begin is over like the rest of it. Left waiting, whoever asked for the failed ones again
-- had it done as well.
ALTER TABLE jobs ADD COLUMN canceled integer NOT NULL DEFAULT 0;
-- Wider than before, so no row has to be read for it.
ALTER TABLE job_items DROP CONSTRAINT job_items_result_check;
ALTER TABLE job_items ADD CONSTRAINT job_items_result_check CHECK (
    result IN ('waiting', 'running', 'done', 'failed', 'skipped', 'uncertain', 'canceled')
) NOT VALID;
