-- While nodes of the release before still run, they ask a line's fields as the jsonb they were. To be dropped once none does.
CREATE FUNCTION log_fields_contain(fields json, wanted jsonb) RETURNS boolean
LANGUAGE sql STABLE
RETURN fields::jsonb @> wanted;

CREATE OPERATOR @> (LEFTARG = json, RIGHTARG = jsonb, FUNCTION = log_fields_contain);
