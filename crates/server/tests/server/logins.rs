//! The login's cookie: under this server's own name, and taken over from where it stood before.

use madang_protocol::UserId;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use crate::harness::{Answer, Browser, Client, Server, ask};

/// Cookies of one host, whatever the port.
#[derive(Default)]
struct Jar(Vec<(String, String)>);

impl Jar {
    fn sent(&self) -> String {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    async fn visit(&mut self, server: &Server) -> Answer {
        let answer = ask(server, "GET", "/r/lobby", &[("Cookie", &self.sent())], "").await;
        for set in answer.all("set-cookie") {
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            self.0.retain(|(other, _)| other != name);
            if !set.contains("Max-Age=0") {
                self.0.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }
}

async fn person(server: &Server, cookies: &str) -> UserId {
    Client::join_as(server, "who is it", cookies).await.id()
}

/// Somebody whose login was made before cookies carried the server's id.
fn with_old_login(server: &mut Server, token: &str) {
    server.kill();
    let sql = Connection::open(server.data().join("madang.db")).unwrap();
    sql.execute("INSERT INTO users (id, name, made_at) VALUES ('olduser', 'Ann', 1)", []).unwrap();
    let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    sql.execute(
        "INSERT INTO logins (token_hash, user, made_at) SELECT ?1, key, 1 FROM users WHERE id = 'olduser'",
        params![hash],
    )
    .unwrap();
    drop(sql);
    server.start_again();
}

#[tokio::test]
async fn two_servers_on_one_host_share_no_login() {
    let (first, second) = (Server::start(), Server::start());
    let mut jar = Jar::default();
    jar.visit(&first).await;
    let on_first = person(&first, &jar.sent()).await;
    jar.visit(&second).await;
    let on_second = person(&second, &jar.sent()).await;
    for _ in 0..2 {
        jar.visit(&first).await;
        jar.visit(&second).await;
    }
    assert_eq!(jar.0.len(), 2, "{}", jar.sent());
    assert_eq!(person(&first, &jar.sent()).await, on_first);
    assert_eq!(person(&second, &jar.sent()).await, on_second);
}

#[tokio::test]
async fn an_old_cookie_is_taken_over_once() {
    let (mut server, neighbour) = (Server::start(), Server::start());
    let token = "5f".repeat(32);
    with_old_login(&mut server, &token);
    let mut jar = Jar(vec![("madang_login".into(), token.clone())]);
    jar.visit(&neighbour).await;
    assert!(jar.sent().contains("madang_login=5f"), "it is not the neighbour's to remove");
    jar.visit(&server).await;
    assert!(!jar.sent().contains("madang_login="), "{}", jar.sent());
    assert_eq!(person(&server, &jar.sent()).await.as_str(), "olduser");
    let answer = jar.visit(&server).await;
    assert_eq!(answer.all("set-cookie").len(), 1, "once: {answer:?}");
    assert_eq!(
        person(&server, &format!("madang_login={token}")).await.as_str(),
        "olduser",
        "by a socket too"
    );
}

#[tokio::test]
async fn by_https_the_cookie_is_this_hosts_alone() {
    let server = Server::with(&["--secure-cookies"]);
    let answer = Browser::new(&server).get("/r/lobby").await;
    let cookie = answer.login().unwrap();
    assert!(cookie.starts_with("__Host-madang_login_"), "{cookie}");
    assert!(cookie.contains("Secure") && cookie.contains("Path=/;"), "{cookie}");
    assert!(!cookie.contains("Domain"), "{cookie}");
    let by_http = Browser::new(&Server::start()).get("/r/lobby").await;
    assert!(by_http.login().unwrap().starts_with("madang_login_"), "{by_http:?}");
}

#[tokio::test]
async fn http_login_is_taken_over_by_https() {
    let mut server = Server::start();
    let mut jar = Jar::default();
    jar.visit(&server).await;
    let before = person(&server, &jar.sent()).await;
    server.start_again_with(&["--secure-cookies"]);
    jar.visit(&server).await;
    assert!(jar.0.iter().all(|(name, _)| name.starts_with("__Host-")), "{}", jar.sent());
    assert_eq!(person(&server, &jar.sent()).await, before);
}
