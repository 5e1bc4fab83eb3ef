//! Log lines that strangers cause: few, and on lines of the server's own.

use crate::harness::{Server, ask, until};

const REQUESTS: usize = 1_000;

/// Ends the server, so that all is logged. Returns its log's lines of this cause.
async fn lines(mut server: Server, cause: &str) -> Vec<String> {
    server.terminate();
    server.ended().await;
    let log = server.log();
    log.lines().filter(|line| line.contains(cause)).map(str::to_owned).collect()
}

/// Returns the number of events that the lines stand for.
fn events(lines: &[String]) -> usize {
    let more =
        |line: &String| -> Option<usize> { line.rsplit_once(", and ")?.1.split(' ').next()?.parse().ok() };
    lines.iter().map(|line| more(line).unwrap_or(1)).sum()
}

#[tokio::test]
async fn a_flood_of_refused_requests_is_summed() {
    let server = Server::with(&["--log-window", "3600"]);
    for n in 0..REQUESTS {
        let origin = format!("http://evil-{n}.example");
        let answer = ask(server.addr, "POST", "/me", &[("origin", &origin)], "name=x").await;
        assert_eq!(answer.status, 403);
    }
    let turned_away = lines(server, "a request is turned away").await;
    assert_eq!(turned_away.len(), 2, "{turned_away:?}");
    assert!(turned_away[1].ends_with(", and 999 more"), "{turned_away:?}");
    assert_eq!(events(&turned_away), REQUESTS);
}

#[tokio::test]
async fn flood_under_changing_names_is_summed() {
    let server = Server::with(&["--log-window", "3600"]);
    for n in 0..100 {
        let origin = format!("http://{n}.{}.example", "evil".repeat(50));
        ask(server.addr, "POST", "/me", &[("origin", &origin)], "name=x").await;
    }
    let refused = lines(server, "a page is refused").await;
    assert_eq!((refused.len(), events(&refused)), (11, 100), "{refused:?}");
    for line in &refused {
        assert!(!line.contains(&"evil".repeat(25)), "it is cut: {line}");
    }
}

#[tokio::test]
async fn sum_is_logged_while_server_runs() {
    let server = Server::with(&["--log-window", "1"]);
    for _ in 0..20 {
        ask(server.addr, "POST", "/me", &[("origin", "http://evil.example")], "name=x").await;
    }
    until("a sum", async || server.told(" more") > 0).await;
}
