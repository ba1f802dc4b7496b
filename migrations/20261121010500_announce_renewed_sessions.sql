-- A session that goes on has a new cookie; nodes that know it by the old one have to hear that it is being replaced.
CREATE FUNCTION announce_renewed_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('session_renewed', NEW.id::text);
    RETURN NULL;
END;
$$;

CREATE TRIGGER announce_renewed_session AFTER UPDATE OF cookie_hash ON sessions
    FOR EACH ROW EXECUTE FUNCTION announce_renewed_session();
