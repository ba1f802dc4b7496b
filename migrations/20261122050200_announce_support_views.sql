-- Every node keeps sessions in memory, so every node has to hear when one becomes read-only in a project, and when it
-- ends. A session that is over ends what was looked at with it.
CREATE FUNCTION announce_support_view() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('session_renewed', NEW.session_id::text);
    RETURN NULL;
END;
$$;

CREATE TRIGGER announce_support_view AFTER INSERT OR UPDATE ON support_views
    FOR EACH ROW EXECUTE FUNCTION announce_support_view();

CREATE FUNCTION end_support_views_of_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE support_views SET ended_at = LEAST(now(), until) WHERE session_id = OLD.id AND ended_at IS NULL;
    RETURN NULL;
END;
$$;

CREATE TRIGGER end_support_views_of_session AFTER DELETE ON sessions
    FOR EACH ROW EXECUTE FUNCTION end_support_views_of_session();
