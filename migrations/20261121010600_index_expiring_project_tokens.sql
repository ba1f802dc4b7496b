-- Project tokens of sessions that live on are deleted when they have expired, a few at a time; this finds them.
CREATE INDEX session_project_tokens_expires_at ON session_project_tokens (expires_at);
