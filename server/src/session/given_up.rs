//! Tokens whose session has ended: Keystone is told some minutes later, because a server that was asked for just before
//! is still being built with one.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use sqlx::{Result, query};

use super::{Keystone, Sessions};
use crate::secret::Secret;

/// Gives tokens up. Cheap to clone.
#[derive(Clone)]
pub struct GivenUpTokens(Arc<Inner>);

struct Inner {
    sessions: Sessions,
    keystone: Keystone,
    after: Duration,
}

/// Due tokens are looked for so often.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Tokens taken at once.
const BATCH: i64 = 50;
/// A token that somebody took is taken again so much later, unless it was revoked.
const LEASE: TimeDelta = TimeDelta::minutes(2);
/// A token lives for a day at most where Keystone is left as it comes; then there is nothing to revoke.
const KEEP: TimeDelta = TimeDelta::days(1);
const PURPOSE: &str = "given-up token";

impl GivenUpTokens {
    /// `after`: so long goes on what was asked for with a token.
    pub fn new(sessions: Sessions, keystone: Keystone, after: Duration) -> Self {
        Self(Arc::new(Inner { sessions, keystone, after }))
    }

    /// Takes tokens to be revoked, without anybody waiting for it. While Postgres does not answer they are revoked at
    /// once; one that cannot be revoked expires.
    pub fn add(&self, tokens: Vec<Secret>) {
        if tokens.is_empty() {
            return;
        }
        let given_up = self.clone();
        tokio::spawn(async move {
            if given_up.0.after > Duration::ZERO {
                match given_up.keep(&tokens).await {
                    Ok(()) => return,
                    Err(error) => tracing::debug!(%error, "tokens cannot be kept and are revoked at once"),
                }
            }
            for token in &tokens {
                given_up.revoke(token).await;
            }
        });
    }

    /// Revokes what is due. Returns how many tokens there were.
    ///
    /// Errors: Postgres does not answer.
    pub async fn revoke_due(&self) -> Result<usize> {
        let mut revoked = 0;
        loop {
            let due = self.take_due().await?;
            if due.is_empty() {
                return Ok(revoked);
            }
            for (id, sealed) in due {
                let token = self.0.sessions.sealer().open(PURPOSE, &sealed);
                let token = token.and_then(|token| String::from_utf8(token).ok()).map(Secret::new);
                // One sealed with a key that is gone cannot be revoked by anybody.
                if match &token {
                    Some(token) => self.revoke(token).await,
                    None => true,
                } {
                    self.forget(id).await?;
                    revoked += 1;
                }
            }
        }
    }

    /// Revokes what is due for ever. Ends with the task it runs in.
    pub async fn run(self) {
        loop {
            // Nodes started together spread out.
            tokio::time::sleep(LOOK_EVERY.mul_f64(0.5 + rand::random::<f64>())).await;
            if let Err(error) = self.revoke_due().await {
                tracing::debug!(%error, "tokens of ended sessions are revoked later");
            }
        }
    }

    /// Whether there is nothing left to revoke.
    async fn revoke(&self, token: &Secret) -> bool {
        match self.0.keystone.revoke(token).await {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(%error, "a token could not be revoked");
                false
            }
        }
    }

    /// Keeps tokens until they are due.
    pub async fn keep(&self, tokens: &[Secret]) -> Result<()> {
        let seal = |token: &Secret| self.0.sessions.sealer().seal(PURPOSE, token.expose().as_bytes());
        let sealed: Vec<Vec<u8>> = tokens.iter().filter_map(|token| seal(token).ok()).collect();
        let now = self.0.sessions.inner().clock.now();
        let insert = query!(
            "INSERT INTO given_up_tokens (token, revoke_at, forget_at)
            SELECT token, $2, $3
            FROM UNNEST($1::bytea[]) AS given_up (token)",
            &sealed,
            now + self.0.after,
            now + self.0.after + KEEP,
        );
        let store = self.0.sessions.store();
        store.bounded(insert.execute(store.pool())).await?;
        Ok(())
    }

    async fn take_due(&self) -> Result<Vec<(i64, Vec<u8>)>> {
        let now = self.0.sessions.inner().clock.now();
        let take = query!(
            "WITH forgotten AS (DELETE FROM given_up_tokens WHERE forget_at <= $1)
            UPDATE given_up_tokens
            SET revoke_at = $2
            WHERE id IN (
                SELECT id FROM given_up_tokens
                WHERE revoke_at <= $1 AND forget_at > $1
                LIMIT $3
                FOR UPDATE SKIP LOCKED
            )
            RETURNING id, token",
            now,
            now + LEASE,
            BATCH,
        )
        .map(|row| (row.id, row.token));
        let store = self.0.sessions.store();
        store.bounded(take.fetch_all(store.pool())).await
    }

    async fn forget(&self, id: i64) -> Result<()> {
        let store = self.0.sessions.store();
        let forget = query!("DELETE FROM given_up_tokens WHERE id = $1", id);
        store.bounded(forget.execute(store.pool())).await?;
        Ok(())
    }
}
