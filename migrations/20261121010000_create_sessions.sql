-- Sessions live here so that any node serves any session and a restart signs nobody out.
-- The cookie's secret itself is never stored, only its SHA-256; Keystone's token is stored encrypted.
CREATE TABLE sessions (
    -- Names the session to its owner and in logs; of no use to sign in with. Stays the same when the cookie changes.
    id uuid PRIMARY KEY,
    cookie_hash bytea NOT NULL UNIQUE CHECK (octet_length(cookie_hash) = 32),
    -- Requests that were under way when the cookie changed still carry the old one, for some seconds.
    previous_cookie_hash bytea UNIQUE CHECK (octet_length(previous_cookie_hash) = 32),
    previous_cookie_until timestamptz,
    user_id text NOT NULL,
    user_name text NOT NULL,
    domain_id text NOT NULL,
    domain_name text NOT NULL,
    -- XChaCha20-Poly1305: version, key id, nonce, ciphertext.
    token bytea NOT NULL,
    token_expires_at timestamptz NOT NULL,
    needs_totp boolean NOT NULL,
    default_project text,
    created_at timestamptz NOT NULL,
    -- Written at most once a minute and in no index, so that an update touches one heap page only.
    last_seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    address text NOT NULL,
    browser text NOT NULL
);

CREATE INDEX sessions_user_id ON sessions (user_id);
