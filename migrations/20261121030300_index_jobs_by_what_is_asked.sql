-- A user's jobs of a month, and everybody's, are more than the few that are asked for: those not over, those to be
-- deleted, those a dead node left behind. Each index holds little else.
CREATE INDEX jobs_not_over ON jobs (user_id) WHERE state IN ('planned', 'running', 'paused');
CREATE INDEX jobs_planned ON jobs (created_at) WHERE state = 'planned';
CREATE INDEX jobs_paused ON jobs (created_at) WHERE state = 'paused';
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE lease_node IS NOT NULL;
CREATE INDEX jobs_canceled_not_over ON jobs (id) WHERE state = 'canceled' AND finished_at IS NULL;
CREATE INDEX job_secrets_to_erase ON job_secrets (job_id)
    WHERE permit IS NOT NULL OR (payload_is_secret AND payload IS NOT NULL);
