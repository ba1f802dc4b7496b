-- Who has which part of the program is changed while nodes run: a share of the users, and some by name. Every node
-- follows, so every node has to hear of it.
CREATE TABLE flags (
    -- As the program names it. Names that a node does not know are of another release.
    name text PRIMARY KEY,
    percent smallint NOT NULL CHECK (percent BETWEEN 0 AND 100),
    -- Names of users who have it, or do not, whatever the percentage.
    on_for text[] NOT NULL,
    off_for text[] NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    because text NOT NULL
);

CREATE FUNCTION announce_flags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY flags;
    RETURN NULL;
END;
$$;

CREATE TRIGGER announce_flags AFTER INSERT OR UPDATE OR DELETE ON flags
    FOR EACH STATEMENT EXECUTE FUNCTION announce_flags();
