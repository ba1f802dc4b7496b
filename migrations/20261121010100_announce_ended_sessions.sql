-- Every node keeps sessions in memory, so every node has to hear when one ends, whoever deletes the row.
CREATE FUNCTION announce_ended_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('session_ended', OLD.id::text);
    RETURN NULL;
END;
$$;

CREATE TRIGGER announce_ended_session AFTER DELETE ON sessions
    FOR EACH ROW EXECUTE FUNCTION announce_ended_session();
