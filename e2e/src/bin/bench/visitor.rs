//! Somebody who is signed in, without a browser.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use api_types::{
    routes::{self, CSRF_HEADER, PROJECT_HEADER},
    session::CurrentSession,
};
use simcloud::Cloud;

use crate::load::Asked;

/// A session, as its browser has it.
#[derive(Clone)]
pub struct Visitor {
    /// Where the panel is, without a slash at the end.
    panel: String,
    pub cookie: String,
    csrf_token: String,
}

impl Visitor {
    /// Signs in by the form, as a browser without scripts does.
    pub async fn sign_in(panel: &str, user: &str, password: &str) -> Result<Self> {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let cookie_of = |answer: &reqwest::Response| {
            let cookies =
                answer.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
            cookies.filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; ")
        };
        let form = client.get(format!("{panel}{}", routes::SIGN_IN)).send().await?;
        let cookie = cookie_of(&form);
        let page = form.text().await?;
        let token =
            page.split_once("name=\"form_token\" value=\"").and_then(|(_, rest)| rest.split_once('"'));
        let token = token.context("the form has no token")?.0.replace("&#38;", "&").replace("&#61;", "=");
        let encoded = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("form_token", token.as_str()), ("user", user), ("password", password)])
            .finish();
        let answer = client
            .post(format!("{panel}{}", routes::SIGN_IN))
            .header("cookie", &cookie)
            .header("origin", panel)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(encoded)
            .send()
            .await?;
        ensure!(answer.status().is_redirection(), "signing in was answered with {}", answer.status());
        let cookie =
            cookie_of(&answer).split("; ").find(|cookie| cookie.starts_with("meridian=")).map(str::to_owned);
        let cookie = cookie.context("there is no session")?;
        let session: CurrentSession = client
            .get(format!("{panel}{}", routes::SESSION))
            .header("cookie", &cookie)
            .send()
            .await?
            .json()
            .await?;
        Ok(Self { panel: panel.to_owned(), cookie, csrf_token: session.csrf_token })
    }

    /// Who is signed in: answered by the panel alone.
    pub fn session(&self) -> Result<Asked> {
        let address: SocketAddr = self.panel.trim_start_matches("http://").parse()?;
        Ok(Asked {
            address,
            prefix: String::new(),
            path: routes::SESSION.to_owned(),
            headers: vec![
                ("cookie".to_owned(), self.cookie.clone()),
                ("accept".to_owned(), "application/json".to_owned()),
                (
                    "user-agent".to_owned(),
                    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140".to_owned(),
                ),
            ],
        })
    }

    /// An image, by way of the panel.
    pub fn image(&self, cloud: &Cloud) -> Result<Asked> {
        let project = cloud.admin().project_id("three").to_string();
        let mut asked = self.session()?;
        asked.prefix = "/api/cloud/RegionOne/image".to_owned();
        asked.path = "/images/1".to_owned();
        asked.headers.push((CSRF_HEADER.to_owned(), self.csrf_token.clone()));
        asked.headers.push((PROJECT_HEADER.to_owned(), project));
        Ok(asked)
    }
}
