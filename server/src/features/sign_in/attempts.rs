//! Counts failed sign-ins in Postgres, by user and by address, for all nodes together.

use std::{net::IpAddr, time::Duration};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::{clock::Clock, config::LockoutConfig, error::ApiError};

/// The counters and their limits. Cheap to clone.
#[derive(Clone)]
pub struct Attempts {
    db: PgPool,
    limits: LockoutConfig,
    clock: Clock,
    /// Longest wait for a query.
    timeout: Duration,
}

/// A sign-in under way, counted as a failure until it turns out otherwise: guesses made side by side count as
/// guesses made one after another.
#[derive(Debug)]
pub struct Attempt {
    user: [u8; 32],
    address: [u8; 32],
}

/// Failed sign-ins of one name.
#[derive(Clone, Debug)]
pub struct Failures {
    pub count: u32,
    pub since: DateTime<Utc>,
    pub locked_for: Option<Duration>,
}

impl Attempts {
    pub fn new(db: PgPool, limits: LockoutConfig, clock: Clock, timeout: Duration) -> Self {
        Self { db, limits, clock, timeout }
    }

    /// Counts an attempt. It is given back unless it fails.
    ///
    /// Errors: 429 locked out, the same whether or not there is such a user; 503 Postgres does not answer.
    pub async fn begin(&self, user: &str, domain: &str, address: IpAddr) -> Result<Attempt, ApiError> {
        let attempt = Attempt { user: user_subject(user, domain), address: address_subject(address) };
        // The address first: one that is locked out leaves no rows for the names it makes up.
        self.count(&attempt.address, self.limits.address_failures).await?;
        if let Err(error) = self.count(&attempt.user, self.limits.user_failures).await {
            self.give_back_to(&[&attempt.address]).await?;
            return Err(error);
        }
        Ok(attempt)
    }

    /// The attempt was no guess: it succeeded halfway, or Keystone did not answer.
    pub async fn give_back(&self, attempt: &Attempt) -> Result<(), ApiError> {
        self.give_back_to(&[&attempt.user, &attempt.address]).await
    }

    /// The user is in: earlier slips are forgotten. The address keeps its own count, or one known password would
    /// clear the way to guess others.
    pub async fn succeed(&self, attempt: &Attempt) -> Result<(), ApiError> {
        self.give_back_to(&[&attempt.address]).await?;
        let forget = sqlx::query!("DELETE FROM sign_in_failures WHERE subject = $1", &attempt.user[..]);
        self.bounded(forget.execute(&self.db)).await?;
        Ok(())
    }

    /// What is counted of one name now: failures, since when, and until when it is locked out, if it is.
    pub async fn failures_of(&self, user: &str, domain: &str) -> Result<Option<Failures>, ApiError> {
        let now = self.clock.now();
        let subject = user_subject(user, domain);
        let find = sqlx::query!(
            "SELECT failures, window_started_at, locked_until
            FROM sign_in_failures
            WHERE subject = $1 AND (locked_until > $2 OR (failures > 0 AND window_started_at > $3))",
            &subject[..],
            now,
            now - self.limits.window,
        );
        let row = self.bounded(find.fetch_optional(&self.db)).await?;
        Ok(row.map(|row| Failures {
            count: u32::try_from(row.failures).unwrap_or_default(),
            since: row.window_started_at,
            locked_for: row.locked_until.and_then(|until| (until - now).to_std().ok()),
        }))
    }

    /// Forgets the failures of one name, for an operator who knows better. `false`: there were none.
    pub async fn forgive(&self, user: &str, domain: &str) -> Result<bool, ApiError> {
        let subject = user_subject(user, domain);
        let forget = sqlx::query!("DELETE FROM sign_in_failures WHERE subject = $1", &subject[..]);
        Ok(self.bounded(forget.execute(&self.db)).await?.rows_affected() > 0)
    }

    /// Deletes counts that no longer matter, batch by batch.
    pub async fn delete_old(&self) -> Result<(), ApiError> {
        const BATCH: i64 = 500;
        let before = self.clock.now() - (self.limits.window + self.limits.duration);
        loop {
            let delete = sqlx::query!(
                "DELETE FROM sign_in_failures
                WHERE subject IN (
                    SELECT subject FROM sign_in_failures
                    WHERE window_started_at <= $1
                    LIMIT $2
                    FOR UPDATE SKIP LOCKED
                )",
                before,
                BATCH,
            );
            if self.bounded(delete.execute(&self.db)).await?.rows_affected() < BATCH as u64 {
                return Ok(());
            }
        }
    }

    async fn count(&self, subject: &[u8; 32], limit: u32) -> Result<(), ApiError> {
        let now = self.clock.now();
        // One statement, so that attempts side by side see one another. A lockout that is over starts a new window,
        // and so does a window that is over; the attempt past the limit locks.
        let count = sqlx::query!(
            "INSERT INTO sign_in_failures AS f (subject, failures, window_started_at) VALUES ($1, 1, $2)
            ON CONFLICT (subject) DO UPDATE SET
                failures = CASE
                    WHEN f.locked_until > $2 THEN f.failures
                    WHEN f.locked_until <= $2 OR f.window_started_at <= $3 THEN 1
                    ELSE f.failures + 1
                END,
                window_started_at = CASE
                    WHEN f.locked_until > $2 THEN f.window_started_at
                    WHEN f.locked_until <= $2 OR f.window_started_at <= $3 THEN $2
                    ELSE f.window_started_at
                END,
                locked_until = CASE
                    WHEN f.locked_until > $2 THEN f.locked_until
                    WHEN f.locked_until <= $2 OR f.window_started_at <= $3 THEN NULL
                    WHEN f.failures >= $4 THEN $5
                END
            RETURNING locked_until",
            &subject[..],
            now,
            now - self.limits.window,
            i32::try_from(limit).unwrap_or(i32::MAX),
            now + self.limits.duration,
        );
        let locked_until = self.bounded(count.fetch_one(&self.db)).await?.locked_until;
        match locked_until.and_then(|until: DateTime<Utc>| (until - now).to_std().ok()) {
            Some(retry_after) => Err(ApiError::LockedOut { retry_after }),
            None => Ok(()),
        }
    }

    async fn give_back_to(&self, subjects: &[&[u8; 32]]) -> Result<(), ApiError> {
        let subjects: Vec<Vec<u8>> = subjects.iter().map(|subject| subject.to_vec()).collect();
        let give_back = sqlx::query!(
            "UPDATE sign_in_failures SET failures = failures - 1 WHERE subject = ANY($1) AND failures > 0",
            &subjects,
        );
        self.bounded(give_back.execute(&self.db)).await?;
        Ok(())
    }

    async fn bounded<T>(&self, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
        tokio::time::timeout(self.timeout, work).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }
}

/// Keystone's user and domain names are the same in upper and lower case.
fn user_subject(user: &str, domain: &str) -> [u8; 32] {
    let (user, domain) = (user.trim().to_lowercase(), domain.to_lowercase());
    // The length keeps the end of one from passing for the beginning of the other.
    Sha256::digest(format!("user {} {domain} {user}", domain.len())).into()
}

/// Everybody behind an IPv6 connection has a /64 to themselves, so that is what is counted.
fn address_subject(address: IpAddr) -> [u8; 32] {
    let counted = match address {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    };
    Sha256::digest(format!("address {counted}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_is_one_subject_however_it_is_typed() {
        assert_eq!(user_subject("Alice ", "Default"), user_subject("alice", "default"));
        assert_ne!(user_subject("alice", "default"), user_subject("alice", "partners"));
        assert_ne!(user_subject("a\0b", "c"), user_subject("b", "c\0a"));
    }

    #[test]
    fn an_ipv6_network_is_one_subject_and_an_ipv4_address_is_one() {
        let subject = |text: &str| address_subject(text.parse().expect("an address"));
        assert_eq!(subject("2001:db8:1:2::1"), subject("2001:db8:1:2:ffff::9"));
        assert_ne!(subject("2001:db8:1:2::1"), subject("2001:db8:1:3::1"));
        assert_ne!(subject("192.0.2.1"), subject("192.0.2.2"));
    }
}
