-- What is logged can be changed while nodes run, for everybody or for one user, for a while. Every node follows, so every
-- node has to hear of it.
CREATE TABLE log_levels (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    -- Of nobody in particular: everybody.
    user_name text,
    -- A level, or for everybody levels by module as log.filter has them.
    filter text NOT NULL,
    until timestamptz NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    because text NOT NULL
);

-- One word for each user, and one for everybody.
CREATE UNIQUE INDEX log_levels_by_user ON log_levels (COALESCE(user_name, ''));

CREATE FUNCTION announce_log_levels() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY log_levels;
    RETURN NULL;
END;
$$;

CREATE TRIGGER announce_log_levels AFTER INSERT OR UPDATE OR DELETE ON log_levels
    FOR EACH STATEMENT EXECUTE FUNCTION announce_log_levels();
